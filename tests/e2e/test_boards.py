"""Boards: serial lines that answer in the emulator, the list, and what fits."""

from __future__ import annotations

from pathlib import Path

import needs
import pytest
from command_line import DIGITS, SINE, fails, succeeds
from documented import documented_board
from uart_firmware import answer, build_echo, emulated

from edgeq.api.room import fit
from edgeq.codegen.places import STACK_GUARD
from edgeq.target import Target, list_boards, load_target, with_console
from edgeq.toolchain import run
from edgeq.toolchain.images import write_images

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
def test_the_board_that_the_documentation_adds(tmp_path: Path) -> None:
    needs.compiler(load_target("cortex-m4"), "gcc")
    board = documented_board(tmp_path)
    assert (board.chip, board.clock_hz, board.memory["ram"].size) == ("STM32L476RG", 80_000_000, 0x18000)
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
    # Arena and stack lie where the board's file has them.
    placed = rows["nucleo-h743zi"]["regions"]
    assert placed["dtcm"]["bytes"] == manifest["arena_bytes"] + STACK_GUARD + 16384
    assert placed["dtcm"]["bytes"] + placed["ram"]["bytes"] == rows["nucleo-h743zi"]["ram_bytes"]
    assert rows["nucleo-h743zi"]["ram_percent"] == placed["dtcm"]["percent"] > placed["ram"]["percent"]
    assert set(f446["regions"]) == {"flash", "ram"}


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
    divided = {"arena": 0x10000, "weights": 0, "code": 0}
    taken = {"flash": 1, "ram": 0x21400, "stack": 0, "arena": 0x20000, "kernels": 9}
    found = fit(load_target("stm32f4-discovery"), taken, {"ram": divided, "ccm": {**divided, "arena": 0x10001}})
    assert found["why"] == "1 bytes of ccm too little"
    assert found["regions"]["ram"]["bytes"] == 0x10000 + 0x1400 + 0x4000


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
