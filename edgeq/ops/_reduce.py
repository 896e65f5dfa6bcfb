"""What reductions over arbitrary axes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Commuted, Monotone, Perm, Tie, Trait, channels
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._int16 import DOUBLE, WIDE
from edgeq.ops._overlap import Overlaps, indices, of_elements
from edgeq.ops._real import REALS
from edgeq.ops._requant import NO_CLAMP, finish, scalar_requant_params

DIMS = 4
"""Groups of kept and of reduced dimensions that the kernels walk (EQ_REDUCE_DIMS)."""
MAX_COUNT = 2**23
"""The most elements for which the sum, zero-point included, is certain to fit 32 bits."""

Run = tuple[int, int]
"""Elements along a group of dimensions, and how far apart they lie."""


@dataclass(frozen=True)
class Reduction(Op):
    """Base of operators that reduce the elements along some axes to one.

    Attributes:
        axes: non-negative, ascending.
        keepdims: whether reduced dimensions stay, as 1.
    """

    axes: tuple[int, ...]
    keepdims: bool = False

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset(
        {"pattern", "linear", "signs", "fused_clamp", "affine", "with_padding", "parts"}
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return (reduced_shape(shapes[0], self.axes, self.keepdims),)

    @property
    def homogeneous(self) -> bool:
        return True

    def is_copy(self, site: Site) -> bool:
        return reduced_count(site.input(0).shape, self.axes) == 1

    def commute(self, perm: Perm) -> Commuted | None:
        op = replace(self, axes=tuple(sorted(perm[a] for a in self.axes)))
        kept = [p for axis, p in enumerate(perm) if axis not in self.axes]
        return Commuted(op, perm if self.keepdims else tuple(sorted(kept).index(p) for p in kept))

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        if len(site.input(0).shape) - 1 in self.axes:
            return None
        return (Tie.shifted(0, 0, channels(site.outputs[0].shape)),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return None if 0 in self.axes else self

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
            Sample("real", cls((1, 3), True), ((2, 3, 4, 5),), elements=REALS),
            Sample("real_rows", cls((1,)), ((3, 50),), elements=REALS),
        )


@dataclass(frozen=True)
class Summation(Reduction):
    """Base of reductions that are a sum of real values times a factor."""

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        offset = reduced_count(x.shape, self.axes) * site.input(0).qp.zp
        acc = np.asarray(x.sum(axis=self.axes, keepdims=self.keepdims, dtype=np.int64)) - offset
        return (finish(site, acc, self.multiplier(site), NO_CLAMP).reshape(acc.shape),)

    def multiplier(self, site: Site) -> Multiplier:
        """From Σ (q − zero_point) to steps of the output."""
        raise NotImplementedError


def keeps_channels(site: Site) -> bool:
    """Whether a reduction leaves the last dimension alone."""
    return len(site.input(0).shape) - 1 not in axes_of(site)


def axes_of(site: Site) -> tuple[int, ...]:
    """The axes of a reduction."""
    assert isinstance(site.op, Reduction)
    return site.op.axes


def reduced_shape(shape: Shape | None, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """The shape of the output.

    Raises:
        ValueError: the axes do not fit the shape, or there are too many elements or groups of dimensions.
    """
    if shape is None:
        raise ValueError("a reduction needs an input")
    if list(axes) != sorted(set(axes)) or any(a < 0 or a >= len(shape) for a in axes):
        raise ValueError(f"axes {axes} must be distinct, ascending and within the {len(shape)} dimensions of {shape}")
    if not 0 < reduced_count(shape, axes) <= MAX_COUNT:
        raise ValueError(f"axes {axes} of {shape} hold {reduced_count(shape, axes)} elements; 1 to {MAX_COUNT} can be")
    kept, folded = runs(shape, axes)
    if max(len(kept), len(folded)) > DIMS:
        raise ValueError(f"axes {axes} of {shape} are more than {DIMS} separate groups of dimensions")
    return tuple(1 if i in axes else s for i, s in enumerate(shape) if keepdims or i not in axes)


def reduced_count(shape: Shape, axes: tuple[int, ...]) -> int:
    """How many elements are reduced to one result."""
    return prod(shape[a] for a in axes)


def runs(shape: Shape, axes: tuple[int, ...]) -> tuple[list[Run], list[Run]]:
    """Kept and reduced dimensions, outermost first; neighbours of one kind are joined, those of size 1 dropped."""
    groups: tuple[list[Run], list[Run]] = ([], [])
    last = None
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        group, stride = groups[axis in axes], prod(shape[axis + 1 :])
        if last is group:
            group[-1] = (group[-1][0] * size, stride)
        else:
            group.append((size, stride))
        last = group
    return groups


def walk_params(site: Site) -> Mapping[str, Param]:
    """The members that all reduction kernels share: sizes and strides of both kinds, padded in front with size 1."""
    kept, folded = ([(1, 0)] * (DIMS - len(g)) + g for g in runs(site.input(0).shape, axes_of(site)))
    return {
        "keep": tuple(size for size, _ in kept),
        "keep_stride": tuple(stride for _, stride in kept),
        "fold": tuple(size for size, _ in folded),
        "fold_stride": tuple(stride for _, stride in folded),
    }


def overlap(site: Site) -> Overlaps:
    """Results in order, each of which reads the elements from its first one on."""
    x = indices(site.input(0).shape)
    return of_elements(site, [x.min(axis=axes_of(site), keepdims=True).reshape(site.outputs[0].shape)])


def sum_params(site: Site) -> Mapping[str, Param]:
    """Parameters of the portable kernels of sums: the walk, the offset from Σ q to Σ (q − zero_point), the factor."""
    assert isinstance(site.op, Summation)
    return {
        **walk_params(site),
        "offset": -site.input(0).qp.zp * reduced_count(site.input(0).shape, site.op.axes),
        **scalar_requant_params(site, site.op.multiplier(site), NO_CLAMP),
    }


def _double_row(row: Kernel) -> Kernel:
    """The row with the arithmetic of TensorFlow Lite."""
    return replace(row, function=f"{row.function}_double", fits=DOUBLE)


INT16_ROW = Kernel(
    "eq_mean_int16_ref",
    ("ref/mean_int16.c",),
    "eq/mean.h",
    "eq_reduce_params",
    sum_params,
    elements=INT16,
    fits=WIDE,
    overlap=overlap,
)
"""The portable row of sums and means of int16 elements, which differ in the factor."""
INT16_ROWS = (INT16_ROW, _double_row(INT16_ROW))
