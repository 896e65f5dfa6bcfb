"""Maximum over axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, QuantRule, Sample, Scale, Shapes, Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._overlap import Overlaps
from edgeq.ops._reduce import overlap, reduced_shape, walk_params


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_reduce_max_ref`."""
    assert isinstance(site.op, ReduceMax)
    return walk_params(site, site.op.axes)


def in_order(site: Site) -> Overlaps:
    """See `overlap`."""
    assert isinstance(site.op, ReduceMax)
    return overlap(site, site.op.axes)


@dataclass(frozen=True)
class ReduceMax(Op):
    """Input: x of any rank. Output: x's shape without `axes`, or with ones there, in x's scale.

    Attributes:
        axes: non-negative, ascending.
        keepdims: whether reduced dimensions stay, as 1.
    """

    axes: tuple[int, ...]
    keepdims: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_reduce_max_ref",
            ("ref/reduce_max.c",),
            "eq/reduce_max.h",
            "eq_reduce_max_params",
            lower_ref,
            overlap=in_order,
        ),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return (reduced_shape(shapes[0], self.axes, self.keepdims),)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.asarray(x.max(axis=self.axes, keepdims=self.keepdims), np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.asarray(x.max(axis=self.axes, keepdims=self.keepdims)),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(output=Scale.SAME)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("spatial_keep", cls((1, 2), True), ((1, 5, 7, 9),)),
            Sample("spatial", cls((1, 2)), ((2, 4, 4, 17),)),
            Sample("channels", cls((3,), True), ((1, 3, 5, 11),)),
            Sample("outer_and_inner", cls((1, 3)), ((2, 3, 4, 5),)),
            Sample("row", cls((1,)), ((1, 33),), low=-4.0, high=-1.0),
            Sample("one_element", cls((1,)), ((2, 1, 8),)),
        )
