"""Operators that give or take whole numbers: indices of extremes, embeddings, arithmetic."""

from __future__ import annotations

import numpy as np

from edgeq.importers.tflite.axes import normal_axis
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.tensors import is_whole
from edgeq.ir.tensor import DType, QParams
from edgeq.ops._index_of import IndexOf
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.arg_min import ArgMin
from edgeq.ops.gather import Gather
from edgeq.ops.whole_pair import Pair, WholePair
from edgeq.ops.whole_to_real import WholeToReal

INDICES: dict[str, type[IndexOf]] = {"ARG_MAX": ArgMax, "ARG_MIN": ArgMin}


WHOLE_PAIRS: dict[str, Pair] = {
    "ADD": "add",
    "SUB": "sub",
    "MUL": "mul",
    "DIV": "div",
    "MINIMUM": "minimum",
    "MAXIMUM": "maximum",
}
"""Operators of two tensors of int32, and what is computed of each pair of whole numbers."""


def whole_operand(b: Builder, op: RawOp, position: int) -> str:
    """An operand of whole numbers, computed or constant.

    Raises:
        Problem: it holds something else.
    """
    value = b.whole(op, position)
    data = b.stored(op.inputs[position]) if value is None else None
    if data is not None and data.dtype.kind in "iu":
        return b.editor.constant(b.editor.unique(b.tensor(op.inputs[position]).name), data.astype(np.int32))
    if value is None or b.editor.values[value].type.dtype is not DType.INT32:
        raise Problem(f"its input {position} holds no whole numbers of int32")
    return value


def whole_pair(b: Builder, op: RawOp) -> bool:
    """Emit an operator of two tensors of int32, of which one may be constant; False if they are others."""
    computed = any(b.whole(op, k) is not None for k in range(2))
    if not computed or not is_whole(b.tensor(op.outputs[0])) or op.options.get("FusedActivationFunction"):
        return False
    b.emit(op, WholePair(WHOLE_PAIRS[op.kind]), [whole_operand(b, op, k) for k in range(2)])
    return True


def whole_to_bytes(b: Builder, op: RawOp, x: str) -> None:
    """Emit the cast of whole numbers to int8 without a scale, which stand for themselves: their lowest 8 bits."""
    name = b.tensor(op.outputs[0]).name
    zero = b.editor.constant(b.editor.unique(f"{name}/zero"), np.zeros((), np.int32))
    low = b.step(WholePair("add", 8), [x, zero], f"{name}/low", None)
    b.bind(op.outputs[0], b.step(WholeToReal(), [low], name, QParams.per_tensor(1.0, 0)))


@handles(*INDICES)
def index_of(b: Builder, op: RawOp) -> None:
    """The index of an extreme along one axis, the first of several; int64 in the file is int32 here."""
    result = b.tensor(op.outputs[0])
    if not is_whole(result):
        raise Problem(f"its result {result.label} is {result.dtype}", "export the model again")
    x, axes = b.operand(op, 0), b.required(op, 1)
    if len(axes) != 1:
        raise Problem(f"it has {len(axes)} axes", "export the model again")
    b.emit(op, INDICES[op.kind](normal_axis(axes[0], len(b.shape(x)))), [x])


@handles("EMBEDDING_LOOKUP")
def embedding(b: Builder, op: RawOp) -> None:
    """Rows of a table, by indices."""
    places = b.whole(op, 0)
    if places is None:
        raise Problem("its indices are no computed whole numbers", "give them as an input of int32")
    b.emit(op, Gather(0), [b.matched(b.operand(op, 1), b.output_q(op)), places])
