"""Sum over axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes, Site
from edgeq.ir.tensor import Array, Shape
from edgeq.numerics.fixedpoint import Multiplier, quantize_multiplier
from edgeq.ops._overlap import Overlaps
from edgeq.ops._reduce import overlap, reduced_count, reduced_shape, sum_params
from edgeq.ops._requant import NO_CLAMP, finish, scalar_requant_params


def multiplier(site: Site) -> Multiplier:
    """s_in / s_out."""
    return quantize_multiplier(site.input(0).qp.s / site.outputs[0].qp.s, site.rounding)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_sum_ref`."""
    op = site.op
    assert isinstance(op, Sum)
    return {**sum_params(site, op.axes), **scalar_requant_params(site, multiplier(site), NO_CLAMP)}


def in_order(site: Site) -> Overlaps:
    """See `overlap`."""
    assert isinstance(site.op, Sum)
    return overlap(site, site.op.axes)


@dataclass(frozen=True)
class Sum(Op):
    """Input: x of any rank. Output: x's shape without `axes`, or with ones there.

    LiteRT's reference resolver takes the bytes of int8 sums for uint8; numerics `tflite` has its arithmetic on the int8
    values that are meant, which is the same as long as no stored value is negative.

    Attributes:
        axes: non-negative, ascending.
        keepdims: whether reduced dimensions stay, as 1.
    """

    axes: tuple[int, ...]
    keepdims: bool = False

    kernels: ClassVar = (
        Kernel("eq_sum_ref", ("ref/sum.c",), "eq/sum.h", "eq_reduce_params", lower_ref, overlap=in_order, rounded=True),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return (reduced_shape(shapes[0], self.axes, self.keepdims),)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.asarray(x.sum(axis=self.axes, keepdims=self.keepdims, dtype=np.float64), np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        offset = reduced_count(x.shape, self.axes) * site.input(0).qp.zp
        acc = np.asarray(x.sum(axis=self.axes, keepdims=self.keepdims, dtype=np.int64)) - offset
        return (finish(site, acc, multiplier(site), NO_CLAMP).reshape(acc.shape),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("spatial_keep", cls((1, 2), True), ((1, 5, 7, 9),)),
            Sample("spatial", cls((1, 2)), ((2, 4, 4, 17),)),
            Sample("channels", cls((3,), True), ((1, 3, 5, 11),)),
            Sample("columns", cls((2,)), ((1, 3, 6, 5),)),
            Sample("outer_and_inner", cls((1, 3)), ((2, 3, 4, 5),)),
            Sample("row", cls((1,)), ((1, 33),)),
            Sample("one_element", cls((1,)), ((2, 1, 8),)),
        )
