"""Boards: serial lines that answer in the emulator."""

from __future__ import annotations

from pathlib import Path

import needs
import pytest
from uart_firmware import answer, build_echo, emulated

from edgeq.target import Target, list_boards, with_console

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
