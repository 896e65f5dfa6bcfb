"""What ArgMax and ArgMin share: where along an axis an extreme is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT8, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Commuted, Perm, Tie, Trait, channels
from edgeq.ops._overlap import Overlaps, indices, of_elements

WHOLE = DType.INT32
FROM_INT8 = (DType.INT8, WHOLE)
FROM_REAL = (DType.FLOAT32, WHOLE)
Better = Callable[[Array, Array], Array]
"""Whether an element takes the place of the best one before it."""


@dataclass(frozen=True)
class IndexOf(Op):
    """Base of operators that give the index of an extreme along an axis, as int32.

    Elements are looked at from the first to the last; one takes the place of the best so far if it compares as better,
    which NaN never does. So of equal ones the first counts, or the last if `last`.

    Attributes:
        axis: of x, not negative.
        keepdims: whether the axis stays, as 1.
        last: whether of several extremes the last one counts.
    """

    axis: int
    keepdims: bool = False
    last: bool = False

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(
        {
            *("pattern", "monotone", "linear", "signs", "homogeneous", "fused_clamp"),
            *("is_copy", "affine", "with_padding", "parts"),
        }
    )

    def better(self, x: Array, best: Array) -> Array:
        """Where x takes the place of the best element before it."""
        raise NotImplementedError

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = shapes[0]
        if x is None or not 0 <= self.axis < len(x):
            raise ValueError(f"axis {self.axis} does not exist in shape {x}")
        return (tuple(1 if k == self.axis else n for k, n in enumerate(x) if self.keepdims or k != self.axis),)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        along = np.moveaxis(x, self.axis, 0)
        best, found = along[0], np.zeros(along.shape[1:], np.int32)
        for index in range(1, len(along)):
            better = self.better(along[index], best)
            best, found = np.where(better, along[index], best), np.where(better, np.int32(index), found)
        return (np.expand_dims(found, self.axis) if self.keepdims else np.asarray(found),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule()

    def commute(self, perm: Perm) -> Commuted | None:
        op = replace(self, axis=perm[self.axis])
        kept = [p for axis, p in enumerate(perm) if axis != self.axis]
        return Commuted(op, perm if self.keepdims else tuple(sorted(kept).index(p) for p in kept))

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        if len(site.input(0).shape) - 1 == self.axis:
            return None
        return (Tie.shifted(0, 0, channels(site.outputs[0].shape)),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("classes", cls(1), ((1, 33),), elements=FROM_INT8),
            Sample("image", cls(3), ((1, 5, 3, 7),), elements=FROM_INT8),
            Sample("rows", cls(1, True), ((2, 6, 3, 4),), elements=FROM_INT8),
            Sample("vector", cls(0), ((40,),), elements=FROM_INT8),
            Sample("last", cls(1, last=True), ((3, 300),), elements=FROM_INT8),
            Sample("real", cls(3), ((1, 5, 3, 7),), elements=FROM_REAL),
            Sample("real_rows", cls(1, True, True), ((2, 6, 3, 4),), elements=FROM_REAL),
        )


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of the portable kernels."""
    assert isinstance(site.op, IndexOf)
    shape, axis = site.input(0).shape, site.op.axis
    return {
        "outer": prod(shape[:axis]),
        "count": shape[axis],
        "inner": prod(shape[axis + 1 :]),
        "last": int(site.op.last),
    }


def overlap(site: Site) -> Overlaps:
    """Results in order, each of which reads the elements from its first one on."""
    assert isinstance(site.op, IndexOf)
    return of_elements(site, [indices(site.input(0).shape).min(site.op.axis).reshape(site.outputs[0].shape)])


def index_rows(name: str) -> tuple[Kernel, Kernel]:
    """The rows of int8 and of real elements."""

    def row(function: str, elements: frozenset[DType]) -> Kernel:
        source, header = ("ref/index_of.c",), "eq/index_of.h"
        return Kernel(
            function, source, header, "eq_index_of_params", lower, elements=elements | {WHOLE}, overlap=overlap
        )

    return row(f"eq_{name}_ref", INT8), row(f"eq_{name}_float32_ref", frozenset({DType.FLOAT32}))
