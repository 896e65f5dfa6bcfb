"""Rows of convolutions in one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, Param, never
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import flat_weights, op_of, output_params, padded
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import BLOCK, channel_order, channel_params, pack_int4, pack_pairs, takes_weights
from edgeq.ops._overlap import Overlaps, Steps, Tiles, collected, first_pixels, of_first_input, tiles
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops._window import geometry, is_window
from edgeq.ops.conv2d import Conv2D

TILE = 3
"""Output pixels computed at once."""
HEADER, STRUCT = "eq/conv2d_mve.h", "eq_conv2d_mve_params"


def conv2d_rows() -> tuple[Kernel, ...]:
    """The rows, fastest first."""
    common = ("mve/conv_tile.c", "mve/finish.c", "mve/gemm.c")
    plain = (
        Kernel(
            "eq_conv2d_1x1_mve",
            ("mve/conv2d_1x1.c", *common),
            HEADER,
            STRUCT,
            _lower,
            MVE,
            all_of(is_1x1, _FITS),
            overlap=overlap_1x1,
            rounded=True,
        ),
        Kernel(
            "eq_conv2d_mve",
            ("mve/conv2d.c", *common),
            HEADER,
            STRUCT,
            _lower,
            MVE,
            _FITS,
            _scratch,
            overlap_any,
            rounded=True,
            instances=is_window,
        ),
    )
    return *plain, *map(_int4_row, plain)


def _int4_row(row: Kernel) -> Kernel:
    """The row for weights of 4 bits beside one for bytes."""
    stem = row.sources[0].removesuffix(".c")
    return replace(
        row,
        function=row.function.replace("_mve", "_int4_mve"),
        sources=(f"{stem}_int4.c", "mve/conv_tile_int4.c", "mve/finish.c", "mve/gemm_int4.c"),
        lower=_lower_int4,
        fits=all_of(row.fits, INT4_SUMS),
        weights=frozenset({DType.INT4}),
        instances=never,
    )


MOST_INT4 = 2**17
"""Products of a sum that surely fit 32 bits sixteen times."""


def _has_int4_sums(site: Site) -> bool:
    return site.const(1)[0].size < MOST_INT4


INT4_SUMS = Condition("There are fewer than 131072 products in a sum", _has_int4_sums)


def one_group(site: Site) -> bool:
    """The convolution has one group."""
    return op_of(site, Conv2D).groups == 1


def is_1x1(site: Site) -> bool:
    """Windows are single pixels, and there is no padding."""
    return site.const(1).shape[1:3] == (1, 1) and not any(op_of(site, Conv2D).padding)


_FITS = all_of(one_group, takes_weights(lambda site: effective_multiplier(site, site.outputs[0].shape[3])))


def _lower(site: Site) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, Conv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    flat = flat_weights(site)
    bias = folded_bias(site, flat.astype(np.int64), y[3])
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "pad_value": site.input(0).qp.zp,
        "weights": pack_pairs(flat),
        **channel_params(site, bias, effective_multiplier(site, y[3]), channel_order(y[3])),
        **output_params(site, op.clamp),
    }


def _lower_int4(site: Site) -> Mapping[str, Param]:
    flat = flat_weights(site)
    return {**_lower(site), "weights": pack_int4(flat[channel_order(len(flat))], 2)}


def _scratch(site: Site) -> int:
    return TILE * padded(site.const(1)[0].size, BLOCK)


def tiles_of(site: Site, size: int = TILE) -> Tiles:
    """Pixels that are computed together."""
    op, w = op_of(site, Conv2D), site.const(1).shape
    return tiles(first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding), size)


def overlap_any(site: Site) -> Overlaps:
    """The windows of a tile are copied before any of it is written."""
    return collected(site, tiles_of(site))


def overlap_1x1(site: Site) -> Overlaps:
    """Each block of channels of a tile reads the tile's pixels in place."""
    all_tiles = tiles_of(site)
    first_block = all_tiles.start * site.outputs[0].shape[3], all_tiles.read * site.input(0).shape[3]
    return of_first_input(site, first_block, *last_blocks(site, all_tiles))


def last_blocks(site: Site, all_tiles: Tiles) -> tuple[Steps, ...]:
    """The last of several blocks of channels of each tile, before which all others are written."""
    channels, depth = site.outputs[0].shape[3], site.input(0).shape[3]
    last = (channels - 1) // BLOCK * BLOCK
    written = (all_tiles.start + all_tiles.count - 1) * channels + last
    return ((written, all_tiles.read * depth),) if last else ()
