"""Build folders of builds that were killed: nothing can clean up behind them but the next build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgeq.codegen.folder import replacing, write_folder
from edgeq.codegen.manifest import FILE
from edgeq.errors import UsageError

MANIFEST = b'{"edgeq_version": "0"}'
KILLED = """
import os, signal, sys
from pathlib import Path
from edgeq.codegen.folder import replacing, write_folder

def die(stage):
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
files = {"manifest.json": b'{"edgeq_version": "0"}', "which": b"unfinished"}
if sys.argv[2] == "writing":
    write_folder(folder, files, die)
with replacing(folder):
    write_folder(folder, files, die if sys.argv[2] == "writing again" else lambda stage: None)
    die(folder)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def _write(folder: Path, which: str) -> None:
    write_folder(folder, {FILE: MANIFEST, "which": which.encode()}, lambda stage: None)


def _which(folder: Path) -> str:
    return (folder / "which").read_text()


def _killed(folder: Path, when: str) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, folder, when]).returncode == -9


@pytest.mark.parametrize("when", ["writing", "writing again", "compiling"])
def test_next_build_cleans_up(when: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _write(folder, "first")
    _killed(folder, when)
    assert len(list(tmp_path.iterdir())) > 1 or _which(folder) != "first"
    with replacing(folder):
        _write(folder, "second")
    assert _which(folder) == "second" and list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("when", ["writing", "writing again", "compiling"])
def test_next_build_fails(when: str, tmp_path: Path) -> None:
    """What was there before the one that was killed is there again."""
    folder = tmp_path / "out"
    _write(folder, "first")
    _killed(folder, when)
    with pytest.raises(ZeroDivisionError), replacing(folder):
        _write(folder, "second")
        raise ZeroDivisionError
    assert _which(folder) == "first" and list(tmp_path.iterdir()) == [folder]


def test_killed_between_two_moves(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _write(folder, "first")
    stage = tmp_path / ".out.edgeq-12345678"
    stage.mkdir()
    folder.rename(stage / "old")
    with pytest.raises(ZeroDivisionError):
        write_folder(folder, {FILE: MANIFEST}, lambda stage: 1 // 0)
    assert _which(folder) == "first" and list(tmp_path.iterdir()) == [folder]


def test_folders_of_others_stay(tmp_path: Path) -> None:
    names = [".out.settings", ".out.1.edgeq-12345678", ".out2.edgeq-12345678", ".out2.before", "edgeq-12345678"]
    for name in names:
        (tmp_path / name).mkdir()
    with replacing(tmp_path / "out"):
        _write(tmp_path / "out", "first")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "out"])
    (tmp_path / ".out.before").mkdir()
    (tmp_path / ".out.before" / "letters").write_text("precious")
    with pytest.raises(UsageError, match="was not written by edgeq"), replacing(tmp_path / "out"):
        pass
    assert (tmp_path / ".out.before" / "letters").is_file() and _which(tmp_path / "out") == "first"
