"""Operators that choose elements by constant indices: each element of the output is one of an input."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, Shape
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.gather import Gather
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.warnings import warn

_CHECK = "check the attributes and shapes of this node"
Places = npt.NDArray[np.int64]
COMBINED: dict[str, Op] = {"add": Add(), "mul": Mul(), "max": Maximum(), "min": Minimum()}
"""What Scatter's reductions make of the old element and the new one."""


def chosen(node: OnnxNode, sources: Sequence[str], places: Places, suffix: str = "chosen") -> str:
    """Add a choice of elements.

    Args:
        node: whose it is.
        sources: values whose elements count one after the other, in row-major order.
        places: which of them each element of the result is.
        suffix: of names.

    Returns:
        A value of the shape of `places`.
    """
    flat = []
    for k, value in enumerate(sources):
        shape = node.type(value).shape
        same = len(shape) == 1
        flat.append(value if same else node.emit(Reshape((prod(shape),)), [value], f"{suffix}_flat{k}", keep_q=True))
    whole = flat[0] if len(flat) == 1 else node.emit(Concat(0), flat, f"{suffix}_joined")
    found = along(node, whole, 0, places.ravel(), suffix)
    one_list = len(places.shape) == 1
    return found if one_list else node.emit(Reshape(places.shape), [found], f"{suffix}_shaped", keep_q=True)


def along(node: OnnxNode, x: str, axis: int, places: Places, suffix: str = "chosen") -> str:
    """Add a choice along one axis; `places` is a list. Returns its value."""
    stored = node.builder.editor.constant(node.builder.fresh(f"{node.name}_places"), places.astype(np.int32))
    return node.emit(Gather(axis), [x, stored], suffix, keep_q=True)


def part(node: OnnxNode, x: str, axis: int, begin: int, end: int, suffix: str, step: int = 1) -> str:
    """Add the elements begin, begin + step, … before `end` of an axis; with a negative step `end` may be −1."""
    shape = node.type(x).shape
    if (begin, end, step) == (0, shape[axis], 1):
        return x
    lows, highs, steps = [0] * len(shape), list(shape), [1] * len(shape)
    lows[axis], highs[axis], steps[axis] = begin, end, step
    return node.emit(Slice(tuple(lows), tuple(highs), tuple(steps)), [x], suffix, keep_q=True)


def indices_of(node: OnnxNode, index: int, sizes: Shape | int) -> Places:
    """A constant input of indices, negative ones counted from the end.

    Args:
        node: the node.
        index: of the input.
        sizes: how many elements there are, for all indices or for each of the last dimension's.

    Raises:
        ModelError: they are computed at run time, no integers, or out of range.
    """
    data = node.needed(index, "the tensor of indices").data
    if data.dtype.kind not in "iu":
        raise ModelError("the indices are no integers", hint="export the model again")
    limit = np.asarray(sizes, np.int64)
    whole = data.astype(np.int64)
    whole = np.where(whole < 0, whole + limit, whole)
    if ((whole < 0) | (whole >= limit)).any():
        raise ModelError(f"indices are out of range; there are {sizes} elements", hint=_CHECK)
    return np.asarray(whole, np.int64)


def numbered(shape: Shape) -> Places:
    """The place of every element of a tensor."""
    return np.arange(prod(shape), dtype=np.int64).reshape(shape)


def _axis(node: OnnxNode, default: int = 0) -> int:
    (axis,) = normalize_axes([node.attr_int("axis", default)], len(node.shape(0)))
    return axis


@handles("GatherElements", integers=True)
def gather_elements(node: OnnxNode) -> None:
    """y[…, i, …] = x[…, indices[…, i, …], …] along an axis; the indices may be computed."""
    shape, axis = node.shape(0), _axis(node)
    if node.constant(1) is None:
        from edgeq.importers.onnx import lookup

        lookup.gather_elements(node, axis)
        return
    indices = indices_of(node, 1, shape[axis])
    if indices.ndim != len(shape) or any(
        i > d for k, (i, d) in enumerate(zip(indices.shape, shape, strict=True)) if k != axis
    ):
        raise ModelError(f"indices of shape {indices.shape} do not fit {shape}", hint=_CHECK)
    node.result(chosen(node, [node.value(0)], _elements(numbered(shape), indices, axis)))


def _elements(places: Places, indices: Places, axis: int) -> Places:
    grid: list[Places] = list(np.indices(indices.shape, sparse=True))
    grid[axis] = indices
    return places[tuple(grid)]


@handles("GatherND", integers=True)
def gather_nd(node: OnnxNode) -> None:
    """Each last row of the indices, which may be computed, is the place of an element, or of a part, of x."""
    shape, batch = node.shape(0), node.attr_int("batch_dims", 0)
    depth = node.shape(1)[-1] if node.shape(1) else 0
    if not 0 <= batch <= len(shape) - depth or depth < 1 or node.shape(1)[:batch] != shape[:batch]:
        raise ModelError(f"indices of shape {node.shape(1)} do not fit {shape}", hint=_CHECK)
    if node.constant(1) is None:
        from edgeq.importers.onnx import lookup

        lookup.gather_nd(node, batch)
        return
    indices = indices_of(node, 1, shape[batch : batch + depth])
    flat = indices.reshape(prod(shape[:batch]), -1, depth)
    places = numbered(shape).reshape(prod(shape[:batch]), *shape[batch:])
    found = np.stack([p[tuple(np.moveaxis(i, -1, 0))] for p, i in zip(places, flat, strict=True)])
    node.result(chosen(node, [node.value(0)], found.reshape(*indices.shape[:-1], *shape[batch + depth :])))


@handles("ReverseSequence", integers=True)
def reverse_sequence(node: OnnxNode) -> None:
    """The first elements of each sequence in reverse, as many as its constant length says."""
    shape = node.shape(0)
    batch, time = normalize_axes([node.attr_int("batch_axis", 1), node.attr_int("time_axis", 0)], len(shape))
    lengths = node.ints(1, "the list of lengths") or ()
    if len(lengths) != shape[batch] or any(not 0 <= n <= shape[time] for n in lengths):
        raise ModelError(f"lengths {lengths} do not fit {shape}", hint=_CHECK)
    places = np.moveaxis(numbered(shape), (batch, time), (0, 1)).copy()
    for row, length in zip(places, lengths, strict=True):
        row[:length] = row[:length][::-1].copy()
    node.result(chosen(node, [node.value(0)], np.moveaxis(places, (0, 1), (batch, time))))


@handles("Compress", integers=True)
def compress(node: OnnxNode) -> None:
    """The elements, or parts along an axis, whose constant condition is true."""
    condition = np.flatnonzero(node.needed(1, "the condition").data)
    x, axis = node.value(0), _axis(node) if node.has_attr("axis") else None
    size = prod(node.shape(0)) if axis is None else node.shape(0)[axis]
    if not condition.size or condition[-1] >= size:
        raise ModelError(f"the condition chooses {condition.size} of {size} elements", hint=_CHECK)
    if axis is None:
        node.result(chosen(node, [x], condition.astype(np.int64)))
    else:
        node.result(along(node, x, axis, condition.astype(np.int64)))


def kept_of_triangle(node: OnnxNode) -> Array:
    """Which elements of the last two dimensions Trilu leaves as they are."""
    rows, columns = node.shape(0)[-2:]
    offset = node.ints(1, "the diagonal") if node.has(1) else None
    above = np.subtract.outer(-np.arange(rows), -np.arange(columns)) - (offset[0] if offset else 0)
    return above >= 0 if node.attr_int("upper", 1) else above <= 0


@handles("Trilu")
def triangle(node: OnnxNode) -> None:
    """One triangle of the last two dimensions as it is, 0 in the other."""
    shape = node.shape(0)
    if len(shape) < 2:
        raise ModelError(f"{shape} has no triangles", hint=_CHECK)
    kept = kept_of_triangle(node).astype(np.float32).reshape((1,) * (len(shape) - 2) + shape[-2:])
    node.result(node.emit(Mul(), [node.value(0), node.store("kept", kept)]))


@handles("Scatter", "ScatterElements")
def scatter_elements(node: OnnxNode) -> None:
    """x with the elements at constant indices along an axis replaced, or combined with others."""
    shape, axis = node.shape(0), _axis(node)
    indices = indices_of(node, 1, shape[axis])
    if indices.ndim != len(shape) or indices.shape != node.shape(2):
        raise ModelError(f"indices of shape {indices.shape} do not fit {shape} and {node.shape(2)}", hint=_CHECK)
    _scatter(node, _elements(numbered(shape), indices, axis))


@handles("ScatterND")
def scatter_nd(node: OnnxNode) -> None:
    """x with the parts at constant places replaced, or combined with others."""
    shape = node.shape(0)
    depth = node.shape(1)[-1] if node.shape(1) else 0
    if not 1 <= depth <= len(shape):
        raise ModelError(f"indices of shape {node.shape(1)} do not fit {shape}", hint=_CHECK)
    indices = indices_of(node, 1, shape[:depth])
    targets = numbered(shape)[tuple(np.moveaxis(indices, -1, 0))]
    if targets.shape != node.shape(2):
        raise ModelError(f"updates of shape {node.shape(2)} do not fit {targets.shape}", hint=_CHECK)
    _scatter(node, targets)


def _scatter(node: OnnxNode, targets: Places) -> None:
    """`targets` says which element of input 0 each element of input 2 meets; of several, the last one counts.

    Raises:
        ModelError: the reduction is unknown, or several elements would have to be combined in one place.
    """
    reduction = node.attr_str("reduction", "none")
    x, updates = node.value(0), node.value(2)
    if reduction == "none":
        node.result(_replaced(node, x, updates, targets.ravel(), "scattered") if targets.size else x)
        return
    if reduction not in COMBINED:
        raise ModelError(f"reduction {reduction!r} is unknown", hint=_CHECK)
    for turn, (kept, where) in enumerate(_turns(targets)):
        old = chosen(node, [x], where, f"old{turn}")
        new = chosen(node, [updates], kept, f"new{turn}")
        x = _replaced(node, x, node.emit(COMBINED[reduction], [old, new], f"combined{turn}"), where, f"turn{turn}")
    node.result(x)


MOST_TURNS = 16
"""The most elements that are combined in one place."""


def _turns(targets: Places) -> list[tuple[Places, Places]]:
    """Elements and their targets, in turns within which no target is met twice.

    Raises:
        ModelError: there would be too many.
    """
    left, found = np.arange(targets.size), list[tuple[Places, Places]]()
    flat = targets.ravel()
    while left.size:
        if len(found) == MOST_TURNS:
            raise ModelError(
                f"more than {MOST_TURNS} elements meet in one place", hint="add them up before they are scattered"
            )
        _, first = np.unique(flat[left], return_index=True)
        now = np.sort(first)
        found.append((left[now], flat[left[now]]))
        left = np.delete(left, now)
    return found


def _replaced(node: OnnxNode, x: str, updates: str, targets: Places, suffix: str) -> str:
    """x with elements replaced: a choice from both."""
    shape: Shape = node.type(x).shape
    places: Array = np.arange(prod(shape), dtype=np.int64)
    places[targets] = prod(shape) + np.arange(targets.size)
    return chosen(node, [x, updates], places.reshape(shape), suffix)


@handles("TensorScatter")
def tensor_scatter(node: OnnxNode) -> None:
    """A cache with an update written along an axis, from a constant place on for each sample; perhaps around its end.

    Raises:
        ModelError: shapes do not fit, or an update goes beyond the end.
    """
    shape, update = node.shape(0), node.shape(1)
    (axis,) = normalize_axes([node.attr_int("axis", -2)], len(shape))
    starts = node.ints(2, "the list of places") if node.has(2) else (0,) * shape[0]
    mode = node.attr_str("mode", "linear")
    around = mode == "circular"
    rest = (*shape[:axis], *shape[axis + 1 :])
    fits = axis > 0 and len(update) == len(shape) and (*update[:axis], *update[axis + 1 :]) == rest
    if not fits or mode not in ("linear", "circular") or starts is None or len(starts) != shape[0]:
        raise ModelError(f"an update {update} at {starts} does not fit {shape}", hint=_CHECK)
    if any(n < 0 or (not around and n + update[axis] > shape[axis]) for n in starts) or update[axis] > shape[axis]:
        raise ModelError(f"an update of {update[axis]} at {starts} goes beyond {shape[axis]}", hint=_CHECK)
    places = numbered(shape)
    targets = [
        np.take(row, (start + np.arange(update[axis])) % shape[axis], axis - 1)
        for row, start in zip(places, starts, strict=True)
    ]
    node.result(_replaced(node, node.value(0), node.value(1), np.stack(targets).ravel(), "written"))


@handles("MaxUnpool")
def max_unpool(node: OnnxNode) -> None:
    """Elements at the constant places that a pool of maxima took them from, zeros elsewhere.

    Raises:
        ModelError: the places are outside of the output, or the output's shape does not follow from the attributes.
    """
    shape, kernel = node.shape(0), node.attr_ints("kernel_shape") or ()
    count = len(shape) - 2
    strides, pads = node.attr_ints("strides") or (1,) * count, node.attr_ints("pads") or (0,) * (2 * count)
    if count < 1 or len(kernel) != count or len(strides) != count or len(pads) != 2 * count:
        raise ModelError(f"kernel {kernel}, strides {strides} and pads {pads} do not fit {shape}", hint=_CHECK)
    sizes = [(shape[k + 2] - 1) * strides[k] - pads[k] - pads[count + k] + kernel[k] for k in range(count)]
    natural = (*shape[:2], *sizes)
    out = node.ints(2, "the output's shape") or natural
    fits = len(out) == len(shape) and out[:2] == shape[:2] and min(natural) > 0
    if not fits or any(o < n for o, n in zip(out, natural, strict=True)):
        raise ModelError(f"an output of {out} does not fit {natural}", hint=_CHECK)
    indices = indices_of(node, 1, prod(natural))
    if indices.shape != shape:
        raise ModelError(f"indices of shape {indices.shape} do not fit {shape}", hint=_CHECK)
    if out != natural:
        warn(
            f"places count in a tensor of the shape {natural}, as ONNX says; onnxruntime counts in the output",
            hint="compare, or export without an output shape",
            where=node.name,
            strict=ModelError,
        )
    targets = np.ravel_multi_index(np.unravel_index(indices, natural), out)
    zeros = node.store("zeros", np.zeros(out, np.float32))
    node.result(_replaced(node, zeros, node.value(0), targets.ravel(), "unpooled"))
