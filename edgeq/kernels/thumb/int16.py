"""Rows of int16 activations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.int16 import SMALL_FACTORS, factors_of
from edgeq.kernels._shared.site import flat_weights, op_of
from edgeq.kernels.thumb.conv2d import one_group
from edgeq.kernels.thumb.fully_connected import fours_overlap
from edgeq.kernels.thumb.isa import THUMB
from edgeq.ops._int16 import NARROW_SUMS, WIDE
from edgeq.ops._overlap import Overlaps, collected, first_pixels, in_groups, tiles
from edgeq.ops._packed import SYMMETRIC
from edgeq.ops._requant import folded_bias, type_range
from edgeq.ops._window import geometry
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

TILE = 4
"""Pixels that a convolution reads before it writes them (EQ_TILE16)."""
HEADER = "eq/int16_thumb.h"
_FITS = all_of(WIDE, SYMMETRIC, NARROW_SUMS, SMALL_FACTORS)


def _outputs(site: Site) -> dict[str, Param]:
    """Members of `eq_int16_thumb_outputs`."""
    flat, factors, clamp = flat_weights(site), factors_of(site), site.op.fused_clamp
    assert clamp is not None
    qmin, qmax = type_range(site.outputs[0], clamp)
    members: dict[str, Param] = {
        "bias": folded_bias(site, flat.astype(np.int64), len(flat)),
        "mantissa": factors.mantissa,
        "right": (-1 - factors.shift).astype(np.int8),
        "qmin": qmin,
        "qmax": qmax,
    }
    return {f"outputs.{key}": value for key, value in members.items()}


def _window(site: Site, kernel: tuple[int, int], weights: Array) -> Mapping[str, Param]:
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    x, y = site.input(0).shape, site.outputs[0].shape
    return {**geometry(x, y, kernel, op.stride, op.dilation, op.padding), "weights": weights, **_outputs(site)}


def _conv_overlap(site: Site) -> Overlaps:
    """Tiles of an image are read whole before they are written, in order."""
    op, w = op_of(site, Conv2D), site.input(1).shape
    return collected(site, tiles(first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding), TILE))


def conv2d_int16_rows() -> tuple[Kernel, ...]:
    """The rows of convolutions in one group."""

    def row(isa: str) -> Kernel:
        return Kernel(
            f"eq_conv2d_int16_{isa}",
            (f"{isa}/conv2d_int16.c", f"{isa}/gemm_int16.c"),
            HEADER,
            "eq_conv2d_int16_thumb_params",
            lambda site: _window(site, site.const(1).shape[1:3], flat_weights(site)),
            isa=frozenset({isa}),
            fits=all_of(one_group, _FITS),
            scratch=lambda site: 16 * site.const(1)[0].size,
            overlap=_conv_overlap,
            elements=INT16,
        )

    return row("thumb2"), row("thumb")


def _has_one_filter(site: Site) -> bool:
    return site.outputs[0].shape[3] == site.input(0).shape[3]


def _depthwise_overlap(site: Site) -> Overlaps:
    """Pixels in order, and their channels one by one."""
    op, w = op_of(site, DepthwiseConv2D), site.input(1).shape
    first = first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding)
    return in_groups(site, first, site.input(0).shape[3])


def depthwise_int16_row() -> Kernel:
    """The row of depthwise convolutions."""
    return Kernel(
        "eq_depthwise_conv2d_int16_thumb",
        ("thumb/depthwise_int16.c",),
        HEADER,
        "eq_conv2d_int16_thumb_params",
        lambda site: _window(site, site.const(1).shape[:2], site.const(1)),
        isa=THUMB,
        fits=all_of(Condition("There is one output channel for each of the input", _has_one_filter), _FITS),
        overlap=_depthwise_overlap,
        elements=INT16,
    )


def _lower_rows(site: Site) -> Mapping[str, Param]:
    out_c, in_c = site.const(1).shape
    sizes = {"rows": site.outputs[0].size // out_c, "in_c": in_c, "out_c": out_c}
    return {**sizes, "weights": site.const(1), **_outputs(site)}


def fully_connected_int16_row() -> Kernel:
    """The row of fully connected layers."""
    return Kernel(
        "eq_fully_connected_int16_thumb",
        ("thumb/fully_connected_int16.c",),
        HEADER,
        "eq_fully_connected_int16_thumb_params",
        _lower_rows,
        isa=THUMB,
        fits=_FITS,
        overlap=fours_overlap,
        elements=INT16,
    )
