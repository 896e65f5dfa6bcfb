"""Rows of convolutions in one group, and of fully connected layers: products of windows and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.kernels._shared.site import flat_weights, op_of, output_params, padded
from edgeq.kernels.neon.band import SLACK, Band, band_for
from edgeq.kernels.neon.isa import DOTPROD, NEON
from edgeq.kernels.neon.pack import (
    HALF,
    are_small,
    blocks_of,
    factor_params,
    fours,
    has_no_least_weight,
    in_order,
    order_of,
    padded_lines,
    per_block,
    takes_weights,
    turned_pairs,
    weights_in_order,
)
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops import fully_connected
from edgeq.ops._overlap import Overlaps, Tiles, collected, first_pixels, of_first_input, tiles
from edgeq.ops._requant import Clamp, effective_multiplier, folded_bias
from edgeq.ops._window import Pair, geometry
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected

SOME, MANY = 32, 64
"""Output pixels that are computed with the same weights before others are read, and so many if weights are far away."""
NEAR = 1 << 18
"""Bytes of weights that are read again so often without having to come from memory."""


Pack = Callable[[Array], Array]
"""Of the weights (C, lines, run) of a block."""


@dataclass(frozen=True)
class Products:
    """How one instruction set multiplies.

    Attributes:
        name: the kernels' C names and files are `eq_conv2d_<name>`.
        isa: features that they need.
        pack: the weights.
        cost: instructions of 16 taps of a pixel and 16 channels.
    """

    name: str
    isa: frozenset[str]
    pack: Pack
    cost: int


BY_DOT = Products("dotprod", DOTPROD, fours, 18)
BY_PAIR = Products("neon", NEON, turned_pairs, 53)


@dataclass(frozen=True)
class Lines:
    """How a window is read.

    Attributes:
        count: lines of bytes that lie side by side, in the input or in the copy of a band.
        run: bytes of a line that are multiplied; weights of those that do not belong to it are 0.
        gather: whether they are copied to one line first.
        band: None if windows are read in the input itself.
    """

    count: int
    run: int
    gather: bool
    band: Band | None

    @property
    def depth(self) -> int:
        """Taps of a window, filled up."""
        return self.count * self.run


def conv2d_rows() -> tuple[Kernel, ...]:
    """The rows of Conv2D in one group, fastest first."""
    takes = all_of(_one_group, takes_weights(_multiplier))
    return _conv2d_row(BY_DOT, takes), _conv2d_row(BY_PAIR, all_of(takes, has_no_least_weight))


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows of FullyConnected, fastest first: a row of the input is the window of a pixel."""
    takes = takes_weights(fully_connected.multiplier)
    return (
        _fully_connected_row(BY_DOT, takes),
        _fully_connected_row(BY_PAIR, all_of(takes, has_no_least_weight)),
    )


def _conv2d_row(by: Products, fits: Callable[[Site], bool]) -> Kernel:
    return Kernel(
        f"eq_conv2d_{by.name}",
        (f"neon/conv2d_{by.name}.c",),
        "eq/conv2d_neon.h",
        "eq_conv2d_neon_params",
        lambda site: _lower(site, by),
        by.isa,
        fits,
        lambda site: _scratch(lines_of(site, by.cost), site.const(1)),
        lambda site: _overlap(site, by),
        rounded=True,
    )


def _fully_connected_row(by: Products, fits: Callable[[Site], bool]) -> Kernel:
    return replace(
        _conv2d_row(by, fits),
        lower=lambda site: _lower_rows(site, by),
        scratch=lambda site: _scratch(lines_of_rows(site), site.const(1)),
        overlap=_overlap_rows,
    )


def _one_group(site: Site) -> bool:
    """The convolution has one group."""
    return op_of(site, Conv2D).groups == 1


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def lines_of(site: Site, cost: int) -> Lines:
    """In the input itself where there is no padding; gathered where filling up each line would cost more.

    Args:
        site: a convolution.
        cost: instructions of 16 taps of a pixel and 16 channels.
    """
    op, (_, height, width, _) = op_of(site, Conv2D), site.outputs[0].shape
    windows = Windows((height, width), op.stride, op.dilation, any(op.padding))
    return lines_for(windows, site.const(1).shape, cost)


@dataclass(frozen=True)
class Windows:
    """Where the windows of a convolution lie.

    Attributes:
        out: rows and columns of the output.
        stride, dilation: rows and columns.
        apart: whether some of a window lies outside of the image, or its pixels do not lie side by side in the input.
    """

    out: Pair
    stride: Pair
    dilation: Pair
    apart: bool


def lines_for(windows: Windows, weights: Shape, cost: int) -> Lines:
    """The same of weights (OC, KH, KW, C)."""
    outputs, high, wide, channels = weights
    line = wide * channels
    whole, apart = padded(high * line, HALF), high * padded(line, HALF)
    gathering = 12 + high * (6 + line // 16 * 4)
    gather = (windows.dilation[1] > 1 and wide > 1) or (apart - whole) * padded(outputs, HALF) * cost > 256 * gathering
    if not gather and not windows.apart and line % HALF == 0:
        return Lines(high, line, False, None)
    band = band_for(windows.out, channels, (high, wide), windows.stride, windows.dilation)
    return Lines(1, whole, True, band) if gather else Lines(high, padded(line, HALF), False, band)


def lines_of_rows(site: Site) -> Lines:
    """A row of the input is a line; if it is no whole number of steps, rows are copied."""
    depth = site.const(1).shape[1]
    rows = site.outputs[0].size // len(site.const(1))
    if depth % HALF == 0:
        return Lines(1, depth, False, None)
    return Lines(1, padded(depth, HALF), False, Band(rows * depth, 1, 1))


def together(weights: Array) -> int:
    """Output pixels computed with the same weights before others are read."""
    return SOME if weights.size <= NEAR else MANY


def _product(
    site: Site, lines: Lines, flat: Array, multiplier: Multiplier, clamp: Clamp, by: Products
) -> Mapping[str, Param]:
    """The members that concern the product itself."""
    bias = folded_bias(site, flat.astype(np.int64), len(flat))
    blocks = blocks_of(len(flat))
    order = order_of(blocks, len(flat))
    lined = padded_lines(weights_in_order(flat, order), lines.count)
    return {
        "pad_value": site.input(0).qp.zp,
        "band": lines.band.rows if lines.band else 0,
        "gather": int(lines.gather),
        "lines": lines.count,
        "run": lines.run,
        "together": together(flat),
        "weights": per_block(lined, blocks, by.pack),
        "bias": in_order(bias, order),
        **factor_params(site, multiplier, order),
        **output_params(site, clamp),
        "small": are_small(flat, bias, multiplier),
    }


def _lower(site: Site, by: Products) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, Conv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    return {
        **geometry(x, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        **_product(site, lines_of(site, by.cost), flat_weights(site), _multiplier(site), op.clamp, by),
    }


def _lower_rows(site: Site, by: Products) -> Mapping[str, Param]:
    w = site.const(1)
    rows, multiplier = site.outputs[0].size // len(w), fully_connected.multiplier(site)
    return {
        **geometry((1, 1, rows, w.shape[1]), (1, 1, rows, len(w)), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
        **_product(site, lines_of_rows(site), w, multiplier, op_of(site, FullyConnected).clamp, by),
    }


def _scratch(lines: Lines, weights: Array) -> int:
    return scratch_of(lines, together(weights))


def scratch_of(lines: Lines, together: int) -> int:
    """Bytes of a band, and of so many windows if they are gathered."""
    windows = together * lines.run + SLACK if lines.gather else 0
    return 0 if lines.band is None else padded(lines.band.nbytes + windows, 4)


def _all_read_late(site: Site, tiles: Tiles) -> Overlaps:
    """What a tile needs is read again for the last of its channels, when all others are written."""
    x, y = site.input(0).shape, site.outputs[0].shape
    return of_first_input(site, ((tiles.start + tiles.count) * y[-1], tiles.read * x[-1]))


def _overlap(site: Site, by: Products) -> Overlaps:
    """Where windows are read in the input itself, tiles are in order; else what a band needs is copied first."""
    op, w, lines = op_of(site, Conv2D), site.const(1).shape, lines_of(site, by.cost)
    first = first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding)
    if lines.band is None:
        return _all_read_late(site, tiles(first, together(site.const(1))))
    return collected(site, tiles(first, lines.band.rows * site.outputs[0].shape[2]))


def _overlap_rows(site: Site) -> Overlaps:
    """The same of rows."""
    w = site.const(1)
    rows = site.outputs[0].size // len(w)
    if lines_of_rows(site).band is not None:
        return collected(site, Tiles(np.array([0]), np.array([rows]), np.array([0])))
    first = np.arange(rows, dtype=np.int64)[None]
    return _all_read_late(site, tiles(first, together(w)))
