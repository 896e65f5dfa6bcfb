"""Weights of 4 bits, as kernels of several instruction sets unpack them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import padded

Words = npt.NDArray[np.uint32]


def words_of(nibbles: Array) -> Words:
    """Words of eight integers (…, 8) modulo 16, the first in the lowest bits."""
    places = np.left_shift(1, 4 * np.arange(8, dtype=np.int64))
    return ((nibbles.astype(np.int64) & 15) * places).sum(axis=-1).astype(np.uint32)


def unpacked_bytes(count: int) -> int:
    """Bytes that unpacked weights take (EQ_UNPACKED_INT4_BYTES)."""
    return padded(count, 8)


def pack_halves(weights: Array) -> Words:
    """Weights (any shape) for `eq_unpack_int4`: of eight the first four in the low halves of a word's bytes."""
    flat = weights.ravel()
    eights = np.pad(flat, (0, unpacked_bytes(flat.size) - flat.size)).reshape(-1, 2, 4)
    return words_of(eights.transpose(0, 2, 1).reshape(-1, 8))
