"""Programs whose arena, weights, code and stack lie in several regions of memory, in the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import needs
import pytest
from command_line import DIGITS, edgeq, fails, succeeds
from elftools.elf.elffile import ELFFile

from edgeq.target import load_target

BOARD = """
description = "Corstone-300 with two small regions of RAM"
extends = "mps3-an547"

[memory]
dtcm = { origin = 0x30000000, size = 0x400 }
small = { origin = 0x30010000, size = 0x600 }
stack = { origin = 0x30020000, size = 0x8000 }
"""
CHOSEN = ("--place", "code=itcm", "--place", "stack=stack", "--place", "weights=ram,flash")


def _build(folder: Path, *options: str, board: str | Path = "mps3-an547") -> Any:
    return succeeds("build", DIGITS, "--board", board, *options, "--output", folder, "--json").json


def _addresses(program: Path) -> dict[str, int]:
    with program.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {s.name: s["st_value"] for s in table.iter_symbols()}


@pytest.mark.slow
@pytest.mark.qemu
def test_an_arena_that_fits_no_region_alone(tmp_path: Path) -> None:
    """Tensors in two regions, weights copied to RAM, kernels to ITCM, the stack in DTCM: the same bits, and profile,
    stack and sizes are told as ever."""
    needs.compiler(load_target("mps3-an547"), "gcc")
    board = tmp_path / "two.toml"
    board.write_text(BOARD)
    out = tmp_path / "out"
    made = _build(out, "--place", "arena=dtcm,small", *CHOSEN, board=board)
    plain = _build(tmp_path / "plain")
    assert [a["region"] for a in made["arenas"]] == ["dtcm", "small"]
    assert plain["arena_bytes"] > 0x400 and 0x600 < plain["arena_bytes"] < made["arena_bytes"] <= 0xA00
    regions = made["regions"]
    assert regions["dtcm"]["arena"] + regions["small"]["arena"] == made["arena_bytes"] == made["ram_bytes"]
    assert regions["itcm"]["code"] > 4000 and regions["flash"]["weights"] == 0
    assert regions["ram"] == {"arena": 0, "weights": made["weights_flash_bytes"], "code": 0}
    assert abs(made["flash_bytes"] - plain["flash_bytes"]) < 300
    assert abs(made["stack_bytes"] - plain["stack_bytes"]) <= 16
    at = _addresses(out / "build" / "digits.elf")
    assert at["eq_arena"] == 0x30000000 and at["eq_arena_small"] == 0x30010000
    assert at["eq_stack_guard"] == 0x30020000 and 0x31000000 <= at["digits_dense5_weights"] < 0x31400000
    kernels = [address for name, address in at.items() if name.startswith("eq_conv2d_mve_fast_") and address & 1]
    assert kernels and all(0x10000400 < address < 0x10080000 for address in kernels)
    found = succeeds("verify", out, "--data", DIGITS / "test.npz", "--samples", "20", "--json").json
    assert (found["samples"], found["mismatches"]) == (20, 0)
    assert 0 < found["stack_used_bytes"] <= made["stack_bytes"]
    costs = [succeeds("profile", folder, "--json").json["total"] for folder in (out, tmp_path / "plain")]
    assert costs[0] == pytest.approx(costs[1], rel=0.02)  # the emulator's memory is all alike
    map = succeeds("inspect", out, "--memory", "--json").json
    assert {t["region"] for step in map["steps"] for t in step["tensors"]} == {"dtcm", "small"}
    assert all(t["offset"] + t["bytes"] <= 0x600 for step in map["steps"] for t in step["tensors"])
    shown = succeeds("inspect", out).out
    assert "in dtcm" in shown and "in itcm" in shown


@pytest.mark.slow
@pytest.mark.qemu
def test_two_arenas_over_the_link(tmp_path: Path) -> None:
    """One tensor was sent to DTCM, the rest stays; inputs, outputs and the painted arenas are found in theirs."""
    needs.compiler(load_target("mps3-an547"), "zig")
    options = ("--place", "arena.image=dtcm", "--place", "arena.softmax=dtcm", "--place", "arena.conv3=dtcm")
    options += ("--place", "code=itcm", "--toolchain", "zig")
    made = _build(tmp_path / "out", *options, "--console", "uart")
    assert [(a["region"], a["bytes"]) for a in made["arenas"]][1] == ("dtcm", made["regions"]["dtcm"]["arena"])
    found = succeeds("verify", tmp_path / "out", "--data", DIGITS / "test.npz", "--samples", "5", "--json").json
    assert (found["samples"], found["mismatches"]) == (5, 0)
    header = (tmp_path / "out" / "include" / "digits.h").read_text()
    assert "int digits_run(void *arena, void *arena_dtcm, const int8_t *input, int8_t *output);" in header
    assert "digits_input_in_arena(void *arena_dtcm)" in header


def test_one_region_is_built_as_before(tmp_path: Path) -> None:
    """The model's C does not depend on where its one arena, its code and its stack lie."""
    options = ("--place", "arena=dtcm", "--place", "code=itcm", "--place", "stack=dtcm", "--no-compile")
    placed, plain = _build(tmp_path / "placed", *options), _build(tmp_path / "plain", "--no-compile")
    assert placed["identity"] == plain["identity"]
    for file in ("src/digits.c", "src/digits_weights.c", "include/digits.h"):
        assert (tmp_path / "placed" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes()
    assert placed["regions"]["dtcm"]["arena"] == plain["regions"]["ram"]["arena"] == plain["arena_bytes"]


@pytest.mark.slow
def test_stack_of_code_at_address_zero(tmp_path: Path) -> None:
    """ITCM of an STM32H7 begins at 0; what lies there is read like all other code."""
    needs.compiler(load_target("nucleo-h743zi"), "gcc")
    plain = _build(tmp_path / "plain", board="nucleo-h743zi")
    moved = _build(tmp_path / "moved", "--place", "code=itcm", board="nucleo-h743zi")
    assert moved["regions"]["itcm"]["code"] > 1000 and _addresses_below(
        tmp_path / "moved" / "build" / "digits.elf", 0x10000
    )
    assert moved["stack_bytes"] == plain["stack_bytes"] > 100


def _addresses_below(program: Path, limit: int) -> bool:
    return any(name.startswith("eq_") and 0 < at < limit for name, at in _addresses(program).items())


def test_boards_choose_where_things_lie(tmp_path: Path) -> None:
    """What a board's file and edgeq.toml say, and options that say otherwise."""
    made = _build(tmp_path / "h7", "--no-compile", board="nucleo-h743zi")
    assert [a["region"] for a in made["arenas"]] == ["dtcm"]
    other = _build(tmp_path / "other", "--no-compile", "--place", "arena=sram1", board="nucleo-h743zi")
    assert [a["region"] for a in other["arenas"]] == ["sram1"]
    made = _build(tmp_path / "f4", "--no-compile", board="stm32f4-discovery")
    assert [a["region"] for a in made["arenas"]] == ["ram"]
    project = tmp_path / "edgeq.toml"
    project.write_text(
        f'model = "{DIGITS / "digits.onnx"}"\ncalibration = "{DIGITS / "calibration.npz"}"\nboard = "nucleo-h743zi"\n'
        '[place]\narena = ["ram"]\n"arena.conv3" = "dtcm"\n'
    )
    found = succeeds("build", project, "--output", tmp_path / "toml", "--no-compile", "--json").json
    assert [a["region"] for a in found["arenas"]] == ["ram", "dtcm"]


def test_places_that_are_none(tmp_path: Path) -> None:
    out = ("--output", tmp_path / "out", "--no-compile")
    on = ("build", DIGITS, "--board", "netduinoplus2", *out)
    fails(2, *on, "--place", "arena=dtcm", says=("netduinoplus2 has no memory 'dtcm'", "did you mean ccm?"))
    fails(2, *on, "--place", "arena=flash", says=("arena cannot lie in 'flash'",))
    fails(2, *on, "--place", "code=ccm", says=("code cannot lie in 'ccm'",))
    fails(2, *on, "--place", "stack=ccm,ram", says=("stack lies in one region",))
    fails(2, *on, "--place", "heap=ccm", says=("there is no 'heap' to place",))
    fails(2, *on, "--place", "arena.cov1=ccm", says=("no such tensor or layer", "conv1"))
    fails(2, *on, "--place", "weights.pool3=ccm", says=("no such layer with weights",))
    fails(2, *on, "--place", "arena", says=("write it as arena=dtcm",))
    fails(2, *on, "--place", "weights=ccm", "--weights-in", "section", says=("exclude each other",))
    fails(2, *on, "--place", "arena=ccm", "--emit", "arduino", says=("--place is not for --emit arduino",))
    fails(
        2, "build", DIGITS, "--target", "host", *out, "--place", "arena=ram", says=("--place is for microcontrollers",)
    )
    (tmp_path / "two.toml").write_text(BOARD)
    small = ("build", DIGITS, "--board", tmp_path / "two.toml", *out)
    fails(5, *small, "--place", "arena=dtcm", says=("arena of 1,648 bytes do not fit", "dtcm 1,024"))
    fails(5, *small, "--place", "weights=small", says=("more than small can hold",))
    assert edgeq(*small, "--place", "arena=small,ram").code == 0
