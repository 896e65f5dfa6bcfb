"""2-D max pooling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Affine, Monotone, Tie, Trait, is_homogeneous
from edgeq.numerics import float32
from edgeq.ops._int16 import as_int16
from edgeq.ops._overlap import Ints, Overlaps, first_pixels, in_groups
from edgeq.ops._real import REAL, REALS, bounds
from edgeq.ops._requant import NO_CLAMP, Clamp, clamp_float, type_range
from edgeq.ops._window import (
    Padding,
    Pair,
    check_attributes,
    check_covered,
    geometry,
    more_padding,
    out_hw,
    rows_along,
    taps,
    within_reach,
)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_max_pool2d_ref`."""
    op = site.op
    assert isinstance(op, MaxPool2D)
    qmin, qmax = type_range(site.outputs[0], op.clamp)
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, op.kernel, op.stride, op.dilation, op.padding),
        "qmin": qmin,
        "qmax": qmax,
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_max_pool2d_int16_ref`."""
    return {**lower_ref(site), "count_pad": 0}


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_max_pool2d_float32_ref`."""
    op = site.op
    assert isinstance(op, MaxPool2D)
    low, high = bounds(op.clamp)
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, op.kernel, op.stride, op.dilation, op.padding),
        "count_pad": 0,
        "low": low,
        "high": high,
    }


def first(site: Site) -> Ints:
    """See `first_pixels`."""
    op = site.op
    assert isinstance(op, MaxPool2D)
    return first_pixels(site, op.kernel, op.stride, op.dilation, op.padding)


def overlap(site: Site) -> Overlaps:
    """Pixels in order, and their channels one by one."""
    return in_groups(site, first(site), site.input(0).shape[3])


@dataclass(frozen=True)
class MaxPool2D(Op):
    """Input: x (N, H, W, C). Output: (N, OH, OW, C). Padding takes no part in a maximum.

    Attributes:
        kernel, stride, dilation: rows and columns.
        padding: rows above, columns left, rows below, columns right.
        clamp: bounds of a fused activation.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    clamp: Clamp = NO_CLAMP

    kernels: ClassVar = (
        Kernel(
            "eq_max_pool2d_ref",
            ("ref/max_pool2d.c",),
            "eq/max_pool2d.h",
            "eq_max_pool2d_params",
            lower_ref,
            overlap=overlap,
        ),
        Kernel(
            "eq_max_pool2d_int16_ref",
            ("ref/pool2d_int16.c",),
            "eq/pool2d_int16.h",
            "eq_pool2d_int16_params",
            lower_int16,
            elements=INT16,
            overlap=overlap,
        ),
        Kernel(
            "eq_max_pool2d_float32_ref",
            ("ref/pool2d_float32.c",),
            "eq/pool2d_float32.h",
            "eq_pool2d_float32_params",
            lower_real,
            elements=REAL,
            overlap=overlap,
        ),
    )

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset({"pattern", "linear", "signs", "commute", "parts"})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = shapes[0]
        if x is None or len(x) != 4:
            raise ValueError(f"max pooling needs a 4-D input, not {x}")
        check_attributes(self.kernel, self.stride, self.dilation, self.padding)
        hw = out_hw((x[1], x[2]), self.kernel, self.stride, self.dilation, self.padding)
        check_covered((x[1], x[2]), self.kernel, self.stride, self.dilation, self.padding)
        return ((x[0], *hw, x[3]),)

    def _maximum(self, x: Array, fill: float) -> Array:
        y: Array | None = None
        for _, _, part in taps(x, self.kernel, self.stride, self.dilation, self.padding, fill):
            y = part.copy() if y is None else np.maximum(y, part, out=y)
        assert y is not None
        return y

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        assert shapes[0] is not None
        reached = rows_along(self, shapes[0], self.kernel, self.dilation, rows, axis)
        if reached is None:
            return None
        inside, padding = reached
        return Stripe(replace(self, padding=padding), (inside,))

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (clamp_float(self._maximum(x, -np.inf), self.clamp).astype(np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """What is not a number does not count, and minus infinity is finite."""
        x = inputs[0]
        assert x is not None
        found: Array | None = None
        for _, _, part in taps(x, self.kernel, self.stride, self.dilation, self.padding, -np.inf):
            found = np.full(part.shape, -float32.GREATEST) if found is None else found
            found = np.where(part > found, part, found)
        assert found is not None
        return (float32.within(found, *self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        y = site.outputs[0]
        return (np.clip(self._maximum(x, y.dtype.range[0]), *type_range(y, self.clamp)).astype(y.dtype.numpy),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(output=Scale.SAME)

    @property
    def homogeneous(self) -> bool:
        return is_homogeneous(self.clamp)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> MaxPool2D:
        return replace(self, clamp=clamp)

    def is_copy(self, site: Site) -> bool:
        single = self.kernel == self.stride == (1, 1)
        return single and not any(self.padding) and self.clamp == NO_CLAMP

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        return (Tie.shifted(0, 0, site.outputs[0].shape[3]),)

    def affine(self, site: Site) -> Affine:
        return Affine.POSITIVE if self.clamp == NO_CLAMP else Affine.NONE

    def with_padding(self, padding: Padding, value: float, least: float) -> MaxPool2D | None:
        total = more_padding(self.padding, padding)
        unseen = value <= least and self.dilation == (1, 1) and within_reach(self.kernel, total)
        return replace(self, padding=total) if unseen else None

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        relu = (0.0, float("inf"))
        return (
            Sample("2x2", cls((2, 2), (2, 2)), ((1, 6, 8, 9),)),
            Sample("2x2_odd", cls((2, 2), (2, 2)), ((1, 7, 5, 3),)),
            Sample("3x3_same", cls((3, 3), (1, 1), padding=(1, 1, 1, 1)), ((1, 5, 6, 17),)),
            Sample("stride2_asym", cls((3, 2), (2, 2), padding=(0, 1, 1, 0), clamp=relu), ((1, 8, 7, 4),)),
            Sample("dilated", cls((2, 3), (1, 1), (2, 2), (1, 2, 0, 1)), ((1, 6, 9, 5),)),
            Sample("global", cls((5, 7), clamp=(-1.0, 1.0)), ((1, 5, 7, 2),)),
            Sample("row", cls((1, 3), (1, 2)), ((1, 1, 15, 1),)),
            Sample("one", cls((1, 1), (2, 3)), ((1, 5, 7, 3),)),
            Sample("batch", cls((2, 2), (1, 1)), ((2, 4, 3, 7),)),
            as_int16(Sample("same", cls((3, 2), (2, 1), padding=(0, 1, 1, 0), clamp=relu), ((2, 8, 7, 4),))),
            as_int16(Sample("dilated", cls((2, 3), (1, 1), (2, 2), (1, 2, 0, 1)), ((1, 6, 9, 5),))),
            Sample("real", cls((3, 2), (2, 1), padding=(0, 1, 1, 0), clamp=relu), ((2, 8, 7, 4),), elements=REALS),
            Sample("real_dilated", cls((2, 3), (1, 1), (2, 2), (1, 2, 0, 1)), ((1, 6, 9, 5),), elements=REALS),
        )
