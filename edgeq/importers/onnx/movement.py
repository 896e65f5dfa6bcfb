"""Operators that move numbers: concatenation, splits, slices, padding, transposes."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes, slices, split_sizes
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode
from edgeq.ir.tensor import DType
from edgeq.ops.concat import Concat
from edgeq.ops.pad import MODES, Pad
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.transpose import Transpose

_CHECK = "check the attributes and shapes of this node"


@handles("Transpose", integers=True)
def transpose(node: OnnxNode) -> None:
    """Permute axes; reverse them if no order is given."""
    x, rank = node.value(0), len(node.shape(0))
    perm = node.attr_ints("perm") or tuple(reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise ModelError(f"{perm} does not permute {rank} axes", hint=_CHECK)
    node.result(x if perm == tuple(range(rank)) else node.emit(Transpose(perm), [x], keep_q=True))


@handles("Concat")
def concat(node: OnnxNode) -> None:
    """Join tensors along an axis."""
    operands = [node.operand(k) for k in range(len(node.inputs))]
    filled = [o for o in operands if not (isinstance(o, Constant) and o.data.size == 0)]
    operands = filled or operands
    parameters = {node.type(o.value).q if isinstance(o, Activation) else None for o in operands}
    node.result(add_concat(node, [node.value_of(o) for o in operands], same=len(parameters) == 1))


def add_concat(node: OnnxNode, values: list[str], same: bool) -> str:
    """Add a concatenation; `same`: all inputs have the same parameters. Returns its value."""
    if not values:
        raise ModelError("Concat has no inputs", hint=_CHECK)
    (axis,) = normalize_axes([node.attr_int("axis", 0)], len(node.type(values[0]).shape))
    return values[0] if len(values) == 1 else node.emit(Concat(axis), values, keep_q=same)


@handles("Split", integers=True)
def split(node: OnnxNode) -> None:
    """Cut a tensor into parts along an axis."""
    axis, sizes = split_sizes(node, node.shape(0))
    x = node.value(0)
    filled = tuple(size for size in sizes if size)
    parts = iter((x,) if len(filled) == 1 else node.emit_many(Split(axis, filled), [x], keep_q=True))
    for index, size in enumerate(sizes):
        if size:
            node.result(next(parts), index)
        else:
            shape = node.shape(0)
            node.result_constant(np.zeros((*shape[:axis], 0, *shape[axis + 1 :]), np.float32), index)


@handles("Slice", integers=True)
def slice_(node: OnnxNode) -> None:
    """Take a range with a step along every axis."""
    shape = node.shape(0)
    begin, end, step = slices(node, shape)
    x = node.value(0)
    whole = begin == (0,) * len(shape) and end == shape and step == (1,) * len(shape)
    node.result(x if whole else node.emit(Slice(begin, end, step), [x], keep_q=True))


@handles("Pad", integers=True)
def pad(node: OnnxNode) -> None:
    """Constant, reflected or repeated borders; negative padding cuts off.

    Raises:
        ModelError: the mode is not supported or the padding does not fit.
    """
    shape, x = node.shape(0), node.value(0)
    name = node.attr_str("mode", "constant")
    mode = next((m for m in MODES if m == name), None)
    if mode is None:
        raise ModelError(f"padding mode {name!r} is not supported", hint="use constant, reflect or edge")
    before, after = _pad_amounts(node, len(shape))
    if any(b < 0 or a < 0 for b, a in zip(before, after, strict=True)):
        begin = tuple(max(0, -b) for b in before)
        end = tuple(d - max(0, -a) for d, a in zip(shape, after, strict=True))
        if any(b >= e for b, e in zip(begin, end, strict=True)):
            raise ModelError(f"nothing of {shape} is left", hint=_CHECK)
        x = node.emit(Slice(begin, end, (1,) * len(shape)), [x], "cut", keep_q=True)
        before, after = tuple(max(0, b) for b in before), tuple(max(0, a) for a in after)
    if not any(before) and not any(after):
        node.result(x)
        return
    shape = node.type(x).shape
    if mode == "reflect" and any(max(b, a) >= d for b, a, d in zip(before, after, shape, strict=True) if b or a):
        raise ModelError(f"reflection by {before} and {after} needs more than {shape} has", hint=_CHECK)
    value, exact = _pad_value(node, x) if mode == "constant" else (0.0, True)
    node.result(node.emit(Pad(before, after, mode, value), [x], keep_q=exact))


def _pad_amounts(node: OnnxNode, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Elements before and after, for every axis."""
    pads = node.attr_ints("pads") if node.opset < 11 else node.ints(1, "the padding")
    axes = node.ints(3, "the list of axes") if node.has(3) else None
    where = normalize_axes(axes if axes is not None else range(rank), rank)
    if pads is None or len(pads) != 2 * len(where) or any(abs(p) >= 2**31 for p in pads):
        raise ModelError(f"padding {pads} does not fit {rank} dimensions", hint=_CHECK)
    before, after = [0] * rank, [0] * rank
    for k, axis in enumerate(where):
        before[axis], after[axis] = pads[k], pads[k + len(where)]
    return tuple(before), tuple(after)


def _pad_value(node: OnnxNode, x: str) -> tuple[float, bool]:
    """The real value that fills, and whether the input's parameters represent it exactly."""
    operand = node.operand(0)
    integers = operand.integers if isinstance(operand, Activation) else None
    q = node.type(x).q
    if node.opset < 11:
        value = node.attr_float("value", 0.0)
    else:
        constant = node.needed(2, "the fill value") if node.has(2) else Constant("", np.zeros(1, np.float32))
        value = float(constant.real().reshape(-1)[0])
    if integers is not None:
        if q is None:
            raise ModelError("padding of integers without a scale is not supported", hint="dequantize them first")
        stored = value - 128 if integers is DType.UINT8 else value
        return float(q.dequantize(np.asarray(stored)).reshape(())), True
    if np.isnan(value):
        raise ModelError("padding with NaN is not supported", hint="export the model again")
    held = value if q is None else float(q.dequantize(q.quantize(np.asarray(value), q.integers)))
    return value, held == float(np.float32(value))
