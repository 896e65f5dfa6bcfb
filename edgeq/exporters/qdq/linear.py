"""Weights and biases, and the layers that multiply matrices."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ir.tensor import QParams
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul


def moved(q: QParams, axis: int) -> QParams:
    """Parameters whose channels, if they have any, lie along another axis."""
    return q if q.axis in (None, axis) else QParams(q.scale, q.zero_point, axis)


def weight_of(w: QdqWriter, node: Node, perm: tuple[int, ...]) -> str:
    """The float tensor of a node's weights, transposed so that output channels come first.

    Those of a layer in float32 are real numbers, also where they are stored in fewer bits.
    """
    type, data = w.stored(str(node.inputs[1]))
    if w.graph.site(node).is_float:
        return w.constant(f"{node.name}_weight", type.numbers(data).transpose(perm))
    return w.dequantized(f"{node.name}_weight", data.transpose(perm), moved(type.qp, 0), type.dtype)


def bias_of(w: QdqWriter, node: Node) -> list[str]:
    """The float tensor of a node's bias, if it has one."""
    name = node.inputs[2] if len(node.inputs) > 2 else None
    if name is None:
        return []
    type, data = w.stored(name)
    if type.q is None:
        return [w.constant(f"{node.name}_bias", data.astype(np.float32))]
    return [w.dequantized(f"{node.name}_bias", data, type.qp, type.dtype)]


def _refuse_dynamic(node: Node) -> None:
    if node.op.reads_stored:
        raise QuantizationError(
            "activations that are quantized at run time cannot be written as QDQ",
            hint="leave --dynamic out, or --output",
            where=f"{node.name} ({node.op.kind})",
        )


@exports(FullyConnected)
def fully_connected(w: QdqWriter, node: Node, op: FullyConnected) -> None:
    """A Gemm, which wants matrices: Reshapes around it where x has more dimensions."""
    _refuse_dynamic(node)
    x, y = w.graph.type(str(node.inputs[0])).shape, w.graph.type(node.outputs[0]).shape
    tensor = w.first(node)
    if len(x) != 2:
        (tensor,) = w.add("Reshape", [tensor, w.constant(f"{node.name}_shape", np.array([-1, x[-1]]))], node.name)
    (tensor,) = w.add("Gemm", [tensor, weight_of(w, node, (0, 1)), *bias_of(w, node)], node.name, transB=1)
    if len(x) != 2:
        (tensor,) = w.add("Reshape", [tensor, w.shape(f"{node.name}_shape", (prod(y[:-1]), y[-1]), y)], node.name)
    w.finish(node, tensor)


@exports(MatMul)
def mat_mul(w: QdqWriter, node: Node, op: MatMul) -> None:
    """The operator of the same name; of the real numbers of a matrix that is stored in fewer bits."""
    _refuse_dynamic(node)
    site = w.graph.site(node)

    def read(index: int) -> str:
        data, type = site.const_or_none(index), site.input(index)
        if data is None or not site.is_float or not type.is_stored:
            return w.read(str(node.inputs[index]))
        return w.constant(f"{node.name}_matrix", type.numbers(data))

    (y,) = w.add("MatMul", [read(0), read(1)], node.name)
    w.finish(node, y)
