"""Mean over axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Affine, Trait
from edgeq.numerics import float32
from edgeq.numerics.exact import total
from edgeq.numerics.fixedpoint import Multiplier, Numerics, quantize_multiplier
from edgeq.numerics.float32 import Floats
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import of_single, reduction_row
from edgeq.ops._reduce import (
    INT16_ROWS,
    Summation,
    axes_of,
    keeps_channels,
    overlap,
    reduced_count,
    sum_params,
    walk_params,
)


def multiplier(site: Site) -> Multiplier:
    """s_in / (s_out · number of averaged elements).

    TensorFlow Lite quantizes s_in / s_out, shifts the mantissa left by one bit less than the count has, if it can, and
    divides it by the count; the quotient is neither rounded nor normalized again.
    """
    scale, count = site.input(0).qp.s / site.outputs[0].qp.s, reduced_count(site.input(0).shape, axes_of(site))
    if site.numerics is Numerics.FAST:
        return quantize_multiplier(scale / count, site.rounding)
    whole = quantize_multiplier(scale, site.rounding)
    mantissa, shift = int(whole.mantissa[0]), int(whole.shift[0])
    left = min(count.bit_length() - 1, 32, 31 + shift)
    return Multiplier(np.array([(mantissa << left) // count], np.int32), np.array([shift - left], np.int32))


@dataclass(frozen=True)
class Mean(Summation):
    """Input: x of any rank. Output: x's shape without `axes`, or with ones there.

    Attributes: those of `Reduction`.
    """

    declines: ClassVar[frozenset[Trait]] = Summation.declines - {"affine"}
    onnx: ClassVar[str] = "ReduceMean"

    kernels: ClassVar = (
        Kernel(
            "eq_mean_ref", ("ref/mean.c",), "eq/mean.h", "eq_reduce_params", sum_params, overlap=overlap, rounded=True
        ),
        *INT16_ROWS,
        reduction_row("mean", walk_params, overlap),
    )

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        def mean(x: Floats) -> Array:
            count = np.float32(reduced_count(x.shape, self.axes))
            return float32.quotient(float32.in_order(x, self.axes, self.keepdims), count)

        return of_single(mean, inputs)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        count = reduced_count(x.shape, self.axes)
        return (np.asarray(total(x, self.axes, self.keepdims) / count, np.float32),)

    def affine(self, site: Site) -> Affine:
        return Affine.ANY if keeps_channels(site) else Affine.NONE

    def multiplier(self, site: Site) -> Multiplier:
        return multiplier(site)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            *super().samples(),
            as_int16(Sample("spatial", cls((1, 2), True), ((2, 5, 7, 9),))),
            as_int16(Sample("outer_and_inner", cls((1, 3)), ((2, 3, 4, 5),))),
            Sample("five_d", cls((1, 3), True), ((2, 3, 5, 7, 2),)),
            Sample("everything", cls((0, 1, 2)), ((1, 6, 13),)),
            Sample("long", cls((1, 2)), ((1, 25, 25, 3),), low=-1.0, high=4.0),
        )
