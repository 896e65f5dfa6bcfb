"""Counts of values, from which observers decide what to clip."""

from __future__ import annotations

from copy import copy
from math import frexp

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array

Floats = npt.NDArray[np.float64]
FINEST = -120
"""Exponent of the least bin width."""


class Histogram:
    """Counts of values, growing with them.

    Bin k holds k·width ≤ x < (k + 1)·width. The width is a power of two, so that doubling it merges neighbours exactly
    and the result does not depend on the order in which values come. Values that are exactly zero are counted apart:
    they cost no error whatever the range is, and after a ReLU they would drown everything else.

    Attributes:
        counts: (n,) values per bin; bin i is k = first + i. Unless empty, the bins touch zero.
        exponent: the width of a bin is two to this power.
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

    @staticmethod
    def of(
        counts: npt.NDArray[np.int64], bins: int, exponent: int, first: int, zeros: int, low: float, high: float
    ) -> Histogram:
        """A histogram with these attributes."""
        result = Histogram(bins)
        result.exponent, result.first, result.zeros, result.low, result.high = exponent, first, zeros, low, high
        result.counts = counts
        return result

    @property
    def width(self) -> float:
        """Width of a bin."""
        return float(2.0**self.exponent)

    @property
    def edges(self) -> Floats:
        """Bounds of the bins (n + 1,), the outermost moved inwards to the least and greatest value."""
        edges = (self.first + np.arange(len(self.counts) + 1)) * self.width
        return np.asarray(np.clip(edges, self.low, self.high), np.float64)

    def add(self, x: Array) -> None:
        """Count finite values of any shape."""
        flat = np.asarray(x).ravel()
        zeros = flat.size - int(np.count_nonzero(flat))
        self.zeros += zeros
        if flat.size == zeros:
            return
        self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
        self._fit(self.low, self.high)
        # Dividing by a power of two rounds nothing; zeros are counted with the bin that begins at zero.
        index = np.floor(flat * flat.dtype.type(2.0**-self.exponent)).astype(np.int64)
        index -= self.first
        self.counts += np.bincount(index, minlength=len(self.counts))
        self.counts[-self.first] -= zeros

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of both's values, as if one had counted them all; both have the same `bins`."""
        result = copy(self)
        result.zeros += other.zeros
        result.low, result.high = min(self.low, other.low), max(self.high, other.high)
        if not len(other.counts):
            return result
        if not len(result.counts):
            result.exponent = other.exponent
        while result.exponent < other.exponent:
            result._merge()
        result._fit(result.low, result.high)
        added = copy(other)
        while added.exponent < result.exponent:
            added._merge()
        result.counts = result.counts.copy()
        start = added.first - result.first
        result.counts[start : start + len(added.counts)] += added.counts
        return result

    def _fit(self, low: float, high: float) -> None:
        """Widen bins until low … high, which contains zero, fits, and extend the counts to it."""
        while True:
            least, greatest = int(np.floor(low / self.width)), int(np.floor(high / self.width))
            if len(self.counts):
                least, greatest = min(least, self.first), max(greatest, self.first + len(self.counts) - 1)
            if greatest - least < 2 * self.bins:
                break
            if not len(self.counts):
                self.exponent = max(self.exponent + 1, frexp((high - low) / self.bins)[1] - 2)
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
        """The same values in bins so wide that each holds `least` values on average."""
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
