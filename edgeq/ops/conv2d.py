"""2-D convolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe
from edgeq.ir.quant_rule import QuantRule, weighted
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Linear
from edgeq.numerics import float32
from edgeq.numerics.exact import activations, rounded_product, weights
from edgeq.ops._int16 import as_int16, weighted_rows
from edgeq.ops._linear import LinearOp, Sums
from edgeq.ops._overlap import Ints, Overlaps, first_pixels, in_blocks, in_groups
from edgeq.ops._packed import packed_row
from edgeq.ops._real import LANES, REAL, REALS, finish_params, finished, in_fours, third
from edgeq.ops._requant import (
    NO_CLAMP,
    Clamp,
    effective_multiplier,
    folded_bias,
    requant_params,
    weight_params,
    weight_zero_points,
)
from edgeq.ops._stored import in_grouped_tiles, tiled_row
from edgeq.ops._window import (
    Padding,
    Pair,
    check_attributes,
    check_bias,
    geometry,
    more_padding,
    out_hw,
    rows_along,
    weighted_sums,
    windows,
)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv2d_ref`: weights as they are, (OC, KH, KW, C/groups)."""
    op, x, y, w = site.op, site.input(0).shape, site.outputs[0].shape, site.const(1)
    assert isinstance(op, Conv2D)
    zeros = weight_zero_points(site, y[3])
    centred = w.astype(np.int64).reshape(y[3], -1) - zeros[:, None]
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "groups": op.groups,
        "pad_value": site.input(0).qp.zp,
        **weight_params(site, y[3]),
        "bias": folded_bias(site, centred, y[3]),
        **requant_params(site, effective_multiplier(site, y[3]), op.clamp),
    }


def _sums(site: Site) -> Sums:
    assert isinstance(site.op, Conv2D)
    return Sums.of(site, 0, effective_multiplier(site, site.const(1).shape[0]), site.op.clamp)


def _first_pixels(site: Site) -> Ints:
    op, w = site.op, site.const(1).shape
    assert isinstance(op, Conv2D)
    return first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding)


def overlap(site: Site) -> Overlaps:
    """Pixels in order, and their channels one by one."""
    assert isinstance(site.op, Conv2D)
    return in_groups(site, _first_pixels(site), site.op.groups)


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv2d_float32_ref`."""
    op, x, y, w = site.op, site.input(0).shape, site.outputs[0].shape, site.const(1)
    assert isinstance(op, Conv2D)
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "groups": op.groups,
        "weights": in_fours(w.reshape(op.groups, w.shape[0] // op.groups, -1)),
        **finish_params(site),
    }


def overlap_real(site: Site) -> Overlaps:
    """Pixels in order, and their channels four by four."""
    assert isinstance(site.op, Conv2D)
    return in_blocks(site, _first_pixels(site), site.op.groups, LANES)


def overlap_stored(site: Site) -> Overlaps:
    """Some pixels in order, and their channels four by four."""
    assert isinstance(site.op, Conv2D)
    return in_grouped_tiles(site, _first_pixels(site), site.op.groups)


FEW = 4
"""The most pairs of a group's input and output channels for which sums are computed pair by pair."""


PORTABLE = Kernel(
    "eq_conv2d_ref",
    ("ref/conv2d.c",),
    "eq/conv2d.h",
    "eq_conv2d_params",
    lower_ref,
    overlap=overlap,
    rounded=True,
)

REAL_ROW = Kernel(
    "eq_conv2d_float32_ref",
    ("ref/conv2d_float32.c", "ref/stored.c"),
    "eq/conv2d_float32.h",
    "eq_conv2d_float32_params",
    lower_real,
    elements=REAL,
    weights=REAL,
    overlap=overlap_real,
)


@dataclass(frozen=True)
class Conv2D(LinearOp):
    """Inputs: x (N, H, W, C), weights (OC, KH, KW, C/groups), bias (OC) or absent. Output: (N, OH, OW, OC).

    Attributes:
        stride, dilation: rows and columns.
        padding: rows above, columns left, rows below, columns right; padded with real zero.
        groups: channel groups; C and OC are multiples of it.
        clamp: bounds of a fused activation.
    """

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    groups: int = 1
    clamp: Clamp = NO_CLAMP

    kernels: ClassVar = (
        PORTABLE,
        packed_row(PORTABLE),
        *weighted_rows(PORTABLE),
        REAL_ROW,
        tiled_row(REAL_ROW, overlap_stored),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w = shapes[0], shapes[1]
        if x is None or w is None or len(x) != 4 or len(w) != 4:
            raise ValueError(f"convolution needs a 4-D input and 4-D weights, not {x} and {w}")
        if self.groups < 1 or x[3] != w[3] * self.groups or w[0] % self.groups:
            raise ValueError(f"{x[3]} input channels do not fit weights {w} in {self.groups} group(s)")
        check_attributes((w[1], w[2]), self.stride, self.dilation, self.padding)
        check_bias(shapes[2] if len(shapes) > 2 else None, w[0])
        return ((x[0], *out_hw((x[1], x[2]), (w[1], w[2]), self.stride, self.dilation, self.padding), w[0]),)

    def _columns(self, x: Array, w: Array, fill: float) -> Array:
        """The windows of every group, one in a row: (groups, N · OH · OW, KH · KW · C / groups)."""
        _, kh, kw, per_in = w.shape
        cols = windows(x, (kh, kw), self.stride, self.dilation, self.padding, fill)
        split = cols.reshape(-1, kh * kw, self.groups, per_in) if self.groups > 1 else cols[..., None, :]
        return np.moveaxis(split, -2, 0).reshape(self.groups, -1, kh * kw * per_in)

    def _kernels(self, w: Array) -> Array:
        """The weights of every group, one output channel in a row: (groups, OC / groups, KH · KW · C / groups)."""
        return w.reshape(self.groups, w.shape[0] // self.groups, -1)

    def _outputs(self, sums: Array, x: Array, w: Array) -> Array:
        """(groups, N · OH · OW, OC / groups) as (N, OH, OW, OC)."""
        hw = out_hw((x.shape[1], x.shape[2]), (w.shape[1], w.shape[2]), self.stride, self.dilation, self.padding)
        return np.moveaxis(sums, 0, 1).reshape(x.shape[0], *hw, w.shape[0])

    def _real_outputs(self, x: Array, w: Array, bias: Array | None) -> Array:
        depth = w[0].size
        cols = self._columns(activations(x, depth, (1, 2, 3)), w, 0.0)
        kernels = self._kernels(weights(w, depth, (1, 2, 3))).swapaxes(1, 2)
        added = None if bias is None else bias.reshape(self.groups, 1, -1)
        return self._outputs(rounded_product(cols, kernels, added, self.clamp), x, w)

    def _by_channel(self, x: Array, sums: Sums, fill: int) -> Array:
        """Outputs of small groups: depthwise, once for each pair of input and output channels of a group."""
        w = sums.weights
        per_in, per_out = w.shape[3], w.shape[0] // self.groups
        inputs = [np.ascontiguousarray(x[..., i::per_in], sums.kind) for i in range(per_in)]
        whole = []
        for o in range(per_out):
            kernels = np.moveaxis(w[o::per_out], 0, -1).astype(sums.kind)
            parts = [
                weighted_sums(x_i, kernels[:, :, i], self.stride, self.dilation, self.padding, fill)
                for i, x_i in enumerate(inputs)
            ]
            whole.append(np.add.reduce(parts))
        return sums.finish(np.stack(whole, axis=-1).reshape(*whole[0].shape[:3], w.shape[0]))

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        x, w = shapes[0], shapes[1]
        assert x is not None and w is not None
        reached = rows_along(self, x, (w[1], w[2]), self.dilation, rows, axis)
        if reached is None:
            return None
        inside, padding = reached
        return Stripe(replace(self, padding=padding), (inside, *[None] * (len(shapes) - 1)))

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        return (self._real_outputs(x, w, inputs[2] if len(inputs) > 2 else None),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Products are added in the order of the weights' elements: rows, columns, input channels; then the bias."""
        x, w = inputs[0], site.const(1)
        assert x is not None
        sums = float32.products(self._columns(x, w, 0.0), self._kernels(w).swapaxes(1, 2))
        return (finished(self._outputs(sums, x, w), third(inputs), self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], site.const(1)
        assert x is not None
        sums, fill = site.once(_sums), site.input(0).qp.zp
        if self.groups > 1 and w.shape[3] * w.shape[0] // self.groups <= FEW:
            return (self._by_channel(x, sums, fill),)
        return (self._outputs(sums.of_rows(self._columns(x, w, fill), self._kernels(sums.weights)), x, w),)

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        return {2: replace(self, clamp=NO_CLAMP).run_float(inputs)[0]}

    def factors(self, x: Array, weights: Shape) -> Array | None:
        return self._columns(x, np.empty(weights, np.bool_), 0)

    def by_group(self, weights: Array) -> Array:
        return self._kernels(weights)

    def from_groups(self, rows: Array, shape: Shape) -> Array:
        return rows.reshape(shape)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return weighted(0)

    def macs(self, site: Site) -> int:
        weights = site.input(1).shape
        return site.outputs[0].size * weights[1] * weights[2] * weights[3]

    @property
    def linear(self) -> Linear | None:
        return Linear(0, 3, self.groups, complete=not any(self.padding))

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> Conv2D:
        return replace(self, clamp=clamp)

    def with_padding(self, padding: Padding, value: float, least: float) -> Conv2D | None:
        return replace(self, padding=more_padding(self.padding, padding)) if value == 0 else None

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: Conv2D, x: Shape, w: Shape, bias: bool = True) -> Sample:
            return Sample(name, op, (x, w, (w[0],) if bias else None), const=(1, 2) if bias else (1,))

        def real(name: str, op: Conv2D, x: Shape, w: Shape, bias: bool = True) -> Sample:
            return replace(case(f"real_{name}", op, x, w, bias), elements=REALS, weights=DType.FLOAT32)

        relu, relu6 = (0.0, float("inf")), (0.0, 6.0)
        return (
            case("1x1", cls(), (1, 5, 7, 9), (11, 1, 1, 9)),
            case("3x3_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 6, 5), (8, 3, 3, 5)),
            case("stride2_asym", cls(stride=(2, 2), padding=(0, 0, 1, 1), clamp=relu6), (1, 8, 8, 3), (4, 3, 3, 3)),
            case("dilated", cls(dilation=(2, 3), padding=(2, 3, 2, 3)), (1, 9, 10, 2), (3, 3, 3, 2)),
            case("groups", cls(groups=2, padding=(1, 1, 1, 1)), (1, 5, 5, 6), (4, 3, 3, 3)),
            case("groups_of_four", cls(groups=5, padding=(1, 0, 0, 1), clamp=relu), (1, 4, 5, 20), (30, 2, 3, 4)),
            case("10x4_stride2", cls(stride=(2, 2), padding=(4, 1, 5, 1), clamp=relu), (1, 49, 10, 1), (17, 10, 4, 1)),
            case("no_bias", cls(clamp=(-1.0, 1.0)), (1, 3, 3, 4), (5, 3, 3, 4), bias=False),
            case("batch", cls(padding=(1, 0, 1, 0)), (2, 4, 5, 3), (2, 3, 1, 3)),
            case("wide_k", cls(), (1, 1, 2, 260), (3, 1, 1, 260)),
            case("1x1_even", cls(clamp=relu), (1, 5, 5, 16), (6, 1, 1, 16)),
            case("1x1_stride3", cls(stride=(3, 2), clamp=relu), (1, 7, 6, 20), (5, 1, 1, 20)),
            case("one_pixel", cls(clamp=relu), (1, 1, 1, 18), (8, 1, 1, 18)),
            case("one_channel", cls(), (1, 5, 4, 19), (1, 1, 1, 19)),
            case("few_taps", cls(), (1, 3, 4, 3), (4, 1, 1, 3)),
            case("rows", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 6, 5, 8), (7, 3, 3, 8)),
            case("rows_stride4", cls(stride=(4, 4), padding=(2, 1, 2, 1), dilation=(2, 1)), (2, 9, 9, 4), (2, 3, 3, 4)),
            case("5x5_in_3x3", cls(padding=(2, 2, 2, 2), clamp=relu), (1, 3, 3, 4), (5, 5, 5, 4)),
            case("first_rgb", cls(stride=(2, 2), padding=(0, 0, 1, 1), clamp=relu), (1, 12, 12, 3), (10, 3, 3, 3)),
            case("first_rgb_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 7, 3), (8, 3, 3, 3)),
            case("first_gray", cls(stride=(2, 2), padding=(4, 1, 5, 1), clamp=relu), (1, 19, 10, 1), (6, 10, 4, 1)),
            case("first_gray_5x5", cls(padding=(2, 2, 2, 2), clamp=relu), (1, 9, 8, 1), (4, 5, 5, 1)),
            case("tall", cls(padding=(1, 0, 1, 0)), (1, 7, 3, 5), (3, 4, 1, 5)),
            case("winograd", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 8, 12, 8), (8, 3, 3, 8)),
            case("winograd_rest", cls(padding=(2, 0, 1, 3), clamp=relu6), (2, 6, 10, 20), (11, 3, 3, 20)),
            case("winograd_16", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 9, 16), (16, 3, 3, 16)),
            case("winograd_32", cls(padding=(1, 1, 0, 2)), (2, 6, 9, 32), (32, 3, 3, 32)),
            case("winograd_inside", cls(), (1, 6, 10, 20), (10, 3, 3, 20)),
            replace(
                case("int4_3x3", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 5, 4, 3), (5, 3, 3, 3)), weights=DType.INT4
            ),
            replace(case("int4_3x3_stride", cls(stride=(2, 1)), (1, 7, 6, 5), (7, 3, 3, 5)), weights=DType.INT4),
            replace(case("int4_2x2", cls(dilation=(1, 2)), (2, 3, 5, 1), (4, 2, 2, 1)), weights=DType.INT4),
            replace(case("int4_1x1", cls(clamp=relu), (1, 5, 5, 16), (6, 1, 1, 16)), weights=DType.INT4),
            replace(case("int4_1x1_one", cls(), (1, 2, 4, 11), (1, 1, 1, 11)), weights=DType.INT4),
            replace(case("int4_1x1_odd", cls(), (1, 3, 3, 6), (5, 1, 1, 6)), weights=DType.INT4),
            replace(case("int4_1x1_long", cls(), (1, 1, 3, 150), (9, 1, 1, 150)), weights=DType.INT4),
            replace(case("int4_1x1_64", cls(clamp=relu), (1, 1, 4, 64), (18, 1, 1, 64)), weights=DType.INT4),
            replace(case("int4_1x1_96", cls(), (1, 1, 2, 96), (3, 1, 1, 96)), weights=DType.INT4),
            replace(case("int3_groups", cls(groups=2), (1, 4, 5, 6), (4, 3, 2, 3)), weights=DType.INT3),
            replace(case("int2_1x1", cls(stride=(2, 2)), (1, 5, 5, 7), (3, 1, 1, 7), bias=False), weights=DType.INT2),
            replace(case("ternary_1x1", cls(), (1, 3, 2, 13), (3, 1, 1, 13)), weights=DType.TERNARY),
            replace(case("int2_1x1_even", cls(clamp=relu), (1, 4, 5, 20), (6, 1, 1, 20)), weights=DType.INT2),
            replace(case("int2_1x1_many", cls(), (1, 5, 7, 18), (21, 1, 1, 18)), weights=DType.INT2),
            replace(case("int2_1x1_one", cls(), (1, 2, 4, 8), (1, 1, 1, 8)), weights=DType.INT2),
            replace(case("binary_1x1_even", cls(), (1, 1, 8, 33), (4, 1, 1, 33)), weights=DType.BINARY),
            replace(case("binary_1x1", cls(), (1, 2, 3, 11), (3, 1, 1, 11)), weights=DType.BINARY),
            case("long_k", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 4, 4, 32), (4, 3, 3, 32)),
            *(
                as_int16(sample)
                for sample in (
                    case("3x3_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 6, 5), (8, 3, 3, 5)),
                    case("stride2", cls(stride=(2, 1), padding=(0, 2, 1, 1), clamp=relu6), (2, 8, 5, 3), (7, 3, 3, 3)),
                    case("groups", cls(groups=2, dilation=(2, 1)), (1, 7, 5, 6), (4, 3, 3, 3), bias=False),
                    case("1x1_64", cls(clamp=relu), (1, 1, 4, 64), (18, 1, 1, 64)),
                    case("3x3_16", cls(padding=(1, 1, 1, 1)), (1, 4, 3, 16), (3, 3, 3, 16)),
                    case("large_sums", cls(), (1, 1, 2, 3000), (2, 1, 1, 3000)),
                    replace(case("int4", cls(clamp=relu), (1, 4, 3, 9), (6, 1, 1, 9)), weights=DType.INT4),
                )
            ),
            real("3x3_same", cls(padding=(1, 1, 1, 1), clamp=relu), (1, 7, 6, 5), (8, 3, 3, 5)),
            real("stride2", cls(stride=(2, 1), padding=(0, 2, 1, 1), clamp=relu6), (2, 8, 5, 3), (7, 3, 3, 3)),
            real("dilated", cls(dilation=(2, 3), padding=(2, 3, 2, 3)), (1, 9, 10, 2), (3, 3, 3, 2)),
            real("groups", cls(groups=3, padding=(1, 1, 1, 1)), (1, 5, 5, 6), (15, 3, 3, 2)),
            real("1x1", cls(), (1, 5, 7, 9), (11, 1, 1, 9), bias=False),
            *(
                replace(real(f"stored_{dtype.value}", op, (2, 7, 6, 6), (10, 3, 2, 6 // op.groups)), weights=dtype)
                for dtype, op in (
                    (DType.FLOAT16, cls((2, 1), padding=(1, 0, 1, 1), clamp=relu)),
                    (DType.INT8, cls(groups=2, padding=(1, 0, 1, 1))),
                    (DType.INT3, cls(dilation=(1, 2))),
                )
            ),
        )
