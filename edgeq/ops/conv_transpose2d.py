"""Transposed 2-D convolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, weighted
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Linear, Trait
from edgeq.numerics.exact import activations, product, weights
from edgeq.numerics.fixedpoint import INT32_MAX, Ints
from edgeq.ops._int16 import FOREIGN, ONCE, as_int16, bias_params
from edgeq.ops._linear import LinearOp
from edgeq.ops._matmul import int_matmul
from edgeq.ops._overlap import NOTHING, Overlaps, in_blocks, in_groups, pixels_of
from edgeq.ops._packed import SYMMETRIC
from edgeq.ops._real import LANES, REAL, REALS, finish_params, finished, in_fours, third
from edgeq.ops._requant import (
    NO_CLAMP,
    Clamp,
    effective_multiplier,
    finish,
    finish_float,
    requant_params,
    weight_params,
    weight_zero_points,
)
from edgeq.ops._stored import in_grouped_tiles, tiled_row
from edgeq.ops._window import Padding, Pair, check_attributes, check_bias, geometry


def tap_bias(site: Site, weights: Ints) -> Ints:
    """−zp_in · Σ w over the input channels of each tap: (OC, KH, KW).

    An output sees only the taps that meet an input pixel, so the input's zero-point is folded into the taps instead of
    the bias.

    Args:
        site: the site.
        weights: zero-point already subtracted, (OC, KH, KW, C/groups).

    Raises:
        QuantizationError: an accumulator could leave 32 bits.
    """
    folded = -site.input(0).qp.zp * weights.sum(axis=3)
    bias = site.const_or_none(2)
    if site.input(0).dtype is DType.INT16:
        return folded
    reach = np.abs(folded).sum(axis=(1, 2)) + 128 * np.abs(weights).sum(axis=(1, 2, 3))
    if np.any(reach + (0 if bias is None else np.abs(bias.astype(np.int64))) > INT32_MAX):
        raise QuantizationError(
            "an accumulator can exceed 32 bits: the bias is too large for the scales of input and weights",
            hint="quantize the model again with larger scales of this layer's weights, or split the layer",
            where=site.name,
        )
    return folded


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv_transpose2d_ref`: weights as they are, (OC, KH, KW, C/groups)."""
    op, x, y, w = site.op, site.input(0).shape, site.outputs[0].shape, site.const(1)
    assert isinstance(op, ConvTranspose2D)
    zeros = weight_zero_points(site, y[3])
    folded = tap_bias(site, w.astype(np.int64) - zeros[:, None, None, None])
    bias = site.const_or_none(2)
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "groups": op.groups,
        **weight_params(site, y[3]),
        "tap_bias": folded.astype(np.int32) if folded.any() else 0,
        "bias": np.zeros(y[3], np.int32) if bias is None else bias.astype(np.int32),
        **requant_params(site, effective_multiplier(site, y[3]), op.clamp),
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv_transpose2d_int16_ref`."""
    bias = site.const_or_none(2)
    members = {key: value for key, value in lower_ref(site).items() if key not in {*FOREIGN, "tap_bias"}}
    return {**members, **bias_params(np.zeros(site.outputs[0].shape[3]) if bias is None else bias)}


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv_transpose2d_float32_ref`."""
    op, x, y, w = site.op, site.input(0).shape, site.outputs[0].shape, site.const(1)
    assert isinstance(op, ConvTranspose2D)
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "groups": op.groups,
        "weights": in_fours(w.reshape(op.groups, w.shape[0] // op.groups, -1)),
        **finish_params(site),
    }


def first_sources(size: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> Ints:
    """For every output position along one dimension: the first input that reaches it, or NOTHING."""
    spread = np.arange(out)[:, None] + before - np.arange(kernel) * dilation
    reaches = (spread >= 0) & (spread % stride == 0) & (spread < size * stride)
    return np.where(reaches, spread // stride, NOTHING).min(axis=1)


def _first_pixels(site: Site) -> Ints:
    """For every pixel of the output, (N, OH·OW): the first pixel of the input that reaches it, or NOTHING."""
    op, w = site.op, site.const(1).shape
    assert isinstance(op, ConvTranspose2D)
    x, y = site.input(0).shape, site.outputs[0].shape
    rows, columns = (
        first_sources(x[1 + i], y[1 + i], w[1 + i], op.stride[i], op.dilation[i], op.padding[i]) for i in range(2)
    )
    return pixels_of(rows, columns, x[2], np.arange(x[0], dtype=np.int64) * (x[1] * x[2]))


def overlap(site: Site) -> Overlaps:
    """Pixels in order, and their channels one by one."""
    assert isinstance(site.op, ConvTranspose2D)
    return in_groups(site, _first_pixels(site), site.op.groups)


def overlap_real(site: Site) -> Overlaps:
    """Pixels in order, and their channels four by four."""
    assert isinstance(site.op, ConvTranspose2D)
    return in_blocks(site, _first_pixels(site), site.op.groups, LANES)


def overlap_stored(site: Site) -> Overlaps:
    """Some pixels in order, and their channels four by four."""
    assert isinstance(site.op, ConvTranspose2D)
    return in_grouped_tiles(site, _first_pixels(site), site.op.groups)


REAL_ROW = Kernel(
    "eq_conv_transpose2d_float32_ref",
    ("ref/conv2d_float32.c", "ref/stored.c"),
    "eq/conv2d_float32.h",
    "eq_conv2d_float32_params",
    lower_real,
    elements=REAL,
    weights=REAL,
    overlap=overlap_real,
)


@dataclass(frozen=True)
class ConvTranspose2D(LinearOp):
    """Inputs: x (N, H, W, C), weights (OC, KH, KW, C/groups), bias (OC) or absent. Output: (N, OH, OW, OC).

    Every input pixel adds its value times the kernel to the output, a stride apart; padding is cropped from the result:
    OH = (H − 1)·stride + dilation·(KH − 1) + 1 + output_padding − padding above − padding below.

    Attributes:
        stride, dilation: rows and columns.
        padding: rows above, columns left, rows below, columns right that are cropped.
        output_padding: rows below and columns right that are added before padding is cropped.
        groups: channel groups; C and OC are multiples of it.
        clamp: bounds of a fused activation.
    """

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    output_padding: Pair = (0, 0)
    groups: int = 1
    clamp: Clamp = NO_CLAMP

    kernels: ClassVar = (
        Kernel(
            "eq_conv_transpose2d_ref",
            ("ref/conv_transpose2d.c",),
            "eq/conv_transpose2d.h",
            "eq_conv_transpose2d_params",
            lower_ref,
            overlap=overlap,
            rounded=True,
        ),
        Kernel(
            "eq_conv_transpose2d_int16_ref",
            ("ref/conv_transpose2d_int16.c",),
            "eq/conv_transpose2d_int16.h",
            "eq_conv_transpose2d_int16_params",
            lower_int16,
            elements=INT16,
            fits=all_of(ONCE, SYMMETRIC),
            overlap=overlap,
        ),
        REAL_ROW,
        tiled_row(REAL_ROW, overlap_stored),
    )

    declines: ClassVar[frozenset[Trait]] = LinearOp.declines | {"with_padding"}

    def _canvas(self, hw: Pair, kernel: Pair) -> Pair:
        """Rows and columns before padding is cropped."""
        rows, cols = (
            (hw[i] - 1) * self.stride[i] + self.dilation[i] * (kernel[i] - 1) + 1 + self.output_padding[i]
            for i in range(2)
        )
        return rows, cols

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w = shapes[0], shapes[1]
        if x is None or w is None or len(x) != 4 or len(w) != 4:
            raise ValueError(f"transposed convolution needs a 4-D input and 4-D weights, not {x} and {w}")
        if self.groups < 1 or x[3] != w[3] * self.groups or w[0] % self.groups:
            raise ValueError(f"{x[3]} input channels do not fit weights {w} in {self.groups} group(s)")
        check_attributes((w[1], w[2]), self.stride, self.dilation, self.padding)
        check_bias(shapes[2] if len(shapes) > 2 else None, w[0])
        if min(self.output_padding) < 0:
            raise ValueError(f"output padding {self.output_padding} must not be negative")
        rows, cols = self._canvas((x[1], x[2]), (w[1], w[2]))
        oh, ow = rows - self.padding[0] - self.padding[2], cols - self.padding[1] - self.padding[3]
        if oh < 1 or ow < 1:
            raise ValueError(f"padding {self.padding} leaves nothing of an output of {rows} × {cols}")
        return ((x[0], oh, ow, w[0]),)

    def _accumulate(self, x: Array, w: Array, exact: bool) -> Array:
        n, h, width, c = x.shape
        oc, kh, kw, _ = w.shape
        rows, cols = self._canvas((h, width), (kh, kw))
        per_in, per_out = c // self.groups, oc // self.groups
        depth = per_in * kh * kw
        image = x if exact else activations(x, depth, (1, 2, 3))
        canvas: Array = np.zeros((n, rows, cols, oc), np.int64 if exact else np.float64)
        for g in range(self.groups):
            a = image[..., g * per_in : (g + 1) * per_in].reshape(n * h * width, per_in)
            kernel = w[g * per_out : (g + 1) * per_out]
            b = (kernel if exact else weights(kernel, depth, (1, 2, 3))).reshape(per_out * kh * kw, per_in).T
            products: Array = (int_matmul(a, b) if exact else product(a, b)).reshape(n, h, width, per_out, kh, kw)
            part: Array = canvas[..., g * per_out : (g + 1) * per_out]
            for ky in range(kh):
                top = ky * self.dilation[0]
                for kx in range(kw):
                    left = kx * self.dilation[1]
                    part[
                        :,
                        top : top + (h - 1) * self.stride[0] + 1 : self.stride[0],
                        left : left + (width - 1) * self.stride[1] + 1 : self.stride[1],
                    ] += products[..., ky, kx]
        pad_top, pad_left, pad_bottom, pad_right = self.padding
        return canvas[:, pad_top : rows - pad_bottom, pad_left : cols - pad_right]

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        return (finish_float(self._accumulate(x, w, exact=False), inputs, self.clamp),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Products are added in the order of the weights' elements: rows, columns, input channels; then the bias.

        What meets no pixel of the input adds nothing.
        """
        x, w = inputs[0], site.const(1)
        assert x is not None
        (oc, kh, kw, per_in), (h, width), step = w.shape, x.shape[1:3], self.stride
        rows, cols = self._canvas((h, width), (kh, kw))
        canvas = np.zeros((x.shape[0], rows, cols, self.groups, oc // self.groups), np.float32)
        by_group = x.reshape(*x.shape[:3], self.groups, per_in, 1)
        kernels = w.reshape(self.groups, oc // self.groups, kh, kw, per_in)
        with np.errstate(all="ignore"):
            for ky, kx in np.ndindex(kh, kw):
                top, left = ky * self.dilation[0], kx * self.dilation[1]
                down, right = top + (h - 1) * step[0] + 1, left + (width - 1) * step[1] + 1
                part: Array = canvas[:, top : down : step[0], left : right : step[1]]
                for c in range(per_in):
                    part += by_group[..., c, :] * kernels[:, :, ky, kx, c]
        top, left, bottom, right = self.padding
        sums = canvas.reshape(*canvas.shape[:3], oc)[:, top : rows - bottom, left : cols - right]
        return (finished(sums, third(inputs), self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, w, bias = inputs[0], site.const(1), site.const_or_none(2)
        assert x is not None
        oc = w.shape[0]
        centred = w.astype(np.int64) - weight_zero_points(site, oc)[:, None, None, None]
        tap_bias(site, centred)  # refuses what could overflow
        acc = self._accumulate(x.astype(np.int64) - site.input(0).qp.zp, centred, exact=True)
        if bias is not None:
            acc = acc + bias
        return (finish(site, acc, effective_multiplier(site, oc), self.clamp),)

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        return {2: replace(self, clamp=NO_CLAMP).run_float(inputs)[0]}

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return weighted(0)

    def macs(self, site: Site) -> int:
        weights = site.input(1).shape
        return site.input(0).size * weights[0] // self.groups * weights[1] * weights[2]

    @property
    def linear(self) -> Linear | None:
        return Linear(0, 3, self.groups, complete=False)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> ConvTranspose2D:
        return replace(self, clamp=clamp)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: ConvTranspose2D, x: Shape, w: Shape, bias: bool = True) -> Sample:
            return Sample(name, op, (x, w, (w[0],) if bias else None), const=(1, 2) if bias else (1,))

        relu, relu6 = (0.0, float("inf")), (0.0, 6.0)
        return (
            case("2x2_stride2", cls(stride=(2, 2), clamp=relu), (1, 3, 4, 9), (5, 2, 2, 9)),
            case("3x3_stride2_pad", cls(stride=(2, 2), padding=(1, 0, 1, 1), clamp=relu6), (1, 4, 3, 5), (8, 3, 3, 5)),
            case("stride1", cls(padding=(1, 1, 1, 1)), (1, 5, 5, 3), (4, 3, 3, 3)),
            case(
                "output_padding",
                cls(stride=(2, 3), padding=(1, 1, 1, 1), output_padding=(1, 2)),
                (1, 3, 3, 2),
                (3, 3, 3, 2),
            ),
            case("dilated", cls(stride=(2, 1), dilation=(1, 2)), (1, 3, 4, 2), (7, 2, 3, 2)),
            case("groups", cls(stride=(2, 2), groups=2), (1, 3, 2, 6), (4, 3, 2, 3)),
            case("gaps", cls(stride=(3, 3)), (1, 2, 3, 4), (3, 1, 2, 4)),
            case("no_bias", cls(stride=(2, 2), clamp=(-1.0, 1.0)), (1, 2, 2, 17), (1, 4, 4, 17), bias=False),
            case("batch", cls(stride=(1, 2)), (2, 2, 3, 1), (2, 2, 2, 1)),
            *(
                replace(sample, name=f"real_{sample.name}", elements=REALS, weights=DType.FLOAT32)
                for sample in (
                    case(
                        "groups", cls((2, 2), (1, 2), (1, 0, 0, 1), groups=2, clamp=relu), (2, 3, 2, 6), (10, 2, 3, 3)
                    ),
                    case("gaps", cls((3, 2)), (1, 2, 3, 5), (3, 2, 3, 5), bias=False),
                )
            ),
            replace(case("stored", cls((2, 2), groups=2), (2, 3, 4, 6), (10, 3, 2, 3)), elements=REALS),
            as_int16(case("groups", cls(stride=(2, 2), groups=2, clamp=relu), (2, 3, 2, 6), (4, 3, 2, 3))),
            as_int16(case("gaps", cls(stride=(3, 2), padding=(1, 0, 0, 1)), (1, 2, 3, 5), (3, 2, 3, 5), bias=False)),
        )
