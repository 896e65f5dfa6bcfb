"""Operators on constants, computed at import: the chains that compute shapes, and dequantized weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from edgeq.importers.tflite.axes import broadcast_target, normal_axes, normal_axis, resolve_shape, strided_slice
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.movement import slice_masks
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.ir.limits import FOLDED_BYTES
from edgeq.ir.tensor import Array

MOST_ELEMENTS = FOLDED_BYTES // 8
"""Of a constant that is computed, while it is computed."""
Folder = Callable[[RawOp, Sequence[Array]], Array]

BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "MINIMUM": np.minimum,
    "MAXIMUM": np.maximum,
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
}
UNARY: dict[str, Callable[[Array], Array]] = {
    "NEG": np.negative,
    "ABS": np.abs,
    "SQRT": np.sqrt,
    "EXP": np.exp,
    "SQUARE": np.square,
    "ZEROS_LIKE": np.zeros_like,
    "LOGICAL_NOT": np.logical_not,
}
REDUCTIONS: dict[str, Callable[..., Array]] = {
    "SUM": np.sum,
    "REDUCE_PROD": np.prod,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
}


def _divide(op: RawOp, x: Sequence[Array]) -> Array:
    if x[0].dtype.kind == "f":
        return np.asarray(x[0] / x[1])
    return np.asarray(np.trunc(x[0].astype(np.float64) / x[1]))  # C's division of integers


def _reduce(op: RawOp, x: Sequence[Array]) -> Array:
    axes = normal_axes([int(a) for a in x[1].ravel()], x[0].ndim)
    return REDUCTIONS[op.kind](x[0], axis=axes, keepdims=bool(op.option("KeepDims")))


def _strided_slice(op: RawOp, x: Sequence[Array]) -> Array:
    begin, end, steps = ([int(v) for v in a.ravel()] for a in x[1:4])
    if op.option("Offset"):
        end = [f + e for f, e in zip(begin, end, strict=False)]
    first, last, step, shape = strided_slice(x[0].shape, begin, end, steps, slice_masks(op))
    spans = (slice(f, None if e < 0 else e, s) for f, e, s in zip(first, last, step, strict=True))
    return x[0][tuple(spans)].reshape(shape)


def _slice(op: RawOp, x: Sequence[Array]) -> Array:
    spans = (slice(int(f), None if s == -1 else int(f) + int(s)) for f, s in zip(x[1], x[2], strict=True))
    return x[0][tuple(spans)]


def _squeeze(op: RawOp, x: Sequence[Array]) -> Array:
    axes = normal_axes(op.options["SqueezeDims"], x[0].ndim)
    return np.squeeze(x[0], axis=axes or None)


def _expand_dims(op: RawOp, x: Sequence[Array]) -> Array:
    return np.expand_dims(x[0], normal_axis(int(x[1].item()), x[0].ndim + 1))


def _gather(op: RawOp, x: Sequence[Array]) -> Array:
    if op.option("BatchDims"):
        raise Problem("it gathers per batch", "use slices with constant bounds")
    axis = normal_axis(op.option("Axis"), x[0].ndim)
    _check_size(x[0].size // max(x[0].shape[axis], 1) * x[1].size)
    return np.asarray(np.take(x[0], x[1], axis=axis))


def _reshape(op: RawOp, x: Sequence[Array]) -> Array:
    target = x[1].ravel() if len(x) > 1 else op.options["NewShape"]
    return x[0].reshape(resolve_shape([int(d) for d in target], x[0].size))


def _check_size(size: int) -> None:
    if not 0 <= size <= MOST_ELEMENTS:
        raise Problem(f"its result would have {size:,} elements; the limit is {MOST_ELEMENTS:,}")


def _fill(op: RawOp, x: Sequence[Array]) -> Array:
    size = 1
    for d in x[0].ravel():
        size *= int(d)
        _check_size(size)
    return np.full(tuple(int(d) for d in x[0].ravel()), x[1].item(), x[1].dtype)


def _broadcast(op: RawOp, x: Sequence[Array]) -> Array:
    target = broadcast_target(x[0].shape, [int(d) for d in x[1].ravel()])
    size = 1
    for d in target:
        size *= d
        _check_size(size)
    return np.broadcast_to(x[0], target)


def _broadcast_shape(op: RawOp, x: Sequence[Array]) -> Array:
    return np.array(np.broadcast_shapes(*(tuple(int(d) for d in shape.ravel()) for shape in x)))


def _range(op: RawOp, x: Sequence[Array]) -> Array:
    start, limit, delta = (v.item() for v in x[:3])
    if not delta:
        raise Problem("its step is 0")
    _check_size(max(0, int((limit - start) / delta)))
    return np.arange(start, limit, delta)


def _dequantize(op: RawOp, x: Sequence[Array]) -> Array:
    return x[0].astype(np.float32)


FOLDERS: dict[str, Folder] = {
    **dict.fromkeys(BINARY, lambda op, x: BINARY[op.kind](x[0], x[1])),
    **dict.fromkeys(UNARY, lambda op, x: UNARY[op.kind](x[0])),
    **dict.fromkeys(REDUCTIONS, _reduce),
    "DIV": _divide,
    "RSQRT": lambda op, x: 1 / np.sqrt(x[0]),
    "RANK": lambda op, x: np.array(x[0].ndim),
    "CAST": lambda op, x: x[0],
    "PACK": lambda op, x: np.stack(x, axis=normal_axis(op.option("Axis"), x[0].ndim + 1)),
    "CONCATENATION": lambda op, x: np.concatenate(x, axis=normal_axis(op.option("Axis"), x[0].ndim)),
    "RESHAPE": _reshape,
    "SQUEEZE": _squeeze,
    "EXPAND_DIMS": _expand_dims,
    "TRANSPOSE": lambda op, x: x[0].transpose([int(a) for a in x[1].ravel()]),
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "GATHER": _gather,
    "FILL": _fill,
    "BROADCAST_TO": _broadcast,
    "BROADCAST_ARGS": _broadcast_shape,
    "RANGE": _range,
    "SELECT_V2": lambda op, x: np.where(x[0], x[1], x[2]),
    "SELECT": lambda op, x: np.where(x[0], x[1], x[2]),
    "DEQUANTIZE": _dequantize,
    "DENSIFY": lambda op, x: x[0],
}
BROADCASTING = {*BINARY, "DIV", "SELECT", "SELECT_V2"}
MOVES = {"DENSIFY", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE"}
"""Folded for 8-bit constants too: they only move elements, under one scale."""


def fold(b: Builder, op: RawOp) -> bool:
    """Compute an operator whose operands are all constant; False where it has to become a node.

    Raises:
        Problem: its operands do not fit it.
    """
    if op.kind not in FOLDERS or len(op.outputs) != 1 or not op.inputs or op.options.get("FusedActivationFunction"):
        return False
    operands = [b.stored(i) for i in op.inputs]
    if any(x is None for x in operands):
        return False
    first = b.tensor(op.inputs[0])
    if first.dtype in ("INT8", "UINT8"):
        if op.kind == "DEQUANTIZE":
            q = b.editor.values[b.constant(first.index)].type.q
            data = b.editor.values[b.constant(first.index)].data
            if q is None or data is None:
                return False
            b.fold(op.outputs[0], q.dequantize(data))
            return True
        if op.kind not in MOVES or first.quant is None or (first.quant.scale.size != 1 and op.kind != "DENSIFY"):
            return False
    arrays = [x for x in operands if x is not None]
    _check_size(sum(x.size for x in arrays))
    if op.kind in BROADCASTING:
        _check_size(prod(np.broadcast_shapes(*(x.shape for x in arrays))))
    with np.errstate(all="ignore"):
        b.fold(op.outputs[0], FOLDERS[op.kind](op, arrays))
    return True
