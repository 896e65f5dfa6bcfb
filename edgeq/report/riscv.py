"""What a RISC-V function does to the stack, and what it calls.

Encodings: The RISC-V Instruction Set Manual, volume I, chapters RV32I and "C" extension.
"""

from __future__ import annotations

from collections.abc import Iterator

_SP = 2


def riscv_frame_and_calls(start: int, code: bytes) -> tuple[int, tuple[int, ...]]:
    """The most bytes of stack that a function takes itself by constants, and the targets of its calls and jumps.

    Args:
        start: its address.
        code: its bytes.

    Returns:
        Everything that it subtracts from the stack pointer anywhere, and addresses, those of jumps within itself among
        them. Calls through registers are seen where the instruction before says where to.
    """
    frame = 0
    targets = []
    for address, word, following in _instructions(start, code):
        frame += max(0, -_added_to_stack_pointer(word))
        target = _target(address, word, following)
        if target is not None:
            targets.append(target)
    return frame, tuple(targets)


def _instructions(start: int, code: bytes) -> Iterator[tuple[int, int, int]]:
    """(address, instruction, the four bytes behind it)."""
    offset = 0
    while offset + 2 <= len(code):
        size = 4 if code[offset] & 3 == 3 else 2
        behind = offset + size
        word, following = (int.from_bytes(code[at : at + 4], "little") for at in (offset, behind))
        yield start + offset, word if size == 4 else word & 0xFFFF, following
        offset = behind


def _added_to_stack_pointer(word: int) -> int:
    if word & 0xFFFFF == _SP << 15 | _SP << 7 | 0x13:  # ADDI sp, sp, imm
        return _signed(word >> 20, 12)
    if word & 0xEF83 == 0x6001 | _SP << 7:  # C.ADDI16SP
        bits = (word >> 12 & 1) << 9 | (word >> 3 & 3) << 7 | (word >> 5 & 1) << 6 | (word >> 2 & 1) << 5
        return _signed(bits | (word >> 6 & 1) << 4, 10)
    if word & 0xEF83 == _SP << 7 | 1:  # C.ADDI sp, imm
        return _signed((word >> 12 & 1) << 5 | word >> 2 & 31, 6)
    return 0


def _target(address: int, word: int, following: int) -> int | None:
    """Where an instruction calls or jumps to, if it says so itself or together with the one behind it."""
    if word & 0x7F == 0x6F:  # JAL
        low = (word >> 21 & 0x3FF) << 1 | (word >> 20 & 1) << 11 | word & 0xFF000
        return address + low - (word >> 31 << 20)
    if word >> 16 == 0 and word & 0xE003 == 0xA001:  # C.J, which may be the last call of a function
        bits = (word >> 12 & 1) << 11 | (word >> 11 & 1) << 4 | (word >> 9 & 3) << 8 | (word >> 8 & 1) << 10
        bits |= (word >> 7 & 1) << 6 | (word >> 6 & 1) << 7 | (word >> 3 & 7) << 1 | (word >> 2 & 1) << 5
        return address + _signed(bits, 12)
    through = word >> 7 & 31
    if word & 0x7F == 0x17 and following & 0x707F == 0x67 and following >> 15 & 31 == through:  # AUIPC, JALR
        return address + _signed(word & 0xFFFFF000, 32) + _signed(following >> 20, 12)
    return None


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
