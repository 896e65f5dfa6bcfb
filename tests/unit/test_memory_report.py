"""The arena of a build folder as a table and a drawing."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import edgeq, succeeds
from small_net import small_net

from edgeq.cli._figures import share
from edgeq.codegen import Program, emit, lower
from edgeq.codegen.manifest import make_manifest, update_manifest
from edgeq.errors import UsageError
from edgeq.report.memory import MemoryMap, draw, memory_map, save_svg
from edgeq.target import load_target

HOST = load_target("host")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(small_net(), load_target("cortex-m4"), "net")


@pytest.fixture(scope="module")
def found(program: Program) -> MemoryMap:
    return memory_map(make_manifest(program, HOST))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    emit(lower(small_net(), HOST, "net"), small_net(), None, HOST, tmp_path / "out")
    return tmp_path / "out"


def test_map(found: MemoryMap, program: Program) -> None:
    assert found.arena == program.arena
    assert found.arena_bytes == program.arena_bytes
    assert found.layers[0] == ("stem/conv */", "Conv2D")
    assert [found.moment(i) for i in (-1, 2, len(found.layers))] == ["(input)", program.calls[2].name, "(output)"]
    data = found.to_dict()
    assert [s["layer"] for s in data["steps"]] == [c.name for c in program.calls]
    assert data["peak"]["live_bytes"] == max(s["live_bytes"] for s in data["steps"]) <= program.arena_bytes
    assert data["peak"]["tensors"][0].keys() == {"value", "kind", "offset", "bytes", "region"}


def test_drawing(found: MemoryMap) -> None:
    root = ElementTree.fromstring(draw(found))
    titles = [t.text or "" for t in root.iter(f"{SVG}title")]
    for o in found.arena:
        label = f"scratch of {o.value}" if o.kind == "scratch" else o.value
        assert any(t.startswith(f"{label}: {o.bytes:,} bytes at {o.offset:,}, ") for t in titles)
    texts = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert f"net: arena of {found.arena_bytes:,} bytes" in texts
    assert f"Peak: {found.peak.bytes:,} bytes in use, at {found.moment(found.peak.layer)}" in texts
    width, height = (float(root.attrib[k]) for k in ("width", "height"))
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.attrib.get(k, 0)) for k in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and w >= 0 and h >= 0 and x + w <= width + 0.1 and y + h <= height + 0.1
    assert draw(found) == draw(found)


def test_drawing_of_many_layers_and_of_none(found: MemoryMap) -> None:
    names = tuple((f"<layer> & number {i}", "Add") for i in range(300))
    last = replace(found.arena[0], last=300)
    texts = [t.text or "" for t in ElementTree.fromstring(draw(replace(found, layers=names, arena=(last,)))).iter()]
    assert sum("number" in t for t in texts) > 100
    many = tuple(replace(found.arena[0], value=f"t{i}", offset=192 * i, last=1) for i in range(20))
    crowded = draw(replace(found, arena=many, arena_bytes=192 * 20, arena_bound=192 * 19))
    assert "and 8 more" in crowded
    assert "bound 3,648 bytes" in crowded
    assert "arena of 0 bytes" in draw(replace(found, layers=(), arena=(), arena_bytes=0, arena_bound=0))


def test_manifest_of_an_earlier_version(found: MemoryMap, program: Program) -> None:
    manifest = make_manifest(program, HOST)
    del manifest["arena"]
    with pytest.raises(UsageError, match="does not say how memory is used") as caught:
        memory_map(manifest, "old")
    assert caught.value.hint == "build it again"


def test_unwritable(found: MemoryMap, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        save_svg(found, tmp_path / "no" / "such" / "folder.svg")


def test_command(folder: Path, tmp_path: Path) -> None:
    said = succeeds("inspect", folder, "--memory").out
    assert "net: arena 304 B, at least 304 B for any plan" in said
    assert "peak: 304 B at stem/conv */: image:0 " in said
    assert "step  layer" in said
    drawn = (folder / "memory.svg").read_text("utf-8")
    data = succeeds("inspect", folder, "--memory", "--json", "--output", tmp_path / "other.svg").json
    assert data["drawing"] == str(tmp_path / "other.svg")
    assert (tmp_path / "other.svg").read_text("utf-8") == drawn
    assert data["arena_bytes"] == 304
    assert data["peak"]["index"] == 0


def test_command_refuses(folder: Path, tmp_path: Path) -> None:
    for arguments, says in (
        ((tmp_path, "--memory"), "not a build folder"),
        ((folder, "--output", tmp_path / "x.svg"), "--output is for --memory"),
    ):
        ended = edgeq("inspect", *arguments)
        assert ended.code == 2
        assert says in ended.err
    update_manifest(folder, arena=None)
    ended = edgeq("inspect", folder, "--memory")
    assert ended.code == 2
    assert "build it again" in ended.err
    assert not (folder / "memory.svg").exists()


def test_share_of_the_target() -> None:
    made: dict[str, Any] = {
        "target": "cortex-m4",
        "flash_bytes": 39 * 1024,
        "ram_bytes": 9792,
        "memory": {"platform": 1024, "platform_ram": 448},
    }
    made["stack_bytes"] = 344
    core, host = load_target("cortex-m4"), load_target("host")
    assert share(made, "flash", core) == share(made, "RAM", core) == "", "4 MiB of an emulator say nothing"
    board = replace(core, emulated=False)
    assert share(made, "flash", board) == "with 1,024 B of the platform 1.0 % of 4,194,304 B"
    assert share(made, "RAM", board) == "with 448 B of the platform 0.2 % of 4,194,304 B"
    assert share(made, "RAM", host) == ""
    made["chip"] = {"flash": 1 << 16, "ram": None}
    assert share(made, "flash", board) == "60.9 % of 65,536 B"
    assert share(made, "RAM", board) == "with 448 B of the platform 0.2 % of 4,194,304 B"
    made["chip"] = {"flash": None, "ram": 1 << 14}
    assert share(made, "RAM", core) == "with stack 61.9 % of 16,384 B"
    copied = {**made, "chip": None, "regions": {"ram": {"arena": 9792, "weights": 0, "code": 1 << 20}}}
    assert share(copied, "RAM", board) == (
        "with 1,048,576 B of weights and code, with 448 B of the platform 25.2 % of 4,194,304 B"
    )
    made |= {"weights_region": "weights", "memory": {**made["memory"], "weights": 30 * 1024}}
    assert share(made, "flash", core) == "of which 30,720 B elsewhere"
    assert (
        share(made, "flash", board) == "of which 30,720 B elsewhere; with 1,024 B of the platform 0.2 % of 4,194,304 B"
    )
