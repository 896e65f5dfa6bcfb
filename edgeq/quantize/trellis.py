"""Paths through the trellis of weights of two bits that make the error of a layer's sums small."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgeq.errors import UsageError
from edgeq.ir.tensor import DType
from edgeq.numerics.trellis import PASTS, STATES, TABLE, WAYS
from edgeq.quantize.config import QuantConfig, WeightRounding, WeightScale
from edgeq.quantize.ranges import SMALLEST_SCALE, WEIGHT_MAX, Floats, Levels

BLOCK, AHEAD = 64, 40
"""Weights that are decided together, and those behind them that are looked at for that."""
CHANNELS = 32
"""Channels whose paths stay in the nearer caches."""
Indices = npt.NDArray[np.int64]
Integers = npt.NDArray[np.int8]
VALUES = TABLE.astype(np.float32)
SPREAD = float(np.sqrt(np.cumsum(np.square(TABLE.astype(np.float64)))[-1] / STATES)) / 1.06
"""Standard deviation of the weights, in steps, with which errors are least: a bit less than that of the table."""
NEAR = (1.0, 0.9, 1.15, 1.35, 1.6, 2.0, 2.5, 3.2)
"""Multiples of such scales that are tried: the more, the more weights of a channel are far out."""
LEVELS = Levels(-WEIGHT_MAX, WEIGHT_MAX, table=tuple(np.unique(TABLE).tolist()), trellis=True)


def check(dtype: DType, wide: bool, config: QuantConfig, where: str) -> None:
    """Refuse what such weights do not go with.

    Raises:
        UsageError: activations of 16 bits, groups, or what changes weights one by one.
    """
    if dtype is not DType.TRELLIS:
        return
    apart = config.chosen_rounding in (WeightRounding.ADAROUND, WeightRounding.DESCENT)
    wrong = {
        "activation_bits = 16": wide,
        "weight_group": bool(config.weight_group),
        "reconstruct = true": config.reconstruct,
        f'rounding = "{config.chosen_rounding.value}"': apart,
        'weight_scale = "hqq"': config.weight_scale is WeightScale.HQQ,
    }
    found = [option for option, given in wrong.items() if given]
    if found:
        raise UsageError(
            f"weights of a trellis do not go with {' and '.join(found)}",
            hint="leave that out, or give the layer other weight_bits in [quantize.layers]",
            where=where,
        )


def first_scales(rows: Floats, importance: Floats) -> Floats:
    """Scales (C,) with which weights (C, K) are as far spread as the table; `importance` (C, K) weighs them.

    The table has no zero: of a channel that has nothing else the least scale makes that one.
    """
    squares, weights = (np.cumsum(x, axis=1)[:, -1] for x in (np.square(rows) * importance, importance))
    some = (squares > 0.0) & (weights > 0.0)
    spread = np.sqrt(squares / np.where(some, weights, 1.0)) / SPREAD
    least = SMALLEST_SCALE / min(NEAR)
    return np.where(some, np.maximum(spread, least), least)


def follow(wanted: Floats, upper: Floats, diagonal: Floats) -> tuple[Floats, Floats]:
    """Integers (C, K), each row a path, for numbers (C, K), and the errors (C,) of the sums.

    As in `Rounder.round` what a weight loses is handed on to those that follow, but along the best path to each of the
    states: which of them is best only shows later (Viterbi, with what is handed on as part of a path). Every BLOCK
    weights the best one is taken.

    Args:
        wanted: in steps.
        upper, diagonal: U (K, K) and D (K,) of the moments of the inputs, U·D·Uᵀ.
    """
    parts = [_follow(wanted[c : c + CHANNELS], upper, diagonal) for c in range(0, len(wanted), CHANNELS)]
    return np.concatenate([path for path, _ in parts]), np.concatenate([error for _, error in parts])


def nearest_path(wanted: Floats) -> Integers:
    """Likewise the integers with the least squared errors of the weights themselves."""
    alike, starts = np.ones(wanted.shape[1]), np.zeros(CHANNELS, np.int64)
    parts = (wanted[c : c + CHANNELS] for c in range(0, len(wanted), CHANNELS))
    return TABLE[np.concatenate([_best(part, part, starts[: len(part)], None, alike) for part in parts])]


def _follow(wanted: Floats, upper: Floats, diagonal: Floats) -> tuple[Floats, Floats]:
    channels, depth = wanted.shape
    now, result, error = wanted.copy(), np.empty_like(wanted), np.zeros(channels)
    past = np.zeros(channels, np.int64)
    for begin in range(0, depth, BLOCK):
        end, until = min(begin + BLOCK, depth), min(begin + BLOCK + AHEAD, depth)
        part = slice(begin, until)
        states = _best(wanted[:, part], now[:, part], past, upper[part, part], diagonal[part])
        for k in range(begin, end):
            result[:, k] = TABLE[states[:, k - begin]]
            error += diagonal[k] * np.square(now[:, k] - result[:, k])
            lost = wanted[:, k] - result[:, k]
            now[:, k + 1 :] += np.multiply.outer(lost, upper[k, k + 1 :])
        past = states[:, end - begin - 1] // WAYS
    return result, error


def _best(wanted: Floats, now: Floats, past: Indices, upper: Floats | None, diagonal: Floats) -> Indices:
    """The states (C, B) of the best path that goes on from pasts (C,) through numbers (C, B).

    Without `upper` nothing is handed on.
    """
    channels, depth = wanted.shape
    own, weigh = wanted.astype(np.float32), (diagonal / diagonal.max()).astype(np.float32)
    feed = None if upper is None else upper.astype(np.float32)
    cost = np.full((channels, PASTS), np.inf, np.float32)
    cost[np.arange(channels), past] = 0.0
    # Of each path, or of all alike, the numbers as they are by now.
    rest = np.repeat(now.astype(np.float32)[:, None], 1 if feed is None else PASTS, axis=1)
    origins = np.empty((depth, channels, PASTS), np.uint8)
    base, first = np.arange(channels)[:, None] * PASTS, np.arange(PASTS) * WAYS
    for k in range(depth):
        each = rest[:, None, :, 0 if feed is not None else k] - VALUES.reshape(WAYS, PASTS)
        each *= each
        each *= weigh[k]
        each += cost[:, None]
        state = each.reshape(channels, PASTS, WAYS).argmin(axis=2) + first
        cost = np.take_along_axis(each.reshape(channels, STATES), state, 1)
        origins[k] = state
        if feed is not None and k + 1 < depth:
            lost = own[:, k, None] - VALUES[state]
            rest = rest.reshape(channels * PASTS, -1)[base + state % PASTS, 1:]
            rest += lost[:, :, None] * feed[k, k + 1 :]
    states, every = np.empty((channels, depth), np.int64), np.arange(channels)
    end = cost.argmin(axis=1)
    for k in reversed(range(depth)):
        states[:, k] = origins[k, every, end]
        end = states[:, k] % PASTS
    return states
