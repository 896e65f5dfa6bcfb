"""Images of a linked program, in the forms that boards and their programmers take."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from edgeq.errors import CapacityError, InternalError
from edgeq.target import Region, Target

BOOT2 = ".boot2"
"""The section with RP2040's second stage, whose last word is the CRC-32 of the others."""
_BOOT2_BYTES = 256
_ERASED = b"\xff"

UF2_PAYLOAD = 256
_UF2_BLOCK = 512
_UF2_BEGIN = 0x0A324655, 0x9E5D5157
_UF2_END = 0x0AB16F30
_UF2_HAS_FAMILY = 0x2000


def write_images(program: Path, target: Target) -> dict[str, Path]:
    """Write a linked program's images beside it.

    Args:
        program: an ELF file. One for RP2040 gets its checksum, without which the chip does not start it.
        target: what it was linked for.

    Returns:
        The files by their kind: "hex" (Intel HEX, everything that is loaded); "bin" (the flash from its first byte on,
        unless something lies elsewhere); "uf2" where the target is flashed so.

    Raises:
        CapacityError: something lies outside of the target's memory, which only happens with linker scripts of the
            user's own.
    """
    _seal_boot2(program)
    parts = loaded(program)
    _check_places(parts, target, program.name)
    images = {"hex": _hex(parts)}
    flash = target.memory["flash"]
    if all(flash.origin <= start < flash.end for start in parts):
        images["bin"] = flat(parts, flash.origin)
    for spec in target.flashers:
        if spec.kind == "uf2":
            images["uf2"] = uf2(parts, spec.number("family"))
    paths = {kind: program.with_suffix(f".{kind}") for kind in images}
    for kind, path in paths.items():
        path.write_bytes(images[kind])
    return paths


def loaded(program: Path) -> dict[int, bytes]:
    """What of an ELF file is to be in a board's memory, by address."""
    from elftools.elf.elffile import ELFFile  # with a time of its own to import

    with program.open("rb") as file:
        segments = [s for s in ELFFile(file).iter_segments("PT_LOAD") if s["p_filesz"]]
        return {s["p_paddr"]: s.data() for s in sorted(segments, key=lambda s: int(s["p_paddr"]))}


def flat(parts: Mapping[int, bytes], origin: int) -> bytes:
    """Parts as one stretch of memory from `origin` on; between them it is erased flash."""
    image = bytearray(_ERASED * (max(start + len(data) for start, data in parts.items()) - origin))
    for start, data in parts.items():
        image[start - origin : start - origin + len(data)] = data
    return bytes(image)


def uf2(parts: Mapping[int, bytes], family: int) -> bytes:
    """Parts as UF2: blocks of 512 bytes, each with 256 of payload at a multiple of 256.

    The format: https://github.com/microsoft/uf2.

    Args:
        parts: what is loaded, by address.
        family: the number of the chip's family.
    """
    pages = list(_pages(parts))
    blocks = []
    for number, (address, data) in enumerate(pages):
        head = *_UF2_BEGIN, _UF2_HAS_FAMILY, address, UF2_PAYLOAD, number, len(pages), family
        block = struct.pack("<8I", *head) + data
        blocks.append(block.ljust(_UF2_BLOCK - 4, b"\0") + struct.pack("<I", _UF2_END))
    return b"".join(blocks)


def _pages(parts: Mapping[int, bytes]) -> Iterator[tuple[int, bytes]]:
    """The pages that hold anything, in order."""
    pages: dict[int, bytearray] = {}
    for start, data in parts.items():
        for first in range(start - start % UF2_PAYLOAD, start + len(data), UF2_PAYLOAD):
            page = pages.setdefault(first, bytearray(_ERASED * UF2_PAYLOAD))
            low, high = max(start, first), min(start + len(data), first + UF2_PAYLOAD)
            page[low - first : high - first] = data[low - start : high - start]
    return ((address, bytes(page)) for address, page in sorted(pages.items()))


def _hex(parts: Mapping[int, bytes]) -> bytes:
    """Parts as Intel HEX."""
    import io

    from intelhex import IntelHex

    image = IntelHex()
    for start, data in parts.items():
        image.frombytes(data, start)
    text = io.StringIO()
    image.write_hex_file(text, write_start_addr=False)
    return text.getvalue().encode("ascii")


def boot2_crc(code: bytes) -> int:
    """The CRC-32 that RP2040's boot ROM computes of a second stage (RP2040 Datasheet, 2.8.1.3.1).

    Polynomial 0x04C11DB7, from the most significant bit on, initially all ones, not inverted.
    """
    crc = 0xFFFFFFFF
    for byte in code:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _seal_boot2(program: Path) -> None:
    """Give the program's second stage its checksum, if it has one."""
    from elftools.elf.elffile import ELFFile

    with program.open("r+b") as file:
        section = ELFFile(file).get_section_by_name(BOOT2)
        if section is None or not section["sh_size"]:
            return
        if section["sh_size"] != _BOOT2_BYTES:
            raise InternalError(f"the second stage has {section['sh_size']} bytes instead of {_BOOT2_BYTES}")
        crc = boot2_crc(section.data()[:-4])
        file.seek(section["sh_offset"] + _BOOT2_BYTES - 4)
        file.write(struct.pack("<I", crc))


def _check_places(parts: Mapping[int, bytes], target: Target, where: str) -> None:
    places = [*target.memory.values()]
    if target.vectors is not None:
        places.append(Region(target.vectors, 0x400))
    for start, data in parts.items():
        if not any(place.origin <= start and start + len(data) <= place.end for place in places):
            raise CapacityError(
                f"{len(data):,} bytes at {start:#x} are in no memory of {target.name}",
                hint="the memory in the board's file and the linker script have to agree",
                where=where,
            )
