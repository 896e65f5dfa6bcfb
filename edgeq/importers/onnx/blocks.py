"""Operators composed of simpler moves: blocks of pixels, repetition, selection of elements."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.choice import along, part
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, OnnxNode
from edgeq.importers.onnx.spatial import from_nhwc, to_nhwc
from edgeq.ir.tensor import Shape
from edgeq.ops.concat import Concat
from edgeq.ops.gather import Gather
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose

_CHECK = "check the attributes and shapes of this node"
MOST_PARTS = 256
"""The most pieces that one operator may become."""
MOST_SLICES = 8
"""The most ranges that are sliced and joined; elements of more are picked one by one."""


@handles("DepthToSpace", "SpaceToDepth", integers=True)
def depth_moves(node: OnnxNode) -> None:
    """Channels to pixels of a block or back: a transpose between two reshapes.

    Raises:
        ModelError: the input is no image, or the blocks do not fit it.
    """
    shape, size, mode = node.shape(0), node.attr_int("blocksize", 0), node.attr_str("mode", "DCR")
    if len(shape) != 4 or not 0 < size < 2**15 or mode not in ("DCR", "CRD"):
        raise ModelError(f"an input of shape {shape} does not fit blocks of {size} in mode {mode!r}", hint=_CHECK)
    n, c, h, w = shape
    if node.kind == "DepthToSpace":
        deep = c // (size * size)
        apart: Shape = (n, h, w, size, size, deep) if mode == "DCR" else (n, h, w, deep, size, size)
        order = (0, 1, 3, 2, 4, 5) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
        whole: Shape = (n, h * size, w * size, deep)
    else:
        apart = (n, h // size, size, w // size, size, c)
        order = (0, 1, 3, 2, 4, 5) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
        whole = (n, h // size, w // size, c * size * size)
    if prod(apart) != prod(shape):
        raise ModelError(f"an input of shape {shape} does not fit blocks of {size}", hint=_CHECK)
    blocks = node.emit(Reshape(apart), [to_nhwc(node, node.value(0))], "blocks", keep_q=True)
    moved = node.emit(Transpose(order), [blocks], "moved", keep_q=True)
    node.result(from_nhwc(node, node.emit(Reshape(whole), [moved], "whole", keep_q=True), 4))


@handles("Tile", integers=True)
def tile(node: OnnxNode) -> None:
    """Repeat a tensor along its axes."""
    shape, repeats = node.shape(0), node.ints(1, "the number of repeats") or ()
    if len(repeats) != len(shape):
        raise ModelError(f"an input of shape {shape} cannot be repeated {repeats} times", hint=_CHECK)
    node.result(_repeated(node, node.value(0), repeats))


@handles("Expand", integers=True)
def expand(node: OnnxNode) -> None:
    """Repeat a tensor where it has size 1 and another shape has not, as NumPy broadcasts."""
    shape, wanted = node.shape(0), node.ints(1, "the shape") or ()
    rank = max(len(shape), len(wanted))
    before, after = (1,) * (rank - len(shape)) + shape, (1,) * (rank - len(wanted)) + wanted
    if any(1 not in (a, b) and a != b for a, b in zip(before, after, strict=True)):
        raise ModelError(f"{shape} cannot be expanded to {wanted}", hint=_CHECK)
    x = node.value(0)
    if before != shape:
        x = node.emit(Reshape(before), [x], "ranked", keep_q=True)
    repeats = tuple(b if a == 1 else 1 for a, b in zip(before, after, strict=True))
    node.result(_repeated(node, x, repeats))


def _repeated(node: OnnxNode, x: str, repeats: Shape) -> str:
    """A value joined with itself, the innermost axis first.

    Raises:
        ModelError: it becomes empty, or what is more than one element along an axis is repeated absurdly often.
    """
    shape = node.type(x).shape
    if any(r < 1 or (n > 1 and r > MOST_PARTS) for n, r in zip(shape, repeats, strict=True)):
        raise ModelError(
            f"repeating {repeats} times is not supported",
            hint=f"repeat 1 to {MOST_PARTS} times along an axis; operators that broadcast need no repetition",
        )
    for axis in reversed(range(len(repeats))):
        if shape[axis] == 1 and repeats[axis] > MOST_SLICES:
            x = along(node, x, axis, np.zeros(repeats[axis], np.int64), f"repeated_{axis}")
        elif repeats[axis] > 1:
            x = node.emit(Concat(axis), [x] * repeats[axis], f"repeated_{axis}", keep_q=True)
    return x


@handles("Gather", integers=True)
def gather(node: OnnxNode) -> None:
    """Pick elements of an axis by constant indices: a few slices, joined, or one by one; a scalar index drops the axis.

    Indices that are inputs or computed are looked up at run time, as those of an embedding.

    Raises:
        ModelError: constant indices are out of range, or computed ones no whole numbers.
    """
    shape, x = node.shape(0), node.value(0)
    (axis,) = normalize_axes([node.attr_int("axis", 0)], len(shape))
    places, source = node.operand(1), node.operand(0)
    moved = source.integers if isinstance(source, Activation) else None
    if isinstance(places, Activation):
        if not node.type(places.value).is_whole:
            raise ModelError("its indices are no whole numbers", hint="give them as an input of int32 or int64")
        node.result(node.emit(Gather(axis), [x, places.value], keep_q=True), integers=moved)
        return
    indices = places.data
    flat = [int(i) + (shape[axis] if i < 0 else 0) for i in indices.ravel().tolist()]
    if not flat or any(not 0 <= i < shape[axis] for i in flat):
        raise ModelError(f"it picks elements {flat[:8]} of {shape[axis]}", hint=_CHECK)
    ranges = _ranges(flat)
    if len(ranges) > MOST_SLICES:
        y = along(node, x, axis, np.array(flat), "")
    else:
        ends = [r[-1] + (1 if r.step > 0 else -1) for r in ranges]
        parts = [
            part(node, x, axis, r[0], end, f"part{k}" if k else "", r.step)
            for k, (r, end) in enumerate(zip(ranges, ends, strict=True))
        ]
        y = parts[0] if len(parts) == 1 else node.emit(Concat(axis), parts, "picked", keep_q=True)
    form = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
    y = y if indices.ndim == 1 else node.emit(Reshape(form), [y], "shaped", keep_q=True)
    node.result(y, integers=moved)


def _ranges(indices: list[int]) -> list[range]:
    """Indices as ranges of equal steps, as long as possible from the left."""
    found: list[range] = []
    start = 0
    while start < len(indices):
        end, step = start + 1, 1
        if end < len(indices) and indices[end] != indices[start]:
            step = indices[end] - indices[start]
        while end < len(indices) and indices[end] - indices[end - 1] == step:
            end += 1
        if end - start == 2 and abs(step) > 1 and end < len(indices):  # the second may begin a longer one
            end, step = start + 1, 1
        found.append(range(indices[start], indices[end - 1] + (1 if step > 0 else -1), step))
        start = end
    return found
