"""Layers with memory: LSTM over sequences, in one direction or both, and SVDF.

Their states are variable tensors of the file, which keep their values from one invocation to the next. Each becomes an
input and an output of the graph, and a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.importers.tflite.builder import FUSED_CLAMPS, Builder
from edgeq.importers.tflite.movement import view
from edgeq.importers.tflite.raw import AGAIN, Problem, RawOp, RawTensor
from edgeq.importers.tflite.registry import handles
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.ops.concat import Concat
from edgeq.ops.lstm import Lstm
from edgeq.ops.reshape import Reshape
from edgeq.ops.svdf import Svdf
from edgeq.ops.transpose import Transpose

RELU, TANH = 1, 4
TIME_FIRST = (1, 0, 2)
"""Between (batch, steps, …) and (steps, batch, …)."""


@dataclass(frozen=True)
class Places:
    """Where the operands of one direction lie; each of the first three lists begins there."""

    weights: int
    recurrent: int
    peephole: int
    bias: int
    projection: int
    hidden: int
    cell: int
    layer_norm: int | None


FORWARD = Places(1, 5, 9, 12, 16, 18, 19, 20)
BOTH = (Places(1, 5, 9, 12, 16, 35, 36, None), Places(18, 22, 26, 29, 33, 37, 38, None))
AUXILIARY = 39
"""From here on, BIDIRECTIONAL_SEQUENCE_LSTM has a second input and its weights."""


def place(op: RawOp, position: int) -> int:
    """The tensor at a position; −1 if it is absent."""
    return op.inputs[position] if position < len(op.inputs) else -1


def stored(b: Builder, op: RawOp, position: int) -> tuple[Array, RawTensor]:
    """Elements of a constant that must be there, in their stored type."""
    tensor = b.tensor(place(op, position))
    data = b.stored(tensor.index)
    if data is None:
        raise Problem(f"its operand {tensor.label} is computed at run time", "freeze the model's weights")
    return data, tensor


def real(b: Builder, op: RawOp, position: int) -> Array:
    """Elements of a constant as real numbers."""
    value = b.editor.values[b.real_constant(place(op, position))]
    assert value.data is not None
    return value.data


def scale_of(tensor: RawTensor, dtype: str) -> float:
    """The one scale of a tensor that must be symmetric and of a type."""
    quant = tensor.quant
    if tensor.dtype != dtype or quant is None or quant.scale.size != 1 or quant.zero_point.any():
        raise Problem(f"the constant {tensor.label} is not {dtype} with one scale and zero-point 0", AGAIN)
    return float(quant.scale[0])


def state(b: Builder, index: int, shape: Shape) -> str:
    """The graph input from which a variable tensor is read at the begin of a step."""
    tensor = b.model.tensors[index]
    if index < 0 or not tensor.variable:
        raise Problem("a state of it is no variable tensor", AGAIN)
    if index in b.resources:
        raise Problem(f"the variable {tensor.label} belongs to several operators", AGAIN)
    if tensor.shape != shape:
        raise Problem(f"the variable {tensor.label} has shape {tensor.shape} where {shape} is needed", AGAIN)
    if tensor.dtype == "INT16":
        q: QParams | None = QParams.per_tensor(scale_of(tensor, "INT16"), 0)
    else:
        q = b.activation_q(tensor)
    return b.variable(index, tensor.name, TensorType(shape, DType.FLOAT32, q))


@handles("UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM")
def lstm(b: Builder, op: RawOp) -> None:
    """Over a sequence; LSTM takes one step of it."""
    if op.kind == "LSTM" and op.options.get("KernelType"):
        raise Problem("it is the basic form of an LSTM", "convert the model with a newer TensorFlow, with full LSTMs")
    x = b.operand(op, 0)
    if op.kind == "LSTM":
        if len(b.shape(x)) != 2:
            raise Problem(f"an input of shape {b.shape(x)}, not (batch, inputs)", AGAIN)
        batch, depth = b.shape(x)
        x = b.step(Reshape((batch, 1, depth)), [x], f"{x}/steps", b.q_of(x))
        sequence = layer(b, op, x, FORWARD)
        view(b, op, sequence, (batch, b.shape(sequence)[2]))
        return
    sequence = layer(b, op, batch_first(b, op, x), FORWARD)
    emit(b, op, sequence)


@handles("BIDIRECTIONAL_SEQUENCE_LSTM")
def bidirectional(b: Builder, op: RawOp) -> None:
    """Two layers, of which one takes the sequence from its end."""
    if any(place(op, position) >= 0 for position in range(AUXILIARY, len(op.inputs))):
        raise Problem("it has an auxiliary input", "build the model of plain layers")
    if b.is_quantized(op):
        raise Problem("it has 8-bit activations, which LiteRT has not either", "give edgeq the float model")
    x = batch_first(b, op, b.operand(op, 0))
    forward, backward = (layer(b, op, x, places, reverse=k == 1) for k, places in enumerate(BOTH))
    if op.option("MergeOutputs"):
        emit(b, op, b.step(Concat(2), [forward, backward], f"{forward}/both", b.q_of(forward)))
        return
    if len(op.outputs) != 2:
        raise Problem(f"it has {len(op.outputs)} outputs, not 2", AGAIN)
    emit(b, op, forward, op.outputs[:1])
    emit(b, op, backward, op.outputs[1:])


def batch_first(b: Builder, op: RawOp, x: str) -> str:
    """A sequence (batch, steps, inputs)."""
    if len(b.shape(x)) != 3:
        raise Problem(f"an input of shape {b.shape(x)}, not (batch, steps, inputs)", AGAIN)
    return b.step(Transpose(TIME_FIRST), [x], f"{x}/batch_first", b.q_of(x)) if op.option("TimeMajor") else x


def emit(b: Builder, op: RawOp, sequence: str, outputs: tuple[int, ...] | None = None) -> None:
    """Bind the operator's output."""
    if op.option("TimeMajor"):
        b.emit(op, Transpose(TIME_FIRST), [sequence], outputs)
    else:
        b.emit(op, Reshape(b.shape(sequence)), [sequence], outputs)


def layer(b: Builder, op: RawOp, x: str, places: Places, reverse: bool = False) -> str:
    """Add one layer; returns the hidden states of its steps (batch, steps, outputs)."""
    if op.option("FusedActivationFunction") != TANH:
        raise Problem("its activation is not tanh", "build the layer with the usual activations: tanh and sigmoid")
    if places.layer_norm is not None and any(place(op, places.layer_norm + k) >= 0 for k in range(4)):
        raise Problem("it normalizes its gates", "build the layer without layer normalization")
    attributes: dict[str, Any] = {
        "reverse": reverse,
        "cell_clip": op.real("CellClip"),
        "projection_clip": op.real("ProjClip"),
    }
    quantized = b.is_quantized(op)
    if b.model.tensors[op.inputs[0]].dtype == "INT16":
        raise Problem("it has 16-bit activations, which LiteRT has not either", "give edgeq the float model")
    if quantized and b.model.tensors[place(op, places.cell)].dtype != "INT16":
        raise Problem("its cells are not int16", "quantize the model to int8 with a newer TensorFlow")
    made = _integers(b, op, x, places, attributes) if quantized else _reals(b, op, places)
    operands, units, outputs = made
    batch = b.shape(x)[0]
    hidden = state(b, place(op, places.hidden), (batch, outputs))
    cell = state(b, place(op, places.cell), (batch, units))
    full = [x, *operands[:3], hidden, cell, *operands[3:]]
    kind = Lstm(**attributes)
    q = b.output_q(op) if quantized else None
    sequence, last, cells = b.steps(kind, full, f"{x}/lstm", [q, q, b.q_of(cell)])
    if b.q_of(hidden) != q:
        raise Problem("its hidden state has other parameters than its output", AGAIN)
    b.assign(place(op, places.hidden), last)
    b.assign(place(op, places.cell), cells)
    return sequence


Made = tuple[list[str | None], int, int]
"""The operands W, R, bias, peephole weights, projection, its bias; units; outputs."""


def _rows(parts: list[Array]) -> Array:
    shapes = {p.shape for p in parts}
    if len(shapes) != 1:
        raise Problem(f"its gates have weights of shapes {', '.join(map(str, sorted(shapes)))}", AGAIN)
    return np.concatenate(parts)


def _reals(b: Builder, op: RawOp, places: Places) -> Made:
    """Operands in real numbers; weights that are stored in 8 bits are dequantized."""
    coupled = place(op, places.weights) < 0

    def gates(first: int, count: int = 4) -> list[Array]:
        """Of every gate; those of a missing input gate, which is 1 − f, are those of f with the other sign."""
        given = [real(b, op, first + k) for k in range(1 if coupled else 0, count)]
        return [-given[0], *given] if coupled else given

    w, r = _rows(gates(places.weights)), _rows(gates(places.recurrent))
    bias = _rows(gates(places.bias)) if place(op, places.bias + 1) >= 0 else None
    hole = np.stack(gates(places.peephole, 3)) if place(op, places.peephole + 1) >= 0 else None
    projection, offset = (
        real(b, op, places.projection + k) if place(op, places.projection + k) >= 0 else None for k in (0, 1)
    )
    named = [("W", w), ("R", r), ("b", bias), ("p", hole), ("P", projection), ("d", offset)]
    units = len(w) // 4
    names = [None if a is None else b.editor.constant(f"lstm_{op.index}/{name}", a) for name, a in named]
    return names, units, units if projection is None else len(projection)


def _integers(b: Builder, op: RawOp, x: str, places: Places, attributes: dict[str, Any]) -> Made:
    """Operands as int8 and int32 integers, peephole weights and a projection's bias as real numbers."""
    if place(op, places.weights) < 0:
        raise Problem("it has no input gate of its own", "give edgeq the float model, which it quantizes itself")

    def matrix(first: int, name: str) -> tuple[str, Array]:
        given = [stored(b, op, first + k) for k in range(4)]
        rows = _rows([data for data, _ in given])
        scales = np.repeat([scale_of(tensor, "INT8") for _, tensor in given], len(rows) // 4)
        return b.editor.constant(f"lstm_{op.index}/{name}", rows, QParams.per_channel(scales, 0, 0)), scales

    (w, scales), (r, _) = matrix(places.weights, "W"), matrix(places.recurrent, "R")
    bias = None
    if place(op, places.bias) >= 0:
        data = _rows([stored(b, op, places.bias + k)[0] for k in range(4)])
        s_x = b.q_of(x)
        assert s_x is not None
        q = QParams.per_channel(scales.astype(np.float64) * s_x.s, 0, 0)
        bias = b.editor.constant(f"lstm_{op.index}/b", data.astype(np.int32), q)
    hole = None
    if place(op, places.peephole) >= 0:
        given = [stored(b, op, places.peephole + k) for k in range(3)]
        own = [scale_of(tensor, "INT16") for _, tensor in given]
        attributes["peephole_scales"] = tuple(own)
        rows = np.stack([data.astype(np.float64) * s for (data, _), s in zip(given, own, strict=True)])
        hole = b.editor.constant(f"lstm_{op.index}/p", rows)
    units = b.shape(w)[0] // 4
    hidden = _hidden(b, op)
    projection = offset = None
    outputs = units
    if place(op, places.projection) >= 0:
        data, tensor = stored(b, op, places.projection)
        scale, outputs = scale_of(tensor, "INT8"), len(data)
        projection = b.editor.constant(f"lstm_{op.index}/P", data, QParams.per_tensor(scale, 0))
        attributes["hidden_scale"], attributes["hidden_zero_point"] = hidden.s, hidden.zp
        if place(op, places.projection + 1) >= 0:
            steps = stored(b, op, places.projection + 1)[0].astype(np.float64)
            offset = b.editor.constant(f"lstm_{op.index}/d", steps * scale * hidden.s)
    elif hidden != b.output_q(op):
        raise Problem("its hidden state has other parameters than its output", AGAIN)
    return [w, r, bias, hole, projection, offset], units, outputs


def _hidden(b: Builder, op: RawOp) -> QParams:
    """Parameters of the hidden state before it is projected."""
    if len(op.intermediates) != 5:
        raise Problem("it lacks the parameters of its hidden state", AGAIN)
    quant = b.model.tensors[op.intermediates[4]].quant
    if quant is None or quant.scale.size != 1:
        raise Problem("it lacks the parameters of its hidden state", AGAIN)
    return QParams.per_tensor(float(quant.scale[0]), int(quant.zero_point[0]))


@handles("SVDF")
def svdf(b: Builder, op: RawOp) -> None:
    """One step of a layer over time."""
    x = b.operand(op, 0)
    if len(b.shape(x)) != 2:
        raise Problem(f"an input of shape {b.shape(x)}, not (batch, inputs)", AGAIN)
    quantized, kind = b.is_quantized(op), b.model.tensors[place(op, 4)].dtype
    clamp = b.clamp(op)
    attributes: dict[str, Any] = {"rank": op.option("Rank"), "clamp": clamp}
    bias: Array | None = None
    given = place(op, 3) >= 0
    if quantized:
        if clamp != FUSED_CLAMPS[RELU]:
            raise Problem("its activation is not ReLU", "LiteRT and edgeq take 8-bit layers of this kind with ReLU")
        data, tensor = stored(b, op, 1)
        features = b.editor.constant(f"svdf_{op.index}/features", data, QParams.per_tensor(scale_of(tensor, "INT8"), 0))
        data, tensor = stored(b, op, 2)
        scale = scale_of(tensor, kind)
        time = data.astype(np.float64) * scale
        attributes.update(fine_state=kind == "INT16", time_scale=scale)
    else:
        features, time = b.editor.constant(f"svdf_{op.index}/features", real(b, op, 1)), real(b, op, 2)
        bias = real(b, op, 3) if given else None
    before = state(b, place(op, 4), (b.shape(x)[0], time.size))
    if quantized and given:
        q = b.q_of(before)
        assert q is not None
        bias = stored(b, op, 3)[0].astype(np.float64) * (q.s * scale)
    named = (("time", time), ("bias", bias))
    constants = [None if a is None else b.editor.constant(f"svdf_{op.index}/{name}", a) for name, a in named]
    operands = [x, features, *constants, before]
    y, after = b.steps(
        Svdf(**attributes), operands, f"{x}/svdf", [b.output_q(op) if quantized else None, b.q_of(before)]
    )
    b.assign(place(op, 4), after)
    view(b, op, y, b.shape(y))
