"""The examples do what they promise."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import needs
import numpy as np
import pytest
from blocks import CHECKOUT, blocks, run, spared
from cmake_project import build_project, configure, cxx_compiler
from command_line import DIGITS, SINE, succeeds

README = {
    "anomaly": r"\Aalarm\nalarm\n\.{12}!{4}\.{4}!{4}\n\Z",
    "cpp": r"\A98 of 100 right, at least \d\d % sure\n\Z",
    "digits": r"bit-exact: 0 of 500 ",
    "gesture": r"still\n.*circle\n.*knock\n.*shake\n\Z",
    "hello_sine": r"largest error 0\.0\d+\n\Z",
    "keyword": r"^hello \(9\d %\)$",
    "pi_camera": r"\A( *\d+\.\d % leaf, in \d+\.\d ms\n){4}\Z",
    "segmentation": r"\n\.*#{5,}\.*\n(.*\n)+\d\d+ of 1024 pixels are leaf\n\Z",
    "sentences": r"\Awarmer, bedroom \(\d\.\d\d\)\nmusic, kitchen \(\d\.\d\d\)\n\? ",
    "trees": r"58 of 60 wines are told\n\Z",
    "two_tasks": r"images right: 98, gestures decided: [1-9]\d, changes: \d, stack left: \d+ and \d+\n",
    "wake_word": r"\Ahello at 4\.\d\d s\nhello at 5\.\d\d s\n\Z",
}
"""Examples whose commands are on a page of their own, and what the last of these must show."""


def test_digits(tmp_path: Path) -> None:
    """97 % or better in int8, under the sanitizers."""
    build = ("build", DIGITS, "--target", "host", "--sanitize", "--output", tmp_path / "out")
    succeeds(*build)
    found = succeeds("verify", tmp_path / "out", "--data", DIGITS / "test.npz", "--json").json
    assert (found["samples"], found["mismatches"]) == (500, 0)
    assert found["top1_int8"] >= 97.0 and abs(found["top1_int8"] - found["top1_float"]) <= 0.5


@pytest.fixture(scope="module")
def sine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hello_sine, built for this machine."""
    folder = tmp_path_factory.mktemp("sine") / "out"
    succeeds("build", SINE, "--target", "host", "--output", folder)
    return folder


def test_hello_sine(sine: Path, tmp_path: Path) -> None:
    found = succeeds("verify", sine, "--data", SINE / "test.npz", "--json").json
    assert (found["samples"], found["mismatches"]) == (500, 0)
    x = np.linspace(0, 2 * np.pi, 1000, dtype=np.float32)[:, None]
    np.savez(tmp_path / "x.npz", x=x)
    succeeds("run", sine, "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz")
    assert np.abs(np.load(tmp_path / "y.npz")["y"] - np.sin(x)).max() < 0.04


@pytest.mark.qemu
def test_hello_sine_on_its_target(tmp_path: Path) -> None:
    made = succeeds("build", SINE, "--output", tmp_path / "out", "--json").json
    assert made["target"] == "cortex-m0plus" and made["flash_bytes"] < 4096 and made["ram_bytes"] < 64
    found = succeeds("verify", tmp_path / "out", "--data", SINE / "test.npz", "--samples", "50", "--json").json
    assert found["mismatches"] == 0


def test_application(sine: Path, tmp_path: Path) -> None:
    """C and C++ around the generated library, by add_subdirectory; no warnings."""
    flags = [f"CMAKE_{language}_FLAGS=-Werror -Wpedantic -Wshadow" for language in ("C", "CXX")]
    build_project(SINE / "app", tmp_path / "app", f"MODEL={sine}", *flags, cxx_compiler())
    assert not (tmp_path / "app" / "hello_sine" / "hello_sine").exists(), "only the library is built"
    shown = subprocess.run([tmp_path / "app" / "app"], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(shown) == 34
    assert shown[8].split() == ["1.571", shown[8].split()[1], "*"] and float(shown[8].split()[1]) > 0.96
    assert float(shown[-1].removeprefix("largest error ")) < 0.04


def test_application_needs_a_build_folder(tmp_path: Path) -> None:
    done = configure(SINE / "app", tmp_path / "app", cxx_compiler())
    assert done.code != 0 and "-DMODEL" in done.errors


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    """A row for each place, also where an emulator is absent; the commands that it ends with are to be typed."""
    demo = [sys.executable, DIGITS / "demo.py", "--output", "demo", "--samples", "20"]
    done = subprocess.run(demo, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.split("Right of 20 images")[1]
    rows = {line.split("  ")[0]: line for line in shown.splitlines() if line.strip()}
    emulated = shutil.which("qemu-system-arm") or find_spec("unicorn")
    here = {
        "Cortex-M4": emulated,
        "Cortex-M0+": emulated,
        "Raspberry Pi 4": shutil.which("qemu-aarch64"),
        "this computer": True,
    }
    for name, runs in here.items():
        assert re.search(r" kB .* yes .* [mµ]s " if runs else r" kB .* not run", rows[name]), rows[name]
    assert "measured" in rows["this computer"]
    typed = re.findall(r"^  \S*edgeq (.*?)\s*# ", shown, re.MULTILINE)
    assert [words.split()[0] for words in typed] == ["profile", "inspect", "init"]
    succeeds(*typed[1].replace("demo/", f"{tmp_path}/demo/").split())


@pytest.mark.slow
@pytest.mark.parametrize("name", README)
def test_commands_of_an_example(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that its page tells to type, beside the checkout's examples; the last command shows what the page says."""
    page = CHECKOUT / "examples" / name / "README.md"
    if "qemu" in page.read_text("utf-8"):
        needs.programs("arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    shown = [run(line, tmp_path) for block in blocks(page) for line in block if not spared(line)]
    assert re.search(README[name], shown[-1]), shown[-1]
    assert name in ("cpp", "pi_camera", "two_tasks") or any("bit-exact: 0 of " in text for text in shown)
    pictures = re.findall(r"!\[.+\]\((.+)\)", page.read_text("utf-8"))
    assert pictures and all(0 < (page.parent / path).stat().st_size < 100_000 for path in pictures)


@pytest.mark.slow
def test_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its cells, one after the other, as Jupyter runs them."""
    notebook = json.loads((CHECKOUT / "examples" / "notebook" / "digits.ipynb").read_text("utf-8"))
    (tmp_path / "digits").symlink_to(DIGITS)
    (tmp_path / "notebook").mkdir()
    monkeypatch.chdir(tmp_path / "notebook")
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    shown = capsys.readouterr().out.splitlines()
    assert re.match(r"0 mismatches, 9\d\.\d % in float, 9\d\.\d % in int8", shown[-2])
    guesses, truth = re.findall(r"\[([\d ]+)\]", shown[-1])
    assert guesses == truth
    assert all(not cell.get("outputs") for cell in notebook["cells"])
