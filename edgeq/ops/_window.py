"""Sliding windows over NHWC images, for convolutions and pools."""

from __future__ import annotations

import numpy as np

from edgeq.ir.tensor import Array

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
"""Rows above, columns left, rows below, columns right."""


def out_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Positions of a window along one dimension.

    Raises:
        ValueError: the window does not fit once.
    """
    span = size + before + after - dilation * (kernel - 1) - 1
    if span < 0:
        raise ValueError(
            f"a window of {dilation * (kernel - 1) + 1} does not fit into {size + before + after} elements"
        )
    return span // stride + 1


def out_hw(hw: Pair, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> Pair:
    """Rows and columns of the output."""
    return (
        out_size(hw[0], kernel[0], stride[0], dilation[0], padding[0], padding[2]),
        out_size(hw[1], kernel[1], stride[1], dilation[1], padding[1], padding[3]),
    )


def windows(x: Array, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, fill: float) -> Array:
    """All windows of x (N, H, W, C), padded with `fill`: a view of shape (N, OH, OW, KH, KW, C)."""
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill) if any(padding) else x
    oh, ow = out_hw((x.shape[1], x.shape[2]), kernel, stride, dilation, padding)
    n, h, w, c = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (x.shape[0], oh, ow, *kernel, x.shape[3]),
        (n, h * stride[0], w * stride[1], h * dilation[0], w * dilation[1], c),
        writeable=False,
    )
