"""Boards: images as their chips want them, serial lines that answer in the emulator."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import needs
import pytest
from command_line import DIGITS, SINE, fails, succeeds
from elftools.elf.elffile import ELFFile
from intelhex import IntelHex
from uart_firmware import answer, build_echo, emulated

import edgeq
from edgeq import BuildOptions
from edgeq.api.room import fit
from edgeq.codegen.places import places_of
from edgeq.target import Target, list_boards, load_target, load_target_file, with_console
from edgeq.toolchain import find_toolchain, run
from edgeq.toolchain.images import boot2_crc, flat, loaded, write_images

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "boards.md"
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


Linked = Callable[[Target, Path], Path]


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Linked:
    """Links a model for a board; the model is compiled once for every core, only the platform for every board."""
    model = edgeq.quantize(SINE / "hello_sine.onnx", SINE / "calibration.npz")
    libraries: dict[str, Path] = {}

    def link(board: Target, folder: Path) -> Path:
        options = BuildOptions(
            SINE / "hello_sine.onnx", board.name, output=folder, console="uart" if board.uart else None
        )
        if board.cpu not in libraries:
            place = tmp_path_factory.mktemp(board.cpu) / "build"
            edgeq.build(replace(options, output=place), model=model)
            libraries[board.cpu] = place / "build" / "libhello_sine.a"
        edgeq.build(replace(options, compile=False), model=model)
        target = load_target_file(folder / "target.toml")
        flags = [*target.flags["gcc"], "-Os", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffunction-sections"]
        flags += [f"-D{define}" for define in target.platform_defines]
        places = ["-Iinclude", "-Iplatform", "-Iplatform/models/hello_sine", "-idirafter", "platform/libc"]
        files = [path for path in sorted((folder / "platform").rglob("*")) if path.suffix in (".c", ".S")]
        names = [path.relative_to(folder).as_posix() for path in files]
        end = [
            libraries[board.cpu],
            *target.link["gcc"],
            "-Tplatform/link.ld",
            "-Wl,--gc-sections",
            "-o",
            "sine.elf",
        ]
        run([find_toolchain(target, "gcc").program, *flags, *places, *names, *end], cwd=folder)
        return folder / "sine.elf"

    return link


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_image_of_a_board(board: Target, linked: Linked, tmp_path: Path) -> None:
    """A model with the board's clock, console and layout, without a warning; what it starts with is what the chip
    expects, all of it lies in the board's memory, and every image says the same."""
    needs.compiler(board, "gcc")
    program = linked(board, tmp_path / "build")
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


@pytest.mark.qemu
def test_the_board_that_the_documentation_adds(tmp_path: Path) -> None:
    needs.compiler(load_target("cortex-m4"), "gcc")
    (text,) = re.findall(r"```toml\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)
    (tmp_path / "weact.toml").write_text(text)
    board = load_target_file(tmp_path / "weact.toml")
    assert (board.chip, board.clock_hz, board.memory["ram"].size) == ("STM32F411CE", 100_000_000, 0x20000)
    program = build_echo(tmp_path / "echo", with_console(board, "uart"), "gcc")
    assert set(write_images(program, board)) == {"hex", "bin"}
    assert "EQ_UART_FUNCTION=7u" in with_console(board, "uart").platform_defines


def test_list_of_boards() -> None:
    rows = {row["name"]: row for row in succeeds("boards", "--json").json["boards"]}
    assert list(rows) == [board.name for board in list_boards()]
    f446 = rows["nucleo-f446re"]
    assert f446["memory"]["flash"] == {"origin": 0x08000000, "size": 512 * 1024}
    assert (f446["chip"], f446["cpu"], f446["clock_hz"]) == ("STM32F446RE", "cortex-m4", 180_000_000)
    assert f446["flashers"][0] == "openocd" and "fits" not in f446
    shown = succeeds("boards").out.splitlines()
    assert shown[0].split() == ["board", "chip", "core", "MHz", "flash", "KB", "RAM", "KB", "proved"]
    assert {line.split()[0] for line in shown[1:]} >= set(rows)
    assert "add --fits MODEL" in fails(2, "boards", "--optimize", "size")


@pytest.mark.slow
@pytest.mark.qemu
def test_boards_that_a_model_fits(tmp_path: Path) -> None:
    """The figures are those of a build for the board, but for its own start-up code."""
    needs.compiler(load_target("cortex-m4"), "gcc")
    rows = {row["name"]: row for row in succeeds("boards", "--fits", SINE, "--json").json["boards"]}
    manifest = succeeds("build", SINE, "--board", "nucleo-f446re", "--output", tmp_path / "f446", "--json").json
    f446 = rows["nucleo-f446re"]
    flash = manifest["flash_bytes"] + manifest["memory"]["platform"]
    ram = manifest["ram_bytes"] + manifest["memory"]["platform_ram"]
    assert abs(f446["flash_bytes"] - flash) < 1000 and abs(f446["ram_bytes"] - ram) < 500
    assert f446["flash_percent"] == round(100 * f446["flash_bytes"] / 0x80000, 1) and f446["fits"] is True
    assert f446["ram_percent"] == round(100 * f446["ram_bytes"] / 0x20000, 1) and f446["why"] == ""
    small = rows["stm32vldiscovery"]
    assert small["fits"] and small["ram_bytes"] < f446["ram_bytes"]  # its stack is smaller


def test_a_model_that_a_board_has_no_room_for(tmp_path: Path) -> None:
    """It is refused with figures before anything is compiled."""
    (tmp_path / "small.toml").write_text(
        'description = "x"\nextends = "microbit-v1"\n[memory]\nram = { origin = 0x20000000, size = 0x1000 }\n'
    )
    says = ("does not fit small", "the arena (4,024 bytes), stack (2,048), inputs", "of RAM, which has 4,096")
    fails(5, "build", DIGITS, "--board", tmp_path / "small.toml", "--no-compile", says=says)


def test_what_is_said_of_a_model_that_does_not_fit() -> None:
    board = load_target("microbit-v1")  # 256 KB and 16 KB, of which 2 KB are stack
    found = fit(board, {"flash": 0x40001, "ram": 0x3800, "stack": 0x801})
    assert found["why"] == (
        "1 bytes of flash too little; an inference takes 2,049 bytes of stack, and 2,048 are set aside"
    )
    assert not found["fits"] and found["ram_percent"] == 100.0 and found["flash_percent"] == 100.0
    assert fit(board, {"flash": 1, "ram": 0x3801, "stack": 0})["why"] == "1 bytes of RAM too little"


@pytest.mark.qemu
def test_a_uf2_file_boots_in_rp2040js(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The second stage and the program, in another's emulator of the chip; it answers on the UART."""
    place: Path | None = request.config.getoption("--rp2040js")
    if place is None:
        pytest.skip(f"{needs.OPTIONAL}no folder with rp2040js was given with --rp2040js DIR")
    board = load_target("rpi-pico")
    image = write_images(build_echo(tmp_path / "echo", with_console(board, "uart"), "gcc"), board)["uf2"]
    script = Path(__file__).parents[1] / "rp2040js.mjs"
    assert run(["node", script, image], cwd=place.resolve(), timeout=60, check=False).code == 0


def _check_vectors(board: Target, parts: dict[int, bytes]) -> None:
    """The initial stack pointer at the end of a stack in RAM, and the entry, a Thumb address in flash."""
    flash, ram = board.memory["flash"], board.memory[places_of(board, {}).stack]
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
    ram = board.memory[places_of(board, {}).stack]
    assert ram.origin <= symbols["eq_stack_guard"] < symbols["eq_stack_limit"] < symbols["eq_stack_top"]
    assert symbols["eq_stack_top"] - symbols["eq_stack_limit"] == board.stack_bytes
    assert symbols["eq_free_start"] <= symbols["eq_free_end"] == board.memory["ram"].end


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
