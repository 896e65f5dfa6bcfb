"""Boards: images as their chips want them, serial lines that answer in the emulator."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import needs
import pytest
from elftools.elf.elffile import ELFFile
from intelhex import IntelHex
from uart_firmware import answer, build_echo, emulated

from edgeq.target import Target, list_boards, with_console
from edgeq.toolchain.images import boot2_crc, flat, loaded, write_images

RP2350_BLOCK = bytes.fromhex("d3deffff 42012110 ff010000 00000000 793512ab")
EMULATED = [board for board in list_boards() if board.proved == "emulated"]


@pytest.mark.qemu
@pytest.mark.parametrize("board", EMULATED, ids=lambda board: board.name)
def test_serial_line_in_the_emulator(board: Target, tmp_path: Path) -> None:
    """It starts, speaks, answers all bytes in order, and tells a fault. The line is made anew for every byte value."""
    kind = "gcc"
    needs.compiler(board, kind)
    program = build_echo(tmp_path / "echo", with_console(board, "uart"), kind)
    with emulated(board, program) as line:
        assert answer(line, 6) == b"ready\n"
        sent = bytes(byte for byte in range(256) if byte not in b"qf")
        for start in range(0, len(sent), 16):
            line.sendall(sent[start : start + 16])
            got = answer(line, len(sent[start : start + 16]))
            assert got == bytes((byte + 1) % 256 for byte in sent[start : start + 16])
        line.sendall(b"f")
        assert answer(line, 28).startswith(b"edgeq: fault: ")


@pytest.mark.qemu
@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_image_of_a_board(board: Target, tmp_path: Path) -> None:
    """Firmware with the board's clock, console and layout, without a warning; what it starts with is what the chip
    expects, all of it lies in the board's memory, and every image says the same."""
    needs.compiler(board, "gcc")
    program = build_echo(tmp_path / "echo", with_console(board, "uart"), "gcc")
    images = write_images(program, board)
    parts = loaded(program)
    _check_vectors(board, parts)
    _check_sections(board, program)
    memory = {start + k: byte for start, data in parts.items() for k, byte in enumerate(data)}
    assert IntelHex(str(images["hex"])).todict() == memory
    assert ("bin" in images) == (board.vectors is None)
    if "bin" in images:
        assert images["bin"].read_bytes() == flat(parts, board.memory["flash"].origin)
    families = [spec.number("family") for spec in board.flashers if spec.kind == "uf2"]
    assert ("uf2" in images) == bool(families)
    if families:
        _check_uf2(images["uf2"].read_bytes(), parts, families[0])
    start = images["bin"].read_bytes()[:0x1000] if "bin" in images else b""
    assert (RP2350_BLOCK in start) == (board.chip == "RP2350")
    if board.chip == "RP2040":
        assert struct.unpack("<I", start[252:256])[0] == boot2_crc(start[:252])
        assert start[:252].strip(b"\0")


def _check_vectors(board: Target, parts: dict[int, bytes]) -> None:
    """The initial stack pointer at the end of a stack in RAM, and the entry, a Thumb address in flash."""
    flash, ram = board.memory["flash"], board.memory["ram"]
    table = flash.origin + 0x100 if board.chip == "RP2040" else flash.origin
    table = table if board.vectors is None else board.vectors
    (at,) = [start for start, data in parts.items() if start <= table < start + len(data)]
    stack, *handlers = struct.unpack("<16I", parts[at][table - at : table - at + 64])
    assert ram.origin + 0x400 + board.stack_bytes <= stack <= ram.end and stack % 8 == 0
    assert all(flash.origin < entry < flash.end and entry % 2 for entry in handlers if entry)
    assert table % 128 == 0, "VTOR has its lower 7 bits zero"


def _check_sections(board: Target, program: Path) -> None:
    """Every section is loaded to flash and is at work in flash or RAM."""
    places = [*board.memory.values()]
    with program.open("rb") as file:
        elf = ELFFile(file)
        for section in elf.iter_sections():
            if section["sh_flags"] & 2 and section["sh_size"] and section.name != ".vectors":
                first, end = section["sh_addr"], section["sh_addr"] + section["sh_size"]
                assert any(place.origin <= first and end <= place.end for place in places), section.name
        symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
    ram = board.memory["ram"]
    assert ram.origin <= symbols["eq_stack_guard"] < symbols["eq_stack_limit"] < symbols["eq_stack_top"]
    assert symbols["eq_stack_top"] - symbols["eq_stack_limit"] == board.stack_bytes
    assert symbols["eq_free_start"] <= symbols["eq_free_end"] == ram.end


def _check_uf2(image: bytes, parts: dict[int, bytes], family: int) -> None:
    assert len(image) % 512 == 0
    blocks = [image[k : k + 512] for k in range(0, len(image), 512)]
    memory: dict[int, int] = {}
    for number, block in enumerate(blocks):
        begin, second, flags, address, size, index, count, of = struct.unpack("<8I", block[:32])
        assert (begin, second, flags, size) == (0x0A324655, 0x9E5D5157, 0x2000, 256)
        assert (index, count, of) == (number, len(blocks), family)
        assert address % 256 == 0 and block[508:] == bytes.fromhex("306fb10a")
        memory |= {address + k: byte for k, byte in enumerate(block[32:288])}
    assert all(memory[start + k] == byte for start, data in parts.items() for k, byte in enumerate(data))


def test_checksum_of_a_second_stage() -> None:
    """The same polynomial as zlib's, in the other order of bits and not inverted at the end."""
    code = bytes(range(252))
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in code)
    assert boot2_crc(code) == int(f"{zlib.crc32(mirrored) ^ 0xFFFFFFFF:032b}"[::-1], 2)
    assert boot2_crc(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2's check value
