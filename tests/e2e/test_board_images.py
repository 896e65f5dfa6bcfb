"""Images of networks for every board: they hold what the chip starts with, in its memory, or are refused with figures.

What boards and networks have in common is compiled once.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import needs
import pytest
from command_line import DIGITS
from elftools.elf.elffile import ELFFile
from intelhex import IntelHex

import edgeq
from edgeq import BuildOptions
from edgeq.api.flow import QuantizedModel
from edgeq.codegen.places import places_of
from edgeq.errors import CapacityError, ToolError
from edgeq.report.size import measure
from edgeq.target import Region, Target, list_boards, load_target_file
from edgeq.toolchain import find_toolchain, run
from edgeq.toolchain.images import boot2_crc, flat, loaded, write_images

UF2_FAMILIES = {"RP2040": 0xE48BFF56, "RP2350": 0xE48BFF59, "nRF52840": 0xADA52840}
"""https://github.com/microsoft/uf2, utils/uf2families.json; RP2350's is that of Arm cores in the secure state."""
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
GUARD = 0x400
"""Bytes below a stack that are not accessible."""


@dataclass(frozen=True)
class Network:
    """A network, where it is from, and the cores on which the depth of its stack was looked at."""

    path: Path
    model: QuantizedModel
    measured: set[str] = field(default_factory=set)


def _digits(_: pytest.FixtureRequest) -> Network:
    return Network(DIGITS / "digits.onnx", edgeq.quantize(DIGITS / "digits.onnx", DIGITS / "calibration.npz"))


def _kws(request: pytest.FixtureRequest) -> Network:
    models, data = request.getfixturevalue("shared_models"), request.getfixturevalue("shared_data")
    return Network(models / "kws_float.onnx", edgeq.quantize(models / "kws_float.onnx", data / "kws_calib.npz"))


NETWORKS: Mapping[str, Callable[[pytest.FixtureRequest], Network]] = {"digits": _digits, "kws": _kws}


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> Network:
    """One that comes with edgeq, and a benchmark's where it is at hand."""
    return NETWORKS[request.param](request)


@dataclass
class Objects:
    """Compiled files. What does not differ between boards and networks is compiled once: the file, what it includes,
    the core, and those definitions that it mentions."""

    place: Path
    known: dict[str, Path] = field(default_factory=dict)

    def compile(self, file: Path, gcc: list[str | Path], includes: list[Path], defines: dict[str, str]) -> Path:
        """The object of a file; with all warnings as errors."""
        text = "".join(_with_headers(file, includes))
        own = [f"-D{name}={value}" for name, value in defines.items() if name in text]
        key = hashlib.sha256("\0".join([text, *map(str, gcc), *own]).encode()).hexdigest()
        if key not in self.known:
            self.known[key] = self.place / key / file.parent.name / f"{file.name}.o"  # as the linker's script looks
            self.known[key].parent.mkdir(parents=True)
            places = [*(f"-I{folder}" for folder in includes), "-idirafter", file.parent / "libc"]
            run([*gcc, *WARNINGS, *own, *places, "-c", file, "-o", self.known[key]])
        return self.known[key]


def _with_headers(file: Path, includes: list[Path]) -> list[str]:
    """The texts of a file and of all of the folder's own files that it includes."""
    files, texts = [file], []
    for path in files:
        texts.append(path.read_text("utf-8"))
        for name in re.findall(r'^#include "(.*)"', texts[-1], re.MULTILINE):
            found = next(p for folder in (path.parent, *includes) if (p := folder / name).is_file())
            files += [] if found in files else [found]
    return texts


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """Of all boards and networks."""
    return Objects(tmp_path_factory.mktemp("objects"))


def _link(network: Network, board: Target, folder: Path, objects: Objects) -> Path:
    """Link a network for a board; returns the program.

    Raises:
        CapacityError: it does not fit.
    """
    options = BuildOptions(network.path, board.name, output=folder, console="uart" if board.uart else None)
    edgeq.build(replace(options, compile=False), model=network.model)
    target, name = load_target_file(folder / "target.toml"), network.path.stem
    gcc = [find_toolchain(target, "gcc").program, *target.flags["gcc"], "-Os", "-ffunction-sections"]
    model = [folder / "include", folder / "kernels/include", folder / "kernels", folder / "src"]
    platform = [folder / "include", folder / "platform", folder / "platform/models" / name]
    defines = dict(define.partition("=")[::2] for define in target.platform_defines)
    made = [objects.compile(file, gcc, model, {}) for part in ("src", "kernels") for file in _sources(folder / part)]
    made += [objects.compile(file, gcc, platform, defines) for file in _sources(folder / "platform")]
    program = folder / f"{name}.elf"
    try:
        run([*gcc, *made, *target.link["gcc"], f"-T{folder}/platform/link.ld", "-Wl,--gc-sections", "-o", program])
    except ToolError as error:
        assert "overflowed by" in f"{error} {error.hint}"
        edgeq.build(options, model=network.model)  # which says it in its own words
        raise
    return program


def _sources(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in (".c", ".S")]


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_image_of_a_board(board: Target, network: Network, objects: Objects, tmp_path: Path) -> None:
    """A network with the board's clock, console and layout, without a warning; what it starts with is what the chip
    expects, all of it lies in the board's memory, and every image says the same."""
    needs.compiler(board, "gcc")
    try:
        program = _link(network, board, tmp_path / "build", objects)
    except CapacityError as error:
        _check_refusal(str(error), board)
        assert board.memory["ram"].size < 0x4000, "both networks fit the rest"
        return
    images = write_images(program, board)
    parts = loaded(program)
    table = _check_vectors(board, parts)
    _check_sections(board, program, parts, table)
    if board.cpu not in network.measured:
        network.measured.add(board.cpu)
        assert 0 < measure(program, board).stack < board.stack_bytes
    memory = {start + k: byte for start, data in parts.items() for k, byte in enumerate(data)}
    assert IntelHex(str(images["hex"])).todict() == memory
    assert ("bin" in images) == (board.vectors is None)
    start = b""
    if "bin" in images:
        assert images["bin"].read_bytes() == flat(parts, board.memory["flash"].origin)
        start = images["bin"].read_bytes()[:0x1000]
    assert ("uf2" in images) == any(spec.kind == "uf2" for spec in board.flashers)
    if "uf2" in images:
        _check_uf2(images["uf2"].read_bytes(), parts, UF2_FAMILIES[board.chip])
    assert _has_image_block(start) == (board.chip == "RP2350")
    if board.chip == "RP2040":
        assert struct.unpack("<I", start[252:256])[0] == boot2_crc(start[:252])
        assert start[:252].strip(b"\0")


def _check_refusal(text: str, board: Target) -> None:
    """It names a memory's size, and figures that are more than this, or by how much it is too small."""
    figures = [int(found.replace(",", "")) for found in re.findall(r"\b\d[\d,]*\b", text)]
    sizes = [region.size for region in board.memory.values() if region.size in figures]
    assert board.name in text and sizes, text
    assert any(figure > size for figure in figures for size in sizes) or "bytes more than" in text, text


def _check_vectors(board: Target, parts: dict[int, bytes]) -> int:
    """The initial stack pointer at the end of a stack in RAM, and entries that are Thumb addresses in flash; returns
    where they are."""
    flash, ram = board.memory["flash"], board.memory[places_of(board, {}).stack]
    table = flash.origin + 0x100 if board.chip == "RP2040" else flash.origin
    table = table if board.vectors is None else board.vectors
    (at,) = [start for start, data in parts.items() if start <= table < start + len(data)]
    stack, *handlers = struct.unpack("<16I", parts[at][table - at : table - at + 64])
    assert ram.origin + GUARD + board.stack_bytes <= stack <= ram.end and stack % 8 == 0
    reset, nmi, fault = handlers[:3]
    assert reset and nmi and fault
    assert all(flash.origin < entry < flash.end and entry % 2 for entry in handlers if entry)
    assert table % 128 == 0, "VTOR has its lower 7 bits zero"
    return table


def _check_sections(board: Target, program: Path, parts: dict[int, bytes], table: int) -> None:
    """Every section is loaded to flash and at work in one memory of the board, none over another; the stack and what is
    free are as large as they are said to be."""
    flash, vectors = board.memory["flash"], Region(table, 0x400)
    assert all(place_of(start, start + len(data), [flash, vectors]) for start, data in parts.items())
    with program.open("rb") as file:
        elf = ELFFile(file)
        sections = [s for s in elf.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]]
        taken = sorted((s["sh_addr"], s["sh_addr"] + s["sh_size"], s.name) for s in sections)
        symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
        assert elf.header["e_entry"] == symbols["eq_reset"] | 1
    for first, end, name in taken:
        assert place_of(first, end, [*board.memory.values(), vectors]), name
    assert all(end <= start for (_, end, _), (start, _, _) in pairwise(taken)), taken
    (first_words,) = [data[table - at :][:8] for at, data in parts.items() if at <= table < at + len(data)]
    assert struct.unpack("<2I", first_words) == (symbols["eq_stack_top"], symbols["eq_reset"] | 1)
    ram = board.memory[places_of(board, {}).stack]
    assert ram.origin <= symbols["eq_stack_guard"] < symbols["eq_stack_limit"] < symbols["eq_stack_top"] <= ram.end
    assert symbols["eq_stack_limit"] - symbols["eq_stack_guard"] == GUARD
    assert symbols["eq_stack_top"] - symbols["eq_stack_limit"] == board.stack_bytes
    ends = [end for first, end, _ in taken if place_of(first, end, [board.memory["ram"]])]
    assert max(ends, default=0) <= symbols["eq_free_start"] <= symbols["eq_free_end"] == board.memory["ram"].end


def place_of(first: int, end: int, places: list[Region]) -> bool:
    """Whether bytes lie in one of some memories."""
    return any(place.origin <= first and end <= place.end for place in places)


def _check_uf2(image: bytes, parts: dict[int, bytes], family: int) -> None:
    assert len(image) % 512 == 0
    blocks = [image[k : k + 512] for k in range(0, len(image), 512)]
    memory: dict[int, int] = {}
    for number, block in enumerate(blocks):
        begin, second, flags, address, size, index, count, of = struct.unpack("<8I", block[:32])
        assert (begin, second, flags, size) == (0x0A324655, 0x9E5D5157, 0x2000, 256)
        assert (index, count, of) == (number, len(blocks), family)
        assert address % 256 == 0 and address not in memory and block[508:] == bytes.fromhex("306fb10a")
        memory |= {address + k: byte for k, byte in enumerate(block[32:288])}
    assert all(memory[start + k] == byte for start, data in parts.items() for k, byte in enumerate(data))


def _has_image_block(start: bytes) -> bool:
    """Whether RP2350's boot ROM finds an image in the first 4 KB: a loop of one block that says what it may start as
    (RP2350 Datasheet, 5.9.1 and 5.9.3)."""
    words = struct.unpack(f"<{len(start) // 4}I", start[: len(start) // 4 * 4])
    if 0xFFFFDED3 not in words:
        return False
    item, last, next_block, end = words[words.index(0xFFFFDED3) + 1 :][:4]
    kind, length, flags = item & 0xFF, item >> 8 & 0xFF, item >> 16
    assert (kind, length, flags) == (0x42, 1, 0x1021), "IMAGE_TYPE: executable (1), secure (2 << 4), Arm, RP2350"
    assert (last & 0xFF, last >> 8 & 0xFFFF, next_block, end) == (0xFF, length, 0, 0xAB123579)
    return True


def test_checksum_of_a_second_stage() -> None:
    """The same polynomial as zlib's, in the other order of bits and not inverted at the end."""
    code = bytes(range(252))
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in code)
    assert boot2_crc(code) == int(f"{zlib.crc32(mirrored) ^ 0xFFFFFFFF:032b}"[::-1], 2)
    assert boot2_crc(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2's check value
