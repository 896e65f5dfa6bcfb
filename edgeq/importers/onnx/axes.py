"""Axes, shapes and ranges as ONNX writes them: from attributes or inputs, with negative numbers and wildcards."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from edgeq.errors import ModelError
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.tensor import Shape

_CHECK = "check the attributes and shapes of this node"


def normalize_axes(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """Axes as non-negative numbers, in their order.

    Raises:
        ModelError: one is out of range, or given twice.
    """
    normalized = tuple(a + rank if a < 0 else a for a in axes)
    if any(not 0 <= a < rank for a in normalized) or len(set(normalized)) != len(normalized):
        raise ModelError(f"axes {tuple(axes)} do not fit {rank} dimensions", hint=_CHECK)
    return normalized


def axes_of(node: OnnxNode, rank: int) -> tuple[int, ...] | None:
    """Axes from input 1 (new opsets) or the attribute (old ones), None where both are absent."""
    axes = node.ints(1, "the list of axes") if node.has(1) else node.attr_ints("axes")
    return None if axes is None else normalize_axes(axes, rank)


def reshape_target(node: OnnxNode, shape: Shape) -> Shape:
    """The shape that Reshape, Flatten, Squeeze or Unsqueeze gives to a tensor of shape `shape`.

    Raises:
        ModelError: it is computed at run time or does not fit.
    """
    if node.kind == "Flatten":
        return flatten_shape(node, shape)
    if node.kind == "Squeeze":
        axes = axes_of(node, len(shape))
        chosen = tuple(k for k, d in enumerate(shape) if d == 1) if axes is None else axes
        if any(shape[a] != 1 for a in chosen):
            raise ModelError(f"axes {chosen} of {shape} are not all of size 1", hint=_CHECK)
        return tuple(d for k, d in enumerate(shape) if k not in chosen)
    if node.kind == "Unsqueeze":
        inserted = node.ints(1, "the list of axes") if node.has(1) else node.attr_ints("axes")
        added = normalize_axes(inserted or (), len(shape) + len(inserted or ()))
        rest = iter(shape)
        return tuple(1 if k in added else next(rest) for k in range(len(shape) + len(added)))
    return _wildcards(node, shape)


def flatten_shape(node: OnnxNode, shape: Shape) -> Shape:
    """The two dimensions that Flatten leaves."""
    axis = node.attr_int("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 <= axis <= len(shape):
        raise ModelError(f"axis {axis} does not fit {shape}", hint=_CHECK)
    return prod(shape[:axis]), prod(shape[axis:])


def _wildcards(node: OnnxNode, shape: Shape) -> Shape:
    """Reshape's target, 0 and −1 resolved."""
    target = list(node.ints(1, "the target shape") or ())
    if not node.attr_int("allowzero", 0):
        for k, d in enumerate(target):
            if d == 0 and k >= len(shape):
                raise ModelError(f"{shape} has no dimension {k} to copy", hint=_CHECK)
            target[k] = shape[k] if d == 0 else d
    size, known = prod(shape), prod(d for d in target if d != -1)
    if target.count(-1) > 1 or any(d < -1 for d in target):
        raise ModelError(f"{tuple(target)} is not a target shape", hint=_CHECK)
    if -1 in target and known and size % known == 0:
        target[target.index(-1)] = size // known
    if -1 in target or prod(target) != size:
        raise ModelError(
            f"{shape} cannot be reshaped to {tuple(target)}",
            hint="if the file fixes another batch than its input has, give that with --input-shape",
        )
    return tuple(target)


def slices(node: OnnxNode, shape: Shape, empty: bool = False) -> tuple[Shape, Shape, Shape]:
    """First index, end (exclusive, −1 where a backward slice takes index 0) and step of Slice along every axis.

    Raises:
        ModelError: they are computed at run time, do not fit, or select nothing although not `empty`.
    """
    if node.opset < 10:
        starts, ends, axes, steps = node.attr_ints("starts"), node.attr_ints("ends"), node.attr_ints("axes"), None
    else:
        starts, ends, axes, steps = (
            node.ints(k, f"the slice's {what}") for k, what in ((1, "start"), (2, "end"), (3, "axes"), (4, "step"))
        )
    if starts is None or ends is None:
        raise ModelError("the slice has no bounds", hint=_CHECK)
    where = normalize_axes(axes if axes is not None else range(len(starts)), len(shape))
    steps = steps if steps is not None else (1,) * len(starts)
    if not len(starts) == len(ends) == len(where) == len(steps) or 0 in steps:
        raise ModelError("the slice's bounds do not fit each other", hint=_CHECK)
    begin, end, step = [0] * len(shape), list(shape), [1] * len(shape)
    for axis, first, last, by in zip(where, starts, ends, steps, strict=True):
        picked = range(shape[axis])[slice(first, last, by)]
        if len(picked) == 0 and not empty:
            raise ModelError(f"the slice takes nothing along axis {axis} of {shape}", hint=_CHECK)
        if len(picked) == 0:
            begin[axis], end[axis] = 0, 0
        else:
            begin[axis], end[axis], step[axis] = picked[0], picked[-1] + (1 if by > 0 else -1), by
    return tuple(begin), tuple(end), tuple(step)


def split_sizes(node: OnnxNode, shape: Shape) -> tuple[int, tuple[int, ...]]:
    """Axis and sizes of the parts that Split makes.

    Raises:
        ModelError: they do not fit.
    """
    (axis,) = normalize_axes([node.attr_int("axis", 0)], len(shape))
    sizes = node.ints(1, "the split") if node.has(1) else node.attr_ints("split")
    if sizes is None:
        count = node.attr_int("num_outputs", len(node.outputs))
        if not 1 <= count <= shape[axis]:
            raise ModelError(f"{shape} cannot be split into {count} parts along axis {axis}", hint=_CHECK)
        part = -(-shape[axis] // count)
        sizes = (*(part,) * (count - 1), shape[axis] - part * (count - 1))
    if sum(sizes) != shape[axis] or any(s < 0 for s in sizes) or len(sizes) != len(node.outputs):
        raise ModelError(f"{shape} cannot be split into {sizes} along axis {axis}", hint=_CHECK)
    return axis, sizes
