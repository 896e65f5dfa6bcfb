"""Sliding windows over NHWC images, for convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import gcd, inf
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Param
from edgeq.ir.op import Rows
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Padding as Padding
from edgeq.numerics.runs import room

Pair = tuple[int, int]
BLOCK = 1 << 16
"""Elements that stay in the nearest cache while all taps are accumulated."""


def check_attributes(kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> None:
    """Refuse meaningless windows.

    Raises:
        ValueError: a size, stride or dilation below one, or a negative padding.
    """
    if min(*kernel, *stride, *dilation) < 1:
        raise ValueError(f"window {kernel}, stride {stride} and dilation {dilation} must all be at least 1")
    if min(padding) < 0:
        raise ValueError(f"padding {padding} (top, left, bottom, right) must not be negative")


def more_padding(own: Padding, added: Padding) -> Padding:
    """Both paddings as one."""
    return own[0] + added[0], own[1] + added[1], own[2] + added[2], own[3] + added[3]


def within_reach(kernel: Pair, padding: Padding) -> bool:
    """Whether every dense window holds an element that is not padding."""
    return padding[0] < kernel[0] and padding[2] < kernel[0] and padding[1] < kernel[1] and padding[3] < kernel[1]


def check_bias(bias: Shape | None, channels: int) -> None:
    """Refuse a bias of another length than the output has channels.

    Raises:
        ValueError: it does not fit.
    """
    if bias is not None and bias != (channels,):
        raise ValueError(f"a bias of shape {bias} does not fit {channels} output channel(s)")


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


def padded(x: Array, padding: Padding, fill: float) -> Array:
    """x (N, H, W, C) with `fill` around its rows and columns; x itself where there is no padding."""
    if not any(padding):
        return x
    top, left, bottom, right = padding
    n, h, w, c = x.shape
    result = np.empty((n, top + h + bottom, left + w + right, c), x.dtype)
    result[:, :top], result[:, top + h :] = fill, fill
    result[:, :, :left], result[:, :, left + w :] = fill, fill
    result[:, top : top + h, left : left + w] = x
    return result


def windows(x: Array, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, fill: float) -> Array:
    """All windows of x (N, H, W, C), padded with `fill`: a view of shape (N, OH, OW, KH, KW, C)."""
    image = padded(x, padding, fill)
    oh, ow = out_hw((x.shape[1], x.shape[2]), kernel, stride, dilation, padding)
    n, h, w, c = image.strides
    return np.lib.stride_tricks.as_strided(
        image,
        (x.shape[0], oh, ow, *kernel, x.shape[3]),
        (n, h * stride[0], w * stride[1], h * dilation[0], w * dilation[1], c),
        writeable=False,
    )


def taps(
    x: Array, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, fill: float
) -> Iterator[tuple[int, int, Array]]:
    """For every position (row, column) within the window: the elements of all windows there, a view (N, OH, OW, C)."""
    view = windows(x, kernel, stride, dilation, padding, fill)
    for ky in range(kernel[0]):
        for kx in range(kernel[1]):
            yield ky, kx, view[:, :, :, ky, kx]


def weighted_sums(
    x: Array,
    w: Array,
    stride: Pair,
    dilation: Pair,
    padding: Padding,
    fill: float,
    bias: Array | None = None,
    clamp: tuple[float, float] = (-inf, inf),
) -> Array:
    """Every channel of x (N, H, W, C) under its own window of weights (KH, KW, C): (N, OH, OW, C) in their dtype.

    Products are added in the order of the taps, and a bias (C,) at the end; each multiplication and each addition is
    rounded by itself. `clamp` are the bounds of a fused activation.
    """
    oh, ow = out_hw((x.shape[1], x.shape[2]), (w.shape[0], w.shape[1]), stride, dilation, padding)
    result = np.empty((x.shape[0], oh, ow, x.shape[3]), w.dtype)
    bias = None if bias is None else np.broadcast_to(bias.astype(w.dtype), (ow, x.shape[3])).copy()
    for images, rows, sums in blocks_of_sums(x, w, stride, dilation, padding, fill):
        done = result[images, rows]
        if bias is None:
            done[...] = sums
        else:
            np.add(sums, bias, out=done)
        if clamp != (-inf, inf):
            np.clip(done, np.float32(clamp[0]), np.float32(clamp[1]), out=done)
    return result


def blocks_of_sums(
    x: Array, w: Array, stride: Pair, dilation: Pair, padding: Padding, fill: float, exact: bool = False
) -> Iterator[tuple[slice, slice, Array]]:
    """The sums of `weighted_sums`, so many rows at a time that they stay in a cache.

    Args:
        x, w, stride, dilation, padding, fill: as `weighted_sums` takes them.
        exact: no sum of these products is rounded, in any order: then they are added in the fastest one.

    Yields:
        Which images and rows, and their sums (images, rows, OW, C), which are overwritten afterwards.
    """
    kernel, channels = (w.shape[0], w.shape[1]), x.shape[3]
    oh, ow = out_hw((x.shape[1], x.shape[2]), kernel, stride, dilation, padding)
    along = np.repeat(w[:, :, None], ow, axis=2)  # as long as a row of the output
    at_once = max(1, (BLOCK if exact else BLOCK // 4) // max(1, ow * channels))  # tap by tap they are read 17 times
    images = max(1, at_once // oh)
    shape = min(images, x.shape[0]), min(at_once, oh), ow, channels
    parts, whole = room("products", shape, w.dtype), room("sums_of_products", shape, w.dtype)
    for n in range(0, x.shape[0], images):
        for top in range(0, oh, at_once):
            part, sums = (both[: x.shape[0] - n, : oh - top] for both in (parts, whole))
            rows = (sums.shape[1] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1
            columns = _columns(x[n : n + images], top * stride[0], rows, stride[1], padding, fill, w.dtype)
            if exact:
                _sum_of_products(columns, along, stride, dilation, part, sums)
                yield slice(n, n + images), slice(top, top + at_once), sums
                continue
            for ky in range(kernel[0]):
                first = ky * dilation[0]
                every = slice(first, first + (sums.shape[1] - 1) * stride[0] + 1, stride[0])
                for kx in range(kernel[1]):
                    shift, start = divmod(kx * dilation[1], stride[1])
                    seen = columns[start][:, every, shift : shift + ow]
                    np.multiply(seen, along[ky, kx], out=part if ky or kx else sums)
                    if ky or kx:
                        sums += part
            yield slice(n, n + images), slice(top, top + at_once), sums


def _sum_of_products(
    columns: list[Array], weights: Array, stride: Pair, dilation: Pair, part: Array, sums: Array
) -> None:
    """All products of a block, added in whatever order one loop over them takes: half as long as tap by tap.

    Args:
        columns: as `_columns` gives them.
        weights: (KH, KW, OW, C).
        stride, dilation: of the windows.
        part: room of the shape of the sums.
        sums: (images, rows, OW, C), overwritten.
    """
    high, wide, ow, channels = weights.shape
    run, every = ow * channels, stride[1] // gcd(stride[1], dilation[1])
    taps = weights.reshape(high, wide, run)
    for first in range(min(every, wide)):  # taps that meet the same columns
        shift, start = divmod(first * dilation[1], stride[1])
        image, row, column, element = columns[start].strides
        apart = every * dilation[1] // stride[1] * column
        seen = np.lib.stride_tricks.as_strided(
            columns[start][:, :, shift:],
            (high, -(-(wide - first) // every), *sums.shape[:2], run),
            (dilation[0] * row, apart, image, stride[0] * row, element),
            writeable=False,
        )
        found = part if first else sums
        np.einsum("yxnrj,yxj->nrj", seen, taps[:, first::every], out=found.reshape(*found.shape[:2], run))
        if first:
            sums += part


def _columns(
    x: Array, top: int, rows: int, stride: int, padding: Padding, fill: float, dtype: npt.DTypeLike
) -> list[Array]:
    """So many padded rows of images from row `top` on, in this dtype: every `stride`-th column, from each of the first
    ones on. The columns that one tap meets lie side by side: then a row of the output is one run of memory.

    They are overwritten by the next call.
    """
    above, left, _, right = padding
    n, height, width, channels = x.shape
    begin = min(height, max(0, top - above))
    end = max(begin, min(height, top + rows - above))
    first = min(rows, max(0, begin + above - top))
    inside = slice(first, first + end - begin)
    found = []
    for start in range(stride):
        count = -(-(left + width + right - start) // stride)
        columns = room(f"columns_{start}", (n, rows, count, channels), dtype)
        before = max(0, -(-(left - start) // stride))
        seen = x[:, begin:end, start + before * stride - left :: stride]
        columns[:, : inside.start], columns[:, inside.stop :] = fill, fill
        columns[:, inside, :before], columns[:, inside, before + seen.shape[2] :] = fill, fill
        columns[:, inside, before : before + seen.shape[2]] = seen
        found.append(columns)
    return found


def inside_counts(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> Array:
    """How many taps of each window along one dimension lie on elements, not on padding: int64 (positions,)."""
    starts = np.arange(out_size(size, kernel, stride, dilation, before, after)) * stride - before
    at = starts[:, None] + np.arange(kernel) * dilation
    return np.asarray(((at >= 0) & (at < size)).sum(axis=1), np.int64)


def window_rows(
    size: int, kernel: int, stride: int, dilation: int, before: int, rows: Rows
) -> tuple[Rows, int, int] | None:
    """Rows of an image that windows over it reach, and how many rows of padding they reach above and below.

    Args:
        size: rows of the image.
        kernel, stride, dilation: of the windows.
        before: rows of padding above the image.
        rows: of the output.

    Returns:
        None if there is a window that reaches no row.
    """
    begin, last = rows[0] * stride - before, (rows[1] - 1) * stride - before
    end = last + dilation * (kernel - 1) + 1
    starts = range(begin, last + 1, stride)
    if not all(any(0 <= y + k * dilation < size for k in range(kernel)) for y in starts):
        return None
    return (max(begin, 0), min(end, size)), max(-begin, 0), max(end - size, 0)


class Sliding(Protocol):
    """An operator with a sliding window."""

    @property
    def stride(self) -> Pair:
        """Rows and columns."""

    @property
    def padding(self) -> Padding:
        """Rows above, columns left, rows below, columns right."""


def rows_along(
    op: Sliding, x: Shape, kernel: Pair, dilation: Pair, rows: Rows, axis: int
) -> tuple[Rows, Padding] | None:
    """What windows read of x (N, H, W, C) for some rows of the output, or for some columns, and what they then pad.

    None: there is a window that reaches nothing, or `axis` is neither.
    """
    side = axis - 1
    if side not in (0, 1):
        return None
    reached = window_rows(x[axis], kernel[side], op.stride[side], dilation[side], op.padding[side], rows)
    if reached is None:
        return None
    inside, before, after = reached
    top, left, bottom, right = op.padding
    return inside, (before, left, after, right) if side == 0 else (top, before, bottom, after)


def check_covered(hw: Pair, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> None:
    """Refuse pools with a window that meets no element.

    Raises:
        ValueError: there is one.
    """
    for i, axis in enumerate(("above or below", "left or right of")):
        if not inside_counts(hw[i], kernel[i], stride[i], dilation[i], padding[i], padding[2 + i]).all():
            raise ValueError(f"with padding {padding} a window of {kernel} lies wholly {axis} the image")


def is_window(site: Site) -> bool:
    """The weights of a convolution have more than one row or column: (OC, KH, KW, C)."""
    return site.input(1).shape[1:3] != (1, 1)


def geometry(x: Shape, y: Shape, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> Mapping[str, Param]:
    """The members that all window kernels share, from input and output shapes (NHWC) and the window."""
    return {
        "batch": x[0],
        "in_h": x[1],
        "in_w": x[2],
        "in_c": x[3],
        "out_h": y[1],
        "out_w": y[2],
        "out_c": y[3],
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "stride_h": stride[0],
        "stride_w": stride[1],
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
        "pad_top": padding[0],
        "pad_left": padding[1],
    }
