"""Rows of depthwise convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import lcm

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param, always, in_place, never
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.kernels._shared.single import is_single, overlap_by_lanes
from edgeq.kernels._shared.site import op_of, output_params, padded
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import (
    BLOCK,
    SIDE,
    WORDS,
    block_order,
    channel_params,
    pack_taps,
    pack_vectors,
    pack_windows,
    takes_weights,
)
from edgeq.ops._overlap import Ints, Overlaps, Tiles, first_pixels, in_groups, of_first_input, of_whole_pixels, tiles
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops._window import geometry
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

HEADER, STRUCT = "eq/depthwise_conv2d_mve.h", "eq_depthwise_conv2d_mve_params"


def depthwise_rows() -> tuple[Kernel, ...]:
    """The rows, fastest first."""
    plain = (
        Kernel(
            "eq_depthwise_conv2d_1x1_mve",
            ("mve/depthwise_1x1.c",),
            HEADER,
            "eq_depthwise_conv2d_1x1_mve_params",
            _lower_1x1,
            MVE,
            all_of(is_single, _FITS_ANY),
            overlap=lambda site: overlap_by_lanes(site, _period(site), WORDS),
            exactly=in_place,
            rounded=True,
        ),
        Kernel(
            "eq_depthwise_conv2d_4x4_mve",
            ("mve/depthwise_4x4.c", "mve/finish.c"),
            HEADER,
            STRUCT,
            _lower_4x4,
            MVE,
            all_of(_is_4x4, _FITS_ANY),
            _scratch_4x4,
            overlap=_overlap_4x4,
            exactly=_exactly_4x4,
            rounded=True,
            instances=always,
        ),
        Kernel(
            "eq_depthwise_conv2d_mve",
            ("mve/depthwise.c",),
            HEADER,
            STRUCT,
            _lower_any,
            MVE,
            _FITS_ANY,
            lambda site: padded(_taps(site), 2) * BLOCK,
            overlap=_overlap_any,
            rounded=True,
        ),
    )
    return *plain, *map(_int4_row, plain[1:])


def _int4_row(row: Kernel) -> Kernel:
    """The row for weights of 4 bits beside one for bytes, whose kernel it calls with weights that it unpacked."""

    def weights(site: Site) -> Array:
        return pack_vectors(np.asarray(row.lower(site)["weights"]))

    def lower(site: Site) -> Mapping[str, Param]:
        packed = weights(site)
        plain = {f"plain.{key}": value for key, value in row.lower(site).items()}
        return {**plain, "plain.weights": 0, "weights": packed, "count": 2 * packed.size}

    stem = row.sources[0].removesuffix(".c")
    return replace(
        row,
        function=row.function.replace("_mve", "_int4_mve"),
        sources=(f"{stem}_int4.c", *row.sources),
        struct="eq_depthwise_conv2d_int4_mve_params",
        lower=lower,
        scratch=lambda site: 2 * weights(site).size + row.scratch(site),
        weights=frozenset({DType.INT4}),
        instances=never,
    )


def _taps(site: Site) -> int:
    return site.const(1).shape[0] * site.const(1).shape[1]


_FITS_ANY = takes_weights(lambda site: effective_multiplier(site, site.outputs[0].shape[3]))


def _is_4x4(site: Site) -> bool:
    """Windows are at most 4×4, and there is one filter per channel."""
    w = site.const(1)
    return max(w.shape[:2]) <= SIDE and w.shape[2] == site.input(0).shape[3]


def _together(site: Site) -> int:
    """Pixels whose channels together fill a vector, if they lie side by side in input and output."""
    channels = site.outputs[0].shape[3]
    return BLOCK // channels if op_of(site, DepthwiseConv2D).stride[1] == 1 and BLOCK % channels == 0 else 1


def _common(site: Site, together: int) -> dict[str, Param]:
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    bias = folded_bias(site, w.astype(np.int64).reshape(-1, y[3]).T, y[3])
    return {
        **geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding),
        "pad_value": site.input(0).qp.zp,
        "together": together,
        **channel_params(site, bias, effective_multiplier(site, y[3]), block_order(y[3], together)),
        **output_params(site, op.clamp),
    }


def _period(site: Site) -> int:
    """Elements after which channels are in the same lanes again."""
    return lcm(WORDS, site.outputs[0].shape[3])


def _lower_1x1(site: Site) -> Mapping[str, Param]:
    channels, w = site.outputs[0].shape[3], site.const(1).ravel()
    order = np.arange(_period(site)) % channels
    bias = folded_bias(site, w.astype(np.int64)[:, None], channels)
    return {
        "size": site.outputs[0].size,
        "period": _period(site),
        "weights": w.astype(np.int32)[order],
        **channel_params(site, bias, effective_multiplier(site, channels), order),
        **output_params(site, op_of(site, DepthwiseConv2D).clamp),
    }


def _lower_4x4(site: Site) -> Mapping[str, Param]:
    together = _together(site)
    order = block_order(site.outputs[0].shape[3], together)
    return {**_common(site, together), "weights": pack_windows(site.const(1), order), "source": 0}


def _lower_any(site: Site) -> Mapping[str, Param]:
    w = site.const(1)
    flat: Array = np.pad(w.reshape(_taps(site), -1), ((0, _taps(site) % 2), (0, 0)))
    return {
        **_common(site, 1),
        "weights": pack_taps(flat).ravel(),
        "source": sources(w.shape[2], w.shape[2] // site.input(0).shape[3]),
    }


def sources(channels: int, multiplier: int) -> Array:
    """For every output channel, in whole blocks: its input channel, relative to that of the block's first channel."""
    lanes = np.arange(padded(channels, BLOCK)).reshape(-1, BLOCK)
    own = lanes // multiplier - lanes[:, :1] // multiplier
    return np.where(lanes < channels, own, 0).astype(np.uint8).ravel()


def _scratch_4x4(site: Site) -> int:
    op, wide, together = op_of(site, DepthwiseConv2D), site.const(1).shape[1], _together(site)
    blocks = -(-site.outputs[0].shape[2] // together)
    return ((blocks - 1) * together * op.stride[1] + (wide - 1) * op.dilation[1] + 1) * SIDE * BLOCK


def _first(site: Site) -> Ints:
    op, w = op_of(site, DepthwiseConv2D), site.const(1).shape
    return first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding)


def _rows(site: Site) -> Tiles:
    return tiles(_first(site), site.outputs[0].shape[2])


def _overlap_4x4(site: Site) -> Overlaps:
    """An output row is computed in blocks of channels; what a block needs is read before it is written."""
    rows, channels = _rows(site), site.outputs[0].shape[3]
    last = (channels - 1) // BLOCK * BLOCK
    first_block = (rows.start * channels, rows.read * channels)
    if last == 0:
        return of_first_input(site, first_block)
    before = (rows.start + rows.count - 1) * channels + last
    return of_first_input(site, first_block, (before, rows.read * channels + last))


def _exactly_4x4(site: Site) -> Overlaps:
    """If blocks of channels keep their bytes, rows are read before they are written."""
    rows = _rows(site)
    return of_whole_pixels(site, (rows.start, rows.read))


def _overlap_any(site: Site) -> Overlaps:
    """Pixels in order, and their channels block by block."""
    return in_groups(site, _first(site), site.input(0).shape[3], BLOCK)
