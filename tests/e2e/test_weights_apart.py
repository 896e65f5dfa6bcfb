"""Programs whose weights lie apart, in the emulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS, edgeq, succeeds
from elftools.elf.elffile import ELFFile
from small_net import samples, small_net

from edgeq.codegen import emit, lower
from edgeq.codegen.manifest import make_manifest
from edgeq.codegen.weights import place_weights
from edgeq.runners import Program, run
from edgeq.simulator import run_int
from edgeq.target import load_target
from edgeq.toolchain import build

pytestmark = [pytest.mark.qemu, pytest.mark.slow]
TEST = DIGITS / "test.npz"


def _made(folder: Path, *options: str) -> dict[str, object]:
    made = succeeds("build", DIGITS, "--target", "cortex-m4", *options, "--output", folder, "--json").json
    found = succeeds("verify", folder, "--data", TEST, "--samples", "20", "--json").json
    assert (found["samples"], found["mismatches"]) == (20, 0)
    return made


def _symbols(program: Path) -> dict[str, tuple[str, int]]:
    """Section and address of every constant of the model."""
    with program.open("rb") as file:
        elf = ELFFile(file)
        names = [s.name for s in elf.iter_sections()]
        return {
            s.name: (names[s["st_shndx"]], s["st_value"])
            for s in elf.get_section_by_name(".symtab").iter_symbols()
            if s["st_info"]["type"] == "STT_OBJECT"
            and s["st_info"]["bind"] == "STB_GLOBAL"
            and s.name.startswith("digits_")
        }


@pytest.mark.parametrize("kind", ["gcc", "zig"])
def test_section(kind: str, tmp_path: Path) -> None:
    made = _made(tmp_path / "out", "--weights-in", "section", "--toolchain", kind)
    symbols = _symbols(tmp_path / "out" / "build" / "digits.elf")
    assert len(symbols) > 5
    for section, address in symbols.values():
        assert section == ".eq_weights" and 0x21000000 <= address < 0x21004000
    assert made["weights_in"] == "section" and made["weights_region"] == "weights"
    assert made["weights_bytes"] < made["weights_flash_bytes"] == made["memory"]["weights"] < made["flash_bytes"]


def test_file(tmp_path: Path) -> None:
    inline = _made(tmp_path / "inline")
    made = _made(tmp_path / "out", "--weights-in", "file")
    assert _symbols(tmp_path / "out" / "build" / "digits.elf") == {}
    file = tmp_path / "out" / "weights.bin"
    assert made["weights_flash_bytes"] == made["memory"]["weights"] == file.stat().st_size
    assert made["weights_flash_bytes"] - inline["weights_flash_bytes"] == 32  # the header
    assert abs(made["memory"]["model"] + inline["weights_flash_bytes"] - inline["memory"]["model"]) < 100
    assert 0 < made["flash_bytes"] - inline["flash_bytes"] < 400  # and the check
    cost = [succeeds("profile", tmp_path / f, "--json").json["total"] for f in ("inline", "out")]
    assert cost[1] == pytest.approx(cost[0], rel=0.01)


@pytest.mark.parametrize("address", ["0x300000", "0x21500000"])
def test_file_anywhere(address: str, tmp_path: Path) -> None:
    """At the end of the program's own flash; within a memory that is larger. The folder's name has a comma."""
    made = _made(tmp_path / "a,b", "--weights-in", "file", "--weights-address", address)
    assert made["weights_address"] == int(address, 0)


@pytest.mark.parametrize("address", ["0x90000000", "0x08010000"])
def test_file_in_the_users_flash(address: str, tmp_path: Path) -> None:
    """The emulator has no memory there: its program has the weights elsewhere, the user's where they belong."""
    out = tmp_path / "out"
    options = ("--target", "cortex-m4", "--weights-in", "file", "--weights-address", address)
    built = succeeds("build", DIGITS, *options, "--output", out)
    assert f"for address {int(address, 0):#x} (0x21000000 in the emulator)" in built.out
    shown = succeeds("verify", out, "--data", TEST, "--samples", "20")
    assert shown.out.startswith("bit-exact: 0 of 20") and "is at 0x21000000 there" in shown.err
    assert "is at 0x21000000 there" in succeeds("profile", out).err
    assert "is at 0x21000000 there" in succeeds("run", out, "--input", TEST).err
    for program, its_own in (("digits", int(address, 0)), ("digits_emulated", 0x21000000)):
        code = (out / "build" / f"{program}.elf").read_bytes()
        assert (its_own + 32).to_bytes(4, "little") in code  # of the first array
    assert (int(address, 0) + 32).to_bytes(4, "little") not in (out / "build" / "digits_emulated.elf").read_bytes()


def test_no_room_for_the_file_in_the_emulator(tmp_path: Path) -> None:
    """A board whose whole flash is taken by the program: it is built, and not run."""
    board = tmp_path / "board.toml"
    flash = "flash = { origin = 0x08000000, size = 0x4000 }\nram = { origin = 0x20000000, size = 0x10000 }"
    board.write_text(
        f'extends = "cortex-m4"\ndescription = "small"\n[memory]\n{flash}\n[runner.qemu-system]\n'
        'program = "qemu-system-arm"\npackage = "qemu-system-arm"\nmachine = "netduinoplus2"\n'
    )
    options = ("--board", board, "--weights-in", "file", "--weights-address", "0x90000000")
    built = succeeds("build", DIGITS, *options, "--output", tmp_path / "out")
    assert "no memory for weights at 0x90000000" in built.err
    refused = edgeq("verify", tmp_path / "out", "--samples", "2")
    assert refused.code == 6 and "no memory for its weights at 0x90000000" in refused.err


def test_file_that_is_wrong(tmp_path: Path) -> None:
    """The program refuses to run."""
    out = tmp_path / "out"
    _made(out, "--weights-in", "file")
    file = out / "weights.bin"
    right = file.read_bytes()

    def refused(content: bytes, says: str) -> None:
        file.write_bytes(content)
        ended = edgeq("verify", out, "--data", TEST, "--samples", "2")
        assert ended.code == 6 and says in ended.err, ended.err

    refused(right[:-9] + bytes([right[-9] ^ 4]) + right[-8:], "the weights in memory are damaged")
    refused(right[:8] + bytes(8) + right[16:], "the weights in memory are for other code")
    refused(bytes(100), "the weights in memory are absent")
    file.unlink()
    ended = edgeq("verify", out, "--samples", "2")
    assert ended.code == 6 and "the file of weights is missing" in ended.err


def test_update(tmp_path: Path) -> None:
    """One program, two files of weights: each time it computes what the model of that file does."""
    target = load_target("cortex-m4")
    place = place_weights("file", None, target)
    graphs = {seed: small_net(seed=seed) for seed in (7, 8)}
    for seed, graph in graphs.items():
        emit(lower(graph, target, "net", weights=place), graph, None, target, tmp_path / str(seed))
    path = build(tmp_path / "7", "net", target, "gcc").program
    for seed, graph in graphs.items():
        manifest = make_manifest(lower(graph, target, "net", weights=place), target)
        program = Program.of_manifest(path, target, manifest)
        assert program.weights is not None
        weights = replace(program.weights, path=tmp_path / str(seed) / "weights.bin")
        (sample,) = samples(graph, 1)
        found = run(replace(program, weights=weights), [sample[n] for n in graph.inputs])
        expected = run_int(graph, sample)
        for name, values in zip(graph.outputs, found, strict=True):
            np.testing.assert_array_equal(values, expected[name].reshape(values.shape))
