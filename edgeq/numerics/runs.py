"""How arrays are laid out for NumPy, which processes long runs of memory several times faster than short ones."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from threading import local
from typing import Any

import numpy as np
import numpy.typing as npt

LEAST_RUN, RUN = 512, 1 << 13
"""Elements that an operation should find side by side: at least, and where it costs nothing."""
ALIGNMENT = 64
"""Bytes of a line of a cache; vectors that lie in two of them take twice as long."""


def rows_at_once(rows: int, channels: int) -> int:
    """How many rows n to treat as one, so that the array is (rows / n, n · channels): a divisor of their number."""
    count = 1
    while rows % (2 * count) == 0 and count * channels < LEAST_RUN:
        count *= 2
    return count


def rows_together(channels: int) -> int:
    """How many rows to treat as one, so that what differs by channel is repeated so often.

    A multiple of 16 where there are as many: then every run begins where a CPU's longest vectors like to.
    """
    rows = max(1, RUN // max(1, channels))
    return rows // 16 * 16 or rows


def in_runs(x: npt.NDArray[Any], width: int) -> Iterator[npt.NDArray[Any]]:
    """An array (…, channels), contiguous, as rows of `width` elements, a multiple of the channels; the rest as one."""
    flat = x.reshape(-1)
    wide = flat.size // width * width
    if wide:
        yield flat[:wide].reshape(-1, width)
    if wide < flat.size:
        yield flat[wide:].reshape(1, -1)


_rooms = local()


def room(use: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of anything, which the next one for the same use in the same thread overwrites.

    Memory that is new for every block of an array costs more than what is computed in it: the system clears it.
    """
    kind = np.dtype(dtype)
    size = prod(shape) * kind.itemsize
    kept: npt.NDArray[np.uint8] | None = getattr(_rooms, use, None)
    if kept is None or kept.size < size:
        kept = np.empty(size + ALIGNMENT, np.uint8)
        kept = kept[-kept.ctypes.data % ALIGNMENT :]
        setattr(_rooms, use, kept)
    return kept[:size].view(kind).reshape(shape)
