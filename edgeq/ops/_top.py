"""What the greatest elements along an axis and their indices share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Commuted, Perm


@dataclass(frozen=True)
class Top(Op):
    """Base of operators about the first elements along an axis, once these are in order; of equal ones the first first.

    NaN is behind all numbers; where only such are left, the first element stands for them.

    Attributes:
        axis: of x, not negative.
        count: how many.
        smallest: the order is from the least to the greatest, and not the other way round.
    """

    axis: int
    count: int
    smallest: bool = False

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = shapes[0]
        if x is None or not 0 <= self.axis < len(x):
            raise ValueError(f"axis {self.axis} does not exist in shape {x}")
        if not 1 <= self.count <= x[self.axis]:
            raise ValueError(f"{self.count} of {x[self.axis]} elements cannot be chosen")
        return ((*x[: self.axis], self.count, *x[self.axis + 1 :]),)

    def indices(self, inputs: Arrays) -> Array:
        """Where the elements are."""
        x = inputs[0]
        assert x is not None
        key = x.astype(np.int64) if x.dtype.kind in "iu" else x
        order = np.argsort(key if self.smallest else -key, axis=self.axis, kind="stable")
        found = np.take(order, np.arange(self.count), self.axis)
        if x.dtype.kind == "f":
            found = np.where(np.isnan(np.take_along_axis(x, found, self.axis)), 0, found)
        return found.astype(np.int32)

    def commute(self, perm: Perm) -> Commuted | None:
        return Commuted(replace(self, axis=perm[self.axis]), perm)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of the portable kernels."""
    op, shape = site.op, site.input(0).shape
    assert isinstance(op, Top)
    return {
        "outer": prod(shape[: op.axis]),
        "size": shape[op.axis],
        "inner": prod(shape[op.axis + 1 :]),
        "count": op.count,
        "smallest": int(op.smallest),
    }


def top_row(name: str, *elements: DType) -> Kernel:
    """The portable row of one kernel."""
    return Kernel(f"eq_{name}_ref", ("ref/top.c",), "eq/top.h", "eq_top_params", lower, elements=frozenset(elements))
