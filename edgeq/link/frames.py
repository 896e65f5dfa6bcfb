"""Frames on a stream of bytes: data with a CRC-32, encoded without zeros, between two zeros.

firmware/platform/links/serial/frame.h has the other end. The encoding is Consistent Overhead Byte Stuffing
(Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

CRC_BYTES = 4
_BLOCK = 254
"""Bytes without a zero that one code byte can stand before."""
LONGEST_NOISE = 1 << 16
"""Bytes without an end that are kept."""


def encode(data: bytes) -> bytes:
    """A frame that holds `data`, with the zeros around it."""
    rest = data + zlib.crc32(data).to_bytes(CRC_BYTES, "little")
    blocks = [b"\0"]
    for part in rest.split(b"\0"):
        while len(part) >= _BLOCK:
            blocks.append(b"\xff" + part[:_BLOCK])
            part = part[_BLOCK:]
        blocks.append(bytes([len(part) + 1]) + part)
    return b"".join(blocks) + b"\0"


def decode(encoded: bytes) -> bytes | None:
    """What is in a frame, given without its zeros; None if it is none."""
    decoded = bytearray()
    at = 0
    while at < len(encoded):
        code = encoded[at]
        block = encoded[at + 1 : at + code]
        if code == 0 or len(block) != code - 1:
            return None
        decoded += block
        at += code
        if code != _BLOCK + 1 and at < len(encoded):
            decoded.append(0)
    data, crc = bytes(decoded[:-CRC_BYTES]), bytes(decoded[-CRC_BYTES:])
    return data if len(crc) == CRC_BYTES and zlib.crc32(data).to_bytes(CRC_BYTES, "little") == crc else None


@dataclass(frozen=True)
class Frame:
    """A frame that arrived whole."""

    data: bytes


@dataclass(frozen=True)
class Noise:
    """What came between two zeros and is no frame, such as a text."""

    raw: bytes


class Decoder:
    """Finds the frames in what arrives."""

    def __init__(self) -> None:
        self._pending = bytearray()

    @property
    def pending(self) -> bytes:
        """What came since the last zero."""
        return bytes(self._pending)

    def feed(self, data: bytes) -> list[Frame | Noise]:
        """What `data` completes."""
        found: list[Frame | Noise] = []
        *ended, rest = data.split(b"\0")
        for part in ended:
            self._pending += part
            if self._pending:
                whole = decode(bytes(self._pending))
                found.append(Noise(self.pending) if whole is None else Frame(whole))
                self._pending.clear()
        self._pending += rest
        del self._pending[:-LONGEST_NOISE]
        return found
