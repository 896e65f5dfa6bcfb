"""Commands that are killed, interrupted or not read to the end, and builds that are made at the same time."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import needs
import pytest
from command_line import SINE

from edgeq.api import check, inspection
from edgeq.children import marked
from edgeq.codegen.folder import restore
from edgeq.codegen.written import LIST, entries
from edgeq.target import load_target

EDGEQ = [sys.executable, "-m", "edgeq"]
MODEL = ["build", SINE / "hello_sine.onnx", "--calibration", SINE / "calibration.npz", "--target", "host"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")


def _start(folder: Path, *more: str) -> subprocess.Popen[str]:
    """A build that heeds Ctrl-C, even where the tests do not, as in the background of a shell."""
    words = [*EDGEQ, *MODEL, "--output", folder, *more]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


def _whole(folder: Path, optimize: str | None = None) -> str:
    """Make sure that a build folder holds one build, all of it, that runs; returns what it was made for."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    listed = (folder / LIST).read_text().splitlines()
    assert sorted(path for path in entries(folder) if not path.startswith((".edgeq", "notes"))) == listed
    assert 'CACHE STRING "Optimization level of hello_sine"' in (folder / "CMakeLists.txt").read_text()
    assert optimize in (None, manifest["optimize"])
    assert check.verify(folder, samples=2)["mismatches"] == 0
    return str(manifest["optimize"])


def _nothing_is_left(number: int, folder: Path) -> None:
    """No compiler of that process runs any more, and what lies beside the folder is swept by the next command."""
    end = time.monotonic() + 20
    while marked(f"{number}-"):
        assert time.monotonic() < end, "a compiler is still running"
        time.sleep(0.05)


def _when(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(text):
            return
    pytest.fail(f"it never came to {text!r}")


@pytest.fixture(scope="module", autouse=True)
def _compiler() -> None:
    needs.compiler(load_target("host"), "gcc")


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "ended by SIGTERM\n"), (signal.SIGHUP, "ended by SIGHUP\n")],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
@pytest.mark.parametrize("when", ["reading", "compiling"])
def test_a_build_that_is_asked_to_end(number: signal.Signals, says: str, when: str, tmp_path: Path) -> None:
    with _start(tmp_path / "out") as build:
        _when(build, when)
        time.sleep(0.2 if when == "compiling" else 0)
        build.send_signal(number)
        out, err = build.communicate(timeout=60)
    assert (build.returncode, out) == (128 + number, "")
    assert err.splitlines(keepends=True)[-1] == says and "Traceback" not in err
    _nothing_is_left(build.pid, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_is_killed_leaves_no_compiler(tmp_path: Path) -> None:
    with _start(tmp_path / "out") as build:
        _when(build, "compiling")
        time.sleep(0.2)
        build.kill()
        build.wait()
    _nothing_is_left(build.pid, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_builds_killed_at_random_moments(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """What is there is whole at any moment: the old build, or the new one."""
    rng, folder = random.Random(9), tmp_path / "out"
    with _start(folder, "--optimize", "size") as first:
        begun = time.monotonic()
        first.communicate(timeout=120)
        lasts = time.monotonic() - begun
    (folder / "notes").write_text("precious")
    before, killed = _whole(folder, "size"), 0
    for _ in range(100 if request.config.getoption("--full") else 5):
        after = "speed" if before == "size" else "size"
        with _start(folder, "--optimize", after) as build:
            time.sleep(rng.uniform(0.1, 1.1) * lasts)
            build.kill()
            build.communicate()
            killed += build.returncode == -signal.SIGKILL
        _nothing_is_left(build.pid, folder)
        assert (folder / "manifest.json").is_file() and (folder / "notes").read_text() == "precious"
        before = _whole(folder)
        assert before in ("size", "speed")
    assert killed
    with _start(folder) as last:
        last.communicate(timeout=120)
    assert _whole(folder, "balanced") and list(tmp_path.iterdir()) == [folder]
    assert (folder / "notes").read_text() == "precious"


@pytest.mark.slow
def test_two_builds_at_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Both end well, and the folder holds one of them."""
    rng, folder = random.Random(9), tmp_path / "out"
    for turn in range(20 if request.config.getoption("--full") else 2):
        first = _start(folder, "--optimize", "size")
        time.sleep(rng.uniform(0, 1))
        second = _start(folder, "--optimize", "speed")
        for build in (first, second):
            _, err = build.communicate(timeout=240)
            assert build.returncode == 0, err
        assert _whole(folder) in ("size", "speed")
        assert list(tmp_path.iterdir()) == [folder]
        if turn:
            assert (folder / "notes").read_text() == "precious"
        (folder / "notes").write_text("precious")


def test_the_next_command_repairs(tmp_path: Path) -> None:
    """A folder that was moved away and not replaced is back for any command that reads it."""
    folder = tmp_path / "out"
    with _start(folder, "--no-compile") as build:
        build.communicate(timeout=60)
    stage = tmp_path / ".out.edgeq-12345678"
    stage.mkdir()
    (stage / "owner").write_bytes(b"A build of edgeq is made here, for out\n")
    folder.rename(stage / "old")
    assert inspection.inspect(folder)["name"] == "hello_sine"
    restore(folder)
    assert list(tmp_path.iterdir()) == [folder]


# The standard streams

WRITING: dict[str, Callable[[Path], list[str | Path]]] = {
    "a table": lambda path: ["ops"],
    "JSON": lambda path: ["ops", "--json"],
    "help": lambda path: ["--help"],
    "the version": lambda path: ["--version"],
    "a model": lambda path: ["inspect", SINE / "hello_sine.onnx"],
}


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_output_that_cannot_be_written(words: Callable[[Path], list[str | Path]], tmp_path: Path) -> None:
    command = " ".join(map(str, [*EDGEQ, *words(tmp_path)]))
    for where, why in ((">/dev/full", os.strerror(28)), (">&-", os.strerror(9))):
        done = subprocess.run(f"{command} {where}", shell=True, capture_output=True, text=True)
        assert done.returncode == 2
        message = f"error: the output cannot be written: {why}\n  check where the standard output goes\n"
        assert done.stderr == message


@pytest.mark.parametrize("words", [["ops", "--json"], ["inspect", SINE / "hello_sine.onnx"]], ids=["JSON", "a model"])
def test_output_that_nobody_reads(words: list[str | Path]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*EDGEQ, *words], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_closed_streams_do_not_end_up_in_files(tmp_path: Path) -> None:
    """The first file that is opened would have the number of the closed stream."""
    made: list[list[tuple[str, bytes]]] = []
    for closed in (">&- 2>&-", "<&- >&- 2>&-", "2>&-"):
        command = " ".join(map(str, [*EDGEQ, *MODEL, "--no-compile", "--output", tmp_path / "out", closed]))
        assert subprocess.run(command, shell=True, stdout=subprocess.DEVNULL).returncode == (
            2 if ">&- 2" in closed else 0
        )
        made.append([(path, (tmp_path / "out" / path).read_bytes()) for path in entries(tmp_path / "out")])
        assert json.loads((tmp_path / "out" / "manifest.json").read_text())["name"] == "hello_sine"

    assert made[0] == made[1] == made[2]
