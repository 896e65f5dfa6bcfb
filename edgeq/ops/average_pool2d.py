"""2-D average pooling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Affine, Monotone, Tie, Trait, is_homogeneous
from edgeq.numerics import float32
from edgeq.numerics.fixedpoint import Numerics
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
    inside_counts,
    more_padding,
    out_hw,
    rows_along,
    taps,
    within_reach,
)

DENSE = (1, 1)
MAX_WINDOW = 2**23
"""The most elements of a window for which the sum is certain to fit 32 bits."""


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_average_pool2d_ref`."""
    op = site.op
    assert isinstance(op, AveragePool2D)
    qmin, qmax = type_range(site.outputs[0], op.clamp)
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, op.kernel, op.stride, DENSE, op.padding),
        "count_pad": int(op.count_include_pad),
        "pad_value": site.input(0).qp.zp,
        "qmin": qmin,
        "qmax": qmax,
        "halves_up": int(halves_up(site)),
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_average_pool2d_int16_ref`."""
    return {key: value for key, value in lower_ref(site).items() if key not in ("pad_value", "halves_up")}


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_average_pool2d_float32_ref`."""
    op = site.op
    assert isinstance(op, AveragePool2D)
    low, high = bounds(op.clamp)
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, op.kernel, op.stride, DENSE, op.padding),
        "count_pad": int(op.count_include_pad),
        "low": low,
        "high": high,
    }


def halves_away(site: Site) -> bool:
    """Halves are rounded away from zero, not up as in older uint8 models."""
    return not halves_up(site)


def halves_up(site: Site) -> bool:
    """Whether halves that are negative are rounded up, not away from zero; False where there are no halves."""
    op = site.op
    assert isinstance(op, AveragePool2D)
    exact = not any(op.padding) and op.kernel[0] * op.kernel[1] % 2
    return op.legacy and site.numerics is not Numerics.FAST and not exact


def has_narrow_sums(site: Site) -> bool:
    """Sums of int16 elements fit 32 bits."""
    assert isinstance(site.op, AveragePool2D)
    return site.op.kernel[0] * site.op.kernel[1] < 2**15


def first(site: Site) -> Ints:
    """See `first_pixels`."""
    op = site.op
    assert isinstance(op, AveragePool2D)
    return first_pixels(site, op.kernel, op.stride, DENSE, op.padding)


def overlap(site: Site) -> Overlaps:
    """Pixels in order, and their channels one by one."""
    return in_groups(site, first(site), site.input(0).shape[3])


@dataclass(frozen=True)
class AveragePool2D(Op):
    """Input: x (N, H, W, C). Output: (N, OH, OW, C).

    The integer result is the quotient of sum and count of the stored values, halves away from zero, in all numerics;
    in TFLITE and TFLM it is halves up in a `legacy` layer, whose stored values are unsigned in LiteRT.

    Attributes:
        kernel, stride: rows and columns.
        padding: rows above, columns left, rows below, columns right.
        count_include_pad: whether padding counts, as real zeros; otherwise only elements inside are averaged.
        clamp: bounds of a fused activation.
        legacy: the layer comes from an older, uint8 .tflite.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    count_include_pad: bool = False
    clamp: Clamp = NO_CLAMP
    legacy: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_average_pool2d_ref",
            ("ref/average_pool2d.c",),
            "eq/average_pool2d.h",
            "eq_average_pool2d_params",
            lower_ref,
            overlap=overlap,
        ),
        Kernel(
            "eq_average_pool2d_int16_ref",
            ("ref/pool2d_int16.c",),
            "eq/pool2d_int16.h",
            "eq_pool2d_int16_params",
            lower_int16,
            elements=INT16,
            fits=all_of(halves_away, has_narrow_sums),
            overlap=overlap,
        ),
        Kernel(
            "eq_average_pool2d_float32_ref",
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
            raise ValueError(f"average pooling needs a 4-D input, not {x}")
        check_attributes(self.kernel, self.stride, DENSE, self.padding)
        hw = out_hw((x[1], x[2]), self.kernel, self.stride, DENSE, self.padding)
        check_covered((x[1], x[2]), self.kernel, self.stride, DENSE, self.padding)
        if self.kernel[0] * self.kernel[1] > MAX_WINDOW:
            raise ValueError(f"a window of {self.kernel[0]} × {self.kernel[1]} is larger than {MAX_WINDOW} elements")
        return ((x[0], *hw, x[3]),)

    def _counts(self, x: Shape) -> Array:
        """The divisor of every window: int64 (OH, OW, 1)."""
        rows, cols = (
            inside_counts(x[1 + i], self.kernel[i], self.stride[i], 1, self.padding[i], self.padding[2 + i])
            for i in range(2)
        )
        inside = np.asarray(rows[:, None, None] * cols[None, :, None])
        return np.full_like(inside, self.kernel[0] * self.kernel[1]) if self.count_include_pad else inside

    def _sum(self, x: Array, fill: float) -> Array:
        y: Array | None = None
        for _, _, part in taps(x, self.kernel, self.stride, DENSE, self.padding, fill):
            if y is None:
                y = part.copy()
            else:
                y += part
        assert y is not None
        return y

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        assert shapes[0] is not None
        reached = rows_along(self, shapes[0], self.kernel, DENSE, rows, axis)
        if reached is None:
            return None
        inside, padding = reached
        return Stripe(replace(self, padding=padding), (inside,))

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        y = self._sum(x, 0.0) / self._counts(x.shape).astype(np.float32)
        return (clamp_float(y, self.clamp).astype(np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Elements are added in the order of the taps, row by row, then divided by their number."""
        x = inputs[0]
        assert x is not None
        with np.errstate(all="ignore"):
            total = self._sum(x, 0.0) + np.float32(0.0)  # a sum that starts at 0 is never -0
        return (float32.within(float32.quotient(total, self._counts(x.shape)), *self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        total = self._sum(x.astype(np.int32), site.input(0).qp.zp if self.count_include_pad else 0)
        counts = self._counts(x.shape)
        if halves_up(site):
            rounded = (total + counts // 2) // counts
        else:
            rounded = np.sign(total) * ((np.abs(total) + counts // 2) // counts)
        y = site.outputs[0]
        return (np.clip(rounded, *type_range(y, self.clamp)).astype(y.dtype.numpy),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(output=Scale.SAME)

    @property
    def homogeneous(self) -> bool:
        return is_homogeneous(self.clamp)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> AveragePool2D:
        return replace(self, clamp=clamp)

    def is_copy(self, site: Site) -> bool:
        single = self.kernel == self.stride == (1, 1)
        return single and not any(self.padding) and self.clamp == NO_CLAMP

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        return (Tie.shifted(0, 0, site.outputs[0].shape[3]),)

    def affine(self, site: Site) -> Affine:
        zeros = self.count_include_pad and any(self.padding)
        return Affine.NONE if zeros or self.clamp != NO_CLAMP else Affine.ANY

    def with_padding(self, padding: Padding, value: float, least: float) -> AveragePool2D | None:
        total = more_padding(self.padding, padding)
        # padded elements count as zeros only if all of them do
        counted = value == 0 and (self.count_include_pad or not any(self.padding))
        if not counted or not within_reach(self.kernel, total):
            return None
        return replace(self, padding=total, count_include_pad=True)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        relu = (0.0, float("inf"))
        same = (1, 1, 1, 1)
        return (
            Sample("2x2", cls((2, 2), (2, 2)), ((1, 6, 8, 9),)),
            Sample("3x3_same", cls((3, 3), padding=same), ((1, 5, 6, 17),)),
            Sample("3x3_count_pad", cls((3, 3), padding=same, count_include_pad=True), ((1, 5, 6, 4),)),
            Sample("stride2_asym", cls((3, 2), (2, 2), (0, 1, 1, 0), clamp=relu), ((1, 8, 7, 4),)),
            Sample("asym_count_pad", cls((4, 3), (3, 2), (2, 0, 1, 1), True, (-1.0, 1.0)), ((1, 7, 8, 3),)),
            Sample("global", cls((5, 7)), ((1, 5, 7, 11),)),
            Sample("row", cls((1, 3), (1, 2)), ((1, 1, 15, 1),)),
            Sample("one", cls((1, 1), (2, 3)), ((1, 5, 7, 3),)),
            Sample("batch", cls((2, 2), (1, 1)), ((2, 4, 3, 7),)),
            as_int16(Sample("same", cls((3, 3), (2, 1), same, clamp=relu), ((2, 5, 6, 7),))),
            as_int16(Sample("fours", cls((2, 2), (2, 2)), ((1, 4, 6, 8),))),
            as_int16(Sample("count_pad", cls((4, 3), (3, 2), (2, 0, 1, 1), True), ((1, 7, 8, 3),))),
            Sample("real", cls((3, 3), (2, 1), same, clamp=relu), ((2, 5, 6, 7),), elements=REALS),
            Sample("real_count_pad", cls((4, 3), (3, 2), (2, 0, 1, 1), True), ((1, 7, 8, 3),), elements=REALS),
            Sample("real_global", cls((5, 7)), ((1, 5, 7, 11),), elements=REALS),
            Sample("legacy", cls((2, 2), (1, 1), same, legacy=True), ((1, 5, 7, 4),)),
        )
