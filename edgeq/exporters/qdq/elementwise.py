"""Operators that work element by element, in the layout in which their operands are held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from math import sqrt
from typing import Any, TypeVar

import numpy as np
from onnx import TensorProto

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ir.op import Op
from edgeq.ir.traits import NO_CLAMP
from edgeq.ops._conversion import Border, Conversion
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._table import TableOp
from edgeq.ops.clip import Clip
from edgeq.ops.compare import ONNX as COMPARED
from edgeq.ops.compare import Compare
from edgeq.ops.dequantize import Dequantize
from edgeq.ops.function import Function, walk
from edgeq.ops.gelu import Gelu
from edgeq.ops.hard_swish import HardSwish
from edgeq.ops.neg import Neg
from edgeq.ops.pow import Pow
from edgeq.ops.quantize import Quantize
from edgeq.ops.requantize import Requantize
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.select import Select
from edgeq.ops.square import Square
from edgeq.ops.squared_difference import SquaredDifference

O = TypeVar("O", bound=Op)  # noqa: E741 - an operator
Spelling = Callable[[QdqWriter, Node, O, str], str]
"""Writes several ONNX operators that compute a function of the tensor given last; returns the result."""
SPELLINGS: dict[type[Op], Spelling[Any]] = {}
"""The functions that are spelled; they register themselves."""


@exports(BinaryOp)
def binary(w: QdqWriter, node: Node, op: BinaryOp) -> None:
    """Operands are broadcast, in NCHW where one of them is held in it."""
    names = [str(i) for i in node.inputs]
    rank = len(w.graph.type(node.outputs[0]).shape)
    computed = [n for n in names if w.graph.data(n) is None]
    nchw = any(w.is_nchw(n) for n in computed) and all(len(w.graph.type(n).shape) == 4 for n in computed)
    (y,) = w.add(op.onnx, [w.read(n, nchw, rank) for n in names], node.name)
    w.finish(node, y, nchw)


@exports(SquaredDifference)
def squared_difference(w: QdqWriter, node: Node, op: SquaredDifference) -> None:
    """A difference times itself."""
    names = [str(i) for i in node.inputs]
    rank = len(w.graph.type(node.outputs[0]).shape)
    (difference,) = w.add("Sub", [w.read(n, False, rank) for n in names], node.name)
    w.finish(node, w.add("Mul", [difference, difference], node.name)[0])


@exports(Compare)
def compare(w: QdqWriter, node: Node, op: Compare) -> None:
    """Truth values as numbers; "not equal" is the negation of "equal"."""
    names = [str(i) for i in node.inputs]
    rank = len(w.graph.type(node.outputs[0]).shape)
    kind = COMPARED.get(op.relation, "Equal")
    (y,) = w.add(kind, [w.read(n, False, rank) for n in names], node.name)
    if op.relation == "not_equal":
        (y,) = w.add("Not", [y], node.name)
    w.finish(node, w.add("Cast", [y], node.name, to=TensorProto.FLOAT)[0])


@exports(Select)
def select(w: QdqWriter, node: Node, op: Select) -> None:
    """Where, of a condition that is cast to truth values."""
    rank = len(w.graph.type(node.outputs[0]).shape)
    condition, *sides = (w.read(str(i), False, rank) for i in node.inputs)
    (truth,) = w.add("Cast", [condition], node.name, to=TensorProto.BOOL)
    w.finish(node, w.add("Where", [truth, *sides], node.name)[0])


@exports(TableOp)
def table(w: QdqWriter, node: Node, op: TableOp) -> None:
    """All attributes have the same names in ONNX."""
    nchw = w.is_nchw(str(node.inputs[0]))
    w.finish(node, _named(w, node, op, w.first(node, nchw)), nchw)


def _named(w: QdqWriter, node: Node, op: TableOp, x: str) -> str:
    attributes: dict[str, Any] = {f.name: float(vars(op)[f.name]) for f in fields(op)}
    return w.add(op.onnx, [x], node.name, **attributes)[0]


def spells(kind: type[O]) -> Callable[[Spelling[O]], Spelling[O]]:
    """Register how a function of one element is spelled with several of ONNX's."""

    def register(spelling: Spelling[O]) -> Spelling[O]:
        def export(w: QdqWriter, node: Node, op: O) -> None:
            nchw = w.is_nchw(str(node.inputs[0]))
            w.write(node.outputs[0], spelling(w, node, op, w.first(node, nchw)), nchw)

        exports(kind)(export)
        SPELLINGS[kind] = spelling
        return spelling

    return register


def _with_constant(w: QdqWriter, node: Node, kind: str, x: str, number: float) -> str:
    return w.add(kind, [x, w.constant(f"{node.name}_constant", np.float32(number))], node.name)[0]


@spells(Clip)
def clip(w: QdqWriter, node: Node, op: Clip, x: str) -> str:
    """Bounds are inputs, absent where there are none."""
    low, high = (w.constant(f"{node.name}_bound", np.float32(b)) if np.isfinite(b) else "" for b in (op.low, op.high))
    return w.add("Clip", [x, low, high], node.name)[0]


@spells(HardSwish)
def hard_swish(w: QdqWriter, node: Node, op: HardSwish, x: str) -> str:
    """x · HardSigmoid(x)."""
    (gate,) = w.add("HardSigmoid", [x], node.name, alpha=1.0 / 6.0, beta=0.5)
    return w.add("Mul", [x, gate], node.name)[0]


@spells(Gelu)
def gelu(w: QdqWriter, node: Node, op: Gelu, x: str) -> str:
    """By Erf or by Tanh."""
    if op.approximate:
        cube = _with_constant(
            w, node, "Mul", w.add("Mul", [w.add("Mul", [x, x], node.name)[0], x], node.name)[0], 0.044715
        )
        inner = _with_constant(w, node, "Mul", w.add("Add", [x, cube], node.name)[0], sqrt(2.0 / np.pi))
        (gate,) = w.add("Tanh", [inner], node.name)
    else:
        (gate,) = w.add("Erf", [_with_constant(w, node, "Mul", x, sqrt(0.5))], node.name)
    half = _with_constant(w, node, "Mul", _with_constant(w, node, "Add", gate, 1.0), 0.5)
    return w.add("Mul", [x, half], node.name)[0]


@spells(Neg)
def negation(w: QdqWriter, node: Node, op: Neg, x: str) -> str:
    """Of real numbers, which is what an arithmetic that negates stored integers means."""
    return w.add("Neg", [x], node.name)[0]


@spells(Rsqrt)
def rsqrt(w: QdqWriter, node: Node, op: Rsqrt, x: str) -> str:
    """1 / √x."""
    return w.add("Reciprocal", w.add("Sqrt", [x], node.name), node.name)[0]


@spells(Square)
def square(w: QdqWriter, node: Node, op: Square, x: str) -> str:
    """x · x."""
    return w.add("Mul", [x, x], node.name)[0]


@spells(Pow)
def power(w: QdqWriter, node: Node, op: Pow, x: str) -> str:
    """The exponent is an input."""
    return _with_constant(w, node, "Pow", x, op.exponent)


@spells(Function)
def function(w: QdqWriter, node: Node, op: Function, x: str) -> str:
    """Operator by operator, in real numbers."""

    def apply(part: Op, operands: list[str]) -> str:
        if type(part) in SPELLINGS:
            return SPELLINGS[type(part)](w, node, part, operands[0])
        if isinstance(part, TableOp):
            return _named(w, node, part, operands[0])
        (y,) = w.add(part.onnx, operands, node.name)
        return y if part.fused_clamp in (None, NO_CLAMP) else clip(w, node, Clip(*part.fused_clamp), y)

    return walk(op.expression, x, lambda number: w.constant(f"{node.name}_constant", np.float32(number)), apply)


def convert(w: QdqWriter, node: Node, op: Conversion | Border, x: str) -> str:
    """No operator: the DequantizeLinear and QuantizeLinear around it, or their absence for real values, convert."""
    return x


spells(Requantize)(convert)
spells(Quantize)(convert)
spells(Dequantize)(convert)
