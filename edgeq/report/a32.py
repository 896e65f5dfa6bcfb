"""What a function of 32-bit Arm instructions (A32) does to the stack, and what it calls.

Encodings: Arm Architecture Reference Manual, Armv7-A edition, section A5.
"""

from __future__ import annotations

from collections.abc import Iterator


def a32_frame_and_calls(start: int, code: bytes) -> tuple[int, tuple[int, ...]]:
    """The most bytes of stack that a function takes itself by constants, and the targets of its calls and jumps.

    Args:
        start: its address.
        code: its bytes.

    Returns:
        Everything that it pushes or subtracts anywhere, and addresses, those of jumps within itself among them. Calls
        through registers are not seen.
    """
    words = list(_words(code))
    targets = (_target(start + offset, word) for offset, word in words)
    return sum(_stack_taken(word) for _, word in words), tuple(t for t in targets if t is not None)


def _words(code: bytes) -> Iterator[tuple[int, int]]:
    for offset in range(0, len(code) - 3, 4):
        yield offset, int.from_bytes(code[offset : offset + 4], "little")


def _stack_taken(word: int) -> int:
    """Bytes by which an instruction lowers the stack pointer."""
    if word >> 16 == 0xE92D:  # PUSH
        return 4 * (word & 0xFFFF).bit_count()
    if word & 0xFFFF0FFF == 0xE52D0004:  # STR Rt, [SP, #-4]!
        return 4
    if word & 0xFFBF0E00 == 0xED2D0A00:  # VPUSH
        return 4 * (word & 0xFF)
    if word >> 12 == 0xE24DD:  # SUB SP, SP, #a byte, rotated right by twice a number
        byte, turn = word & 0xFF, 2 * (word >> 8 & 15)
        return (byte >> turn | byte << (32 - turn)) & 0xFFFFFFFF
    return 0


def _target(address: int, word: int) -> int | None:
    """Where an instruction calls or jumps to, if it says so itself."""
    offset = 4 * ((word & 0x7FFFFF) - (word & 0x800000))
    if word >> 28 == 0xF and word >> 25 & 7 == 0b101:  # BLX, which changes to Thumb
        return address + 8 + offset + (word >> 23 & 2)
    if word >> 28 == 0xE and word >> 25 & 7 == 0b101:  # B, BL
        return address + 8 + offset
    return None
