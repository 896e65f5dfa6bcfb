"""Rows of convolutions in one group and of fully connected layers: products of collected windows and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, op_of, output_params, padded
from edgeq.kernels.x86.isa import VECTORS, Vectors
from edgeq.kernels.x86.pack import channel_params, pack_steps, takes_weights, whole_vectors
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops import fully_connected
from edgeq.ops._overlap import Overlaps, collected, first_pixels, of_first_input, tiles
from edgeq.ops._requant import Clamp, effective_multiplier, folded_bias
from edgeq.ops._window import geometry
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected

TILE = 6
"""Output pixels computed at once."""
CHUNK = 16
"""Activations copied at once, some of them beyond the end of the last window."""
HEADER, STRUCT = "eq/conv2d_x86.h", "eq_conv2d_x86_params"
NEAR, FAR = 1 << 16, 1 << 19
"""Bytes of weights up to which they are read again for every tile, or for every four tiles."""


def conv2d_rows() -> tuple[Kernel, ...]:
    """The rows of Conv2D, fastest first."""
    return tuple(_conv2d_row(vectors) for vectors in VECTORS)


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows of FullyConnected, fastest first: a row of the input is the window of a pixel."""
    return tuple(_fully_connected_row(vectors) for vectors in VECTORS)


def _conv2d_row(vectors: Vectors) -> Kernel:
    return Kernel(
        f"eq_conv2d_{vectors.name}",
        (f"x86/conv2d_{vectors.name}.c",),
        HEADER,
        STRUCT,
        lambda site: _lower(site, vectors),
        vectors.isa,
        all_of(_one_group, takes_weights(_multiplier)),
        lambda site: _scratch(flat_weights(site), vectors),
        _overlap,
        rounded=True,
    )


def _fully_connected_row(vectors: Vectors) -> Kernel:
    return replace(
        _conv2d_row(vectors),
        lower=lambda site: _lower_rows(site, vectors),
        fits=takes_weights(fully_connected.multiplier),
        scratch=lambda site: _scratch(site.const(1), vectors),
        overlap=_overlap_rows,
    )


def together(weights: Array) -> int:
    """Output pixels whose windows are collected at once: the more, the fewer times the weights are read."""
    return TILE * (1 if weights.size <= NEAR else 4 if weights.size <= FAR else 8)


def _one_group(site: Site) -> bool:
    """The convolution has one group."""
    return op_of(site, Conv2D).groups == 1


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def _product(site: Site, flat: Array, multiplier: Multiplier, clamp: Clamp, vectors: Vectors) -> Mapping[str, Param]:
    """The members that concern the product itself."""
    wide = flat.astype(np.int64)
    bias = folded_bias(site, wide, len(flat)) - (128 * wide.sum(axis=1) if vectors.unsigned else 0)
    return {
        "pad_value": site.input(0).qp.zp,
        "depth": padded(flat.shape[1], vectors.step),
        "together": together(flat),
        "weights": pack_steps(flat, vectors),
        **channel_params(site, bias, multiplier, whole_vectors(len(flat), vectors)),
        **output_params(site, clamp),
    }


def _lower(site: Site, vectors: Vectors) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, Conv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        **_product(site, flat_weights(site), effective_multiplier(site, y[3]), op.clamp, vectors),
    }


def _lower_rows(site: Site, vectors: Vectors) -> Mapping[str, Param]:
    w = site.const(1)
    rows = site.outputs[0].size // len(w)
    return {
        **geometry((1, 1, rows, w.shape[1]), (1, 1, rows, len(w)), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
        **_product(site, w, fully_connected.multiplier(site), op_of(site, FullyConnected).clamp, vectors),
    }


def _scratch(flat: Array, vectors: Vectors) -> int:
    windows = together(flat) * padded(flat.shape[1], vectors.step)
    return (windows + CHUNK) * vectors.activation_bytes


def _overlap(site: Site) -> Overlaps:
    """The windows of all pixels that are computed together are copied before any of them is written."""
    op, w = op_of(site, Conv2D), site.const(1).shape
    first = first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding)
    return collected(site, tiles(first, together(site.const(1))))


def _overlap_rows(site: Site) -> Overlaps:
    """Rows that are computed together are copied before any of them is written."""
    w = site.const(1)
    starts = np.arange(0, site.outputs[0].size // len(w), together(w), dtype=np.int64)
    return of_first_input(site, (starts * len(w), starts * w.shape[1]))
