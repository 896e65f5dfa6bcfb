"""Windows and macOS, as far as they can be had on Linux.

What they lack is taken away (tests/stand_in/system.py). Generated C is compiled and linked for them by zig, which
brings their C libraries, and run by Wine where that is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import needs
import pytest
from command_line import DIGITS, contents, succeeds

from edgeq.packages import install_command
from edgeq.target import load_target
from edgeq.toolchain import find_zig

ROOT = DIGITS.parent.parent
STAND_IN = ROOT / "tests" / "stand_in" / "system.py"
SYSTEMS = ("windows", "macos")
BUILD = ("build", DIGITS / "digits.onnx", "--calibration", DIGITS / "calibration.npz", "--target", "cortex-m4")
WINDOWS, MACOS = "x86_64-windows-gnu", "aarch64-macos"
WINE = Path("/usr/lib/wine/wine64")


def start(system: str, *words: str | Path) -> subprocess.Popen[str]:
    """Start edgeq on a system's stand-in, where text has the encoding of old consoles and a missing one is told."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252", "LC_ALL": "C"}
    options = ("-X", "utf8=0", "-X", "warn_default_encoding")
    command = [sys.executable, *options, STAND_IN, system, *words]
    return subprocess.Popen(
        [str(word) for word in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="cp1252",
    )


def end(process: subprocess.Popen[str]) -> str:
    """What it said, once it has ended well."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "EncodingWarning" not in err and "internal error" not in err
    return out


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_builds_as_on_linux(system: str, tmp_path: Path) -> None:
    """The same files, also where a build replaces one, what a killed one left is swept, and two are at it at once."""
    needs.programs("arm-none-eabi-gcc")
    pytest.importorskip("unicorn")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    left = tmp_path / ".theirs.edgeq-left"
    (left / "new").mkdir(parents=True)
    (left / "owner").write_bytes(b"A build of edgeq is made here, for theirs\n")
    succeeds(*BUILD, "--output", ours, "--no-compile")
    end(start(system, *BUILD, "--output", theirs))
    told = end(start(system, "verify", theirs, "--data", DIGITS / "test.npz", "--samples", "3"))
    assert told.startswith("bit-exact: 0 of 3 samples differ from the simulator")
    (theirs / "mine.txt").write_text("stays", "utf-8")
    for process in [start(system, *BUILD, "--output", theirs, "--no-compile") for _ in range(2)]:
        end(process)
    (theirs / "mine.txt").unlink()
    assert contents(theirs) == contents(ours)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ours", "theirs"]


def test_how_programs_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert install_command("openocd") == "apt-get install openocd"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert install_command("openocd") == "brew install open-ocd"
    assert install_command("qemu-user") == "qemu-user: for Linux only"
    monkeypatch.setattr(sys, "platform", "win32")
    assert install_command("gcc-arm-none-eabi") == "winget install Arm.GnuArmEmbeddedToolchain"
    assert install_command("bossa-cli") == "install bossa-cli, and have it on the PATH"
    assert load_target("host").suffix == ".exe"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_processor_that_nobody_describes(system: str, tmp_path: Path) -> None:
    """Portable kernels are what is left; it is said that they are."""
    words = (*BUILD[:4], "--no-compile", "--target", "host")
    process = start(system, *words, "--output", tmp_path / "built")
    end(process)
    manifest = json.loads((tmp_path / "built" / "manifest.json").read_text("utf-8"))
    assert [warning["hint"][:18] for warning in manifest["warnings"]] == ["give --isa avx2 or"]
    end(start(system, *words, "--isa", "avx2", "--output", tmp_path / "avx2"))
    assert list((tmp_path / "avx2" / "kernels" / "x86").iterdir())


def sources(folder: Path) -> list[Path]:
    """All C of a build folder."""
    return [path for part in ("src", "kernels", "platform") for path in sorted(folder.glob(f"{part}/**/*.c"))]


def compiled(folder: Path, name: str, triple: str, *words: str | Path) -> None:
    """Compile C of a build folder for another system."""
    flags = ("-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Iinclude", "-Iplatform")
    command = [find_zig(), "cc", "-target", triple, *flags, f"-Iplatform/models/{name}", *words]
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_c_is_linked_and_runs_there(tmp_path: Path) -> None:
    """With threads, whose functions differ most among systems."""
    needs.programs("zig", "gcc")
    built, keyword = tmp_path / "built", DIGITS.with_name("keyword")
    words = ("build", keyword / "keyword.tflite", "--calibration", keyword / "calibration.npz", "--target", "host")
    succeeds(*words, "--isa", "x86-64", "--threads", "2", "--output", built)
    compiled(built, "keyword", MACOS, "-o", tmp_path / "keyword", *sources(built))
    assert (tmp_path / "keyword").stat().st_size > 10_000
    if not WINE.is_file():  # linking makes zig compile its C library, which takes a minute
        for path in sources(built):
            compiled(built, "keyword", WINDOWS, "-c", "-o", tmp_path / "one.obj", path)
        pytest.skip(f"{needs.OPTIONAL}linked for {MACOS}, compiled for {WINDOWS}; to run that: apt-get install wine64")
    compiled(built, "keyword", WINDOWS, "-o", tmp_path / "keyword.exe", *sources(built))
    settings = f"WINEDEBUG=-all WINEPREFIX={tmp_path / 'wine'}"
    (built / "build" / "keyword").write_text(f'#!/bin/sh\n{settings} exec {WINE} {tmp_path / "keyword.exe"} "$@"\n')
    ended = succeeds("verify", built, "--data", keyword / "test.npz", "--samples", "20")
    assert "bit-exact: 0 of 20 samples differ" in ended.out
