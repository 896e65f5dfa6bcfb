"""Codebooks: the integers that the weights of a layer may be, where few bits choose among many."""

from __future__ import annotations

import numpy as np

from edgeq.ir.tensor import Array, DType
from edgeq.quantize.config import POWERS_OF_TWO, QuantConfig
from edgeq.quantize.ranges import WEIGHT_MAX, Floats, Levels, channel_rows, levels_of
from edgeq.quantize.trellis import LEVELS

TURNS = 30
"""Of Lloyd's algorithm."""
POWERS = tuple(sorted({0, *(sign << k for sign in (1, -1) for k in range(7))}))
"""Zero and ±1, ±2 … ±64: a product is a shift."""


def levels_for(weights: Array, axis: int | None, dtype: DType, config: QuantConfig) -> Levels:
    """The integers for real weights (any shape, channels along `axis`): those of a type, or a codebook of the layer."""
    if not dtype.is_code:
        return levels_of(dtype)
    if dtype is DType.TRELLIS:
        return LEVELS
    table = POWERS if config.weight_bits == POWERS_OF_TWO else codebook(channel_rows(weights, axis), 1 << dtype.bits)
    return Levels(-WEIGHT_MAX, WEIGHT_MAX, table=table)


def codebook(rows: Floats, count: int) -> tuple[int, ...]:
    """So many integers, rising, which weights (C, K) are nearest to, each row as far as its greatest is WEIGHT_MAX.

    Lloyd's algorithm in one dimension, from the quantiles on. Sums are of sorted numbers, one after the other.
    """
    greatest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    x = np.sort((rows / np.where(greatest > 0.0, greatest, 1.0)).ravel()) * WEIGHT_MAX
    if not x.size:
        return 0, 1
    before = np.concatenate([[0.0], np.cumsum(x)])
    middles = x[(np.arange(count) * 2 + 1) * x.size // (2 * count)]
    for _ in range(TURNS):
        ends = np.concatenate([[0], np.searchsorted(x, (middles[1:] + middles[:-1]) / 2.0), [x.size]])
        sizes = ends[1:] - ends[:-1]
        middles = np.where(sizes > 0, (before[ends[1:]] - before[ends[:-1]]) / np.maximum(sizes, 1), middles)
        middles = np.sort(middles)
    return tuple(sorted({int(v) for v in np.rint(middles)}))
