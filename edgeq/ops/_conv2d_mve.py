"""Rows of the operators that are matrix products on Helium."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._overlap import Overlaps, Tiles, collected, first_pixels, in_rows, of_first_input, tiles
from edgeq.ops._pack_mve import (
    BLOCK,
    GROUP,
    channel_order,
    channel_params,
    fits_multiplier,
    pack_groups,
    pack_pairs,
    padded,
)
from edgeq.ops._requant import Clamp, effective_multiplier, folded_bias, output_range, weight_zero_points
from edgeq.ops._window import Padding, Pair, geometry, is_window

MVE = frozenset({"mve"})
TILE = 3
"""Output pixels computed at once."""
CHUNK = 96
"""Channels of a fully connected layer whose sums are kept."""
HEADER = "eq/conv2d_mve.h"


def output_params(site: Site, clamp: Clamp) -> Mapping[str, Param]:
    """The members `zero_point, qmin, qmax`."""
    q = site.outputs[0].qp
    low, high = output_range(q, clamp)
    return {"zero_point": q.zp, "qmin": low, "qmax": high}


def plain_weights(site: Site, multiplier: Multiplier) -> bool:
    """Symmetric weights, and multipliers that the vectors can take."""
    channels = len(multiplier.mantissa)
    return not weight_zero_points(site, channels).any() and fits_multiplier(multiplier, site.rounding)


def conv2d_mve_rows() -> tuple[Kernel, ...]:
    """The rows of Conv2D."""
    common = ("mve/conv_tile.c", "mve/finish.c", "mve/gemm.c")
    return (
        Kernel(
            "eq_conv2d_1x1_mve",
            ("mve/conv2d_1x1.c", *common),
            HEADER,
            "eq_conv2d_mve_params",
            _lower,
            MVE,
            _fits_1x1,
            overlap=_overlap_1x1,
            rounded=True,
        ),
        Kernel(
            "eq_conv2d_mve",
            ("mve/conv2d.c", *common),
            HEADER,
            "eq_conv2d_mve_params",
            _lower,
            MVE,
            _fits,
            _scratch,
            _overlap,
            rounded=True,
            instances=is_window,
        ),
    )


def _attributes(site: Site) -> tuple[Pair, Pair, Padding, int, Clamp]:
    op = site.op
    stride, dilation, padding, groups, clamp = (
        getattr(op, name) for name in ("stride", "dilation", "padding", "groups", "clamp")
    )
    return stride, dilation, padding, groups, clamp


def _fits(site: Site) -> bool:
    groups = _attributes(site)[3]
    return groups == 1 and plain_weights(site, effective_multiplier(site, site.outputs[0].shape[3]))


def _fits_1x1(site: Site) -> bool:
    padding = _attributes(site)[2]
    return site.const(1).shape[1:3] == (1, 1) and not any(padding) and _fits(site)


def _lower(site: Site) -> Mapping[str, Param]:
    stride, dilation, padding, _, clamp = _attributes(site)
    x, y, w = site.input(0).shape, site.outputs[0].shape, site.const(1)
    flat = w.reshape(y[3], -1)
    bias = folded_bias(site, flat.astype(np.int64), y[3])
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), stride, dilation, padding),
        "pad_value": site.input(0).qp.zp,
        "weights": pack_pairs(flat),
        **channel_params(site, bias, effective_multiplier(site, y[3]), channel_order(y[3])),
        **output_params(site, clamp),
    }


def _scratch(site: Site) -> int:
    return TILE * padded(site.const(1)[0].size, BLOCK)


def _tiles(site: Site) -> Tiles:
    stride, dilation, padding, _, _ = _attributes(site)
    w = site.const(1).shape
    return tiles(first_pixels(site, (w[1], w[2]), stride, dilation, padding), TILE)


def _overlap(site: Site) -> Overlaps:
    """The windows of a tile are copied before any of it is written."""
    return collected(site, _tiles(site))


def _overlap_1x1(site: Site) -> Overlaps:
    """Each block of channels of a tile reads its pixels where they are."""
    found, channels, depth = _tiles(site), site.outputs[0].shape[3], site.input(0).shape[3]
    read, last = found.read * depth, (channels - 1) // BLOCK * BLOCK
    first_block = (found.start * channels, read)
    if last == 0:
        return of_first_input(site, first_block)
    return of_first_input(site, first_block, ((found.start + found.count - 1) * channels + last, read))


def fully_connected_mve_rows(multiplier: Callable[[Site], Multiplier]) -> tuple[Kernel, ...]:
    """The row of FullyConnected.

    Args:
        multiplier: the operator's factors.
    """

    def fits(site: Site) -> bool:
        return plain_weights(site, multiplier(site))

    def lower(site: Site) -> Mapping[str, Param]:
        w: Array = site.const(1)
        bias = folded_bias(site, w.astype(np.int64), len(w))
        return {
            "rows": site.outputs[0].size // len(w),
            "in_c": w.shape[1],
            "out_c": len(w),
            "weights": pack_groups(w),
            **channel_params(site, bias, multiplier(site), np.arange(len(w)), 2 * GROUP),
            **output_params(site, getattr(site.op, "clamp")),  # noqa: B009
        }

    return (
        Kernel(
            "eq_fully_connected_mve",
            ("mve/fully_connected.c", "mve/finish.c"),
            "eq/fully_connected_mve.h",
            "eq_fully_connected_mve_params",
            lower,
            MVE,
            fits,
            overlap=_row_overlap,
            rounded=True,
        ),
    )


def _row_overlap(site: Site) -> Overlaps:
    """The sums of a chunk of channels are complete before they are written."""
    return in_rows(site, (site.outputs[0].shape[-1] - 1) // CHUNK * CHUNK)
