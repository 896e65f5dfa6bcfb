"""Rounding column after column: what one loses is handed on to those that follow (GPTQ, Frantar et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgeq.quantize.moments import decompose
from edgeq.quantize.ranges import Levels
from edgeq.quantize.statistics import Floats
from edgeq.quantize.trellis import follow

PASSES = 2
"""How often single weights are looked at again."""


@dataclass(frozen=True, eq=False)
class Rounder:
    """Rounds the weights of one group of a layer's channels.

    Attributes:
        weights: (C, K) what is to be rounded, columns in their order of rounding: the greatest moments first, or as
            they are on a trellis.
        second: (K, K) moments of the inputs, in that order.
        upper, diagonal: their decomposition.
        order: indices of the columns.
        levels: the integers that weights may be.
        factors: (C, K), in that order, or (1, K): multiples of a channel's scale that weights are integers times.
        offsets: the same of what is added to weights before, in these scales: factors times zero-points.
    """

    weights: Floats
    second: Floats
    upper: Floats
    diagonal: Floats
    order: npt.NDArray[np.int64]
    levels: Levels
    factors: Floats
    offsets: Floats

    @staticmethod
    def of(
        weights: Floats,
        second: Floats,
        levels: Levels,
        factors: Floats | None = None,
        offsets: Floats | None = None,
    ) -> Rounder:
        """Of weights (C, K), moments (K, K), positive definite, and factors and offsets (C, K)."""
        falling = np.argsort(-np.diagonal(second), kind="stable")
        order = np.arange(len(falling)) if levels.trellis else falling
        second = second[np.ix_(order, order)]
        ordered = np.ones((1, len(order))) if factors is None else factors[:, order].astype(np.float64)
        added = np.zeros((1, len(order))) if offsets is None else offsets[:, order]
        return Rounder(weights[:, order], second, *decompose(second), order, levels, ordered, added)

    def times(self, signs: Floats) -> Rounder:
        """The one of weights times signs (C,)."""
        return replace(self, weights=self.weights * signs[:, None])

    def round(self, scales: Floats) -> tuple[Floats, Floats]:
        """For scales (…, C): integers (…, C, K), columns in the order of rounding, and the errors of the sums (…, C).

        Each weight is rounded with all that the columns before it lost. On a trellis there is one scale (C,) for each.
        """
        wanted = self.weights / scales[..., None] + self.offsets
        if self.levels.trellis:
            path, error = follow(wanted, self.upper, self.diagonal)
            return path, error * np.square(scales)
        now, result, error = wanted.copy(), np.empty_like(wanted), np.zeros(scales.shape)
        for k in range(len(self.order)):
            result[..., k] = self.levels.nearest(now[..., k] / self.factors[:, k])
            rounded = result[..., k] * self.factors[:, k]
            error += self.diagonal[k] * np.square((now[..., k] - rounded) * scales)
            lost = wanted[..., k] - rounded
            now[..., k + 1 :] += lost[..., None] * self.upper[k, k + 1 :]
        return result, error

    def improved(self, integers: Floats, scales: Floats, passes: int = PASSES) -> Floats:
        """Integers (C, K) from which no change of a single one makes the error less, or nearly."""
        result, pull = integers.copy(), np.zeros_like(integers)
        lost = self.weights / scales[:, None] + self.offsets - integers * self.factors
        for k in range(len(self.order)):
            pull += np.multiply.outer(lost[:, k], self.second[k])
        for _ in range(passes):
            before = result.copy()
            for k in range(len(self.order)):
                factor = self.factors[:, k]
                better = self.levels.nearest(result[:, k] + pull[:, k] / self.second[k, k] / factor)
                pull += np.multiply.outer((result[:, k] - better) * factor, self.second[k])
                result[:, k] = better
            if np.array_equal(before, result):
                break
        return result

    def integers(self, scales: Floats, start: Floats | None = None, passes: int = PASSES) -> Floats:
        """Integers (C, K) for scales (C,), columns in the order of the layer; from others (C, K), or by `round`."""
        if self.levels.trellis:
            return self.round(scales)[0]
        result = np.empty_like(self.weights)
        rounded = self.round(scales)[0] if start is None else start[:, self.order]
        result[:, self.order] = self.improved(rounded, scales, passes)
        return result
