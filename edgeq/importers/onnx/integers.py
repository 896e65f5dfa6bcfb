"""Operators between QuantizeLinear and DequantizeLinear: computed on integers, said of the reals behind them.

Integers q of scale s and zero point z stand for s · (q − z), which grows with q: extremes and choices among integers of
the same parameters are those of the reals, bounds are dequantized. Brevitas writes an integer Clip for narrow types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.activation import clip_bounds
from edgeq.importers.onnx.handlers import handles_integers
from edgeq.importers.onnx.movement import add_concat
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, Operand
from edgeq.importers.onnx.qdq import activation_parameters, annotate_integers
from edgeq.importers.onnx.reduction import INDICES, index_of, reduce
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ops.abs import Abs
from edgeq.ops.clip import Clip
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.neg import Neg

_DEQUANTIZE = "dequantize its inputs first (DequantizeLinear)"


@dataclass(frozen=True)
class Held:
    """How the integers that a node meets are held: parameters of int8 numbers, and their type in ONNX."""

    q: QParams
    dtype: DType

    @property
    def offset(self) -> int:
        """What int8 numbers lack to those of ONNX."""
        return 128 if self.dtype is DType.UINT8 else 0

    def real(self, number: int) -> float:
        """The real number that an integer of ONNX stands for."""
        return float(self.q.dequantize(np.asarray(number - self.offset)).reshape(()))

    def clip(self, low: int, high: int) -> Clip:
        """The clamp of integers, as one of reals; where a bound is the type's own, there is none."""
        least, greatest = self.dtype.range
        return Clip(
            -float("inf") if low <= least else self.real(low), float("inf") if high >= greatest else self.real(high)
        )


def held(node: OnnxNode) -> Held:
    """How all integers among a node's inputs are held.

    Raises:
        ModelError: they have no parameters, or not all the same.
    """
    operands = [node.operand(k) for k in range(len(node.inputs)) if node.has(k)]
    computed = [o for o in operands if isinstance(o, Activation)]
    if any(o.integers is not computed[0].integers for o in computed):
        raise ModelError("it mixes integers of several types, or with real numbers", hint=_DEQUANTIZE)
    dtype = computed[0].integers
    assert dtype is not None  # only then are these handlers called
    if dtype is DType.INT16:
        raise ModelError("integers of 16 bits are only dequantized, not computed with", hint=_DEQUANTIZE)
    known = {node.type(o.value).q for o in computed} - {None}
    if len(known) > 1:
        raise ModelError("integers of different scales meet", hint=_DEQUANTIZE)
    q = known.pop() if known else _read_later(node)
    if q is None:
        raise ModelError(f"these integers ({dtype.value}) have no parameters", hint=_DEQUANTIZE)
    for operand in computed:
        if node.type(operand.value).q is None:
            annotate_integers(node, operand.value, q)
    return Held(q, dtype)


def _read_later(node: OnnxNode) -> QParams | None:
    """The parameters with which a node's first output is dequantized, perhaps by way of other operators on integers."""
    names, seen = [node.outputs[0]], {node.outputs[0]}
    messages = node.builder.source.nodes
    while names:
        name = names.pop()
        for message in messages:
            if name not in message.input:
                continue
            if message.op_type == "DequantizeLinear" and message.input[0] == name:
                reader = OnnxNode(node.builder, message, message.name)
                operand = next(o for o in map(node.operand, range(len(node.inputs))) if isinstance(o, Activation))
                assert operand.integers is not None
                return activation_parameters(reader, 1, 2, operand.integers.value)[0]
            names.extend(o for o in message.output if o not in seen)
            seen.update(message.output)
    return None


def _stored(node: OnnxNode, constant: Constant, how: Held, shape: Shape | None = None) -> str:
    """A constant of integers, held as those that it meets.

    Raises:
        ModelError: its type is another.
    """
    if constant.q is not None or constant.data.dtype.name != how.dtype.value:
        why = f"a constant of {constant.data.dtype.name} meets integers of type {how.dtype.value}"
        raise ModelError(why, hint="export the model again", where=constant.name)
    data = (constant.data.astype(np.int16) - how.offset).astype(np.int8)
    return node.builder.store(constant.name, data if shape is None else data.reshape(shape), how.q)


def _value(node: OnnxNode, operand: Operand, how: Held) -> str:
    return operand.value if isinstance(operand, Activation) else _stored(node, operand, how)


@handles_integers("Relu")
def relu(node: OnnxNode) -> None:
    """max(q, 0)."""
    how = held(node)
    _clamped(node, node.value(0), how, 0, how.dtype.range[1])


@handles_integers("Clip")
def clip(node: OnnxNode) -> None:
    """Bounds are integers."""
    how = held(node)
    low, high = clip_bounds(node)
    least, greatest = how.dtype.range
    _clamped(node, node.value(0), how, int(max(low, least)), int(min(high, greatest)))


def _clamped(node: OnnxNode, x: str, how: Held, low: int, high: int) -> None:
    op = how.clip(low, high)
    node.result(x if op == Clip() else node.emit(op, [x], keep_q=True))


@handles_integers("Min", "Max")
def extreme(node: OnnxNode) -> None:
    """Extremes of integers that have the same parameters; a constant of one element makes it a clamp."""
    how = held(node)
    operands = sorted((node.operand(k) for k in range(len(node.inputs))), key=lambda o: isinstance(o, Constant))
    x = node.value_of(operands[0])
    least, greatest = how.dtype.range
    for index, operand in enumerate(operands[1:]):
        suffix = f"term{index + 1}" if index else ""
        rank = len(node.type(x).shape)
        if isinstance(operand, Constant) and operand.data.size == 1 and operand.data.ndim <= rank:
            bound = int(operand.data.reshape(()))
            limits = (bound, greatest) if node.kind == "Max" else (least, bound)
            op = how.clip(*limits)
            x = x if op == Clip() else node.emit(op, [x], suffix, keep_q=True)
        else:
            x = node.emit(Maximum() if node.kind == "Max" else Minimum(), [x, _value(node, operand, how)], suffix, True)
    node.result(x)


@handles_integers("ReduceMax", "ReduceMin")
def reduce_extreme(node: OnnxNode) -> None:
    """The greatest and the least of integers are those of the reals."""
    held(node)
    reduce(node)


@handles_integers(*INDICES)
def index_of_extreme(node: OnnxNode) -> None:
    """The greatest and the least of integers are where those of the reals are."""
    held(node)
    index_of(node)


@handles_integers("Neg", "Abs")
def signed(node: OnnxNode) -> None:
    """−q and |q|; −128 has no negative and saturates, which ONNX leaves open.

    Raises:
        ModelError: they are not those of the real numbers, which takes a zero point of 0.
    """
    how = held(node)
    if how.q.zp != 0:
        raise ModelError(f"{node.kind} of integers with a zero point is not supported", hint=_DEQUANTIZE)
    node.result(node.emit(Neg() if node.kind == "Neg" else Abs(), [node.value(0)], keep_q=True))


@handles_integers("Concat")
def concat(node: OnnxNode) -> None:
    """Join integers of the same parameters, computed or constant."""
    how = held(node)
    node.result(add_concat(node, [_value(node, node.operand(k), how) for k in range(len(node.inputs))], same=True))


@handles_integers("Where")
def where(node: OnnxNode) -> None:
    """A choice that is constant: each side is clamped to its own bounds where the other is taken.

    Raises:
        ModelError: the condition is computed at run time.
    """
    how = held(node)
    mask = node.needed(0, "the condition").data.astype(bool)
    x, y = node.operand(1), node.operand(2)
    if isinstance(x, Constant) and isinstance(y, Activation):
        x, y, mask = y, x, ~mask
    shape = np.broadcast_shapes(mask.shape, node.shape(1), node.shape(2))
    if isinstance(y, Constant):
        low, high = _choice(mask, y.data, how)
        kept = node.emit(Maximum(), [_computed(x), _bounds(node, "low", low, shape, how)], "floor", keep_q=True)
        node.result(node.emit(Minimum(), [kept, _bounds(node, "high", high, shape, how)], keep_q=True))
        return
    least, greatest = how.dtype.range
    sides = []
    for side, chosen, suffix in ((x, mask, "first"), (y, ~mask, "second")):
        top = _bounds(node, suffix, np.where(chosen, greatest, least), shape, how)
        sides.append(node.emit(Minimum(), [_computed(side), top], suffix, keep_q=True))
    node.result(node.emit(Maximum(), sides, keep_q=True))


def _computed(operand: Operand) -> str:
    assert isinstance(operand, Activation)
    return operand.value


def _choice(mask: Array, constant: Array, how: Held) -> tuple[Array, Array]:
    """Lower and upper bounds that leave what is chosen alone and make the rest the constant."""
    least, greatest = how.dtype.range
    return np.where(mask, least, constant), np.where(mask, greatest, constant)


def _bounds(node: OnnxNode, suffix: str, numbers: Array, shape: Sequence[int], how: Held) -> str:
    """Integers of ONNX as a constant that is held like the node's inputs."""
    full = numbers.reshape((1,) * (len(shape) - numbers.ndim) + numbers.shape)
    return node.store(suffix, (full - how.offset).astype(np.int8), how.q)
