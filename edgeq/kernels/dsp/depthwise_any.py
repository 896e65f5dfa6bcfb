"""The row of depthwise convolutions with any window that is not dilated in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of, padded
from edgeq.kernels.dsp.depthwise import STRIPE_BYTES, images, in_images, over_channels, requant_members, requantizes
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import pack_lines
from edgeq.ops._overlap import Overlaps, Steps, first_taps, of_whole_pixels, pixels_of
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D


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
    """Lines and places: weights are multiplied in pairs along places. None: the window is dilated in both directions.

    Places are columns where the window has several of them, next to each other; else rows.
    """
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1).shape
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
    """Lines of output that are computed from one plane: all, or as many as fit STRIPE_BYTES, in equal parts."""
    both = axes(site)
    assert both is not None
    lines, places = both
    room = STRIPE_BYTES // (2 * width_any(places)) - (lines.kernel - 1) * lines.dilation - 1
    stripe = min(lines.out, max(1, room // lines.stride + 1))
    return -(-lines.out // -(-lines.out // stripe))


def has_lines(site: Site) -> bool:
    """The window is not dilated in both directions, and its channels can be widened one by one."""
    return axes(site) is not None


def lower_any(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_any_dsp`."""
    both = axes(site)
    assert both is not None
    lines, places = both
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
    both = axes(site)
    assert both is not None
    lines, places = both
    span = (stripe_any(site) - 1) * lines.stride + (lines.kernel - 1) * lines.dilation + 1
    return 2 * (lines.kernel * padded(places.kernel, 2) + span * width_any(places))


def stripes_any(site: Site) -> Steps:
    """For stripes of a channel: output pixels to the end of the last one before each, and the first pixel it needs."""
    both, x, y, stripe = axes(site), site.input(0).shape, site.outputs[0].shape, stripe_any(site)
    assert both is not None
    at = np.arange(0, both[0].out, stripe)
    lines, places = (first_taps(a.size, a.out, a.kernel, a.stride, a.dilation, a.before) for a in both)
    line, place = np.minimum.reduceat(lines, at), places.min(keepdims=True)
    if both[0].index == 0:
        return in_images(site, at * y[2], pixels_of(line, place, x[2], images(site)))
    written = np.where(at > 0, (y[1] - 1) * y[2] + at, 0)
    return in_images(site, written, pixels_of(place, line, x[2], images(site)))


def in_place_any(site: Site) -> Overlaps:
    """A channel of a stripe is read before any of it is written."""
    return of_whole_pixels(site, stripes_any(site))


def overlap_any(site: Site) -> Overlaps:
    """As `in_place_any` if channels keep their bytes; else as far as the reads of the last channel allow."""
    channels, out_channels = site.input(0).shape[3], site.outputs[0].shape[3]
    return over_channels(site, stripes_any(site), out_channels // channels, channels - 1)


def row_any() -> Kernel:
    """The kernel for all other windows."""
    return Kernel(
        "eq_depthwise_conv2d_any_dsp",
        ("dsp/depthwise_any.c",),
        "eq/depthwise_conv2d_dsp.h",
        "eq_depthwise_conv2d_any_dsp_params",
        lower_any,
        isa=DSP,
        fits=all_of(has_lines, requantizes),
        scratch=scratch_any,
        overlap=overlap_any,
        exactly=in_place_any,
        rounded=True,
    )
