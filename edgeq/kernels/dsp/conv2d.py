"""Rows of convolutions in one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.dsp.gemm import (
    TILE,
    Matrix,
    gemm_members,
    int4_members,
    int4_rows,
    matrix,
    pointwise_int4_rows,
    pointwise_rows,
    scratch,
    spare_bytes,
    variants,
)
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops._overlap import Overlaps, collected, first_pixels, tiles
from edgeq.ops._requant import effective_multiplier
from edgeq.ops._window import geometry, is_window
from edgeq.ops.conv2d import Conv2D


def conv_matrix(site: Site) -> Matrix:
    """The matrix of a convolution: the windows are multiplied by it."""
    return matrix(site, effective_multiplier(site, site.outputs[0].shape[-1]), op_of(site, Conv2D).clamp)


def conv_overlap(site: Site) -> Overlaps:
    """Tiles of pixels in order, each read before it is written; a tile may continue into the next image."""
    op, w = op_of(site, Conv2D), site.input(1).shape
    first = first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding)
    return collected(site, tiles(first.reshape(1, -1), TILE))


def is_pointwise(site: Site) -> bool:
    """It is a 1×1 convolution in one group that reads every pixel in place."""
    op, w = op_of(site, Conv2D), site.input(1).shape
    return op.groups == 1 and w[1:3] == (1, 1) and op.stride == (1, 1) and not any(op.padding)


def has_one_group(site: Site) -> bool:
    """The convolution has one group."""
    return op_of(site, Conv2D).groups == 1


def _run(site: Site) -> int:
    """Values of a row of the window."""
    w = site.input(1).shape
    return w[2] * w[3]


def window_order(rows: int, run: int) -> npt.NDArray[np.int64]:
    """The order in which a window of `rows` of `run` values is read: whole words of each row, then the remainders."""
    at = np.arange(rows * run).reshape(rows, run)
    return np.concatenate([at[:, : run // 4 * 4].ravel(), at[:, run // 4 * 4 :].ravel()])


def _inside(site: Site) -> dict[str, int]:
    """Which output pixels have their whole window within the image, its columns side by side."""
    op, x, w = op_of(site, Conv2D), site.input(0).shape, site.input(1).shape
    y = site.outputs[0].shape
    bounds = {}
    for i, (low, high) in enumerate((("top", "bottom"), ("left", "right"))):
        reach = op.dilation[i] * (w[1 + i] - 1) + 1
        bounds[f"inside_{low}"] = -(-op.padding[i] // op.stride[i])
        bounds[f"inside_{high}"] = min(y[1 + i], (x[1 + i] + op.padding[i] - reach) // op.stride[i] + 1)
    if op.dilation[1] > 1 and w[2] > 1:
        bounds["inside_right"] = 0
    return bounds


def _window_bytes(site: Site) -> int:
    """Scratch bytes for windows that have to be assembled, and for what whole words leave of their rows."""
    rows, run, y = site.input(1).shape[1], _run(site), site.outputs[0].shape
    inside = _inside(site)
    whole = (0, 0, y[1], y[2]) == tuple(inside[f"inside_{side}"] for side in ("top", "left", "bottom", "right"))
    return TILE * rows * ((0 if whole else run) + run % 4)


def _windows(site: Site) -> Mapping[str, Param]:
    """The members of `eq_conv2d_dsp_params` beside the matrix."""
    op, x, y, w = op_of(site, Conv2D), site.input(0), site.outputs[0].shape, site.input(1).shape
    shapes = geometry(x.shape, y, (w[1], w[2]), op.stride, op.dilation, op.padding)
    plain = {key: value for key, value in shapes.items() if key != "out_c"}
    return {**plain, "pad_value": x.qp.zp, **_inside(site), "spare": spare_bytes(site)}


def _order(site: Site) -> npt.NDArray[np.int64]:
    return window_order(site.input(1).shape[1], _run(site))


def _members(site: Site, variant: str) -> Mapping[str, Param]:
    return {**gemm_members(site, conv_matrix(site), variant, _order(site)), **_windows(site)}


def _int4_members(site: Site, direct: bool) -> Mapping[str, Param]:
    return {**int4_members(site, conv_matrix(site), direct, _order(site)), **_windows(site)}


def conv2d_rows() -> tuple[Kernel, ...]:
    """The rows, those of 1×1 convolutions first."""
    row = Kernel(
        "eq_conv2d_dsp",
        ("dsp/conv2d.c", "dsp/gemm.c"),
        "eq/conv2d_dsp.h",
        "eq_conv2d_dsp_params",
        lambda site: {},
        scratch=lambda site: scratch(site, _window_bytes(site)),
        overlap=conv_overlap,
        instances=is_window,
    )
    narrow = replace(
        row,
        function="eq_conv2d_int4_dsp",
        sources=("dsp/conv2d_int4.c", "dsp/gemm_int4.c", "dsp/gemm.c"),
        header="eq/conv2d_int4_dsp.h",
    )
    double = (Rounding.DOUBLE,)
    pointwise = (*pointwise_rows(is_pointwise, conv_matrix, double), *pointwise_int4_rows(is_pointwise, conv_matrix))
    return (
        *(replace(k, goals=frozenset({"speed", "balanced"})) for k in pointwise),
        *variants(row, _members, has_one_group, conv_matrix, 2, double),
        *int4_rows(narrow, _int4_members, has_one_group, conv_matrix),
    )
