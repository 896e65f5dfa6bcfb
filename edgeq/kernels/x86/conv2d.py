"""Rows of convolutions in one group and of fully connected layers: products of windows and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import op_of, padded
from edgeq.kernels.x86.isa import BYTES, FAST_GOALS, VECTORS, Vectors, goals_of
from edgeq.kernels.x86.nearest import FORMS
from edgeq.kernels.x86.pack import (
    function_name,
    pack_parts,
    pack_steps,
    pair_order,
    proof_of,
    requant_members,
    takes_weights,
)
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops import fully_connected
from edgeq.ops._overlap import Overlaps, collected, first_pixels, of_first_input, tiles
from edgeq.ops._requant import Clamp, effective_multiplier, folded_bias
from edgeq.ops._window import Pair, geometry
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected

TILE = 6
"""Output pixels computed at once."""
BEYOND = 16
"""Activations after the last row that a step may read."""
HEADER, STRUCT = "eq/conv2d_x86.h", "eq_conv2d_x86_params"
MOST_MORE, MOST_COPIED = 6, 1 << 13
"""Times as many rows as are enough, and activations, up to which more rows are copied for the sake of whole tiles."""
NEAR, FAR = 1 << 16, 1 << 19
"""Bytes of weights up to which they are read again for every four tiles, or for every eight."""


def conv2d_rows(before: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
    """The rows of Conv2D, fastest first, with some `before` those of AVX2."""
    *faster, last = ([_conv2d_row(vectors, form) for form in (*FORMS, None)] for vectors in VECTORS)
    return (*chain.from_iterable(faster), *before, *last)


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows of FullyConnected, fastest first: a row of the input is the window of a pixel."""
    every = (*VECTORS[:-1], BYTES, VECTORS[-1])
    return tuple(_fully_connected_row(vectors, form) for vectors in every for form in (*FORMS, None))


def _conv2d_row(vectors: Vectors, form: str | None) -> Kernel:
    return Kernel(
        function_name("eq_conv2d", vectors, form),
        (f"x86/conv2d_{vectors.name}.c",),
        HEADER,
        STRUCT,
        lambda site: _lower(site, vectors, form),
        vectors.isa,
        all_of(_one_group, takes_weights(_multiplier), *proof_of(form, _multiplier, Conv2D)),
        lambda site: _scratch(_layout_of(site, vectors), vectors),
        _overlap,
        rounded=form is None,
        goals=goals_of(form),
    )


def _fully_connected_row(vectors: Vectors, form: str | None) -> Kernel:
    factors = fully_connected.multiplier
    return replace(
        _conv2d_row(vectors, form),
        lower=lambda site: _lower_rows(site, vectors, form),
        fits=all_of(
            *((_are_few_rows,) if vectors is BYTES else ()),
            takes_weights(factors),
            *proof_of(form, factors, FullyConnected),
        ),
        scratch=lambda site: _scratch(_layout_of_rows(site, vectors), vectors),
        overlap=_overlap_rows,
        goals=FAST_GOALS if vectors is BYTES else goals_of(form),
    )


@dataclass(frozen=True, eq=False)
class Layout:
    """How windows lie in the rows of the input that are copied together.

    Attributes:
        weights: (channels, depth): those of every step of a window, zeros where a step has more than the window.
        offsets: of every step from the beginning of the window.
        row: activations of a row with its borders.
        together: rows of the output that are computed from one copy.
        high: rows of the input that are copied for them.
    """

    weights: Array
    offsets: Array
    row: int
    together: int
    high: int


def layout(weights: Array, stride: Pair, dilation: Pair, out: Pair, vectors: Vectors) -> Layout:
    """The layout for weights (OC, KH, KW, C) and an output of so many rows and columns."""
    channels, high, wide, depth = weights.shape
    row = ((out[1] - 1) * stride[1] + (wide - 1) * dilation[1] + 1) * depth
    together = _rows_together(weights, out, row * stride[0])
    if dilation[1] == 1:
        spans, starts = weights.reshape(channels, high, wide * depth), np.arange(high) * dilation[0] * row
    else:
        spans = weights.reshape(channels, high * wide, depth)
        starts = (np.arange(high)[:, None] * dilation[0] * row + np.arange(wide) * dilation[1] * depth).ravel()
    length = padded(spans.shape[2], vectors.step)
    filled = np.pad(spans, ((0, 0), (0, 0), (0, length - spans.shape[2])))
    offsets = (starts[:, None] + np.arange(0, length, vectors.step)).ravel().astype(np.int32)
    copied = (together - 1) * stride[0] + (high - 1) * dilation[0] + 1
    return Layout(filled.reshape(channels, -1), offsets, row, together, copied)


def _rows_together(weights: Array, out: Pair, apart: int) -> int:
    """Rows of the output that are computed from one copy: of the fewest that are enough and a few more, those that
    make whole tiles best, as long as the copies stay in the nearest cache.

    Args:
        weights: (OC, KH, KW, C).
        out: rows and columns of the output.
        apart: activations of the input from one of these rows to the next.
    """
    least = min(out[0], -(-_pixels(weights) // out[1]))
    most = max(least, min(out[0], MOST_MORE * least, MOST_COPIED // apart))

    def tiles(together: int) -> int:
        whole, rest = divmod(out[0], together)
        return whole * -(-together * out[1] // TILE) + -(-rest * out[1] // TILE)

    return min(range(least, most + 1), key=tiles)


def _pixels(weights: Array) -> int:
    """Output pixels that are computed together at least: the more, the fewer times the weights are read."""
    return TILE * (4 if weights.size <= NEAR else 8 if weights.size <= FAR else 16)


def _layout_of(site: Site, vectors: Vectors) -> Layout:
    op, out = op_of(site, Conv2D), site.outputs[0].shape
    return layout(site.const(1), op.stride, op.dilation, (out[1], out[2]), vectors)


def _layout_of_rows(site: Site, vectors: Vectors) -> Layout:
    w = site.const(1)
    return layout(w[:, None, None], (1, 1), (1, 1), (site.outputs[0].size // len(w), 1), vectors)


def _one_group(site: Site) -> bool:
    """The convolution has one group."""
    return op_of(site, Conv2D).groups == 1


def _are_few_rows(site: Site) -> bool:
    """There are fewer rows than a tile has: what loading the weights takes counts."""
    return site.outputs[0].size // len(site.const(1)) < TILE


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def _product(
    site: Site, lying: Layout, multiplier: Multiplier, clamp: Clamp, vectors: Vectors, form: str | None
) -> Mapping[str, Param]:
    """The members that concern the product itself."""
    wide = lying.weights.astype(np.int64)
    strips: Param = 0
    if vectors is BYTES:
        weights, offsets, strips = pack_parts(lying.weights, lying.offsets, vectors)
    else:
        weights, offsets = pack_steps(lying.weights, vectors), lying.offsets
    bias = folded_bias(site, wide, len(wide)) - (128 * wide.sum(axis=1) if vectors.unsigned else 0)
    return {
        "pad_value": site.input(0).qp.zp,
        "depth": lying.weights.shape[1],
        "row": lying.row,
        "together": lying.together,
        "offsets": offsets,
        "strips": strips,
        "weights": weights,
        **requant_members(site, bias, multiplier, clamp, pair_order(len(wide), vectors), form),
    }


def _lower(site: Site, vectors: Vectors, form: str | None) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, Conv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        **_product(site, _layout_of(site, vectors), effective_multiplier(site, y[3]), op.clamp, vectors, form),
    }


def _lower_rows(site: Site, vectors: Vectors, form: str | None) -> Mapping[str, Param]:
    w, lying, factors = site.const(1), _layout_of_rows(site, vectors), fully_connected.multiplier(site)
    rows = site.outputs[0].size // len(w)
    return {
        **geometry((1, rows, 1, w.shape[1]), (1, rows, 1, len(w)), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
        **_product(site, lying, factors, op_of(site, FullyConnected).clamp, vectors, form),
    }


def _scratch(form: Layout, vectors: Vectors) -> int:
    return padded((form.high * form.row + BEYOND) * vectors.activation_bytes, 4)


def _overlap(site: Site) -> Overlaps:
    """What the rows that are computed together need is copied before any of them is written."""
    op, w, out = op_of(site, Conv2D), site.const(1), site.outputs[0].shape
    first = first_pixels(site, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding)
    together = layout(w, op.stride, op.dilation, (out[1], out[2]), VECTORS[0]).together
    return collected(site, tiles(first, together * out[2]))


def _overlap_rows(site: Site) -> Overlaps:
    """Rows that are computed together are copied before any of them is written."""
    w = site.const(1)
    starts = np.arange(0, site.outputs[0].size // len(w), _layout_of_rows(site, VECTORS[0]).together, dtype=np.int64)
    return of_first_input(site, (starts * len(w), starts * w.shape[1]))
