"""Rows of the depthwise convolution kernels for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param, always
from edgeq.ir.op import Site
from edgeq.numerics.fixedpoint import INT32_MAX, Rounding
from edgeq.ops._overlap import (
    ALIGNMENT,
    NOTHING,
    Ints,
    Overlaps,
    Steps,
    first_taps,
    of_first_input,
    of_whole_pixels,
    pixels_of,
)
from edgeq.ops._pack_dsp import pack_entries, pack_lines, pack_records, padded
from edgeq.ops._requant import (
    QMAX,
    QMIN,
    effective_multiplier,
    folded_bias,
    output_range,
    requant_params,
    weight_zero_points,
)

if TYPE_CHECKING:
    from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

ISA = frozenset({"dsp"})
STRIPE_BYTES = 3 * 1024
"""Scratch above which four channels are not widened whole but in stripes of rows."""
PLANES = 4
INT8_MAX, HALF_MAX = 127, 32767


def _op(site: Site) -> DepthwiseConv2D:
    return cast("DepthwiseConv2D", site.op)


@dataclass(frozen=True, eq=False)
class Scaled:
    """How one SMMLAR requantizes every channel: acc · 2^shift · multiplier / 2³².

    Attributes:
        shift: by which weights and bias are scaled when the model is compiled, so that no instruction is left of it.
        multiplier: below 2³¹.
        fits: whether scaled weights fit 16 bits and scaled accumulators 32.
    """

    shift: npt.NDArray[np.int64]
    multiplier: npt.NDArray[np.int64]
    fits: bool


def scaled(site: Site) -> Scaled:
    """The requantization of a FAST site with symmetric weights (…, C)."""
    w = site.const(1).astype(np.int64)
    channels = w.shape[-1]
    m = effective_multiplier(site, channels)
    mantissa = m.mantissa.astype(np.int64)
    large = mantissa >= 1 << 30
    shift = m.shift.astype(np.int64) + large
    flat = w.reshape(-1, channels)
    bias = np.abs(folded_bias(site, flat.T, channels).astype(np.int64))
    reach = (bias + 128 * np.abs(flat).sum(axis=0)) << np.minimum(shift, 31)
    # A shift without a large multiplier does not happen: the multiplier is halved only until it fits.
    fits = bool(
        np.all(shift <= 8)
        and np.all(np.abs(flat).max(axis=0) << shift <= HALF_MAX)
        and np.all(reach <= INT32_MAX)
        and np.all(large | (m.shift == 0))
    )
    return Scaled(shift, np.where(large, mantissa, 2 * mantissa), fits)


def is_symmetric(site: Site) -> bool:
    """The weights have no zero-point."""
    return not weight_zero_points(site, site.outputs[0].shape[3]).any()


def requantizes(site: Site) -> bool:
    """The kernels have its requantization."""
    return is_symmetric(site) and (site.rounding is not Rounding.FAST or scaled(site).fits)


def requant_members(site: Site) -> Mapping[str, Param]:
    """The members `weight_shift, bias, mantissa, shift, zero_point, qmin, qmax`."""
    channels = site.outputs[0].shape[3]
    flat = site.const(1).astype(np.int64).reshape(-1, channels)
    bias = folded_bias(site, flat.T, channels)
    members = dict(requant_params(site, effective_multiplier(site, channels), _op(site).clamp))
    if site.rounding is not Rounding.FAST:
        return {"weight_shift": 0, "bias": bias, **members}
    how = scaled(site)
    members |= {"mantissa": how.multiplier.astype(np.int32), "shift": 0}
    shift = how.shift.astype(np.int8) if how.shift.any() else 0
    return {"weight_shift": shift, "bias": (bias.astype(np.int64) << how.shift).astype(np.int32), **members}


@dataclass(frozen=True)
class Planes:
    """Size of one plane: pairs of rows, words in a row. `stripe` rows of output are computed from it."""

    pairs: int
    words: int
    stripe: int


def planes(site: Site) -> Planes:
    """The planes of a site with windows of at most 3×3 and stride 1 or 2: whole, or of a stripe if they are large."""
    stride = _op(site).stride[0]
    _, oh, ow, _ = site.outputs[0].shape
    words = (ow + 1) // 2 + 1 if stride == 1 else padded(ow, 2) + 1
    whole = (oh + 1) // 2 if stride == 1 else oh
    room = STRIPE_BYTES // (PLANES * 8 * words) - 1
    pairs = min(whole, max(room, 1))
    # Stripes of equal height need no more memory than necessary.
    pairs = -(-whole // -(-whole // pairs))
    return Planes(pairs + 1, words, pairs * 2 // stride)


def _is_3x3(site: Site) -> bool:
    """Windows of at most 3×3, one stride in both directions, one filter per channel, members that fit the struct."""
    op, x, w, y = _op(site), site.input(0).shape, site.const(1), site.outputs[0].shape
    return (
        op.stride[0] == op.stride[1] <= INT8_MAX
        and max(w.shape[:2]) <= 3
        and op.dilation == (1, 1)
        and max(op.padding[:2]) <= 2
        and w.shape[2] == x[3]
        and max(*x, *y) <= HALF_MAX - 4
        and requantizes(site)
    )


def fits_3x3(site: Site, stride: int) -> bool:
    """The 3×3 kernels of this stride take it."""
    several = site.outputs[0].shape[2] > 1 or site.rounding is not Rounding.FAST
    return _op(site).stride[0] == stride and several and _is_3x3(site)


def is_packed(site: Site) -> bool:
    """No channel's weights are scaled, no output is clamped but to int8."""
    if site.rounding is not Rounding.FAST or scaled(site).shift.any():
        return False
    return output_range(site.outputs[0].qp, _op(site).clamp) == (QMIN, QMAX)


def _records(site: Site, packed: bool) -> Mapping[str, Param]:
    """The members `records, entry, zero_point, qmin, qmax`."""
    q = requant_members(site)
    bias = np.asarray(q["bias"])
    entries = pack_entries(bias, np.asarray(q["mantissa"]))
    shifts = np.broadcast_to(q["weight_shift" if site.rounding is Rounding.FAST else "shift"], bias.shape)
    return {
        "records": pack_records(site.const(1), None if packed else shifts, entries),
        **entries.members("entry"),
        **{key: q[key] for key in ("zero_point", "qmin", "qmax")},
    }


def lower_3x3(site: Site, packed: bool = False) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_3x3_dsp` and `eq_depthwise_conv2d_3x3_stride2_dsp`."""
    op, x, y, size = _op(site), site.input(0), site.outputs[0].shape, planes(site)
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


def keeps_channels_apart(site: Site) -> bool:
    """Every distance is one of `of_whole_pixels`: all are multiples of ALIGNMENT, which are whole pixels."""
    channels = site.input(0).shape[3]
    return ALIGNMENT % channels == 0 and site.outputs[0].shape[3] == channels


def stripes_3x3(site: Site) -> Steps:
    """A stripe of some channels: output pixels before it, and the first pixel read for it, of those not there yet."""
    op, x, y, stripe = _op(site), site.input(0).shape, site.outputs[0].shape, planes(site).stripe
    at = np.arange(0, y[1], stripe)
    fresh = np.where(at > 0, at * op.stride[0] + 2 - op.padding[0], 0)
    rows = np.where(fresh < x[1], np.maximum(fresh, 0), NOTHING)
    return in_images(site, at * y[2], pixels_of(rows, np.zeros(1, np.int64), x[2], images(site)))


def in_place_3x3(site: Site) -> Overlaps:
    """Four channels of a stripe are read before any of them is written."""
    return of_whole_pixels(site, stripes_3x3(site))


def overlap_3x3(site: Site) -> Overlaps:
    """As `in_place_3x3`, where channels keep their bytes; else what is left when the last four channels are read."""
    steps = stripes_3x3(site)
    return over_channels(site, steps, min(4, site.input(0).shape[3]), (site.input(0).shape[3] - 1) // 4 * 4)


def rows_3x3() -> tuple[Kernel, ...]:
    """The kernels for windows of at most 3×3."""

    def row(function: str, stride: int, packed: bool) -> Kernel:
        return Kernel(
            f"eq_depthwise_conv2d_{function}_dsp{'_packed' if packed else ''}",
            (f"dsp/depthwise_{function}.c", "dsp/planes.c"),
            "eq/depthwise_conv2d_dsp.h",
            "eq_depthwise_conv2d_3x3_dsp_params",
            lambda site: lower_3x3(site, packed),
            isa=ISA,
            fits=lambda site: fits_3x3(site, stride) and (is_packed(site) or not packed),
            scratch=scratch_3x3,
            overlap=overlap_3x3,
            exactly=in_place_3x3,
            rounded=not packed,
            instances=always,
        )

    return tuple(row(*which, packed) for which in (("3x3", 1), ("3x3_stride2", 2)) for packed in (True, False))


def _row_pixels(site: Site) -> int:
    """Pixels of a row with its padding, to the end of the last window."""
    return (site.outputs[0].shape[2] - 1) * _op(site).stride[1] + 3


def rows_compact(site: Site) -> Steps:
    """A row of a channel: output pixels before it, and the first pixel read for it, of those not there yet."""
    op, x, y = _op(site), site.input(0).shape, site.outputs[0].shape
    at = np.arange(y[1])
    fresh = np.where(at > 0, at * op.stride[0] + max(3 - op.stride[0], 0) - op.padding[0], 0)
    rows = np.where(fresh < x[1], np.maximum(fresh, 0), NOTHING)
    return in_images(site, at * y[2], pixels_of(rows, np.zeros(1, np.int64), x[2], images(site)))


def row_compact() -> Kernel:
    """The kernel for windows of at most 3×3 that takes the least flash."""
    return Kernel(
        "eq_compact_depthwise_conv2d_dsp",
        ("dsp/compact_depthwise.c",),
        "eq/depthwise_conv2d_dsp.h",
        "eq_depthwise_conv2d_3x3_dsp_params",
        lambda site: {**lower_3x3(site, True), "words": _row_pixels(site), "pairs": 0},
        isa=ISA,
        fits=lambda site: _is_3x3(site) and is_packed(site),
        scratch=lambda site: padded(6 * _row_pixels(site), 4),
        overlap=lambda site: over_channels(site, rows_compact(site), 1, site.input(0).shape[3] - 1),
        exactly=lambda site: of_whole_pixels(site, rows_compact(site)),
        goals=frozenset({"size"}),
    )


@dataclass(frozen=True)
class Axis:
    """A dimension of images and windows.

    Attributes:
        index: 0 for rows, 1 for columns.
        size, out: pixels of input and output.
        kernel, stride, dilation, before: of the window; `before` is the padding in front.
    """

    index: int
    size: int
    out: int
    kernel: int
    stride: int
    dilation: int
    before: int


def axes(site: Site) -> tuple[Axis, Axis] | None:
    """Lines and places: weights are multiplied in pairs along places. None: the window is dilated both ways.

    Places are columns where the window has several of them, next to each other; else rows.
    """
    op, x, y, w = _op(site), site.input(0).shape, site.outputs[0].shape, site.const(1).shape
    rows, columns = (
        Axis(i, x[1 + i], y[1 + i], w[i], op.stride[i], op.dilation[i] if w[i] > 1 else 1, op.padding[i])
        for i in range(2)
    )
    if columns.dilation == 1 and (columns.kernel > 1 or rows.dilation > 1 or rows.kernel == 1):
        return rows, columns
    return (columns, rows) if rows.dilation == 1 else None


def width_any(places: Axis) -> int:
    """Places of a line of the plane: to the end of the last window, made even."""
    return padded((places.out - 1) * places.stride + padded(places.kernel, 2), 2)


def stripe_any(site: Site) -> int:
    """Lines of output that are computed from one plane: all, or as many as need STRIPE_BYTES, in equal parts."""
    found = axes(site)
    assert found is not None
    lines, places = found
    room = STRIPE_BYTES // (2 * width_any(places)) - (lines.kernel - 1) * lines.dilation - 1
    stripe = min(lines.out, max(1, room // lines.stride + 1))
    return -(-lines.out // -(-lines.out // stripe))


def fits_any(site: Site) -> bool:
    """Any window that is not dilated both ways."""
    return axes(site) is not None and requantizes(site)


def lower_any(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_any_dsp`."""
    found = axes(site)
    assert found is not None
    lines, places = found
    x, y, w = site.input(0), site.outputs[0].shape, site.const(1)
    in_steps, out_steps = (x.shape[2] * x.shape[3], x.shape[3]), (y[2] * y[3], y[3])
    return {
        "batch": x.shape[0],
        "in_bytes": x.size // x.shape[0],
        "out_bytes": site.outputs[0].size // x.shape[0],
        "channels": x.shape[3],
        "filters": y[3] // x.shape[3],
        "in_lines": lines.size,
        "in_line_step": in_steps[lines.index],
        "in_places": places.size,
        "in_place_step": in_steps[places.index],
        "out_lines": lines.out,
        "out_line_step": out_steps[lines.index],
        "out_places": places.out,
        "out_place_step": out_steps[places.index],
        "kernel_lines": lines.kernel,
        "kernel_pairs": padded(places.kernel, 2) // 2,
        "line_stride": lines.stride,
        "place_stride": places.stride,
        "line_dilation": lines.dilation,
        "pad_lines": lines.before,
        "pad_places": places.before,
        "pad_value": x.qp.zp,
        "width": width_any(places),
        "stripe": stripe_any(site),
        "weights": pack_lines(w.transpose(lines.index, places.index, 2)),
        **requant_members(site),
    }


def scratch_any(site: Site) -> int:
    """The weights of one filter as words, and one plane."""
    found = axes(site)
    assert found is not None
    lines, places = found
    span = (stripe_any(site) - 1) * lines.stride + (lines.kernel - 1) * lines.dilation + 1
    return 2 * (lines.kernel * padded(places.kernel, 2) + span * width_any(places))


def stripes_any(site: Site) -> Steps:
    """A stripe of a channel: output pixels to the end of the last one before it, and the first pixel that it needs."""
    found, x, y, stripe = axes(site), site.input(0).shape, site.outputs[0].shape, stripe_any(site)
    assert found is not None
    at = np.arange(0, found[0].out, stripe)
    lines, places = (first_taps(a.size, a.out, a.kernel, a.stride, a.dilation, a.before) for a in found)
    line, place = np.minimum.reduceat(lines, at), places.min(keepdims=True)
    if found[0].index == 0:
        return in_images(site, at * y[2], pixels_of(line, place, x[2], images(site)))
    written = np.where(at > 0, (y[1] - 1) * y[2] + at, 0)
    return in_images(site, written, pixels_of(place, line, x[2], images(site)))


def in_place_any(site: Site) -> Overlaps:
    """A channel of a stripe is read before any of it is written."""
    return of_whole_pixels(site, stripes_any(site))


def overlap_any(site: Site) -> Overlaps:
    """As `in_place_any`, where channels keep their bytes; else what is left when the last channel is read."""
    channels, made = site.input(0).shape[3], site.outputs[0].shape[3]
    return over_channels(site, stripes_any(site), made // channels, channels - 1)


def images(site: Site) -> Ints:
    """The first pixel of every image of the input."""
    n, h, w, _ = site.input(0).shape
    return np.arange(n, dtype=np.int64) * (h * w)


def in_images(site: Site, written: Ints, read: Ints) -> Steps:
    """Steps of one image (S) and what they read (N, S), repeated for every image of the output."""
    n, h, w, _ = site.outputs[0].shape
    return (np.arange(n)[:, None] * (h * w) + written).ravel(), read.ravel()


def over_channels(site: Site, stripes: Steps, together: int, last: int) -> Overlaps:
    """The distances of a kernel that goes through the stripes of an image once for each group of channels.

    Args:
        site: where.
        stripes: of the first group of every image, in pixels.
        together: output channels of a group.
        last: the first input channel of the last group.
    """
    x, y, (written, read) = site.input(0).shape, site.outputs[0].shape, stripes
    if keeps_channels_apart(site):
        return of_first_input(site, (written * y[3], read * x[3]))
    pixels = y[1] * y[2]
    whole = written % pixels == 0
    first = np.where(whole, written * y[3], (written - 1) * y[3] + together)
    if last == 0:
        return of_first_input(site, (first, read * x[3]))
    before = ((written // pixels + 1) * pixels - 1) * y[3] + last * (y[3] // x[3])
    return of_first_input(site, (first, read * x[3]), (before, read * x[3] + last))


def row_any() -> Kernel:
    """The kernel for all other windows."""
    return Kernel(
        "eq_depthwise_conv2d_any_dsp",
        ("dsp/depthwise_any.c",),
        "eq/depthwise_conv2d_dsp.h",
        "eq_depthwise_conv2d_any_dsp_params",
        lower_any,
        isa=ISA,
        fits=fits_any,
        scratch=scratch_any,
        overlap=overlap_any,
        exactly=in_place_any,
        rounded=True,
    )
