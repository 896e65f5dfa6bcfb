"""A process that is kept to one folder can write there and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, socket, subprocess, sys
from pathlib import Path
from edgeq.importers._confine import confine
inside, outside = Path(sys.argv[1]), Path(sys.argv[2])
if not confine(inside):
    print("not offered")
    raise SystemExit
(inside / "folder").mkdir()
(inside / "folder" / "file").write_text("text")
(inside / "folder" / "file").rename(inside / "file")
with open(os.devnull, "w") as null:
    null.write("text")
assert outside.joinpath("file").read_text() == "precious"
attempts = {
    "write": lambda: outside.joinpath("new").write_text("x"),
    "overwrite": lambda: outside.joinpath("file").write_text("x"),
    "truncate": lambda: os.truncate(outside / "file", 0),
    "remove": lambda: outside.joinpath("file").unlink(),
    "folder": lambda: outside.joinpath("new").mkdir(),
    "take": lambda: outside.joinpath("file").rename(inside / "taken"),
    "link": lambda: outside.joinpath("new").symlink_to(inside),
    "start": lambda: subprocess.run(["/bin/true"]),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError:
        print(name)
"""
BLOCKED = ["write", "overwrite", "truncate", "remove", "folder", "take", "link", "start"]


def test_only_its_own_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "file").write_text("precious")
    done = subprocess.run([sys.executable, "-c", SCRIPT, inside, outside], capture_output=True, text=True, check=True)
    if done.stdout == "not offered\n":
        pytest.skip("this system has no Landlock")
    assert done.stdout.split() == BLOCKED
    assert [p.name for p in outside.iterdir()] == ["file"] and (outside / "file").read_text() == "precious"
