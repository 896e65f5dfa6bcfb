"""The Gaussian error linear unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, litert16, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp, erf, erfc


def is_approximate(site: Site) -> bool:
    """It is by a hyperbolic tangent."""
    assert isinstance(site.op, Gelu)
    return site.op.approximate


def is_exact(site: Site) -> bool:
    """It is by the error function."""
    return not is_approximate(site)


@dataclass(frozen=True)
class Gelu(TableOp):
    """x · Φ(x), Φ the distribution function of the standard normal distribution.

    Attributes:
        approximate: Φ(x) by a hyperbolic tangent (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016).
    """

    approximate: bool = False

    kernels: ClassVar = (
        *TableOp.kernels,
        replace(function_row("gelu_tanh"), fits=is_approximate),
        replace(function_row("gelu"), fits=is_exact),
    )

    def real(self, x: Array) -> Array:
        if self.approximate:
            return 0.5 * x * (1.0 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))
        return 0.5 * x * (1.0 + erf(x * np.sqrt(0.5)))

    def _litert(self, v: Array) -> Array:
        """The function in float32 as LiteRT fills tables with it."""
        half, one = np.float32(0.5), np.float32(1)
        if not self.approximate:
            return np.asarray(half * v * lut.in_float64(erfc)(v * np.float32(-np.sqrt(0.5))))
        tanh, factor, cubic = lut.in_float64(np.tanh), np.float32(np.sqrt(2 / np.pi)), np.float32(0.044715)
        return np.asarray(half * v * (one + tanh(factor * (v + cubic * v * v * v))))

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return lut.build_litert(self._litert, x, y)

    def litert_curve(self, site: Site) -> litert16.Table:
        return litert16.function_curve(self._litert, site.input(0).qp.s, site.outputs[0].qp.s)

    def real32(self, x: Array) -> Array:
        """The function in float32, one operation after the other."""
        half, one = np.float32(0.5) * x, np.float32(1.0)
        if not self.approximate:
            return np.asarray(half * (one + float32.erf(x * np.float32(0.70710678))))
        cube = ((np.float32(0.044715) * x) * x) * x
        return np.asarray(half * (one + float32.tanh(np.float32(0.7978845608) * (x + cube))))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(self.real32, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("exact", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("exact", cls(), ((1, 3, 5, 2),))),
            Sample("tanh", cls(approximate=True), ((1, 7, 19),), low=-6.0, high=2.0),
            function_sample(cls(), low=-6.0, high=6.0),
            replace(function_sample(cls(True)), name="real_tanh"),
        )
