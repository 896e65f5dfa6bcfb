"""Where the constants of a program lie: among its code, in a section of their own, or in a file of their own.

The file is an image for memory that is programmed apart from the program. Its header, which
firmware/include/eq/check_weights.h describes, lets the program refuse an image that it was not made for.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from edgeq.errors import UsageError
from edgeq.target import Target

if TYPE_CHECKING:
    from edgeq.codegen.literals import Constant

WeightsIn = Literal["inline", "section", "file"]
WEIGHTS_IN: tuple[WeightsIn, ...] = ("inline", "section", "file")
FILE = "weights.bin"
REGION = "weights"
"""The target's memory for weights alone, if it has one."""

HEADER_BYTES = 32
_MAGIC = b"EQWT"
_VERSION = 1
ALIGNMENT = 16


@dataclass(frozen=True)
class WeightsPlace:
    """Where constants lie.

    Attributes:
        kind: "inline" (among the code), "section" or "file".
        region: the target's memory that they are in; "" if it is not one that the target knows.
        address: of the file's first byte; None if there is no file.
        emulated: where the file lies in an emulator that has no memory at that address; None: at that address.
        included: large constants may be bytes of a file that the assembler includes. What is carried to compilers that
            are not known has them as C.
    """

    kind: WeightsIn = "inline"
    region: str = "flash"
    address: int | None = None
    emulated: int | None = None
    included: bool = False


INLINE = WeightsPlace()


def place_weights(kind: WeightsIn, address: int | None, target: Target) -> WeightsPlace:
    """Where the constants of a program for `target` lie.

    Args:
        kind: the kind of place.
        address: where the file is programmed; by default the start of the target's memory for weights.
        target: what the program is for.

    Raises:
        UsageError: the target cannot have them there.
    """
    apart = target.memory.get(REGION)
    if address is not None and kind != "file":
        raise UsageError("an address of the weights is for weights in a file", hint="add --weights-in file")
    if kind != "file":
        return WeightsPlace(kind, REGION if kind == "section" and apart else "flash")
    if not target.bare_metal:
        raise UsageError(
            f"weights in a file have to lie at an address, which programs for {target.name} do not know",
            hint="use --weights-in section, or the target of a microcontroller",
        )
    if address is None and apart is None:
        raise UsageError(
            f"{target.name} has no memory for weights alone",
            hint="say where the file is programmed: --weights-address 0x90000000",
        )
    place = apart.origin if apart and address is None else address
    assert place is not None
    if place % ALIGNMENT or place >= 1 << 32:
        raise UsageError(
            f"the weights cannot lie at {place:#x}", hint=f"choose a 32-bit address that is a multiple of {ALIGNMENT}"
        )
    region = next((name for name, r in target.memory.items() if r.origin <= place < r.end), "")
    if region == "ram":
        raise UsageError(
            f"the address {place:#x} is in the RAM of {target.name}, which programs use for themselves",
            hint="choose another --weights-address",
        )
    return WeightsPlace("file", region, place)


def emulated_place(place: WeightsPlace, size: int, target: Target) -> WeightsPlace:
    """A place of weights, with an address for the emulator if none of the target's memory is at the file's own.

    That is the start of the target's memory for weights, or the end of its flash.

    Args:
        place: where the user's hardware has them.
        size: bytes of the file.
        target: what the program is for.
    """
    if place.address is None or place.region:
        return place
    apart, flash = target.memory.get(REGION), target.memory["flash"]
    if apart is not None and size <= apart.size:
        return replace(place, emulated=apart.origin)
    return replace(place, emulated=max((flash.end - size) // ALIGNMENT * ALIGNMENT, flash.origin))


def layout(constants: Sequence[Constant]) -> tuple[tuple[int, ...], int]:
    """Offset of each constant in the file, and the file's size."""
    offsets = []
    end = HEADER_BYTES
    for constant in constants:
        start = -(-end // constant.alignment) * constant.alignment
        offsets.append(start)
        end = start + constant.array.nbytes
    return tuple(offsets), end


def fingerprint(code: Mapping[str, str], constants: Sequence[Constant]) -> tuple[int, int]:
    """Two 32-bit numbers that identify the code that an image is for: the program's text and the places of constants.

    Other values of weights for the same code have the same fingerprint.

    Args:
        code: contents of the files that read the constants, by path.
        constants: those in the image.
    """
    digest = hashlib.sha256()
    offsets, _ = layout(constants)
    shapes = (f"{c.name} {c.array.dtype.name} {c.array.size} {o}" for c, o in zip(constants, offsets, strict=True))
    for text in (*(part for item in sorted(code.items()) for part in item), *shapes):
        digest.update(f"{len(text)}:{text}".encode())
    return struct.unpack("<2I", digest.digest()[:8])


def image(constants: Sequence[Constant], code: tuple[int, int]) -> bytes:
    """The file: header, then the constants.

    Args:
        constants: in order.
        code: the fingerprint of the code that reads it.
    """
    offsets, size = layout(constants)
    body = bytearray(size - HEADER_BYTES)
    for constant, offset in zip(constants, offsets, strict=True):
        data = constant.array.astype(constant.array.dtype.newbyteorder("<")).tobytes()
        body[offset - HEADER_BYTES : offset - HEADER_BYTES + len(data)] = data
    header = struct.pack("<4s7I", _MAGIC, _VERSION, *code, size, 0, 0, zlib.crc32(body))
    return header + bytes(body)
