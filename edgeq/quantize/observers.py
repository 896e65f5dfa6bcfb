"""Observers: how the range of an activation follows from what calibration shows of it.

An observer sees one array after the other and needs one pass. `range()` always contains zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array
from edgeq.quantize.config import Activations, ObserverKind, QuantConfig

Range = tuple[float, float]
Floats = npt.NDArray[np.float64]
CANDIDATES = 128
"""Clipping bounds that a search tries at each end of a range."""
LEVELS, LEVELS_ONE_SIDE = 256, 128
"""Integers of an int8 tensor, and of one side of a symmetric one."""
VALUES_PER_BIN, BINS_PER_LEVEL = 4, 4
"""Without that many values per bin, and bins per integer, a distribution is not known well enough for its entropy: a
candidate with hardly more bins than integers looks perfect."""
FINEST = -120
"""Exponent of the least bin width."""


class Histogram:
    """Counts of values, growing with them.

    Bin k holds k·width ≤ x < (k + 1)·width. The width is a power of two, so that doubling it merges neighbours exactly
    and the result does not depend on the order in which values come. Values that are exactly zero are counted apart:
    they cost no error whatever the range is, and after a ReLU they would drown everything else.

    Attributes:
        counts: (n,) values per bin; bin i is k = first + i. Unless empty, the bins touch zero.
        zeros: number of exact zeros.
        low, high: least and greatest value, and zero.
    """

    def __init__(self, bins: int) -> None:
        self.bins = bins
        self.exponent = FINEST
        self.first = 0
        self.counts: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.zeros = 0
        self.low = 0.0
        self.high = 0.0

    @property
    def width(self) -> float:
        """Width of a bin."""
        return float(2.0**self.exponent)

    @property
    def edges(self) -> Floats:
        """Bounds of the bins (n + 1,), the outermost drawn in to the values seen."""
        found = (self.first + np.arange(len(self.counts) + 1)) * self.width
        return np.asarray(np.clip(found, self.low, self.high), np.float64)

    def add(self, x: Array) -> None:
        """Count finite values of any shape."""
        flat = np.asarray(x, np.float64).ravel()
        flat = flat[flat != 0.0]
        self.zeros += int(np.size(x)) - flat.size
        if flat.size == 0:
            return
        low, high = float(flat.min()), float(flat.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._fit(self.low, self.high)
        index = np.floor(flat * 2.0**-self.exponent).astype(np.int64) - self.first
        self.counts += np.bincount(index, minlength=len(self.counts))

    def _fit(self, low: float, high: float) -> None:
        """Widen bins until low … high, which contains zero, fits, and extend the counts to it."""
        while True:
            least, greatest = int(np.floor(low / self.width)), int(np.floor(high / self.width))
            if len(self.counts):
                least, greatest = min(least, self.first), max(greatest, self.first + len(self.counts) - 1)
            if greatest - least < 2 * self.bins:
                break
            if not len(self.counts):
                self.exponent = max(self.exponent + 1, int(np.floor(np.log2((high - low) / self.bins))) - 1)
                continue
            self._merge()
        before = self.first - least if len(self.counts) else 0
        after = greatest - least + 1 - before - len(self.counts)
        self.counts, self.first = np.pad(self.counts, (before, after)), least

    def _merge(self) -> None:
        """Double the width of the bins."""
        padded = np.pad(self.counts, (self.first % 2, (self.first + len(self.counts)) % 2))
        self.counts, self.first = padded.reshape(-1, 2).sum(axis=1), self.first // 2
        self.exponent += 1

    def dense(self, least: int) -> Histogram:
        """The same values in bins so wide that they hold `least` each on average."""
        result = copy(self)
        while len(result.counts) > 2 and result.counts.sum() < least * len(result.counts):
            result._merge()
        return result

    def folded(self) -> Histogram:
        """The histogram of magnitudes."""
        result = Histogram(self.bins)
        result.exponent, result.zeros, result.high = self.exponent, self.zeros, max(-self.low, self.high)
        positive = np.arange(self.first, self.first + len(self.counts))
        index = np.where(positive >= 0, positive, -positive - 1)
        result.counts = np.bincount(index, weights=self.counts).astype(np.int64) if len(index) else self.counts
        return result


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
    return float(np.sum(p * np.log(p * q.sum() / q)))


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


class Observer(ABC):
    """Sees the arrays that one activation (or a group that shares a scale) takes, and decides its range."""

    @abstractmethod
    def update(self, x: Array) -> None:
        """Take one array of finite values of any shape, not empty."""

    @abstractmethod
    def range(self) -> Range:
        """Least and greatest real value to be represented; contains zero."""


class MinMax(Observer):
    """Everything that was seen."""

    def __init__(self) -> None:
        self.low, self.high = 0.0, 0.0

    def update(self, x: Array) -> None:
        self.low, self.high = min(self.low, float(x.min())), max(self.high, float(x.max()))

    def range(self) -> Range:
        return self.low, self.high


class MovingAverage(Observer):
    """Exponential moving average of each array's least and greatest value."""

    def __init__(self, momentum: float) -> None:
        self.momentum = momentum
        self.bounds: Range | None = None

    def update(self, x: Array) -> None:
        low, high = float(x.min()), float(x.max())
        if self.bounds is not None:
            low = self.momentum * self.bounds[0] + (1.0 - self.momentum) * low
            high = self.momentum * self.bounds[1] + (1.0 - self.momentum) * high
        self.bounds = low, high

    def range(self) -> Range:
        low, high = self.bounds or (0.0, 0.0)
        return min(low, 0.0), max(high, 0.0)


class _Counting(Observer):
    """An observer whose range follows from a histogram."""

    def __init__(self, bins: int, symmetric: bool) -> None:
        self.histogram = Histogram(bins)
        self.symmetric = symmetric

    def update(self, x: Array) -> None:
        self.histogram.add(x)


class Percentile(_Counting):
    """All but the outermost values."""

    def __init__(self, bins: int, symmetric: bool, percentile: float) -> None:
        super().__init__(bins, symmetric)
        self.percentile = percentile

    def range(self) -> Range:
        return percentile_range(self.histogram, self.percentile)


class Mse(_Counting):
    """The range with the least squared error."""

    def range(self) -> Range:
        return mse_range(self.histogram, self.symmetric)


class Entropy(_Counting):
    """The range that loses the least information (Kullback-Leibler divergence)."""

    def range(self) -> Range:
        return entropy_range(self.histogram, self.symmetric)


def make_observer(config: QuantConfig) -> Observer:
    """A new observer as configured."""
    symmetric = config.activations is Activations.SYMMETRIC
    if config.observer is ObserverKind.MIN_MAX:
        return MinMax()
    if config.observer is ObserverKind.MOVING_AVERAGE:
        return MovingAverage(config.momentum)
    if config.observer is ObserverKind.PERCENTILE:
        return Percentile(config.bins, symmetric, config.percentile)
    if config.observer is ObserverKind.MSE:
        return Mse(config.bins, symmetric)
    return Entropy(config.bins, symmetric)
