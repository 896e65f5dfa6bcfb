"""What this machine is."""

from __future__ import annotations

import platform
import struct

_NARROW = {"aarch64": "armv8l", "arm64": "armv8l", "x86_64": "i686"}
"""What a 64-bit processor is to programs of 32 bits, which the name of its kernel does not tell."""


_OF_WINDOWS = {"AMD64": "x86_64"}


def this_machine() -> str:
    """The kind of processor that this machine's own programs are for, as `uname -m` calls it."""
    name = _OF_WINDOWS.get(platform.machine(), platform.machine())
    return _NARROW.get(name, name) if struct.calcsize("P") == 4 else name
