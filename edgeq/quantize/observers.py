"""Observers: how the range of an activation follows from its calibration statistics. Every range contains zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array
from edgeq.quantize.config import ObserverKind, QuantConfig
from edgeq.quantize.histogram import Histogram
from edgeq.quantize.ranges import Range
from edgeq.quantize.statistics import Need, TensorStatistics

Floats = npt.NDArray[np.float64]
CANDIDATES = 128
"""Clipping bounds that a search tries at each end of a range."""
LEVELS, LEVELS_ONE_SIDE = 256, 128
"""Integers of an int8 tensor, and of one side of a symmetric one."""
DIGITS = 11
"""Decimals of a divergence that count."""
VALUES_PER_BIN, BINS_PER_LEVEL = 4, 4
"""With fewer values per bin, and bins per integer, a distribution is not known well enough for its entropy: a
candidate with hardly more bins than integers looks perfect."""


def percentile_range(histogram: Histogram, percentile: float) -> Range:
    """The range between 100 − percentile and percentile, linear inside a bin; percentile in (50, 100]."""
    if not len(histogram.counts):
        return 0.0, 0.0
    edges, split = histogram.edges, -histogram.first
    below = np.concatenate([[0], np.cumsum(histogram.counts)]).astype(np.float64)
    below = np.concatenate([below[: split + 1], below[split:] + histogram.zeros])
    edges = np.concatenate([edges[: split + 1], edges[split:]])
    total = below[-1]
    rank = total * percentile / 100.0
    # Of several edges with the same count below them, the innermost is the quantile.
    high = edges[-1] if rank >= total else float(np.interp(rank, below, edges))
    low = edges[0] if rank >= total else -float(np.interp(rank, total - below[::-1], -edges[::-1]))
    return min(0.0, float(low)), max(0.0, float(high))


def _bounds(histogram: Histogram) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of edges to try as lower bounds (≤ 0) and upper bounds (≥ 0) of a range."""
    n = len(histogram.counts)
    zero = -histogram.first
    lower = np.unique(np.linspace(0, zero, CANDIDATES + 1).round().astype(np.int64))
    upper = np.unique(np.linspace(zero, n, CANDIDATES + 1).round().astype(np.int64))
    return lower, upper


def mse_range(histogram: Histogram, symmetric: bool) -> Range:
    """The range with the least squared error: clipping outside, uniform rounding noise (step²/12) inside."""
    if symmetric:
        folded = histogram.folded()
        if not len(folded.counts):
            return 0.0, 0.0
        high = _least_error(folded, steps=LEVELS_ONE_SIDE - 1)[1]
        return -high, high
    return _least_error(histogram, steps=LEVELS - 1) if len(histogram.counts) else (0.0, 0.0)


def _least_error(histogram: Histogram, steps: int) -> Range:
    edges = histogram.edges
    centres = (edges[1:] + edges[:-1]) / 2.0
    counts = histogram.counts.astype(np.float64)

    def below(values: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(values)])

    n0, n1, n2 = below(counts), below(counts * centres), below(counts * centres**2)
    lower, upper = _bounds(histogram)
    low, high = edges[lower], edges[upper]
    left = n2[lower] - 2 * low * n1[lower] + low**2 * n0[lower]
    right = (n2[-1] - n2[upper]) - 2 * high * (n1[-1] - n1[upper]) + high**2 * (n0[-1] - n0[upper])
    step = (high[None, :] - low[:, None]) / steps
    inside = n0[upper][None, :] - n0[lower][:, None]
    error = left[:, None] + right[None, :] + step**2 / 12.0 * inside
    i, j = np.unravel_index(int(np.argmin(error)), error.shape)
    return float(low[i]), float(high[j])


def divergence(counts: Array, start: int, stop: int, levels: int) -> float:
    """Kullback-Leibler divergence of a distribution from itself held in `levels` integers between start and stop.

    S. Migacz, "8-bit Inference with TensorRT" (GTC 2017): what is outside is added to the outermost bins of the
    reference; the candidate merges the bins inside into levels and spreads each over its bins that are not empty.

    Args:
        counts: (n,) values per bin.
        start, stop: the range kept, stop − start ≥ 1.
        levels: number of integers.
    """
    inside = np.asarray(counts[start:stop], np.float64)
    reference = inside.copy()
    reference[0] += float(np.sum(counts[:start]))
    reference[-1] += float(np.sum(counts[stop:]))
    level = np.arange(inside.size) * levels // inside.size
    filled = inside > 0
    sums = np.bincount(level, weights=inside, minlength=levels)
    bins = np.bincount(level, weights=filled, minlength=levels)
    candidate = np.where(filled, sums[level] / np.maximum(bins[level], 1.0), 0.0)
    held = reference > 0
    p = reference[held] / reference.sum()
    # A bin that only clipped values fill has no probability in the candidate; half a value stands for none.
    q = np.maximum(candidate[held], 0.5)
    # Logarithms differ between CPUs in their last bit, which must not decide between ranges that are equally good.
    return round(float(np.sum(p * np.log(p * q.sum() / q))), DIGITS)


def entropy_range(histogram: Histogram, symmetric: bool) -> Range:
    """The range with the least `divergence`; an asymmetric one is searched one end after the other, twice.

    Where there are too few values to estimate a distribution much finer than the levels, nothing is clipped.
    """
    if not len(histogram.counts):
        return 0.0, 0.0
    if symmetric:
        folded = histogram.folded()
        dense = folded.dense(VALUES_PER_BIN)
        if len(dense.counts) < BINS_PER_LEVEL * LEVELS_ONE_SIDE:
            return -folded.high, folded.high
        end = float(dense.edges[_best_end(dense, 0, _bounds(dense)[1], LEVELS_ONE_SIDE)])
        return -end, end
    dense = histogram.dense(VALUES_PER_BIN)
    if len(dense.counts) < BINS_PER_LEVEL * LEVELS:
        return histogram.low, histogram.high
    lower, upper = _bounds(dense)
    start, stop = int(lower[0]), int(upper[-1])
    for _ in range(2):
        stop = _best_end(dense, start, upper, LEVELS)
        start = _best_start(dense, stop, lower, LEVELS)
    return min(float(dense.edges[start]), 0.0), max(float(dense.edges[stop]), 0.0)


def _best_end(histogram: Histogram, start: int, candidates: npt.NDArray[np.int64], levels: int) -> int:
    fits = [int(c) for c in candidates if c - start >= levels] or [int(candidates[-1])]
    return min(reversed(fits), key=lambda stop: divergence(histogram.counts, start, stop, levels))


def _best_start(histogram: Histogram, stop: int, candidates: npt.NDArray[np.int64], levels: int) -> int:
    fits = [int(c) for c in candidates if stop - c >= levels] or [int(candidates[0])]
    return min(fits, key=lambda start: divergence(histogram.counts, start, stop, levels))


def min_max(statistics: TensorStatistics, config: QuantConfig) -> Range:
    """From the least to the greatest value."""
    return statistics.range


def moving_average(statistics: TensorStatistics, config: QuantConfig) -> Range:
    """Exponential moving average of each sample's least and greatest value."""
    assert statistics.lows is not None and statistics.highs is not None
    bounds = np.stack([statistics.lows, statistics.highs], axis=1).astype(np.float64)
    if not len(bounds):
        return 0.0, 0.0
    average = bounds[0]
    for sample in bounds[1:]:
        average = config.momentum * average + (1.0 - config.momentum) * sample
    return min(float(average[0]), 0.0), max(float(average[1]), 0.0)


def _counted(statistics: TensorStatistics) -> Histogram:
    assert statistics.histogram is not None
    return statistics.histogram


def percentile(statistics: TensorStatistics, config: QuantConfig) -> Range:
    """All but the outermost values."""
    return percentile_range(_counted(statistics), config.percentile)


def mse(statistics: TensorStatistics, config: QuantConfig) -> Range:
    """The range with the least squared error."""
    return mse_range(_counted(statistics), config.is_symmetric)


def entropy(statistics: TensorStatistics, config: QuantConfig) -> Range:
    """The range that loses the least information (Kullback-Leibler divergence)."""
    return entropy_range(_counted(statistics), config.is_symmetric)


OBSERVERS: Mapping[ObserverKind, tuple[Need, Callable[[TensorStatistics, QuantConfig], Range]]] = {
    ObserverKind.MIN_MAX: (Need.CHANNELS, min_max),
    ObserverKind.MOVING_AVERAGE: (Need.SAMPLES, moving_average),
    ObserverKind.PERCENTILE: (Need.HISTOGRAM, percentile),
    ObserverKind.MSE: (Need.HISTOGRAM, mse),
    ObserverKind.ENTROPY: (Need.HISTOGRAM, entropy),
    ObserverKind.AUTO: (Need.HISTOGRAM, min_max),
}
"""What each observer needs to know of a tensor, and how it decides. `auto` stands for one of the others, which
`edgeq.quantize.methods.choose_observers` finds; until then nothing is clipped."""


def range_of(statistics: TensorStatistics, config: QuantConfig) -> Range:
    """Least and greatest real value to be represented, as the observer of `config` decides; contains zero."""
    return OBSERVERS[config.observer][1](statistics, config)
