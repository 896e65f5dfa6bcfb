"""Targets and boards of the user's own, through the command line: one file, nothing of edgeq's edited."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import DIGITS, edgeq, fails, succeeds

from edgeq.target import load_target, load_target_file
from edgeq.toolchain import compilers
from edgeq.toolchain.compilers import find_zig

TEST = DIGITS / "test.npz"
BOARD = """
description = "Netduino Plus 2: STM32F405, emulated"
extends = "cortex-m4"
clock_hz = 168_000_000
counter = "instructions"
speed = { clock_mhz = 168, part = "STM32F405" }

[memory]
flash = { origin = 0x08000000, size = 0x80000 }
ram = { origin = 0x20000000, size = 0x10000 }

[runner.qemu-system]
program = "qemu-system-arm"
package = "qemu-system-arm"
machine = "netduinoplus2"
"""
LINUX = """
description = "64-bit Raspberry Pi"
family = "linux"
cpu = "cortex-a53"

[flags]
gcc = ["-mcpu=cortex-a53"]
zig = ["-target", "aarch64-linux-musl", "-mcpu=cortex_a53"]

[compilers]
gcc = "aarch64-linux-gnu-gcc"

[packages]
gcc = "gcc-aarch64-linux-gnu"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the user's files."""
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "netduino.toml").write_text(BOARD)
    (tmp_path / "pi.toml").write_text(LINUX)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.qemu
def test_board_in_a_file(place: Path) -> None:
    """Another chip with another map of memory. Once it is built neither the file nor the folder's place matter."""
    succeeds("build", DIGITS, "--board", "boards/netduino.toml")
    shutil.rmtree(place / "boards")
    (place / "build" / "digits-netduino").rename(place / "moved")
    manifest = json.loads((place / "moved" / "manifest.json").read_text())
    assert (manifest["target"], manifest["cpu"]) == ("netduino", "cortex-m4")
    assert "ORIGIN = 0x08000000, LENGTH = 0x80000" in (place / "moved" / "platform" / "link.ld").read_text()
    assert succeeds("verify", "moved", "--data", TEST, "--json").json["mismatches"] == 0
    profile = succeeds("profile", "moved", "--json").json
    assert (profile["unit"], profile["clock_mhz"], profile["cpi"]) == ("instructions", 168, 1.5)
    assert succeeds("run", "moved", "--input", TEST, "--output", "y.npz", "--json").json["samples"] > 0


def test_figures_are_the_boards_own(place: Path) -> None:
    if not compilers.available(load_target("cortex-m4")):
        pytest.skip("no compiler for cortex-m4")
    shown = succeeds("build", DIGITS, "--board", "boards/netduino.toml").out
    assert shown.startswith("digits for netduino in build/digits-netduino\n")
    assert "% of 524,288 B" in shown and "% of 65,536 B" in shown


@pytest.mark.parametrize("option", ["--target", "--board"])
def test_either_option_takes_a_file(option: str, place: Path) -> None:
    path = place / "boards" / "netduino.toml"
    target = load_target_file(path)
    succeeds("build", DIGITS, option, path, "--no-compile", "--output", "out")
    kept = (place / "out" / "target.toml").read_text()
    assert load_target_file(place / "out" / "target.toml") == target and target.name == "netduino"
    assert str(place) not in kept
    succeeds("build", DIGITS, "--target", "out/target.toml", "--no-compile", "--output", "again")
    assert (place / "again" / "target.toml").read_text() == kept
    assert json.loads((place / "again" / "manifest.json").read_text())["target"] == "netduino"


def test_file_named_in_a_project(place: Path) -> None:
    """Relative to edgeq.toml, whatever the working directory."""
    shutil.copy(DIGITS / "digits.onnx", place)
    shutil.copy(DIGITS / "calibration.npz", place)
    text = 'model = "digits.onnx"\ncalibration = "calibration.npz"\ncompile = false\n'
    (place / "edgeq.toml").write_text(f'{text}target = "boards/netduino.toml"\noutput = "out"\n')
    (place / "elsewhere").mkdir()
    assert succeeds("build", place, "--json").json["target"] == "netduino"
    host = f'{text}target = "host"\nsimulate = "boards/netduino.toml"\noutput = "host"\n'
    (place / "elsewhere" / "x.toml").write_text(host.replace('"boards', '"../boards').replace('= "d', '= "../d')
                                                .replace('= "c', '= "../c'))  # fmt: skip
    assert succeeds("build", "elsewhere/x.toml", "--json").json["simulate"] == "netduino"


def test_a_cross_target_is_never_built_by_this_machines_compiler(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("cc") or shutil.which("gcc")
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **more: None if "aarch64" in str(name) else which(name, **more))
    monkeypatch.setattr(compilers, "find_zig", lambda: None)
    says = ("no compiler for pi", "apt-get install gcc-aarch64-linux-gnu, or pip install edgeq[zig]")
    fails(6, "build", DIGITS, "--target", "pi.toml", says=says, folder=place)
    assert not (place / "build").exists()


def test_linux_target(place: Path) -> None:
    """Zig compiles it; nothing here runs it."""
    if find_zig() is None:
        pytest.skip("zig is not installed")
    succeeds("build", DIGITS, "--target", "pi.toml", "--toolchain", "zig", "--output", "out")
    assert (place / "out" / "build" / "digits").read_bytes()[18:20] == b"\xb7\x00", "an ELF file of machine AArch64"
    fails(6, "verify", "out", says=("there is no runner for pi",), folder=place)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOARD.replace("cortex-m4", "cortex-m5"), ("netduino.toml: refers to 'cortex-m5'", "did you mean cortex-m")),
        (BOARD.replace("clock_hz", "clock_khz"), ("netduino.toml: unknown key 'clock_khz'", "did you mean clock_hz")),
        (BOARD.replace("clock_hz", 'isa = ["dps"]\nclock_hz'), ("unknown feature 'dps'", "did you mean dsp")),
        (BOARD.replace("qemu-system]", "qemu]"), ("unknown runner 'qemu'", "qemu-system")),
        (BOARD.replace('machine = "netduinoplus2"', ""), ("runner.qemu-system: the key 'machine' is missing",)),
        (BOARD.replace("clock_hz", 'family = "cortex"\nclock_hz'), ("unknown family 'cortex'", "cortex-m")),
        (BOARD.replace("clock_hz", 'platform = ["cores/cortex"]\nclock_hz'), ("unknown part", "cores/cortex-m")),
        ("extends = \n", ("netduino.toml: cannot be read",)),
    ],
)
def test_wrong_file(text: str, says: tuple[str, ...], place: Path) -> None:
    (place / "boards" / "netduino.toml").write_text(text)
    arguments = ("build", DIGITS, "--board", "boards/netduino.toml", "--no-compile", "--output", "out")
    fails(2, *arguments, says=says, folder=place)


def test_no_such_file(place: Path) -> None:
    fails(2, "build", DIGITS, "--board", "boards/none.toml", says=("boards/none.toml: cannot be read",), folder=place)


def test_folder_whose_target_was_damaged(place: Path) -> None:
    succeeds("build", DIGITS, "--board", "boards/netduino.toml", "--no-compile", "--output", "out")
    file = place / "out" / "target.toml"
    file.write_text(file.read_text().replace('name = "netduino"', 'name = "other"'))
    fails(2, "verify", "out", says=("target.toml", "is for other, the manifest for netduino", "build it again"))
    file.unlink()
    fails(2, "verify", "out", says=("unknown target 'netduino'",))


def test_folder_of_an_earlier_version_has_its_targets_name_alone(place: Path) -> None:
    succeeds("build", DIGITS, "--target", "host", "--output", "out")
    (place / "out" / "target.toml").unlink()
    assert edgeq("verify", "out").code == 0
