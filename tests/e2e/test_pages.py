"""Commands of README, how-to and tutorials are run as they stand there, but for those that need what tests have not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from blocks import CHECKOUT, blocks, pages, run, spared
from command_line import SINE

PROGRAM = re.compile(r"^edgeq (run|verify|profile|report|inspect|flash) (\S+)")
OTHERWISE = {
    "boards.md": "test_boards.py, test_link.py",
    "cut-and-layout.md": "test_cut.py, test_layouts.py",
    "flashing.md": "test_flashers.py, test_simulated_boards.py, test_serial_boards.py",
    "passes.md": "test_dump.py",
    "performance.md": "test_runners.py",
    "porting.md": "test_target.py, test_own_targets.py",
    "projects.md": "test_projects.py, test_python_projects.py",
    "quantization.md": "test_benchmarks.py",
    "raspberry-pi.md": "test_pi_page.py",
    "reports.md": "the tests of reports",
    "search.md": "test_search.py",
    "streaming.md": "test_stream.py, test_state.py",
    "targets.md": "test_own_targets.py",
}
"""Pages whose commands need models, boards and machines of their own: what tests do the same."""
HERE = [page for page in pages() if page.name not in OTHERWISE and "examples" not in page.parts]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages speak of: the examples, and a model with its samples."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    for name in ("model", "sound", "wake"):
        shutil.copy(SINE / "hello_sine.onnx", tmp_path / f"{name}.onnx")
    shutil.copy(SINE / "calibration.npz", tmp_path / "samples.npz")
    shutil.copy(SINE / "test.npz", tmp_path)
    return tmp_path


def output(line: str) -> str:
    """Where a build goes."""
    if given := re.search(r"--output (\S+)", line):
        return given.group(1)
    places = re.findall(r"--(?:target|board) (\S+)", line) or ["cortex-m4"]
    name = line.split()[2].removesuffix(".onnx")
    return f"build/{'model' if name == '.' else name}-{places[0]}"


def commands(page: Path) -> list[str]:
    """The commands of a page that are run. Programs that no later command needs are not compiled: it costs seconds."""
    lines = [line for block in blocks(page) for line in block if line.startswith("edgeq") or not spared(line)]
    asked = {match.group(2) for line in lines if not spared(line) and (match := PROGRAM.match(line))}
    kept = []
    for line in lines:
        if spared(line):
            continue
        if line.startswith("edgeq build") and "--emit" not in line and output(line) not in asked:
            line += " --no-compile"
        kept.append(line)
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("page", HERE, ids=lambda page: page.stem)
def test_commands_of_a_page(page: Path, place: Path) -> None:
    for line in commands(page):
        run(line, place)
