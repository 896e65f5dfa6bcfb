"""Depthwise 2-D convolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe
from edgeq.ir.quant_rule import QuantRule, weighted
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import Linear, Tie, Trait
from edgeq.ops._int16 import as_int16, weighted_rows
from edgeq.ops._linear import LinearOp, Sums
from edgeq.ops._overlap import Overlaps, first_pixels, in_groups
from edgeq.ops._packed import packed_row
from edgeq.ops._real import REAL, REALS, finish_params, finished, third
from edgeq.ops._requant import (
    NO_CLAMP,
    Clamp,
    effective_multiplier,
    folded_bias,
    requant_params,
    weight_params,
    weight_zero_points,
)
from edgeq.ops._stored import stored_row
from edgeq.ops._window import (
    Padding,
    Pair,
    blocks_of_sums,
    check_attributes,
    check_bias,
    geometry,
    more_padding,
    out_hw,
    rows_along,
    weighted_sums,
    windows,
)
from edgeq.ops.conv2d import Conv2D


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_ref`: weights as they are, (KH, KW, C·M)."""
    op, x, y, w = site.op, site.input(0).shape, site.outputs[0].shape, site.const(1)
    assert isinstance(op, DepthwiseConv2D)
    zeros = weight_zero_points(site, y[3])
    centred = w.astype(np.int64) - zeros
    return {
        **geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding),
        "pad_value": site.input(0).qp.zp,
        **weight_params(site, y[3]),
        "bias": folded_bias(site, centred.reshape(-1, y[3]).T, y[3]),
        **requant_params(site, effective_multiplier(site, y[3]), op.clamp),
    }


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_float32_ref`."""
    op, x, y, w = site.op, site.input(0).shape, site.outputs[0].shape, site.const(1)
    assert isinstance(op, DepthwiseConv2D)
    return {
        **geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding),
        "weights": np.ravel(w),
        **finish_params(site),
    }


def _sums(site: Site) -> Sums:
    assert isinstance(site.op, DepthwiseConv2D)
    return Sums.of(site, 2, effective_multiplier(site, site.const(1).shape[2]), site.op.clamp)


def overlap(site: Site) -> Overlaps:
    """Pixels in order, and their channels one by one."""
    op, w = site.op, site.const(1).shape
    assert isinstance(op, DepthwiseConv2D)
    first = first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding)
    return in_groups(site, first, site.input(0).shape[3])


PORTABLE = Kernel(
    "eq_depthwise_conv2d_ref",
    ("ref/depthwise_conv2d.c",),
    "eq/depthwise_conv2d.h",
    "eq_depthwise_conv2d_params",
    lower_ref,
    overlap=overlap,
    rounded=True,
)

REAL_ROW = Kernel(
    "eq_depthwise_conv2d_float32_ref",
    ("ref/depthwise_conv2d_float32.c", "ref/stored.c"),
    "eq/depthwise_conv2d_float32.h",
    "eq_depthwise_conv2d_float32_params",
    lower_real,
    elements=REAL,
    weights=REAL,
    overlap=overlap,
)


@dataclass(frozen=True)
class DepthwiseConv2D(LinearOp):
    """Inputs: x (N, H, W, C), weights (KH, KW, C·M), bias (C·M) or absent. Output: (N, OH, OW, C·M).

    Output channel c·M + m is input channel c under filter m of its M filters.

    Attributes:
        stride, dilation: rows and columns.
        padding: rows above, columns left, rows below, columns right; padded with real zero.
        clamp: bounds of a fused activation.
    """

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    clamp: Clamp = NO_CLAMP

    kernels: ClassVar = (
        PORTABLE,
        packed_row(PORTABLE),
        *weighted_rows(PORTABLE),
        REAL_ROW,
        stored_row(REAL_ROW, axis=2),
    )

    declines: ClassVar[frozenset[Trait]] = LinearOp.declines - {"tied_channels"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w = shapes[0], shapes[1]
        if x is None or w is None or len(x) != 4 or len(w) != 3:
            raise ValueError(f"depthwise convolution needs a 4-D input and 3-D weights, not {x} and {w}")
        if w[2] % x[3]:
            raise ValueError(f"{w[2]} filters are not a multiple of {x[3]} input channels")
        check_attributes((w[0], w[1]), self.stride, self.dilation, self.padding)
        check_bias(shapes[2] if len(shapes) > 2 else None, w[2])
        return ((x[0], *out_hw((x[1], x[2]), (w[0], w[1]), self.stride, self.dilation, self.padding), w[2]),)

    def _wide(self, x: Array, w: Array) -> Array:
        """The input with a channel for each of the weights'."""
        repeats = w.shape[2] // x.shape[3]
        return np.repeat(x, repeats, axis=3) if repeats > 1 else x

    def _accumulate(self, x: Array, w: Array, bias: Array | None = None, clamp: Clamp = NO_CLAMP) -> Array:
        """Real sums over the taps in their order."""
        wide = self._wide(x, w).astype(w.dtype, copy=False)
        return weighted_sums(wide, w, self.stride, self.dilation, self.padding, 0.0, bias, clamp)

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        x, w = shapes[0], shapes[1]
        assert x is not None and w is not None
        reached = rows_along(self, x, (w[0], w[1]), self.dilation, rows, axis)
        if reached is None:
            return None
        inside, padding = reached
        return Stripe(replace(self, padding=padding), (inside, *[None] * (len(shapes) - 1)))

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        return (self._accumulate(x, w, inputs[2] if len(inputs) > 2 else None, self.clamp),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Products are added in the order of the taps, row by row; then the bias."""
        x, w = inputs[0], site.const(1)
        assert x is not None
        with np.errstate(all="ignore"):
            sums = self._accumulate(x, w) + np.float32(0.0)  # a sum that starts at 0 is never -0
        return (finished(sums, third(inputs), self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], site.const(1)
        assert x is not None
        sums = site.once(_sums)
        wide, weights, fill = self._wide(x, w), sums.weights.astype(sums.kind), site.input(0).qp.zp
        result = np.empty(self.out_shapes([x.shape, w.shape])[0], sums.finish.kind)
        for images, rows, acc in blocks_of_sums(
            wide, weights, self.stride, self.dilation, self.padding, fill, exact=True
        ):
            sums.finish(acc, result[images, rows])
        return (result,)

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        return {2: replace(self, clamp=NO_CLAMP).run_float(inputs)[0]}

    def factors(self, x: Array, weights: Shape) -> Array | None:
        wide = np.repeat(x, weights[2] // x.shape[3], axis=3)
        seen = windows(wide, (weights[0], weights[1]), self.stride, self.dilation, self.padding, 0)
        return np.moveaxis(seen.reshape(-1, weights[0] * weights[1], weights[2]), 2, 0)

    def by_group(self, weights: Array) -> Array:
        return weights.reshape(weights.shape[0] * weights.shape[1], -1).T[:, None]

    def from_groups(self, rows: Array, shape: Shape) -> Array:
        return rows[:, 0].T.reshape(shape)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return weighted(2)

    def macs(self, site: Site) -> int:
        weights = site.input(1).shape
        return site.outputs[0].size * weights[0] * weights[1]

    @property
    def linear(self) -> Linear | None:
        return Linear(2, None, None, complete=not any(self.padding))

    def signs_apart(self, site: Site) -> Site:
        """As a convolution in groups of one channel, whose groups can hold two."""
        op = Conv2D(self.stride, self.dilation, self.padding, site.input(0).shape[3], self.clamp)
        weights, q = site.const(1).transpose(2, 0, 1)[..., None], site.input(1).qp
        type = replace(
            site.input(1), shape=weights.shape, q=QParams(q.scale, q.zero_point, None if q.axis is None else 0)
        )
        return op.signs_apart(
            replace(
                site,
                op=op,
                inputs=(site.inputs[0], type, *site.inputs[2:]),
                consts=(None, weights, *site.consts[2:]),
            )
        )

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> DepthwiseConv2D:
        return replace(self, clamp=clamp)

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        if site.const_or_none(1) is None:
            return None
        every = np.arange(site.outputs[0].shape[3])
        return (Tie(0, 0, np.stack([every // (len(every) // site.input(0).shape[3]), every], axis=1)),)

    def with_padding(self, padding: Padding, value: float, least: float) -> DepthwiseConv2D | None:
        return replace(self, padding=more_padding(self.padding, padding)) if value == 0 else None

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: DepthwiseConv2D, x: Shape, w: Shape, bias: bool = True) -> Sample:
            return Sample(name, op, (x, w, (w[2],) if bias else None), const=(1, 2) if bias else (1,))

        def real(name: str, op: DepthwiseConv2D, x: Shape, w: Shape, bias: bool = True) -> Sample:
            return replace(case(f"real_{name}", op, x, w, bias), elements=REALS, weights=DType.FLOAT32)

        relu, relu6 = (0.0, float("inf")), (0.0, 6.0)
        return (
            case("3x3_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 6, 9), (3, 3, 9)),
            case("stride2_asym", cls(stride=(2, 2), padding=(0, 0, 1, 1), clamp=relu6), (1, 8, 8, 16), (3, 3, 16)),
            case("multiplier", cls(padding=(1, 1, 1, 1)), (1, 5, 5, 3), (3, 3, 6)),
            case("multiplier_one_in", cls(stride=(2, 2), padding=(4, 3, 5, 4), clamp=relu), (1, 13, 10, 1), (10, 8, 8)),
            case("dilated", cls(dilation=(2, 3), padding=(2, 3, 2, 3)), (1, 9, 10, 2), (3, 3, 2)),
            case("whole_image", cls(), (1, 5, 4, 17), (5, 4, 17)),
            case("stride_mixed", cls(stride=(1, 3), padding=(0, 2, 1, 0)), (1, 4, 11, 5), (2, 5, 5)),
            case("no_bias", cls(clamp=(-1.0, 1.0)), (1, 4, 3, 4), (3, 3, 4), bias=False),
            case("batch", cls(padding=(1, 0, 1, 0)), (2, 4, 5, 7), (3, 1, 7)),
            case("one_pixel", cls(), (1, 1, 1, 11), (1, 1, 11)),
            case("3x3_odd", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 25, 5, 8), (3, 3, 8)),
            case("3x3_inside", cls(), (1, 9, 8, 6), (3, 3, 6)),
            case("3x3_narrow", cls(padding=(1, 0, 1, 0)), (1, 5, 3, 5), (3, 3, 5)),
            case("3x3_wide_pad", cls(padding=(2, 2, 2, 2), clamp=relu), (1, 4, 5, 4), (3, 3, 4)),
            case("3x3_one_channel", cls(padding=(1, 1, 1, 1)), (1, 6, 7, 1), (3, 3, 1)),
            case("3x3_stripes", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 23, 41, 5), (3, 3, 5)),
            case("stride2", cls(stride=(2, 2), padding=(1, 1, 1, 1), clamp=relu), (1, 9, 9, 7), (3, 3, 7)),
            as_int16(case("3x3_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 6, 9), (3, 3, 9))),
            as_int16(case("3x3_even", cls(padding=(1, 1, 1, 1), clamp=relu6), (2, 7, 6, 4), (3, 3, 4))),
            as_int16(case("stride2_even", cls(stride=(2, 2), padding=(0, 1, 1, 0)), (1, 8, 9, 6), (3, 3, 6))),
            as_int16(case("3x3_stripes", cls(padding=(1, 1, 1, 1)), (1, 23, 61, 2), (3, 3, 2))),
            as_int16(
                case("dilated", cls(stride=(1, 2), dilation=(2, 3), padding=(2, 3, 1, 0)), (1, 6, 9, 9), (3, 2, 9))
            ),
            as_int16(case("multiplier", cls(stride=(2, 2), padding=(1, 1, 1, 1)), (1, 5, 5, 3), (3, 3, 6))),
            as_int16(case("large_sums", cls(), (1, 60, 50, 2), (60, 50, 2), bias=False)),
            as_int16(replace(case("int4", cls(), (1, 5, 5, 3), (3, 3, 3)), weights=DType.INT4)),
            case("stride2_narrow", cls(stride=(2, 2), padding=(0, 1, 1, 1)), (2, 6, 2, 4), (3, 3, 4)),
            case("stride2_stripes", cls(stride=(2, 2), padding=(0, 0, 1, 1), clamp=relu), (1, 46, 46, 6), (3, 3, 6)),
            case("2x2_stride2", cls(stride=(2, 2)), (1, 7, 8, 3), (2, 2, 3)),
            case("5x5", cls(padding=(2, 2, 2, 2), clamp=relu), (1, 7, 9, 5), (5, 5, 5)),
            case("5x5_stride2", cls(stride=(2, 2), padding=(1, 2, 2, 1), clamp=relu), (1, 12, 13, 4), (5, 5, 4)),
            case("5x5_stripes", cls(padding=(2, 2, 2, 2)), (1, 40, 50, 2), (5, 5, 2)),
            case("5x1", cls(padding=(2, 0, 2, 0), clamp=relu6), (1, 11, 3, 6), (5, 1, 6)),
            case("1x7", cls(padding=(0, 3, 0, 3)), (2, 3, 12, 3), (1, 7, 3)),
            case("5x1_inside", cls(stride=(2, 1), clamp=relu), (2, 11, 3, 6), (5, 1, 6)),
            case("1x4_inside", cls(stride=(1, 2), dilation=(1, 3)), (1, 2, 15, 9), (1, 4, 9), bias=False),
            case("dilated_rows", cls(dilation=(3, 1), padding=(3, 1, 3, 1)), (1, 9, 6, 4), (3, 3, 4)),
            case("dilated_columns", cls(dilation=(1, 2), padding=(1, 2, 1, 2)), (1, 7, 9, 3), (3, 3, 3)),
            case("many_channels", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 6, 5, 32), (3, 3, 32)),
            case("scale", cls(clamp=relu), (2, 5, 3, 7), (1, 1, 7)),
            case("scale_wide", cls(), (1, 9, 4, 32), (1, 1, 32), bias=False),
            case("scale_one", cls(clamp=relu6), (1, 7, 3, 1), (1, 1, 1)),
            replace(
                case("int4_3x3", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 6, 5, 9), (3, 3, 9)), weights=DType.INT4
            ),
            replace(case("int4_5x5", cls(padding=(2, 2, 2, 2)), (1, 4, 5, 3), (5, 5, 3)), weights=DType.INT4),
            replace(case("int4_3x3_packed", cls(padding=(1, 1, 1, 1)), (2, 5, 6, 6), (3, 3, 6)), weights=DType.INT4),
            replace(
                case("int4_stride2", cls(stride=(2, 2), padding=(0, 1, 1, 1)), (1, 6, 7, 5), (3, 3, 5)),
                weights=DType.INT4,
            ),
            replace(
                case("int4_2x3_stride2_clamp", cls(stride=(2, 2), clamp=relu), (1, 6, 8, 3), (2, 3, 3)),
                weights=DType.INT4,
            ),
            replace(case("int3_multiplier", cls(stride=(2, 1)), (1, 6, 5, 3), (3, 2, 6)), weights=DType.INT3),
            replace(case("int2_5x1", cls(padding=(2, 0, 2, 0)), (1, 7, 2, 3), (5, 1, 3)), weights=DType.INT2),
            replace(case("ternary", cls(), (1, 5, 4, 3), (3, 3, 3)), weights=DType.TERNARY),
            case("1x3", cls(padding=(0, 1, 0, 1)), (1, 5, 6, 8), (1, 3, 8)),
            real("3x3_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 6, 9), (3, 3, 9)),
            real("stride2_asym", cls(stride=(2, 1), padding=(0, 2, 1, 1), clamp=relu6), (2, 8, 5, 4), (3, 3, 4)),
            real("multiplier", cls(padding=(1, 1, 1, 1)), (1, 5, 5, 3), (3, 3, 6)),
            real("dilated", cls(dilation=(2, 3), padding=(2, 3, 2, 3)), (1, 9, 10, 2), (3, 3, 2), bias=False),
            *(
                replace(real(f"stored_{dtype.value}", op, (2, 7, 6, 5), (3, 2, channels)), weights=dtype)
                for dtype, op, channels in (
                    (DType.FLOAT16, cls((2, 1), padding=(1, 0, 1, 1), clamp=relu), 5),
                    (DType.INT8, cls(padding=(1, 1, 1, 1)), 15),
                    (DType.INT4, cls(dilation=(1, 2)), 5),
                )
            ),
        )
