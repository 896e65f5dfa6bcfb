"""Rows of int16 activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.int16 import SMALL_FACTORS, factors_of
from edgeq.kernels._shared.site import flat_weights, op_of, padded
from edgeq.kernels.dsp.conv2d import conv_overlap, has_one_group, is_pointwise
from edgeq.kernels.dsp.gemm import TILE, pixels_of, pointwise_overlap
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import channel_groups
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._int16 import NARROW_SUMS, WIDE
from edgeq.ops._overlap import Overlaps, of_whole_pixels
from edgeq.ops._packed import SYMMETRIC
from edgeq.ops._requant import folded_bias, type_range
from edgeq.ops._table import WIDE_ROW
from edgeq.ops._window import geometry
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected


def _has_pairs(site: Site) -> bool:
    return site.outputs[0].shape[-1] > 1


PAIRS = Condition("There are two output channels or more", _has_pairs)


def pack_pairs16(weights: Array, bias: Array, factors: Multiplier) -> npt.NDArray[np.int32]:
    """Weights (OC, K), OC at least 2, for `eq_conv2d_int16_dsp`."""
    depth = padded(weights.shape[1], 2)
    wide = np.zeros((len(weights), depth), np.int8)
    wide[:, : weights.shape[1]] = weights
    twos = wide.reshape(len(weights), -1, 2)
    parts = []
    for first in channel_groups(len(weights), 2):
        pair = [first, first + 1]
        words = np.ascontiguousarray(np.stack([twos[first], twos[first + 1]], axis=-1)).reshape(-1).view("<i4")
        shifts = -1 - factors.shift[pair]
        ends = [*factors.mantissa[pair], int(shifts[0]) | int(shifts[1]) << 8]
        parts += [bias[pair].astype(np.int32), words, np.array(ends, np.int32)]
    return np.concatenate(parts).astype(np.int32)


def _members(site: Site, shapes: Mapping[str, Param], direct: bool) -> Mapping[str, Param]:
    weights = flat_weights(site)
    clamp = site.op.fused_clamp
    assert clamp is not None
    qmin, qmax = type_range(site.outputs[0], clamp)
    bias = folded_bias(site, weights.astype(np.int64), len(weights))
    return {
        **shapes,
        "weights": pack_pairs16(weights, bias, factors_of(site)),
        "k": padded(weights.shape[1], 2),
        "qmin": qmin,
        "qmax": qmax,
        "direct": int(direct),
    }


def _lower_conv(site: Site) -> Mapping[str, Param]:
    op, w = op_of(site, Conv2D), site.input(1).shape
    shapes = geometry(site.input(0).shape, site.outputs[0].shape, (w[1], w[2]), op.stride, op.dilation, op.padding)
    return _members(site, shapes, is_pointwise(site))


def _lower_rows(site: Site) -> Mapping[str, Param]:
    out_c, in_c = site.const(1).shape
    rows = pixels_of(site)
    ones = (1, 1)
    return _members(site, geometry((1, 1, rows, in_c), (1, 1, rows, out_c), ones, ones, ones, (0, 0, 0, 0)), True)


def _scratch(site: Site) -> int:
    windows = 2 * TILE * padded(flat_weights(site).shape[1], 2)
    return windows if isinstance(site.op, FullyConnected) or is_pointwise(site) else 2 * windows


def _row(lower: Callable[[Site], Mapping[str, Param]], shape: tuple[Callable[[Site], bool], ...]) -> Kernel:
    return Kernel(
        "eq_conv2d_int16_dsp",
        ("dsp/conv2d_int16.c",),
        "eq/conv2d_int16_dsp.h",
        "eq_conv2d_int16_dsp_params",
        lower,
        isa=DSP,
        fits=all_of(WIDE, SYMMETRIC, NARROW_SUMS, *shape, PAIRS, SMALL_FACTORS),
        scratch=_scratch,
        overlap=conv_overlap if shape else pointwise_overlap,
        elements=INT16,
    )


STRIPE_BYTES = 4096
"""Of rows of a pair of channels that are widened at once, unless two rows of the output need more."""


@dataclass(frozen=True)
class _Stripes:
    """How a depthwise layer is computed.

    Attributes:
        rows: of the output, at once; an even number.
        columns: that windows meet, padding included.
        words: of all columns.
    """

    rows: int
    columns: int
    words: int


def _stripes(site: Site) -> _Stripes:
    op, y = op_of(site, DepthwiseConv2D), site.outputs[0].shape
    columns = (y[2] - 1) * op.stride[1] + 3
    rows = max(2, ((STRIPE_BYTES // (4 * columns) - 3) // op.stride[0] + 1) // 2 * 2)
    rows = min(rows, padded(y[1], 2))
    return _Stripes(rows, columns, ((rows - 1) * op.stride[0] + 3) * columns)


def _is_3x3(site: Site) -> bool:
    op, w = op_of(site, DepthwiseConv2D), site.input(1).shape
    return w == (3, 3, site.input(0).shape[3]) and op.dilation == (1, 1)


def _is_even(site: Site) -> bool:
    return site.input(0).shape[3] % 2 == 0


def _in_place(site: Site) -> Overlaps:
    """Rows of a pair of channels are read before any of the rows that are computed of them is written."""
    op, x, y = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape
    image = np.arange(x[0])[:, None]
    first = np.arange(0, y[1], _stripes(site).rows)
    above = np.maximum(first * op.stride[0] - op.padding[0], 0)
    written, read = (image * y[1] + first) * y[2], (image * x[1] + np.minimum(above, x[1])) * x[2]
    return of_whole_pixels(site, (written.ravel(), read.ravel()))


def _lower_depthwise(site: Site) -> Mapping[str, Param]:
    op, x, y = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape
    weights, stripes = flat_weights(site), _stripes(site)
    bias, factors = folded_bias(site, weights.astype(np.int64), len(weights)), factors_of(site)
    columns = weights.reshape(-1, 3, 3).transpose(0, 2, 1).reshape(-1, 9)
    taps = np.pad(columns, ((0, 0), (0, 1))).reshape(-1, 2, 5, 2)  # pairs, channels, words, taps
    words = np.ascontiguousarray(taps.transpose(0, 2, 1, 3)).reshape(len(taps), -1).view("<i4")
    shifts = (-1 - factors.shift).reshape(-1, 2)
    ends = np.stack([*bias.reshape(-1, 2).T, *factors.mantissa.reshape(-1, 2).T, shifts[:, 0] | shifts[:, 1] << 8])
    qmin, qmax = type_range(site.outputs[0], op.clamp)
    return {
        "batch": x[0],
        "in_h": x[1],
        "in_w": x[2],
        "in_c": x[3],
        "out_h": y[1],
        "out_w": y[2],
        "stride_h": op.stride[0],
        "stride_w": op.stride[1],
        "pad_top": op.padding[0],
        "pad_left": op.padding[1],
        "weights": np.hstack([ends.T, words]).astype(np.int32),
        "qmin": qmin,
        "qmax": qmax,
        "stripe": stripes.rows,
        "columns": stripes.columns,
    }


def depthwise_int16_row() -> Kernel:
    """The row of depthwise convolutions with windows of 3×3."""
    return Kernel(
        "eq_depthwise_conv2d_int16_dsp",
        ("dsp/depthwise_int16.c",),
        "eq/depthwise_conv2d_int16_dsp.h",
        "eq_depthwise_conv2d_int16_dsp_params",
        _lower_depthwise,
        isa=DSP,
        fits=all_of(
            WIDE,
            SYMMETRIC,
            NARROW_SUMS,
            Condition("Windows are 3×3 and not dilated, one output channel for each of the input", _is_3x3),
            Condition("The number of channels is even", _is_even),
            SMALL_FACTORS,
        ),
        scratch=lambda site: 4 * _stripes(site).words,
        exactly=_in_place,
        elements=INT16,
    )


def conv2d_int16_row() -> Kernel:
    """The row of convolutions in one group."""
    return _row(_lower_conv, (has_one_group,))


def fully_connected_int16_row() -> Kernel:
    """The row of fully connected layers."""
    return _row(_lower_rows, ())


def function_int16_rows() -> KernelTable:
    """The row of operators on one tensor, element by element, for those that have a table of 1025 values."""
    row = replace(WIDE_ROW, function="eq_table_int16_dsp", sources=("dsp/table_int16.c",), isa=DSP)
    return {op: (row,) for op in registry().values() if WIDE_ROW in op.kernels}
