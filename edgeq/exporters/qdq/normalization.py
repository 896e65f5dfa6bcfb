"""Operators that normalize sets of elements. Their scales and biases are real numbers in both files."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._normalize import without_ones
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.instance_norm import InstanceNorm
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.rms_norm import RMSNorm
from edgeq.ops.stored_l2_norm import StoredL2Norm

LAYER_NORMALIZATION_OPSET = 17
SMALLEST = float(np.finfo(np.float32).tiny)
"""A length that a tensor of zeros is divided by."""


def _operand(w: QdqWriter, node: Node, index: int) -> Array | None:
    """Scale or bias without leading ones, None if absent."""
    name = node.inputs[index] if index < len(node.inputs) else None
    data = None if name is None else w.stored(name)[1]
    return None if data is None else data.reshape(without_ones(data.shape))


def _spread(w: QdqWriter, node: Node, index: int, shape: Shape, default: float) -> str:
    """Scale or bias as a tensor of a shape."""
    data = _operand(w, node, index)
    values = np.broadcast_to(np.float32(default) if data is None else data, shape)
    return w.constant(f"{node.name}_{('scale', 'bias')[index - 1]}", values.astype(np.float32))


def _scaled(w: QdqWriter, node: Node, y: str, after: int = 0) -> str:
    """Times the scale, plus the bias; both get so many dimensions of 1 after theirs."""
    for index, kind in ((1, "Mul"), (2, "Add")):
        data = _operand(w, node, index)
        if data is not None:
            constant = w.constant(f"{node.name}_{kind.lower()}", data.reshape((*data.shape, *(1,) * after)))
            (y,) = w.add(kind, [y, constant], node.name)
    return y


def _axes(w: QdqWriter, node: Node, op: NormalizeLast) -> list[int]:
    return list(range(op.axis, len(w.graph.type(node.outputs[0]).shape)))


@exports(LayerNorm)
def layer_norm(w: QdqWriter, node: Node, op: LayerNorm) -> None:
    """The operator of opset 17, whose scale is not optional."""
    w.needs(LAYER_NORMALIZATION_OPSET)
    normalized = w.graph.type(node.outputs[0]).shape[op.axis :]
    inputs = [w.first(node), _spread(w, node, 1, normalized, 1.0)]
    if _operand(w, node, 2) is not None:
        inputs.append(_spread(w, node, 2, normalized, 0.0))
    (y,) = w.add("LayerNormalization", inputs, node.name, axis=op.axis, epsilon=op.epsilon)
    w.finish(node, y)


@exports(RMSNorm)
def rms_norm(w: QdqWriter, node: Node, op: RMSNorm) -> None:
    """Spelled out: the operator is of opset 23."""
    x = w.first(node)
    (square,) = w.add("Mul", [x, x], node.name)
    mean = w.reduced("ReduceMean", square, _axes(w, node, op), True, node.name)
    (total,) = w.add("Add", [mean, w.constant(f"{node.name}_epsilon", np.float32(op.epsilon))], node.name)
    (root,) = w.add("Sqrt", [total], node.name)
    (y,) = w.add("Div", [x, root], node.name)
    w.finish(node, _scaled(w, node, y))


@exports(L2Norm)
def l2_norm(w: QdqWriter, node: Node, op: L2Norm) -> None:
    """Spelled out: ONNX's operator has no epsilon."""
    x = w.first(node)
    length = w.reduced("ReduceL2", x, _axes(w, node, op), True, node.name)
    least = w.constant(f"{node.name}_epsilon", np.float32(max(op.epsilon, SMALLEST)))
    (bounded,) = w.add("Max", [length, least], node.name)
    (y,) = w.add("Div", [x, bounded], node.name)
    w.finish(node, _scaled(w, node, y))


@exports(StoredL2Norm)
def stored_l2_norm(w: QdqWriter, node: Node, op: StoredL2Norm) -> None:
    """Spelled out, too."""
    x = w.first(node)
    length = w.reduced("ReduceL2", x, [len(w.graph.type(node.outputs[0]).shape) - 1], True, node.name)
    least = w.constant(f"{node.name}_epsilon", np.float32(SMALLEST))
    (bounded,) = w.add("Max", [length, least], node.name)
    w.finish(node, w.add("Div", [x, bounded], node.name)[0])


def _channels_first(w: QdqWriter, node: Node) -> tuple[str, Shape]:
    """The input and its shape as (N, C, …)."""
    n, *pixels, channels = w.graph.type(node.outputs[0]).shape
    if len(pixels) == 2:
        return w.first(node, True), (n, channels, *pixels)
    flat = (n, prod(pixels), channels)
    (rows,) = w.add("Reshape", [w.first(node), w.shape(f"{node.name}_shape", (n, *pixels, channels), flat)], node.name)
    return w.add("Transpose", [rows], node.name, perm=(0, 2, 1))[0], (n, channels, prod(pixels))


def _finish(w: QdqWriter, node: Node, y: str) -> None:
    """A result as `_channels_first` gives its input becomes the output."""
    shape = w.graph.type(node.outputs[0]).shape
    if len(shape) == 4:
        w.finish(node, y, True)
        return
    (last,) = w.add("Transpose", [y], node.name, perm=(0, 2, 1))
    flat = (shape[0], prod(shape[1:-1]), shape[-1])
    (y,) = w.add("Reshape", [last, w.shape(f"{node.name}_shape", flat, shape)], node.name)
    w.finish(node, y)


@exports(InstanceNorm)
def instance_norm(w: QdqWriter, node: Node, op: InstanceNorm) -> None:
    """The operator of the same name."""
    x, shape = _channels_first(w, node)
    constants = [_spread(w, node, k, shape[1:2], default) for k, default in ((1, 1.0), (2, 0.0))]
    (y,) = w.add("InstanceNormalization", [x, *constants], node.name, epsilon=op.epsilon)
    _finish(w, node, y)


@exports(GroupNorm)
def group_norm(w: QdqWriter, node: Node, op: GroupNorm) -> None:
    """An InstanceNormalization of groups, as PyTorch writes it: the operator is of opset 18."""
    x, shape = _channels_first(w, node)
    grouped, whole = ((shape[0], op.groups, -1), shape)
    (y,) = w.add("Reshape", [x, w.shape(f"{node.name}_groups", shape, grouped)], node.name)
    one, zero = (w.constant(f"{node.name}_{v}", np.full(op.groups, v, np.float32)) for v in (1, 0))
    (y,) = w.add("InstanceNormalization", [y, one, zero], node.name, epsilon=op.epsilon)
    (y,) = w.add("Reshape", [y, w.shape(f"{node.name}_shape", grouped, whole)], node.name)
    _finish(w, node, _scaled(w, node, y, len(shape) - 2))
