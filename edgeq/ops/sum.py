"""Sum over axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32
from edgeq.numerics.exact import total
from edgeq.numerics.fixedpoint import Multiplier, quantize_multiplier
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import of_single, reduction_row
from edgeq.ops._reduce import INT16_ROWS, Summation, overlap, sum_params, walk_params


@dataclass(frozen=True)
class Sum(Summation):
    """Input: x of any rank. Output: x's shape without `axes`, or with ones there.

    LiteRT's reference resolver reads the bytes of int8 sums as uint8; numerics `tflite` has its arithmetic on the int8
    values that are meant, which is the same as long as no stored value is negative. Attributes: those of `Reduction`.
    """

    kernels: ClassVar = (
        Kernel("eq_sum_ref", ("ref/sum.c",), "eq/sum.h", "eq_reduce_params", sum_params, overlap=overlap, rounded=True),
        *INT16_ROWS,
        reduction_row("sum", walk_params, overlap),
    )

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: float32.in_order(x, self.axes, self.keepdims), inputs)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.asarray(total(x, self.axes, self.keepdims), np.float32),)

    def multiplier(self, site: Site) -> Multiplier:
        return quantize_multiplier(site.input(0).qp.s / site.outputs[0].qp.s, site.rounding)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (*super().samples(), as_int16(Sample("rows", cls((1,)), ((3, 33),))))
