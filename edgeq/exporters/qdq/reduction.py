"""Operators along axes, in the graph's own layout."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ops._index_of import IndexOf
from edgeq.ops._reduce import Reduction
from edgeq.ops._softmax import RowOp
from edgeq.ops.masked_softmax import MaskedSoftmax, rows_of
from edgeq.ops.softmax import Softmax
from edgeq.ops.sum import Sum


@exports(Reduction)
def reduction(w: QdqWriter, node: Node, op: Reduction) -> None:
    """The operator of the same name."""
    w.finish(node, w.reduced(op.onnx, w.first(node), op.axes, op.keepdims, node.name))


@exports(Sum)
def total(w: QdqWriter, node: Node, op: Sum) -> None:
    """ReduceSum."""
    w.finish(node, w.reduced("ReduceSum", w.first(node), op.axes, op.keepdims, node.name))


@exports(IndexOf)
def index_of(w: QdqWriter, node: Node, op: IndexOf) -> None:
    """ONNX's indices are int64."""
    attributes = {"axis": op.axis, "keepdims": int(op.keepdims), "select_last_index": int(op.last)}
    (y,) = w.add(op.onnx, [w.first(node)], node.name, **attributes)
    (narrow,) = w.add("Cast", [y], f"{node.name}_int32", to=TensorProto.INT32)
    w.write(node.outputs[0], narrow)


@exports(RowOp)
def row(w: QdqWriter, node: Node, op: RowOp) -> None:
    """The operator of the same name."""
    (y,) = w.add(op.onnx, [w.first(node)], node.name, axis=op.axis)
    w.finish(node, y)


@exports(Softmax)
def softmax(w: QdqWriter, node: Node, op: Softmax) -> None:
    """The operator of the same name, of beta times its input."""
    x = w.first(node)
    if op.beta != 1.0:
        (x,) = w.add("Mul", [x, w.constant(f"{node.name}_beta", np.float32(op.beta))], node.name)
    (y,) = w.add(op.onnx, [x], node.name, axis=op.axis)
    w.finish(node, y)


ABSORBING = np.float32(-(2.0**40))
"""Added to any number of a sane size it gives itself, and its exponential is zero beside any other."""


@exports(MaskedSoftmax)
def masked_softmax(w: QdqWriter, node: Node, op: MaskedSoftmax) -> None:
    """A Softmax after an addition: of twice a great negative number where the mask hides, of it once in flat rows.

    A mask that is computed, of zeros and ones, chooses between the scores and such a number.
    """
    mask_name = str(node.inputs[1])
    if w.graph.data(mask_name) is None:
        (counts,) = w.add("Cast", [w.read(mask_name)], f"{node.name}_counts", to=TensorProto.BOOL)
        (x,) = w.add("Where", [counts, w.first(node), w.constant(f"{node.name}_hidden", 2 * ABSORBING)], node.name)
        (y,) = w.add("Softmax", [x], node.name, axis=op.axis)
        w.finish(node, y)
        return
    shape = w.graph.type(node.outputs[0]).shape
    _, mask = w.stored(mask_name)
    seen, flat = (np.moveaxis(a, -1, op.axis) for a in rows_of(mask, shape, op.axis))
    addend = np.where(seen, np.where(flat, ABSORBING, np.float32(0)), 2 * ABSORBING)
    (x,) = w.add("Add", [w.first(node), w.constant(f"{node.name}_mask", addend)], node.name)
    (y,) = w.add("Softmax", [x], node.name, axis=op.axis)
    w.finish(node, y)
