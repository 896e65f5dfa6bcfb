"""The reciprocal of the square root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, lut
from edgeq.numerics.fixedpoint import Multiplier, Rounding, multiply, quantize_multiplier
from edgeq.numerics.gemmlowp import inverse_sqrt_multiplier
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Rsqrt(TableOp):
    """1 / √x. In integer arithmetic every x up to zero gives the greatest output."""

    kernels: ClassVar = (*TableOp.kernels, function_row("rsqrt"))
    undefined: ClassVar[float] = float("inf")

    def real(self, x: Array) -> Array:
        return 1.0 / np.sqrt(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        """LiteRT multiplies fixed-point approximations of 1 / √q and of the scales; it refuses negative inputs."""
        scales = float(np.float64(1) / np.float64(np.sqrt(np.float32(x.scale)) * np.float32(y.scale)))
        factor = quantize_multiplier(scales, Rounding.DOUBLE)
        precision = np.int32(20)
        wide = Multiplier(factor.mantissa, factor.shift - precision)
        table = np.full(256, lut.QMAX, np.int64)
        for index in range(max(0, x.zero_point + 129), 256):
            mantissa, shift = inverse_sqrt_multiplier(index - 128 - x.zero_point)
            root = Multiplier(np.array([mantissa], np.int32), np.array([shift + precision], np.int32))
            once = multiply(np.array([1]), root, Rounding.DOUBLE)
            table[index] = multiply(once, wide, Rounding.DOUBLE)[0] + y.zero_point
        return lut.saturate(table)

    def real16(self, x: Array, site: Site) -> Array:
        most = float(np.float32(32767) * np.float32(site.outputs[0].qp.s))
        return np.where(x <= 0, most, 1.0 / np.sqrt(np.maximum(x, np.finfo(np.float64).tiny)))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.float32(1) / float32.sqrt(x), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=0.1, high=4.0),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),), low=0.1, high=4.0)),
            Sample("vector", cls(), ((40,),), low=0.5, high=90.0),
            function_sample(cls(), low=0.0, high=9.0),
        )
