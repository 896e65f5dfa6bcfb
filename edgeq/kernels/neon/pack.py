"""Weights, blocks of channels and factors as the kernels read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import is_symmetric, padded
from edgeq.numerics.fixedpoint import Multiplier, Rounding

Channels = npt.NDArray[np.intp]
Block = tuple[int, int]
"""Its first channel and its size."""

HALF = 8
"""Taps that a line of a window is filled up to a multiple of."""
MOST_SMALL = 32000
"""Below what 16 bits hold by more than a zero-point and a rounding."""
_GREATEST_SHIFT = {Rounding.FAST: 0, Rounding.SINGLE: -1, Rounding.DOUBLE: -1}
"""Factors below one, with two of the roundings below 1/2: no sum is shifted to the left."""


def takes_multiplier(multiplier: Multiplier, rounding: Rounding) -> bool:
    """Whether vectors can multiply by the factors; nearly all factors are far below one."""
    return int(multiplier.shift.max()) <= _GREATEST_SHIFT[rounding] and int(multiplier.shift.min()) >= -31


def takes_weights(multiplier_of: Callable[[Site], Multiplier]) -> AllOf:
    """Symmetric weights, and factors of requantization that the vectors can take."""
    words = "Vectors can take the factors of requantization"
    factors = Condition(words, lambda site: takes_multiplier(multiplier_of(site), site.rounding))
    return all_of(is_symmetric, factors)


def has_no_least_weight(site: Site) -> bool:
    """No weight is −128, so that two products fit 16 bits."""
    return bool(site.const(1).min() > -128)


def blocks_of(channels: int) -> tuple[Block, ...]:
    """Blocks of 16 channels, then of 8 if no more are left; the last one overlaps those before it, or has fewer."""
    blocks, q = [], 0
    while q < channels - 8 and channels >= 16:
        blocks.append((min(q, channels - 16), 16))
        q += 16
    last = max(channels - 8, 0)
    return (*blocks, *((min(c, last), 8) for c in range(q, channels, 8)))


def order_of(blocks: tuple[Block, ...], channels: int) -> Channels:
    """The channels as the blocks have them, −1 where there is none."""
    order = np.concatenate([np.arange(first, first + size) for first, size in blocks])
    return np.where(order < channels, order, -1)


def in_order(values: Array, order: Channels, spare: int = 0) -> Array:
    """One value of every channel of `order`."""
    return np.where(order < 0, spare, values[order]).astype(np.int32)


def weights_in_order(weights: Array, order: Channels) -> Array:
    """Weights (OC, …) of every channel of `order`; zeros where there is none."""
    spread = weights[order]
    spread[order < 0] = 0
    return spread


def padded_lines(weights: Array, lines: int) -> Array:
    """Weights (OC, K) as (OC, lines, run), the lines filled up with zeros."""
    split = weights.reshape(len(weights), lines, -1)
    return np.pad(split, ((0, 0), (0, 0), (0, padded(split.shape[2], HALF) - split.shape[2])))


def per_block(lined: Array, blocks: tuple[Block, ...], pack: Callable[[Array], Array]) -> Array:
    """Weights (OC, lines, run), in the order of blocks: those of each block packed."""
    starts = np.cumsum([0, *(size for _, size in blocks)])
    return np.concatenate([pack(lined[q : q + size]).ravel() for q, (_, size) in zip(starts, blocks, strict=False)])


def fours(lined: Array) -> Array:
    """Weights (C, lines, run) of a block for SDOT: per four taps, four of each channel."""
    return lined.reshape(len(lined), -1, 4).transpose(1, 0, 2)


def turned_pairs(lined: Array) -> Array:
    """Weights (C, lines, run) of a block for SMULL: per 16 taps (and the last 8), turn and channel, its pairs."""
    channels, lines, run = lined.shape
    whole, (turn, half, lane) = run // 16 * 16, np.ix_(range(4), range(2), range(4))
    parts = [_turned(lined[..., :whole].reshape(channels, -1, 8, 2), (lane + 4 * half + turn) % 8).reshape(lines, -1)]
    if run > whole:
        step = turn[:2]
        last = _turned(lined[..., whole:].reshape(channels, -1, 4, 2), (lane + half + 2 * step) % 4)
        parts.append(last.reshape(lines, -1))
    return np.concatenate(parts, axis=1)


def _turned(pairs: Array, at: Array) -> Array:
    """Weights (C, N, pairs, 2): per N, turn, four channels, half and channel the pair `at` (turn, half, channel)."""
    channels, count, size, _ = pairs.shape
    grouped = pairs.reshape(channels // 4, 4, count, size, 2)
    return grouped[:, np.arange(4), :, at].transpose(4, 0, 3, 1, 2, 5)


def factor_params(site: Site, multiplier: Multiplier, order: Channels) -> Mapping[str, Param]:
    """The members `multiplier, shift` in the kernels' order."""
    fast = site.rounding is Rounding.FAST
    return {
        "multiplier": in_order(multiplier.mantissa, order),
        "shift": 0 if fast else in_order(multiplier.shift, order, -1),
    }


def are_small(weights: Array, bias: Array, multiplier: Multiplier) -> int:
    """1 if no scaled sum of weights (OC, …) and int8 values leaves 16 bits, with room for any zero-point; else 0."""
    reach = np.abs(bias.astype(np.int64)) + 128 * np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1)
    factors = np.ldexp(multiplier.mantissa.astype(np.float64), multiplier.shift - 31)
    return int(np.all(reach * factors < MOST_SMALL))
