"""Comparisons and logic: truth values are 0 and 1, held as a byte in 8-bit models and as real numbers in others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.tensors import SHIFT
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, QParams
from edgeq.ops.compare import USUAL, Compare, Relation
from edgeq.ops.dequantize import Dequantize
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.quantize import Quantize
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.select import Select
from edgeq.ops.whole_to_real import WholeToReal

RELATIONS: dict[str, Relation] = {
    "LESS": "less",
    "LESS_EQUAL": "less_equal",
    "EQUAL": "equal",
    "NOT_EQUAL": "not_equal",
    "GREATER": "greater",
    "GREATER_EQUAL": "greater_equal",
}
LOGIC = {"LOGICAL_AND": Minimum(), "LOGICAL_OR": Maximum()}
_MIXED = "convert the whole model in 8 bits or none of it"


def _give(b: Builder, op: RawOp, what: Op, inputs: list[str], q: QParams | None) -> None:
    """Add the node that computes an operator's truth values."""
    tensor = b.tensor(op.outputs[0])
    if tensor.dtype != "BOOL":
        raise Problem(f"its result {tensor.label} is {tensor.dtype}", "export the model again")
    b.bind(op.outputs[0], b.step(what, inputs, tensor.name, q))


def _alike(b: Builder, op: RawOp, position: int, q: QParams | None) -> str:
    """An operand of truth values, held like those of parameters `q`."""
    if position >= len(op.inputs):
        raise Problem(f"it has {len(op.inputs)} inputs", "export the model again")
    index = op.inputs[position]
    data = b.stored(index)
    if data is not None:
        return b.editor.constant(f"{b.tensor(index).name}_truth", data.astype(np.float32 if q is None else np.int8), q)
    value = b.value(index)
    if b.tensor(index).dtype != "BOOL" or b.q_of(value) != q:
        raise Problem(f"tensor {b.tensor(index).label} is not held as its other operand is", _MIXED)
    return value


def truth(b: Builder, op: RawOp, position: int) -> str:
    """A computed operand of truth values.

    Raises:
        Problem: it holds others.
    """
    tensor = b.tensor(op.inputs[position])
    if tensor.dtype != "BOOL" or b.tensor(op.outputs[0]).dtype != "BOOL":
        raise Problem(f"tensor {tensor.label} holds no truth values", "export the model again")
    return b.value(tensor.index)


def _held(b: Builder, op: RawOp) -> QParams | None:
    """The parameters of the first computed truth values."""
    for index in op.inputs:
        if b.stored(index) is None:
            return b.q_of(b.value(index))
    raise Problem("all its operands are constant", "export the model again")


def _real(b: Builder, op: RawOp, position: int) -> str:
    """An operand of whole numbers as real ones."""
    index, computed = op.inputs[position], b.whole(op, position)
    tensor = b.tensor(index)
    if computed is not None:
        return b.step(WholeToReal(real=b.has_integers), [computed], f"{tensor.name}_real", None)
    data = b.stored(index)
    if data is None or (data.astype(np.float32).astype(np.int64) != data).any():
        raise Problem(f"tensor {tensor.label} holds no whole numbers below 2^24", "compare real numbers")
    return b.editor.constant(f"{tensor.name}_real", data.astype(np.float32), None)


@handles(*RELATIONS)
def compare(b: Builder, op: RawOp) -> None:
    """Two operands, broadcast; 8-bit ones each in their own scale."""
    if len(op.inputs) == 2 and b.truth_q() is None and any(b.whole(op, k) for k in (0, 1)):
        _give(b, op, Compare(RELATIONS[op.kind]), [_real(b, op, k) for k in (0, 1)], None)
        return
    types = {b.tensor(index).dtype for index in op.inputs[:2]}
    if len(op.inputs) != 2 or len(types) != 1 or not types <= {"FLOAT32", *SHIFT}:
        raise Problem(f"it compares {' and '.join(sorted(types))}", "compare real numbers or 8-bit ones")
    if types == {"FLOAT32"}:
        operands, q = [b.value(index) for index in op.inputs], None
    else:
        for index in op.inputs:
            b.activation_q(b.tensor(index))
        operands, q = [b.value(index) for index in op.inputs], USUAL
    _give(b, op, Compare(RELATIONS[op.kind]), operands, q)


@handles(*LOGIC)
def logic(b: Builder, op: RawOp) -> None:
    """And is the lesser, Or the greater of two truth values."""
    q = _held(b, op)
    _give(b, op, LOGIC[op.kind], [_alike(b, op, k, q) for k in (0, 1)], q)


@handles("LOGICAL_NOT")
def negation(b: Builder, op: RawOp) -> None:
    """1 where x is 0."""
    q = _held(b, op)
    zero = b.editor.constant(
        f"{b.tensor(op.outputs[0]).name}_zero", np.zeros(1, np.float32 if q is None else np.int8), q
    )
    _give(b, op, Compare("equal"), [_alike(b, op, 0, q), zero], q)


def cast_truth(b: Builder, op: RawOp) -> None:
    """Truth values as real numbers, or whether real numbers are other than 0."""
    value = b.value(op.inputs[0])
    if b.tensor(op.inputs[0]).dtype != "BOOL":
        zero = b.editor.constant(f"{b.tensor(op.outputs[0]).name}_zero", np.zeros(1, np.float32))
        _give(b, op, Compare("not_equal"), [value, zero], None)
    elif b.q_of(value) is None:
        b.bind(op.outputs[0], value)
    else:
        b.emit(op, Dequantize(), [value])


def held_as(b: Builder, truth: str, q: QParams | None) -> str:
    """Truth values in the element type of values of parameters `q`."""
    own = b.q_of(truth)
    wanted = None if q is None else USUAL if q.integers is DType.INT8 else replace(USUAL, stored=q.integers)
    if own == wanted:
        return truth
    change = Quantize(away=True) if own is None else Dequantize() if wanted is None else Requantize()
    return b.step(change, [truth], f"{truth}/held", wanted)


def select(b: Builder, op: RawOp) -> None:
    """A choice by a computed condition."""
    if len(op.inputs) != 3:
        raise Problem(f"it has {len(op.inputs)} inputs", "export the model again")
    q = b.output_q(op)
    if b.tensor(op.inputs[0]).dtype != "BOOL":
        raise Problem(f"its condition {b.tensor(op.inputs[0]).label} holds no truth values", "export the model again")
    condition = held_as(b, b.value(op.inputs[0]), q)
    x, y = (b.matched(b.operand(op, k, infinite=True), q) for k in (1, 2))
    shape = b.shape(condition)
    if op.kind == "SELECT" and len(shape) == 1 and len(b.shape(x)) > 1:  # one for each index of the first dimension
        form = (shape[0], *[1] * (len(b.shape(x)) - 1))
        condition = b.step(Reshape(form), [condition], f"{condition}_rows", b.q_of(condition))
    b.emit(op, Select(), [condition, x, y])
