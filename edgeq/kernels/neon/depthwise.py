"""Rows of depthwise convolutions with one output channel for each of the input's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param, disjoint
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, op_of, output_params, padded
from edgeq.kernels.neon.band import Band, band_of
from edgeq.kernels.neon.isa import DOTPROD, NEON
from edgeq.kernels.neon.pack import Channels, are_small, factor_params, has_no_least_weight, in_order, takes_weights
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._overlap import Overlaps, collected, first_pixels, tiles
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops._window import geometry
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

LANES = 16
MANY_TAPS = 12
FOUR = 4
"""Rows of a column that one product takes."""
OF_THREE = 3
"""Columns of windows whose weights stay in registers."""


def depthwise_rows() -> tuple[Kernel, ...]:
    """The rows, fastest first."""
    takes = all_of(_is_single, takes_weights(_multiplier))
    row = Kernel(
        "eq_depthwise_conv2d_dotprod",
        ("neon/depthwise_dotprod.c",),
        "eq/depthwise_conv2d_neon.h",
        "eq_depthwise_conv2d_neon_params",
        _lower_dotprod,
        DOTPROD,
        all_of(takes, _shares_columns),
        _dotprod_scratch,
        lambda site: disjoint(site) if _is_of_three(site) else _overlap(site),
        rounded=True,
    )
    return row, replace(
        row,
        function="eq_depthwise_conv2d_neon",
        sources=("neon/depthwise_neon.c",),
        lower=_lower_neon,
        isa=NEON,
        fits=all_of(takes, has_no_least_weight),
        scratch=lambda site: padded(_band(site).nbytes, 4),
        overlap=_overlap,
    )


def _is_single(site: Site) -> bool:
    """There is one filter per channel."""
    return site.const(1).shape[2] == site.input(0).shape[3]


def _shares_columns(site: Site) -> bool:
    """Windows are large, or those of several rows see the same columns."""
    high, wide, _ = site.const(1).shape
    return high * wide > MANY_TAPS or (_together(site).count > 1 and (wide == OF_THREE or not is_flat(site)))


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def is_flat(site: Site) -> bool:
    """Blocks hold the channels of several pixels, which lie side by side in input and output."""
    channels, width = site.const(1).shape[2], site.outputs[0].shape[2]
    fills = channels < LANES and LANES % channels == 0 and width * channels >= LANES
    return bool(op_of(site, DepthwiseConv2D).stride[1] == 1 and fills)


def lanes_of(channels: int, flat: bool) -> Channels:
    """The channel of every lane, block by block; −1 where there is none."""
    if flat:
        return np.arange(LANES) % channels
    last = max(channels - LANES, 0)
    starts = np.minimum(np.arange(0, channels, LANES), last)
    lanes = (starts[:, None] + np.arange(LANES)).ravel()
    return np.where(lanes < channels, lanes, -1)


def in_lanes(weights: Array, lanes: Channels) -> Array:
    """Weights (KH, KW, C) as (blocks, KH, KW, 16)."""
    spread = np.where(lanes < 0, 0, weights[..., lanes]).astype(np.int8)
    return spread.reshape(*weights.shape[:2], -1, LANES).transpose(2, 0, 1, 3)


def pack_taps(blocks: Array) -> Array:
    """Weights (blocks, KH, KW, 16): per block, an even number of taps of all lanes."""
    taps = blocks.reshape(len(blocks), -1, LANES)
    return np.pad(taps, ((0, 0), (0, taps.shape[1] % 2), (0, 0))).ravel()


@dataclass(frozen=True)
class Together:
    """Output rows that are computed from the same columns.

    Attributes:
        count: of them.
        stride: rows of a column between their windows.
        fours: groups of four rows of a column.
    """

    count: int
    stride: int
    fours: int


def together_of(kernel: int, stride: int, dilation: int) -> Together:
    """As many as the groups of four rows that one window needs have room for."""
    fours = -(-kernel // FOUR)
    return Together(1 if dilation > 1 else (FOUR * fours - kernel) // stride + 1, stride, fours)


def pack_columns(blocks: Array, together: Together) -> Array:
    """Weights (blocks, KH, KW, 16): per block, output row, column, group of four rows and lane the four."""
    count, high, wide, _ = blocks.shape
    placed = np.zeros((count, together.count, FOUR * together.fours, wide, LANES), np.int8)
    for row in range(together.count):
        placed[:, row, row * together.stride : row * together.stride + high] = blocks
    grouped = placed.reshape(count, together.count, together.fours, FOUR, wide, LANES)
    return grouped.transpose(0, 1, 4, 2, 5, 3).ravel()


def _band(site: Site) -> Band:
    op, w = op_of(site, DepthwiseConv2D), site.const(1)
    return band_of(site, (w.shape[0], w.shape[1]), op.stride, op.dilation)


def _together(site: Site) -> Together:
    op = op_of(site, DepthwiseConv2D)
    return together_of(site.const(1).shape[0], op.stride[0], op.dilation[0])


def _column_bytes(site: Site) -> int:
    """Groups of four rows, of columns or, where blocks hold several pixels, of whole vectors."""
    row, channels = _band(site).row_bytes, site.input(0).shape[3]
    vectors = -(-row // LANES) if is_flat(site) else row // channels
    return vectors * _together(site).fours * FOUR * LANES


def _is_of_three(site: Site) -> bool:
    """Columns are read in the input itself: windows have three of them and one group of rows."""
    _, wide, channels = site.const(1).shape
    return wide == OF_THREE and _together(site).fours == 1 and channels >= LANES


def _dotprod_scratch(site: Site) -> int:
    band = 0 if _is_of_three(site) else _band(site).nbytes
    return padded(band + _column_bytes(site), 4)


def _members(site: Site) -> tuple[Mapping[str, Param], Array]:
    """What both kernels read, and the weights in blocks of lanes."""
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    lanes = lanes_of(y[3], is_flat(site))
    bias = folded_bias(site, flat_weights(site).astype(np.int64), y[3])
    members = {
        **geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding),
        "pad_value": site.input(0).qp.zp,
        "band": _band(site).rows,
        "flat": int(is_flat(site)),
        "bias": in_order(bias, lanes),
        **factor_params(site, _multiplier(site), lanes),
        **output_params(site, op.clamp),
        "small": are_small(flat_weights(site), bias, _multiplier(site)),
    }
    return members, in_lanes(w, lanes)


def _lower_neon(site: Site) -> Mapping[str, Param]:
    members, blocks = _members(site)
    op, (_, high, wide, _), row = op_of(site, DepthwiseConv2D), blocks.shape, _band(site).row_bytes
    down, right = np.arange(high) * op.dilation[0] * row, np.arange(wide) * op.dilation[1] * site.input(0).shape[3]
    offsets = (down[:, None] + right).ravel()
    even = np.pad(offsets, (0, offsets.size % 2), "edge").astype(np.int32)
    return {**members, "together": 1, "fours": 0, "offsets": even, "weights": pack_taps(blocks)}


def _lower_dotprod(site: Site) -> Mapping[str, Param]:
    members, blocks = _members(site)
    together = _together(site)
    shared = {"together": together.count, "fours": together.fours, "offsets": 0}
    return {**members, **shared, "weights": pack_columns(blocks, together)}


def _overlap(site: Site) -> Overlaps:
    """What a band needs is copied before any of it is written."""
    op, w = op_of(site, DepthwiseConv2D), site.const(1).shape
    first = first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding)
    return collected(site, tiles(first, _band(site).rows * site.outputs[0].shape[2]))
