"""The row of depthwise convolutions with windows one pixel wide or high that meet no padding, as over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.dsp.depthwise import requant_members, requantizes
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import pack_columns
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D


def is_column(site: Site) -> bool:
    """The window is one pixel wide or high and meets no padding; four channels or more, each with one filter."""
    op, x, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.input(1).shape
    return 1 in w[:2] and not any(op.padding) and w[2] == x[3] >= 4


def lower_column(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_column_dsp`."""
    op, x, y, w = op_of(site, DepthwiseConv2D), site.input(0).shape, site.outputs[0].shape, site.const(1)
    axis = 1 if w.shape[0] == 1 else 0
    row = x[2] * x[3]
    members = requant_members(site)
    taps = w.reshape(-1, x[3]).astype(np.int64) << np.asarray(members["weight_shift"])
    return {
        "images": y[0],
        "rows": y[1],
        "columns": y[2],
        "channels": x[3],
        "image_step": x[1] * row,
        "row_step": op.stride[0] * row,
        "column_step": op.stride[1] * x[3],
        "taps": len(taps),
        "tap_step": op.dilation[axis] * (x[3] if axis else row),
        "weights": pack_columns(taps, np.asarray(members["bias"]), np.asarray(members["mantissa"])),
        **{name: value for name, value in members.items() if name not in ("weight_shift", "bias", "mantissa")},
    }


def row_column() -> Kernel:
    """The kernel for windows of one column or one row."""
    return Kernel(
        "eq_depthwise_conv2d_column_dsp",
        ("dsp/depthwise_column.c",),
        "eq/depthwise_conv2d_dsp.h",
        "eq_depthwise_conv2d_column_dsp_params",
        lower_column,
        isa=DSP,
        fits=all_of(is_column, requantizes),
        rounded=True,
    )
