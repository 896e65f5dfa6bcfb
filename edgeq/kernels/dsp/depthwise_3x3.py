"""Rows of depthwise convolutions with windows of at most 3×3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Kernel, Param, always
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import op_of, padded
from edgeq.kernels.dsp.depthwise import (
    HALF_MAX,
    STRIPE_BYTES,
    images,
    in_images,
    over_channels,
    requant_members,
    requantizes,
    scaled,
)
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import pack_entries, pack_records
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops._overlap import NOTHING, Overlaps, Steps, of_whole_pixels, pixels_of
from edgeq.ops._requant import QMAX, QMIN, output_range
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

PLANES = 4
"""Channels that are widened at once, one plane each."""
INT8_MAX = 127


@dataclass(frozen=True)
class Planes:
    """Size of one plane: pairs of rows, words in a row. `stripe` rows of output are computed from it."""

    pairs: int
    words: int
    stripe: int


def planes(site: Site) -> Planes:
    """The planes of a site with windows of at most 3×3 and stride 1 or 2: whole, or one stripe if they are large."""
    stride = op_of(site, DepthwiseConv2D).stride[0]
    _, oh, ow, _ = site.outputs[0].shape
    words = (ow + 1) // 2 + 1 if stride == 1 else padded(ow, 2) + 1
    whole = (oh + 1) // 2 if stride == 1 else oh
    room = STRIPE_BYTES // (PLANES * 8 * words) - 1
    pairs = min(whole, max(room, 1))
    # Stripes of equal height need no more memory than necessary.
    pairs = -(-whole // -(-whole // pairs))
    return Planes(pairs + 1, words, pairs * 2 // stride)


def _is_3x3(site: Site) -> bool:
    """Windows are at most 3×3 and not dilated, with one stride in both directions and one filter per channel."""
    op, x, w, y = op_of(site, DepthwiseConv2D), site.input(0).shape, site.const(1), site.outputs[0].shape
    return (
        op.stride[0] == op.stride[1] <= INT8_MAX
        and max(w.shape[:2]) <= 3
        and op.dilation == (1, 1)
        and max(op.padding[:2]) <= 2
        and w.shape[2] == x[3]
        and max(*x, *y) <= HALF_MAX - 4
    )


def _has_columns(site: Site) -> bool:
    """The output has several columns, or the rounding is not `fast`."""
    return site.outputs[0].shape[2] > 1 or site.rounding is not Rounding.FAST


def fits_3x3(stride: int) -> AllOf:
    """What the 3×3 kernels of a stride can compute."""
    strides = Condition(f"The stride is {stride}", lambda site: op_of(site, DepthwiseConv2D).stride[0] == stride)
    return all_of(_is_3x3, requantizes, strides, _has_columns)


def is_packed(site: Site) -> bool:
    """The arithmetic is `fast`, no channel's weights are scaled, and outputs are clamped only to int8."""
    if site.rounding is not Rounding.FAST or scaled(site).shift.any():
        return False
    return output_range(site.outputs[0].qp, op_of(site, DepthwiseConv2D).clamp) == (QMIN, QMAX)


def _records(site: Site, packed: bool) -> Mapping[str, Param]:
    """The members `records, entry, zero_point, qmin, qmax`."""
    q = requant_members(site)
    bias = np.asarray(q["bias"])
    entries = pack_entries(bias, np.asarray(q["mantissa"]))
    shifts = np.broadcast_to(q["weight_shift" if site.rounding is Rounding.FAST else "shift"], bias.shape)
    return {
        "records": pack_records(site.const(1), None if packed else shifts, entries, site.input(1).dtype.bits),
        **entries.members("entry"),
        **{key: q[key] for key in ("zero_point", "qmin", "qmax")},
    }


def lower_3x3(site: Site, packed: bool = False) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_3x3_dsp` and `eq_depthwise_conv2d_3x3_stride2_dsp`."""
    op, x, y, size = op_of(site, DepthwiseConv2D), site.input(0), site.outputs[0].shape, planes(site)
    return {
        **_records(site, packed),
        "batch": x.shape[0],
        "in_h": x.shape[1],
        "in_w": x.shape[2],
        "channels": y[3],
        "out_h": y[1],
        "out_w": y[2],
        "words": size.words,
        "pairs": size.pairs,
        "pad_top": op.padding[0],
        "pad_left": op.padding[1],
        "pad_value": x.qp.zp,
        "stride": op.stride[0],
    }


def scratch_3x3(site: Site) -> int:
    """Four planes."""
    size = planes(site)
    return PLANES * 8 * size.pairs * size.words


def stripes_3x3(site: Site) -> Steps:
    """For stripes of a group of channels: output pixels before each, and the first pixel that is newly read for it."""
    op, x, y, stripe = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, planes(site).stripe
    at = np.arange(0, y[1], stripe)
    fresh = np.where(at > 0, at * op.stride[0] + 2 - op.padding[0], 0)
    rows = np.where(fresh < x[1], np.maximum(fresh, 0), NOTHING)
    return in_images(site, at * y[2], pixels_of(rows, np.zeros(1, np.int64), x[2], images(site)))


def in_place_3x3(site: Site) -> Overlaps:
    """Four channels of a stripe are read before any of them is written."""
    return of_whole_pixels(site, stripes_3x3(site))


def overlap_3x3(site: Site) -> Overlaps:
    """As `in_place_3x3` if channels keep their bytes; else as far as the reads of the last four channels allow."""
    steps = stripes_3x3(site)
    return over_channels(site, steps, min(4, site.input(0).shape[3]), (site.input(0).shape[3] - 1) // 4 * 4)


def rows_3x3() -> tuple[Kernel, ...]:
    """The kernels for windows of at most 3×3."""

    def row(function: str, stride: int, packed: bool, weights: DType) -> Kernel:
        names = ["dsp", *(["int4"] if weights is DType.INT4 else []), *(["packed"] if packed else [])]
        return Kernel(
            f"eq_depthwise_conv2d_{function}_{'_'.join(names)}",
            (f"dsp/depthwise_{function}.c", "dsp/planes.c"),
            "eq/depthwise_conv2d_dsp.h",
            "eq_depthwise_conv2d_3x3_dsp_params",
            lambda site: lower_3x3(site, packed),
            isa=DSP,
            fits=all_of(fits_3x3(stride), *([is_packed] if packed else [])),
            scratch=scratch_3x3,
            overlap=overlap_3x3,
            exactly=in_place_3x3,
            rounded=not packed,
            weights=frozenset({weights}),
            instances=always,
        )

    kinds = [(packed, weights) for weights in (DType.INT8, DType.INT4) for packed in (True, False)]
    return tuple(row(*which, *kind) for which in (("3x3", 1), ("3x3_stride2", 2)) for kind in kinds)


def _row_pixels(site: Site) -> int:
    """Pixels of a row with its padding, to the end of the last window."""
    return (site.outputs[0].shape[2] - 1) * op_of(site, DepthwiseConv2D).stride[1] + 3


def steps_compact(site: Site) -> Steps:
    """For rows of a channel: output pixels before each, and the first pixel that is newly read for it."""
    op, x, y = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape
    at = np.arange(y[1])
    fresh = np.where(at > 0, at * op.stride[0] + max(3 - op.stride[0], 0) - op.padding[0], 0)
    rows = np.where(fresh < x[1], np.maximum(fresh, 0), NOTHING)
    return in_images(site, at * y[2], pixels_of(rows, np.zeros(1, np.int64), x[2], images(site)))


def rows_compact() -> tuple[Kernel, ...]:
    """The kernels for windows of at most 3×3 that take the least flash."""
    row = Kernel(
        "eq_compact_depthwise_conv2d_dsp",
        ("dsp/compact_depthwise.c",),
        "eq/depthwise_conv2d_dsp.h",
        "eq_depthwise_conv2d_3x3_dsp_params",
        lambda site: {**lower_3x3(site, True), "words": _row_pixels(site), "pairs": 0},
        isa=DSP,
        fits=all_of(_is_3x3, requantizes, is_packed),
        scratch=lambda site: padded(6 * _row_pixels(site), 4),
        overlap=lambda site: over_channels(site, steps_compact(site), 1, site.input(0).shape[3] - 1),
        exactly=lambda site: of_whole_pixels(site, steps_compact(site)),
        goals=frozenset({"size"}),
    )
    return row, replace(row, function="eq_compact_depthwise_conv2d_int4_dsp", weights=frozenset({DType.INT4}))
