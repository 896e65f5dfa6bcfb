"""LSTM, GRU and RNN: one operator for each direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from onnx import helper

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import part
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, Shape
from edgeq.ops.concat import Concat
from edgeq.ops.gru import CANDIDATE, Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.reshape import Reshape
from edgeq.ops.simple_rnn import Activated, SimpleRnn
from edgeq.ops.transpose import Transpose

DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
"""For each direction whether the sequence is taken from its end."""
RNN_FUNCTIONS: dict[str, Activated] = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu"}
LSTM_GATES = (0, 2, 3, 1)
"""Where Lstm's gates, input, forget, cell, output, are among ONNX's: input, output, forget, cell."""
LSTM_PEEPHOLES = (0, 2, 1)
"""The same for peephole weights: input, forget, output among input, output, forget."""


@dataclass(frozen=True)
class Layer:
    """What the three operators have in common.

    Attributes:
        node: the node.
        gates: rows of weights in multiples of the units.
        layout: 0: steps are the first dimension; 1: the batch is.
        reversals: for each direction whether the sequence is taken from its end.
        x: the sequence (batch, steps, inputs).
        units: units of one direction.
        weights, recurrent, biases: (directions, gates · units, …); biases (directions, 2, gates · units).
    """

    node: OnnxNode
    gates: int
    layout: int
    reversals: tuple[bool, ...]
    x: str
    units: int
    weights: Array
    recurrent: Array
    biases: Array

    @property
    def batch(self) -> int:
        return self.node.type(self.x).shape[0]

    def state(self, index: int, direction: int, what: str) -> str:
        """The first state (batch, units) of a direction, zero if it is not given."""
        node, size = self.node, (self.batch, self.units)
        if not node.has(index):
            return node.store(f"{what}_{direction}", np.zeros((1, self.units), np.float32))
        shape = (len(self.reversals), *size) if self.layout == 0 else (size[0], len(self.reversals), size[1])
        if node.shape(index) != shape:
            raise ModelError(f"{what} has the shape {node.shape(index)}, not {shape}", hint=_CHECK)
        axis = 0 if self.layout == 0 else 1
        operand = node.operand(index)
        if not isinstance(operand, Activation):
            return node.store(f"{what}_{direction}", node.reals(index, what).take(direction, axis).astype(np.float32))
        if len(self.reversals) == 1:
            return node.emit(Reshape(size), [operand.value], what, keep_q=True)
        suffix = f"{what}_{direction}"
        piece = part(node, operand.value, axis, direction, direction + 1, suffix)
        return node.emit(Reshape(size), [piece], f"{suffix}_rows", keep_q=True)

    def results(self, made: Sequence[Sequence[str]]) -> None:
        """Bind the node's outputs to those of the directions: the sequence, then states."""
        node, count = self.node, len(self.reversals)
        batch, steps, _ = node.type(self.x).shape
        used = [k for k, name in enumerate(node.outputs) if name]
        if 0 in used:
            sequence = made[0][0]
            if count > 1:
                sequence = node.emit(Concat(2), [outputs[0] for outputs in made], "sequence")
            apart = (batch, steps, count, self.units)
            if self.layout == 1:
                sequence = node.emit(Reshape(apart), [sequence], "apart", keep_q=True)
            elif count == 1:
                sequence = node.emit(Transpose((1, 0, 2)), [sequence], "steps_first", keep_q=True)
                sequence = node.emit(Reshape((steps, 1, batch, self.units)), [sequence], "apart", keep_q=True)
            else:
                sequence = node.emit(Reshape(apart), [sequence], "apart", keep_q=True)
                sequence = node.emit(Transpose((1, 2, 0, 3)), [sequence], "steps_first", keep_q=True)
            node.result(sequence)
        shape: Shape = (1, batch, self.units) if self.layout == 0 else (batch, 1, self.units)
        for index in (k for k in used if k > 0):
            states = [node.emit(Reshape(shape), [outputs[index]], f"state_{index}", keep_q=True) for outputs in made]
            state = states[0] if count == 1 else node.emit(Concat(self.layout), states, f"states_{index}")
            node.result(state, index)


_CHECK = "check the shapes of this node's inputs"


def read(node: OnnxNode, gates: int) -> Layer:
    """What the operators have in common.

    Raises:
        ModelError: operands do not fit, or are not constant where they have to be.
    """
    direction, layout = node.attr_str("direction", "forward"), node.attr_int("layout", 0)
    if direction not in DIRECTIONS or layout not in (0, 1):
        raise ModelError(f"direction {direction!r} and layout {layout} are not ONNX's", hint="export the model again")
    reversals = DIRECTIONS[direction]
    weights, recurrent = node.reals(1, "W"), node.reals(2, "R")
    if weights.ndim != 3 or recurrent.ndim != 3:
        raise ModelError(f"W and R have the shapes {weights.shape} and {recurrent.shape}", hint=_CHECK)
    units, count = recurrent.shape[2], len(reversals)
    rows = gates * units
    biases = node.reals(3, "B") if node.has(3) else np.zeros((count, 2 * rows))
    given = node.attr_int("hidden_size", units)
    x = node.value(0)
    if len(node.type(x).shape) != 3:
        raise ModelError(f"X has the shape {node.type(x).shape}", hint=_CHECK)
    wanted = (count, rows, node.type(x).shape[2]), (count, rows, units), (count, 2 * rows)
    if (weights.shape, recurrent.shape, biases.shape) != wanted or given != units:
        found = f"{weights.shape}, {recurrent.shape} and {biases.shape}"
        raise ModelError(f"W, R and B have the shapes {found}, with hidden_size {given}", hint=_CHECK)
    if layout == 0:
        x = node.emit(Transpose((1, 0, 2)), [x], "batch_first", keep_q=True)
    batch, steps, _ = node.type(x).shape
    lengths = node.ints(4, "sequence_lens")
    if lengths is not None and lengths != (steps,) * batch:
        raise ModelError(
            f"sequence_lens {lengths} differs from the {steps} steps of the sequence",
            hint="export the model for sequences of one length, without sequence_lens",
        )
    return Layer(node, gates, layout, reversals, x, units, weights, recurrent, biases.reshape(count, 2, rows))


def functions(node: OnnxNode, default: Sequence[str], directions: int) -> list[list[str]]:
    """Names of the activations of each direction, in lower case.

    Raises:
        ModelError: there are not as many as the operator has.
    """
    found = node.attr_strings("activations")
    names = [name.lower() for name in found] if found else list(default) * directions
    if len(names) != len(default) * directions:
        raise ModelError(f"activations has {len(names)} names", hint="export the model again")
    return [names[k : k + len(default)] for k in range(0, len(names), len(default))]


def _defaults_only(node: OnnxNode, default: Sequence[str], directions: int) -> None:
    for names in functions(node, default, directions):
        if names != list(default):
            raise ModelError(
                f"{node.kind} with the activations {', '.join(names)} is not supported",
                hint=f"export it with {', '.join(default)}, or unrolled",
            )


def _clip(node: OnnxNode) -> float:
    clip = node.attr_float("clip", 0.0)
    if clip < 0.0:
        raise ModelError(f"clip is {clip}", hint="export the model again")
    return clip if np.isfinite(clip) else 0.0


def _each(layer: Layer, make: Callable[[int, bool], tuple[Op, list[str | None]]]) -> None:
    """Add an operator for each direction, and bind the outputs."""
    made = []
    for direction, reverse in enumerate(layer.reversals):
        op, operands = make(direction, reverse)
        made.append(layer.node.emit_many(op, operands, "reverse" if direction else ""))
    layer.results(made)


def _stored(node: OnnxNode, name: str, direction: int, data: Array) -> str:
    return node.store(f"{name}_{direction}" if direction else name, data.astype(np.float32))


@handles("RNN")
def rnn(node: OnnxNode) -> None:
    """RNN: tanh, sigmoid or relu."""
    layer, clip = read(node, 1), _clip(node)
    names = functions(node, ("tanh",), len(layer.reversals))
    unknown = [name for (name,) in names if name not in RNN_FUNCTIONS]
    if unknown:
        raise ModelError(
            f"RNN with the activation {unknown[0]} is not supported",
            hint="export it with Tanh, Sigmoid or Relu, or unrolled",
        )

    def make(k: int, reverse: bool) -> tuple[Op, list[str | None]]:
        return SimpleRnn(RNN_FUNCTIONS[names[k][0]], reverse, clip), [
            layer.x,
            _stored(node, "w", k, layer.weights[k]),
            _stored(node, "r", k, layer.recurrent[k]),
            _stored(node, "b", k, layer.biases[k].sum(axis=0)),
            layer.state(5, k, "initial_h"),
        ]

    _each(layer, make)


@handles("GRU")
def gru(node: OnnxNode) -> None:
    """GRU, with the reset gate in front of the product or behind it."""
    layer, clip = read(node, 3), _clip(node)
    _defaults_only(node, ("sigmoid", "tanh"), len(layer.reversals))
    after = bool(node.attr_int("linear_before_reset", 0))

    def make(k: int, reverse: bool) -> tuple[Op, list[str | None]]:
        bias, recurrent_bias = layer.biases[k].copy()
        moved = CANDIDATE * layer.units if after else len(bias)  # what no reset gate multiplies is one bias
        bias[:moved] += recurrent_bias[:moved]
        recurrent_bias[:moved] = 0.0
        return Gru(after, reverse, clip), [
            layer.x,
            _stored(node, "w", k, layer.weights[k]),
            _stored(node, "r", k, layer.recurrent[k]),
            _stored(node, "b", k, bias),
            _stored(node, "rb", k, recurrent_bias) if recurrent_bias.any() else None,
            layer.state(5, k, "initial_h"),
        ]

    _each(layer, make)


@handles("DynamicQuantizeLSTM", domain="com.microsoft")
def dynamic_lstm(node: OnnxNode) -> None:
    """onnxruntime's LSTM, whose weights (directions, inputs, 4 · units) are integers: the real ones behind them."""
    builder, names = node.builder, list(node.inputs[:8])
    for index, scale, what in ((1, 8, "W"), (2, 10, "R")):
        stored = node.needed(index, what).data
        if stored.ndim != 3 or stored.dtype.kind not in "iu":
            raise ModelError(f"{what} has the shape {stored.shape}", hint=_CHECK)
        factors, zeros = node.reals(scale, "a scale"), np.zeros(1)
        if node.has(scale + 1):
            zeros = node.needed(scale + 1, "a zero point").data.astype(np.float64)
        spread = [v if v.size == 1 else v.reshape(len(stored), 1, -1) for v in (factors, zeros)]
        real = ((stored - spread[1]) * spread[0]).transpose(0, 2, 1).astype(np.float32)
        names[index] = builder.reserve(f"{node.inputs[index]}_real")
        builder.tensors[names[index]] = Constant(names[index], real)
    message = helper.make_node("LSTM", names, node.outputs)
    message.attribute.extend(node.message.attribute)
    lstm(OnnxNode(builder, message, node.name))


@handles("LSTM")
def lstm(node: OnnxNode) -> None:
    """LSTM, with peepholes; with `input_forget` the forget gate is one minus the input gate."""
    layer = read(node, 4)
    _defaults_only(node, ("sigmoid", "tanh", "tanh"), len(layer.reversals))
    if _clip(node):
        raise ModelError(
            f"LSTM with clip {_clip(node):g} is not supported", hint="export it without, or with the layer unrolled"
        )
    count, units = len(layer.reversals), layer.units
    holes = node.reals(7, "P") if node.has(7) else None
    if holes is not None and holes.shape != (count, 3 * units):
        raise ModelError(f"P has the shape {holes.shape}", hint=_CHECK)
    coupled = bool(node.attr_int("input_forget", 0))

    def rows(data: Array, order: Sequence[int]) -> Array:
        """Rows in the order of Lstm's gates; coupled, those of the forget gate give 1 − sigmoid(x) = sigmoid(−x)."""
        parts = [np.split(data, len(order))[k] for k in order]
        if coupled:
            parts[1] = -parts[0]
        return np.concatenate(parts)

    def make(k: int, reverse: bool) -> tuple[Op, list[str | None]]:
        operands = [
            layer.x,
            _stored(node, "w", k, rows(layer.weights[k], LSTM_GATES)),
            _stored(node, "r", k, rows(layer.recurrent[k], LSTM_GATES)),
            _stored(node, "b", k, rows(layer.biases[k].sum(axis=0), LSTM_GATES)),
            layer.state(5, k, "initial_h"),
            layer.state(6, k, "initial_c"),
        ]
        if holes is not None and holes[k].any():
            operands.append(_stored(node, "p", k, rows(holes[k], LSTM_PEEPHOLES).reshape(3, units)))
        return Lstm(reverse=reverse), list(cast("list[str | None]", operands))

    _each(layer, make)
