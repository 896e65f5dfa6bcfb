"""Comparisons and logic at run time: truth values are the real numbers 0 and 1."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, Operand
from edgeq.ir.tensor import DType
from edgeq.ops.compare import ONNX, Compare, Relation
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.select import Select
from edgeq.ops.whole_to_real import WholeToReal

RELATIONS: dict[str, Relation] = {name: relation for relation, name in ONNX.items()}
LOGIC = {"And": Minimum(), "Or": Maximum(), "Xor": Compare("not_equal")}


def real_operand(node: OnnxNode, index: int) -> str:
    """The value of an operand; a constant of truth values or whole numbers becomes real.

    Raises:
        ModelError: it is a computed tensor of integers, or a constant whose numbers float32 does not hold.
    """
    operand: Operand = node.operand(index)
    if isinstance(operand, Activation):
        if node.type(operand.value).is_whole:
            return node.emit(WholeToReal(), [operand.value], f"real{index}")
        if operand.integers not in (None, DType.BOOL):
            raise ModelError(
                f"it computes on integers ({operand.integers.value})",
                hint="dequantize its inputs first (DequantizeLinear)",
            )
        return operand.value
    data = operand.real()
    if data.dtype.kind == "f":
        return node.value_of(operand)
    whole = data.astype(np.float32)
    if (whole.astype(np.float64) != data.astype(np.float64)).any():
        raise ModelError("its whole numbers are too large to be real ones", hint="use numbers below 2^24")
    return node.store(f"real{index}", whole)


@handles(*RELATIONS, integers=True)
def compare(node: OnnxNode) -> None:
    """A comparison of two tensors, broadcast."""
    op = Compare(RELATIONS[node.kind])
    node.result(node.emit(op, [real_operand(node, 0), real_operand(node, 1)]), integers=DType.BOOL)


@handles(*LOGIC, integers=True)
def logic(node: OnnxNode) -> None:
    """And is the lesser, Or the greater, Xor the difference of two truth values."""
    op = LOGIC[node.kind]
    node.result(node.emit(op, [real_operand(node, 0), real_operand(node, 1)]), integers=DType.BOOL)


@handles("Not", integers=True)
def negation(node: OnnxNode) -> None:
    """1 where x is 0."""
    zero = node.store("zero", np.zeros(1, np.float32))
    node.result(node.emit(Compare("equal"), [real_operand(node, 0), zero]), integers=DType.BOOL)


def nonzero(node: OnnxNode, value: str) -> str:
    """Add the truth that elements are not zero; returns its value."""
    return node.emit(Compare("not_equal"), [value, node.store("zero", np.zeros(1, np.float32))])


def select(node: OnnxNode) -> None:
    """A choice by a computed condition (Where)."""
    condition = node.operand(0)
    assert not isinstance(condition, Constant)
    operands = [node.operand(k) for k in (1, 2)]
    truths = all(isinstance(o, Activation) and o.integers is DType.BOOL for o in operands)
    sides = [node.value_of(operand, infinite=True) for operand in operands]
    node.result(node.emit(Select(), [condition.value, *sides]), integers=DType.BOOL if truths else None)
