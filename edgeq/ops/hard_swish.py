"""The piecewise quadratic swish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, lut
from edgeq.numerics.fixedpoint import INT32_MAX, Ints, Rounding, quantize_multiplier, rounding_divide_by_pot
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


def _multiplier16(real: np.float32) -> tuple[int, int]:
    """A factor as a 15-bit mantissa and a shift to the left."""
    wide = quantize_multiplier(float(real), Rounding.DOUBLE)
    mantissa, shift = int(wide.mantissa[0]), int(wide.shift[0])
    return (32767 if mantissa >= INT32_MAX - (1 << 15) else (mantissa + (1 << 15)) >> 16), shift


def _saturate16(x: Ints) -> Ints:
    return np.clip(x, -32768, 32767)


def _multiply16(a: Ints, b: int) -> Ints:
    """round(a · b / 2¹⁵), halves up for positive and towards zero for negative products."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return _saturate16(np.where(nudged >= 0, nudged >> 15, -(-nudged >> 15)))


@dataclass(frozen=True)
class HardSwish(TableOp):
    """x · min(max(x + 3, 0), 6) / 6."""

    kernels: ClassVar = (*TableOp.kernels, function_row("hard_swish"))

    def real(self, x: Array) -> Array:
        return x * np.clip(x + 3.0, 0.0, 6.0) / 6.0

    def litert_table(self, x: Affine, y: Affine) -> Table:
        """LiteRT computes in 16-bit fixed point, the input shifted left by 7."""
        fine = np.float32(1 / 128) * np.float32(x.scale)
        scale, scale_shift = _multiplier16(fine / np.float32(y.scale))
        if scale_shift > 0:  # LiteRT refuses an output this much finer than its input
            return self.table(x, y)
        relu, relu_shift = _multiplier16(fine / (np.float32(3) / np.float32(32768)))
        value = (lut.inputs() - x.zero_point) << 7
        linear = _multiply16(value, scale)
        gate = _saturate16(value << (relu_shift - 1)) if relu_shift > 0 else value
        gate = _multiply16(gate, relu)
        gate = _saturate16(gate << 1) if relu_shift > 0 else rounding_divide_by_pot(gate, np.asarray(-relu_shift))
        gate = (gate + (1 << 15)) >> 1
        product = gate * linear
        product = np.where(product >= 0, product >> 15, -(-product >> 15))
        return lut.saturate(rounding_divide_by_pot(product, np.asarray(-scale_shift)) + y.zero_point)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: float32.quotient(x * float32.within(x + np.float32(3), 0.0, 6.0), 6.0), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),))),
            Sample("wide", cls(), ((130,),), low=-12.0, high=12.0),
            Sample("narrow", cls(), ((1, 35),), low=-0.3, high=0.2),
            function_sample(cls(), low=-5.0, high=5.0),
        )
