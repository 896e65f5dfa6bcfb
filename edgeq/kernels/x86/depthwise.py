"""Rows of depthwise convolutions with one output channel for each of the input's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, op_of, output_params, padded
from edgeq.kernels.x86.isa import VECTORS, Vectors
from edgeq.kernels.x86.pack import Channels, channel_params, takes_weights
from edgeq.ops._overlap import Overlaps, first_pixels, of_first_input, tiles
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops._window import geometry
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

SHORTEST = min(vectors.lanes for vectors in VECTORS)


def depthwise_rows() -> tuple[Kernel, ...]:
    """The rows, fastest first."""
    return tuple(_row(vectors) for vectors in VECTORS)


def _row(vectors: Vectors) -> Kernel:
    return Kernel(
        f"eq_depthwise_conv2d_{vectors.name}",
        (f"x86/depthwise_{vectors.name}.c",),
        "eq/depthwise_conv2d_x86.h",
        "eq_depthwise_conv2d_x86_params",
        lambda site: _lower(site, vectors),
        vectors.isa,
        _fits(vectors),
        lambda site: _scratch(site, vectors),
        lambda site: _overlap(site, vectors),
        rounded=True,
    )


def _block(vectors: Vectors) -> int:
    """Channels computed at once."""
    return 2 * vectors.lanes


def _is_single(site: Site) -> bool:
    """There is one filter per channel."""
    return site.const(1).shape[2] == site.input(0).shape[3]


def _fits(vectors: Vectors) -> AllOf:
    """Channels that half of a block would do for are left to shorter vectors."""
    most, factors = vectors.lanes, takes_weights(lambda site: effective_multiplier(site, site.outputs[0].shape[3]))
    many = Condition(f"There are more than {most} channels", lambda site: site.const(1).shape[2] > most)
    return all_of(_is_single, *(() if vectors.lanes == SHORTEST else (many,)), factors)


def channel_order(channels: int, vectors: Vectors) -> Channels:
    """Channels in blocks of two vectors of sums: of every eight, four are in the first; −1 where there is none."""
    block = _block(vectors)
    lanes = np.arange(padded(channels, block)).reshape(-1, block // 8, 2, 4).transpose(0, 2, 1, 3).ravel()
    return np.where(lanes < channels, lanes, -1)


def pack_pairs(weights: Array, vectors: Vectors) -> Array:
    """Weights (KH, KW, C): per block of channels, per column, per pair of rows, the pair of every channel in order."""
    high, wide, channels = weights.shape
    order = channel_order(channels, vectors)
    w = np.pad(weights, ((0, high % 2), (0, 0), (0, 0)))
    w = np.where(order < 0, 0, w[..., order]).astype(np.int8)
    pairs = w.reshape((high + 1) // 2, 2, wide, -1, _block(vectors))
    return pairs.transpose(3, 2, 0, 4, 1).ravel()


def _lower(site: Site, vectors: Vectors) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    bias = folded_bias(site, flat_weights(site).astype(np.int64), y[3])
    order = channel_order(y[3], vectors)
    return {
        **geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding),
        "pad_value": site.input(0).qp.zp,
        "weights": pack_pairs(w, vectors),
        **channel_params(site, bias, effective_multiplier(site, y[3]), order),
        **output_params(site, op.clamp),
    }


def _scratch(site: Site, vectors: Vectors) -> int:
    op, w = op_of(site, DepthwiseConv2D), site.const(1)
    columns = (site.outputs[0].shape[2] - 1) * op.stride[1] + (w.shape[1] - 1) * op.dilation[1] + 1
    return columns * padded(w.shape[0], 2) * _block(vectors) * 2


def _overlap(site: Site, vectors: Vectors) -> Overlaps:
    """An output row is computed in blocks of channels; what a block needs is read before it is written."""
    op, w, channels = op_of(site, DepthwiseConv2D), site.const(1).shape, site.outputs[0].shape[3]
    rows = tiles(first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding), site.outputs[0].shape[2])
    last = (channels - 1) // _block(vectors) * _block(vectors)
    first_block = (rows.start * channels, rows.read * channels)
    if last == 0:
        return of_first_input(site, first_block)
    before = (rows.start + rows.count - 1) * channels + last
    return of_first_input(site, first_block, (before, rows.read * channels + last))
