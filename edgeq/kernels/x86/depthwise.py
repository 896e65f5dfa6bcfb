"""Rows of depthwise convolutions with one output channel for each of the input's."""

from __future__ import annotations

from collections.abc import Mapping
from math import lcm

import numpy as np

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, op_of, padded
from edgeq.kernels.x86.isa import VECTORS, Vectors, goals_of
from edgeq.kernels.x86.nearest import FORMS
from edgeq.kernels.x86.pack import Channels, function_name, proof_of, requant_members, takes_weights
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._overlap import Overlaps, first_pixels, of_first_input, tiles
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops._window import geometry
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

ALIGNMENT = 64
"""Of rows in scratch."""
POINTER = 8
"""Bytes of a pointer."""
MOST_BLOCKS = 4
"""Blocks that pixels are joined for; their weights are repeated."""
SHORTEST = min(vectors.lanes for vectors in VECTORS)


def depthwise_rows() -> tuple[Kernel, ...]:
    """The rows, fastest first."""
    return tuple(_row(vectors, form) for vectors in VECTORS for form in (*FORMS, None))


def _row(vectors: Vectors, form: str | None) -> Kernel:
    return Kernel(
        function_name("eq_depthwise_conv2d", vectors, form),
        (f"x86/depthwise_{vectors.name}.c",),
        "eq/depthwise_conv2d_x86.h",
        "eq_depthwise_conv2d_x86_params",
        lambda site: _lower(site, vectors, form),
        vectors.isa,
        all_of(_fits(vectors), *proof_of(form, _multiplier, DepthwiseConv2D)),
        lambda site: _scratch(site, vectors),
        _overlap,
        rounded=form is None,
        goals=goals_of(form),
    )


def block_of(vectors: Vectors) -> int:
    """Elements computed at once."""
    return vectors.step * vectors.lanes


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def _is_single(site: Site) -> bool:
    """There is one filter per channel."""
    return site.const(1).shape[2] == site.input(0).shape[3]


def _joins(site: Site, vectors: Vectors) -> bool:
    """Neighbouring windows are neighbours in the input, and few pixels make whole blocks."""
    channels = site.const(1).shape[2]
    return op_of(site, DepthwiseConv2D).stride[1] == 1 and lcm(channels, block_of(vectors)) <= max(
        MOST_BLOCKS * block_of(vectors), channels
    )


def _fits(vectors: Vectors) -> AllOf:
    """Channels that a quarter of a block would do for are left to shorter vectors."""
    most, factors = vectors.lanes, takes_weights(_multiplier)
    many = Condition(
        f"There are more than {most} channels, or few pixels make whole blocks",
        lambda site: site.const(1).shape[2] > most or _joins(site, vectors),
    )
    return all_of(_is_single, *(() if vectors.lanes == SHORTEST else (many,)), factors)


def step_channels(channels: int, joined: bool, vectors: Vectors) -> Channels:
    """The channel of each element of a step, in the order of sums; −1 where there is none."""
    block = block_of(vectors)
    lanes = np.arange(lcm(channels, block) if joined else padded(channels, block))
    of = lanes % channels if joined else np.where(lanes < channels, lanes, -1)
    return of.reshape(-1, vectors.lanes // 4, vectors.step, 4).transpose(0, 2, 1, 3).ravel()


def pack_taps(weights: Array, order: Channels, vectors: Vectors) -> Array:
    """Weights (KH, KW, C): per block of `order`, per group of taps, the taps of each element."""
    taps = weights.reshape(-1, weights.shape[2])
    taps = np.pad(taps, ((0, padded(len(taps), vectors.step) - len(taps)), (0, 0)))
    taps = np.where(order < 0, 0, taps[:, order])
    groups = taps.reshape(-1, vectors.step, len(order) // block_of(vectors), block_of(vectors)).transpose(2, 0, 3, 1)
    return np.ascontiguousarray(groups, np.int8 if vectors.unsigned else np.dtype("<i2")).ravel().view(np.int8)


def _row_elements(site: Site, vectors: Vectors) -> int:
    """Activations of a row in scratch: what an output row reads, and a block beyond."""
    op, w = op_of(site, DepthwiseConv2D), site.const(1)
    columns = (site.outputs[0].shape[2] - 1) * op.stride[1] + (w.shape[1] - 1) * op.dilation[1] + 1
    return padded(columns * site.input(0).shape[3] + block_of(vectors), ALIGNMENT)


def _groups(site: Site, vectors: Vectors) -> int:
    high, wide, _ = site.const(1).shape
    return padded(high * wide, vectors.step) // vectors.step


def _lower(site: Site, vectors: Vectors, form: str | None) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    joined, wide = _joins(site, vectors), flat_weights(site).astype(np.int64)
    order = step_channels(y[3], joined, vectors)
    bias = folded_bias(site, wide, y[3]) - (128 * wide.sum(axis=1) if vectors.unsigned else 0)
    return {
        **geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding),
        "pad_value": site.input(0).qp.zp,
        "row": _row_elements(site, vectors),
        "in_step": len(order) if joined else op.stride[1] * y[3],
        "out_step": len(order) if joined else y[3],
        "groups": _groups(site, vectors),
        "weights": pack_taps(w, order, vectors),
        **requant_members(site, bias, _multiplier(site), op.clamp, order, form),
    }


def _scratch(site: Site, vectors: Vectors) -> int:
    op, w = op_of(site, DepthwiseConv2D), site.const(1)
    rows = (w.shape[0] - 1) * op.dilation[0] + 2
    pointers = _groups(site, vectors) * vectors.step * POINTER
    return rows * _row_elements(site, vectors) * vectors.activation_bytes + pointers + ALIGNMENT


def _overlap(site: Site) -> Overlaps:
    """What an output row needs is copied before it is written."""
    op, w, channels = op_of(site, DepthwiseConv2D), site.const(1).shape, site.outputs[0].shape[3]
    rows = tiles(first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding), site.outputs[0].shape[2])
    return of_first_input(site, (rows.start * channels, rows.read * channels))
