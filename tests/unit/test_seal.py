"""The manifest's list of generated files, and what is no longer as it was generated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from small_net import small_net

from edgeq.api import inspect
from edgeq.codegen import emit, lower
from edgeq.codegen.manifest import edited_files, read_manifest
from edgeq.target import load_target
from edgeq.warnings import EdgeqWarning

HOST = load_target("host")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    emit(lower(small_net(), HOST, "net"), small_net(), small_net(), HOST, tmp_path / "out")
    return tmp_path / "out"


def test_all_files_are_sealed(folder: Path) -> None:
    files = read_manifest(folder)["files"]
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files.keys() == there - {"manifest.json", ".edgeq-files"} and list(files) == sorted(files)
    assert {"src/net.c", "graph.txt", "target.toml", "reference/integer.npz", "reference/float.txt"} <= files.keys()
    for path, digest in files.items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    assert edited_files(folder) == () and inspect(folder)["edited"] == []


def test_edited_files_are_told(folder: Path) -> None:
    (folder / "src" / "net.c").write_text("int x;")
    (folder / "include" / "net.h").unlink()
    (folder / "src" / "mine.c").write_text("int y;")
    assert edited_files(folder) == ("include/net.h", "src/net.c")
    with pytest.warns(EdgeqWarning, match=r"as they were generated: include/net\.h, src/net\.c; build it again"):
        assert inspect(folder)["edited"] == ["include/net.h", "src/net.c"]


def test_folders_without_a_seal(folder: Path) -> None:
    """Those of earlier versions."""
    manifest = read_manifest(folder)
    del manifest["files"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "src" / "net.c").unlink()
    assert edited_files(folder) == ()
