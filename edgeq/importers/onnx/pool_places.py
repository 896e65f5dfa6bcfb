"""Pools of maxima that gather their windows: of whole numbers, and where the maxima are."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import Places, chosen, numbered
from edgeq.importers.onnx.handlers import handles_whole
from edgeq.importers.onnx.node import OnnxNode
from edgeq.importers.onnx.spatial import Window
from edgeq.importers.onnx.whole import folded, kind_of, number, pair, stored
from edgeq.ir.tensor import DType, Shape
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.gather import Gather
from edgeq.ops.reshape import Reshape
from edgeq.ops.whole_pair import WholePair

MOST_PLACES = 1 << 20
"""Elements of all windows, each of which a table has the place of."""


def window_places(shape: Shape, geometry: Window) -> tuple[Places, Shape]:
    """Places in a tensor (N, C, H, W) of the elements of each window, (N · C, elements, rows · columns); and rows and
    columns. What is in the padding is the first element of the window that is not.

    Raises:
        ModelError: there would be too many.
    """
    n, c, *sizes = shape
    lines, inside = [], []
    for k, size in enumerate(sizes):
        room = size + geometry.padding[k] + geometry.padding[k + 2] - geometry.span[k]
        starts = np.arange(room // geometry.stride[k] + 1) * geometry.stride[k] - geometry.padding[k]
        line = np.arange(geometry.kernel[k])[:, None] * geometry.dilation[k] + starts
        lines.append(np.clip(line, 0, size - 1))
        inside.append((line >= 0) & (line < size))
    out = (lines[0].shape[1], lines[1].shape[1])
    if n * c * prod(geometry.kernel) * prod(out) > MOST_PLACES:
        raise ModelError(f"{prod(geometry.kernel)} elements of {prod(out)} windows would be gathered", hint="use less")
    plane = lines[0][:, None, :, None] * sizes[1] + lines[1][None, :, None, :]
    known = inside[0][:, None, :, None] & inside[1][None, :, None, :]
    plane, known = (np.broadcast_to(v, (*geometry.kernel, *out)).reshape(-1, prod(out)) for v in (plane, known))
    first = np.take_along_axis(plane, known.argmax(axis=0)[None], 0)
    return np.arange(n * c)[:, None, None] * prod(sizes) + np.where(known, plane, first), out


def _image(node: OnnxNode) -> Shape:
    """The shape of input 0, as that of an image."""
    shape = node.shape(0)
    if len(shape) not in (3, 4):
        raise ModelError(f"a pool over {shape} is not supported here", hint="use one or two dimensions")
    return (*shape[:2], *((1, shape[2]) if len(shape) == 3 else shape[2:]))


def add_places(node: OnnxNode, geometry: Window) -> None:
    """The second output of MaxPool: of each window where its first greatest element is in the whole tensor.

    Raises:
        ModelError: the pool has other dimensions, or too many windows.
    """
    shape = _image(node)
    places, out = window_places(shape, geometry)
    found = node.emit(ArgMax(1), [chosen(node, [node.value(0)], places, "windows")], "which")
    counted = numbered(shape)
    if node.attr_int("storage_order", 0):  # columns before rows
        counted = np.swapaxes(numbered((*shape[:2], shape[3], shape[2])), 2, 3)
    table = stored(node, counted.ravel()[places].ravel(), "table")
    rows = np.arange(len(places))[:, None] * prod(places.shape[1:]) + np.arange(prod(out))
    steps = node.emit(WholePair("mul"), [found, number(node, prod(out), "step")], "steps")
    at = node.emit(WholePair("add"), [steps, stored(node, rows, "rows")], "at")
    y = node.emit(Gather(0), [table, at], "places", keep_q=True)
    result = (*shape[:2], *(out[1:] if len(node.shape(0)) == 3 else out))
    node.result(node.emit(Reshape(result), [y], "shaped", keep_q=True), 1, DType.INT64)


@handles_whole("MaxPool")
def max_pool(node: OnnxNode) -> None:
    """Maxima of whole numbers."""
    from edgeq.importers.onnx.pooling import pool_window

    dtype, shape = kind_of(node), _image(node)
    places, out = window_places(shape, pool_window(node))
    y = folded(node, chosen(node, [node.value(0)], places, "windows"), 1, pair("maximum", dtype), "greatest")
    result = (*shape[:2], *(out[1:] if len(node.shape(0)) == 3 else out))
    node.result(node.emit(Reshape(result), [y], keep_q=True), integers=dtype)
