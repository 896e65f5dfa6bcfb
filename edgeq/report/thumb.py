"""What a Thumb function does to the stack, and what it calls: as much of a disassembler as that takes.

Encodings: Arm Architecture Reference Manuals of Armv6-M, Armv7-M and Armv8-M.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_IP = 12
ROUNDING = 16
"""Bytes that a function may lose when it rounds its stack pointer down."""


def frame_and_calls(start: int, code: bytes, is_data: Callable[[int], bool]) -> tuple[int, tuple[int, ...]]:
    """The most bytes of stack that a function takes itself, and the targets of its calls and jumps.

    Args:
        start: its address.
        code: its bytes.
        is_data: whether an address holds data, not instructions.

    Returns:
        Everything that it pushes or subtracts anywhere, and addresses, those of jumps within itself among them. Calls
        through registers are not seen, but for what linkers insert where a function is too far for a jump.
    """
    frame = 0
    targets = []
    constants: dict[int, int] = {}
    for address, first, second in _instructions(start, code, is_data):
        _remember_constant(constants, start, code, address, first, second)
        frame += _stack_taken(first, second, constants)
        target = _target(address, first, second)
        if target is None:
            target = _far_target(constants, start, code, address, first, second)
        if target is not None:
            targets.append(target)
    return frame, tuple(targets)


def _instructions(start: int, code: bytes, is_data: Callable[[int], bool]) -> Iterator[tuple[int, int, int]]:
    """(address, first halfword, second halfword or 0) of every instruction."""
    offset = 0
    while offset + 2 <= len(code):
        if is_data(start + offset):
            offset += 2
            continue
        first = int.from_bytes(code[offset : offset + 2], "little")
        wide = first >= 0xE800
        yield start + offset, first, int.from_bytes(code[offset + 2 : offset + 4], "little") if wide else 0
        offset += 4 if wide else 2


def _stack_taken(first: int, second: int, constants: dict[int, int]) -> int:
    """Bytes by which an instruction lowers the stack pointer."""
    if first & 0xFE00 == 0xB400:  # PUSH
        return 4 * (first & 0x1FF).bit_count()
    if first & 0xFF80 == 0xB080:  # SUB SP, SP, #imm7
        return 4 * (first & 0x7F)
    if first & 0xFF87 == 0x4485:  # ADD SP, Rm: large frames of Armv6-M add a negative number
        return max(0, -constants.get(first >> 3 & 15, 0))
    if first & 0xFF87 == 0x4685 and first >> 3 & 15 != 7:  # MOV SP, Rm; from r7 it ends a frame
        return ROUNDING
    if first == 0xE92D:  # PUSH.W
        return 4 * (second & 0x7FFF).bit_count()
    if first == 0xF84D and second & 0x0FFF == 0x0D04:  # STR Rt, [SP, #-4]!
        return 4
    if first == 0xE96D:  # STRD Rt, Rt2, [SP, #-imm8]!
        return 4 * (second & 0xFF)
    if first & 0xFFBF == 0xED2D and second & 0x0E00 == 0x0A00:  # VPUSH
        return 4 * (second & 0xFF)
    if first & 0xFBFF == 0xF1AD and second & 0x8F00 == 0x0D00:  # SUB.W SP, SP, #constant
        return _modified_immediate(first, second)
    if first & 0xFBFF == 0xF2AD and second & 0x8F00 == 0x0D00:  # SUBW SP, SP, #imm12
        return _plain_immediate(first, second)
    if first == 0xEBAD and second & 0x0F00 == 0x0D00:  # SUB.W SP, SP, Rm
        return max(0, constants.get(second & 15, 0))
    return 0


def _target(address: int, first: int, second: int) -> int | None:
    """Where an instruction calls or jumps to, if it is a direct call or an unconditional jump."""
    if first & 0xF800 == 0xE000:  # B
        return address + 4 + 2 * _signed(first & 0x7FF, 11)
    if first & 0xF800 == 0xF000 and second & 0x9000 == 0x9000:  # BL, B.W
        sign, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
        i1, i2 = 1 - (j1 ^ sign), 1 - (j2 ^ sign)
        value = sign << 23 | i1 << 22 | i2 << 21 | (first & 0x3FF) << 11 | second & 0x7FF
        return address + 4 + 2 * _signed(value, 24)
    return None


def _far_target(
    constants: dict[int, int], start: int, code: bytes, address: int, first: int, second: int
) -> int | None:
    """Where a linker's veneer goes on: LDR PC with the address behind it, or BX IP with one that was loaded before."""
    if first & 0xFF7F == 0xF85F and second >> 12 == 15:  # LDR PC, [PC, #imm12]
        distance = second & 0xFFF if first & 0x80 else -(second & 0xFFF)
        offset = (address + 4 & ~3) + distance - start
        return int.from_bytes(code[offset : offset + 4], "little") & ~1
    if first == 0x4760 and _IP in constants:  # BX IP
        return constants[_IP] & 0xFFFFFFFE
    return None


def _remember_constant(
    constants: dict[int, int], start: int, code: bytes, address: int, first: int, second: int
) -> None:
    """Keep track of numbers that are loaded into registers, as far as frames too large for an immediate need it."""
    if first & 0xF800 == 0x4800:  # LDR Rt, [PC, #imm8]
        offset = (address + 4 & ~3) + 4 * (first & 0xFF) - start
        constants[first >> 8 & 7] = int.from_bytes(code[offset : offset + 4], "little", signed=True)
    elif first & 0xFBF0 == 0xF240 and not second & 0x8000:  # MOVW
        constants[second >> 8 & 15] = (first & 15) << 12 | _plain_immediate(first, second)
    elif first & 0xFBF0 == 0xF2C0 and not second & 0x8000:  # MOVT
        low = constants.get(second >> 8 & 15, 0) & 0xFFFF
        high = (first & 15) << 12 | _plain_immediate(first, second)
        constants[second >> 8 & 15] = _signed(high << 16 | low, 32)
    elif first & 0xFF87 == 0x4684 and first >> 3 & 15 in constants:  # MOV IP, Rm
        constants[_IP] = constants[first >> 3 & 15]
    elif first & 0xFBEF == 0xF04F and not second & 0x8000:  # MOV.W
        constants[second >> 8 & 15] = _modified_immediate(first, second)


def _plain_immediate(first: int, second: int) -> int:
    return (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF


def _modified_immediate(first: int, second: int) -> int:
    """The constant that twelve bits stand for: a byte, repeated or rotated."""
    bits = _plain_immediate(first, second)
    byte = bits & 0xFF
    if bits >> 10 == 0:
        return (byte, byte * 0x00010001, byte * 0x01000100, byte * 0x01010101)[bits >> 8 & 3]
    return (0x80 | bits & 0x7F) << (32 - (bits >> 7))


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
