"""The Gaussian error linear unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.numerics import lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._table import TableOp, erf, erfc


@dataclass(frozen=True)
class Gelu(TableOp):
    """x · Φ(x), Φ the distribution function of the standard normal distribution.

    Attributes:
        approximate: Φ(x) by a hyperbolic tangent (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016).
    """

    approximate: bool = False

    def real(self, x: Array) -> Array:
        if self.approximate:
            return 0.5 * x * (1.0 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))
        return 0.5 * x * (1.0 + erf(x * np.sqrt(0.5)))

    def litert_table(self, x: Affine, y: Affine) -> Table:
        half, one = np.float32(0.5), np.float32(1)
        if not self.approximate:
            return lut.build_litert(lambda v: half * v * lut.in_float64(erfc)(v * np.float32(-np.sqrt(0.5))), x, y)
        tanh, factor, cubic = lut.in_float64(np.tanh), np.float32(np.sqrt(2 / np.pi)), np.float32(0.044715)
        return lut.build_litert(lambda v: half * v * (one + tanh(factor * (v + cubic * v * v * v))), x, y)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("exact", cls(), ((1, 3, 5, 2),)),
            Sample("tanh", cls(approximate=True), ((1, 7, 19),), low=-6.0, high=2.0),
        )
