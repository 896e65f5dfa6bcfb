"""Rows of int16 activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.contiguous import rows_are_contiguous_or_repeated
from edgeq.kernels._shared.int16 import SMALL_FACTORS, SMALL_PRODUCT, factors_of
from edgeq.kernels._shared.site import flat_weights, op_of, padded
from edgeq.kernels.mve.conv2d import TILE, is_1x1, one_group, overlap_1x1, overlap_any
from edgeq.kernels.mve.fully_connected import overlap as row_overlap
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import BLOCK, GROUP, WORDS, fill, interleave
from edgeq.ops import max_pool2d, mul, softmax
from edgeq.ops._addsub import lower_fast
from edgeq.ops._broadcast import both_computed, one_constant
from edgeq.ops._fits import is_fast
from edgeq.ops._int16 import NARROW_SUMS, WIDE
from edgeq.ops._overlap import Overlaps, elementwise, first_pixels, in_groups
from edgeq.ops._packed import SYMMETRIC
from edgeq.ops._requant import folded_bias, type_range
from edgeq.ops._softmax import columns
from edgeq.ops._table import WIDE_ROW
from edgeq.ops._window import geometry
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

LANES = 8
"""Values of a vector."""
HEADER = "eq/conv2d_int16_mve.h"
PairOfRows = tuple[Kernel, Kernel]
"""With two computed operands, and with one."""
_FITS = all_of(WIDE, SYMMETRIC, NARROW_SUMS, SMALL_FACTORS)


def _numbers(site: Site, order: Array, step: int) -> dict[str, Param]:
    """The members `bias, multiplier, shift, qmin, qmax`.

    Args:
        site: a product with weights.
        order: channels, -1: none.
        step: to a multiple of which the biases are filled up.
    """
    flat, factors, clamp = flat_weights(site), factors_of(site), site.op.fused_clamp
    assert clamp is not None
    qmin, qmax = type_range(site.outputs[0], clamp)

    def ordered(values: Array, step: int = WORDS) -> Array:
        return fill(np.where(order < 0, 0, values[order]).astype(np.int32), step)

    return {
        "bias": ordered(folded_bias(site, flat.astype(np.int64), len(flat)), step),
        "multiplier": ordered(factors.mantissa),
        "shift": ordered(factors.shift + 1),
        "qmin": qmin,
        "qmax": qmax,
    }


def _lower_conv(site: Site) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, Conv2D), site.input(0).shape, site.outputs[0].shape, site.input(1).shape
    return {
        **geometry(x, y, (w[1], w[2]), op.stride, op.dilation, op.padding),
        "in_c": 2 * x[3],
        "pad_value": 0,
        "weights": interleave(flat_weights(site), 2, LANES),
        **_numbers(site, np.arange(y[3]), WORDS),
        "zero_point": 0,
    }


def conv2d_int16_rows() -> tuple[Kernel, ...]:
    """The rows of convolutions in one group."""
    common = ("mve/conv_tile_int16.c", "mve/gemm_int16.c")
    row = Kernel(
        "eq_conv2d_int16_mve",
        ("mve/conv2d_int16.c", *common),
        HEADER,
        "eq_conv2d_mve_params",
        _lower_conv,
        MVE,
        all_of(one_group, _FITS),
        lambda site: TILE * padded(2 * site.const(1)[0].size, BLOCK),
        overlap_any,
        elements=INT16,
    )
    pointwise = Kernel(
        "eq_conv2d_1x1_int16_mve",
        ("mve/conv2d_1x1_int16.c", *common),
        HEADER,
        "eq_conv2d_mve_params",
        _lower_conv,
        MVE,
        all_of(is_1x1, row.fits),
        overlap=overlap_1x1,
        elements=INT16,
    )
    return pointwise, row


def _lower_rows(site: Site) -> Mapping[str, Param]:
    out_c, in_c = site.const(1).shape
    return {
        "rows": site.outputs[0].size // out_c,
        "in_c": in_c,
        "out_c": out_c,
        "weights": interleave(site.const(1), GROUP, LANES),
        **_numbers(site, np.arange(out_c), 2 * GROUP),
    }


def fully_connected_int16_row() -> Kernel:
    """The row of fully connected layers."""
    return Kernel(
        "eq_fully_connected_int16_mve",
        ("mve/fully_connected_int16.c",),
        HEADER,
        "eq_fully_connected_int16_mve_params",
        _lower_rows,
        MVE,
        _FITS,
        overlap=row_overlap,
        elements=INT16,
    )


def _lower_depthwise(site: Site) -> Mapping[str, Param]:
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    channels = padded(x[3], LANES)
    order = np.where(np.arange(channels) < x[3], np.arange(channels), -1).reshape(-1, LANES // 2, 2)
    shapes = geometry(x, y, (w.shape[0], w.shape[1]), op.stride, op.dilation, op.padding)
    taps = np.pad(w.reshape(-1, x[3]), ((0, 0), (0, channels - x[3]))).reshape(w.shape[0] * w.shape[1], -1, LANES)
    return {
        **{key: value for key, value in shapes.items() if key != "out_c"},
        "weights": taps.transpose(1, 0, 2).ravel(),
        **_numbers(site, order.transpose(0, 2, 1).ravel(), WORDS),
    }


def _has_one_filter(site: Site) -> bool:
    return site.outputs[0].shape[3] == site.input(0).shape[3]


def _overlap_depthwise(site: Site) -> Overlaps:
    """Pixels in order, and their channels eight by eight."""
    op, w = op_of(site, DepthwiseConv2D), site.input(1).shape
    first = first_pixels(site, (w[0], w[1]), op.stride, op.dilation, op.padding)
    return in_groups(site, first, site.input(0).shape[3], LANES)


def depthwise_int16_row() -> Kernel:
    """The row of depthwise convolutions."""
    return Kernel(
        "eq_depthwise_conv2d_int16_mve",
        ("mve/depthwise_int16.c",),
        HEADER,
        "eq_depthwise_conv2d_int16_mve_params",
        _lower_depthwise,
        MVE,
        all_of(Condition("There is one output channel for each of the input", _has_one_filter), _FITS),
        overlap=_overlap_depthwise,
        elements=INT16,
    )


def _pair_rows(name: str, struct: str, lower: Callable[[Site], Mapping[str, Param]], fits: Predicate) -> PairOfRows:
    row = Kernel(
        f"eq_{name}_int16_mve",
        (f"mve/{name}_int16.c",),
        "eq/pair_int16.h",
        struct,
        lower,
        MVE,
        all_of(both_computed, fits, rows_are_contiguous_or_repeated),
        overlap=elementwise,
        elements=INT16,
    )
    constant = all_of(one_constant, fits, rows_are_contiguous_or_repeated)
    return row, replace(row, function=f"eq_{name}_int16_const_mve", fits=constant)


def sum_int16_rows() -> PairOfRows:
    """The rows of Add and Sub."""
    return _pair_rows("add", "eq_add_int16_params", lower_fast, is_fast)


def mul_int16_rows() -> PairOfRows:
    """The rows of Mul."""
    return _pair_rows("mul", "eq_mul_int16_params", mul.lower_int16, all_of(WIDE, SMALL_PRODUCT))


def function_int16_rows() -> KernelTable:
    """The row of operators on one tensor, element by element, for those that have a table of 1025 values."""
    row = replace(WIDE_ROW, function="eq_table_int16_mve", sources=("mve/table_int16.c",), isa=MVE)
    return {op: (row,) for op in registry().values() if WIDE_ROW in op.kernels}


def max_pool2d_int16_row() -> Kernel:
    """The row of MaxPool2D."""
    return Kernel(
        "eq_max_pool2d_int16_mve",
        ("mve/max_pool2d_int16.c",),
        "eq/pool2d_int16.h",
        "eq_pool2d_int16_params",
        max_pool2d.lower_int16,
        MVE,
        overlap=lambda site: in_groups(site, max_pool2d.first(site), site.input(0).shape[3], LANES),
        elements=INT16,
    )


def softmax_int16_row() -> Kernel:
    """The row of Softmax."""
    few = Condition("Rows have two elements or more", lambda site: columns(site) > 1)
    usual = Condition("Outputs have steps of at least 2⁻²⁸", lambda site: softmax.output_factor16(site)[1] > 32)
    row = softmax.int16_row()
    return replace(
        row,
        function="eq_softmax_int16_mve",
        sources=("mve/softmax_int16.c",),
        isa=MVE,
        fits=all_of(row.fits, few, usual),
    )
