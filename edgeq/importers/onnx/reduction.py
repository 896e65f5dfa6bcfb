"""Reductions over axes."""

from __future__ import annotations

from edgeq.importers.onnx.axes import axes_of
from edgeq.importers.onnx.node import OnnxNode, handles
from edgeq.ir.op import Op
from edgeq.ops.mean import Mean
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.sum import Sum


@handles("ReduceMean", "ReduceSum", "ReduceMax")
def reduce(node: OnnxNode) -> None:
    """Axes from an input (ReduceSum from opset 13, the others from 18) or an attribute; all axes if none are given."""
    rank = len(node.shape(0))
    axes = axes_of(node, rank)
    x = node.value(0)
    if (not axes and node.attr_int("noop_with_empty_axes", 0)) or rank == 0:
        node.result(x)
        return
    chosen = tuple(sorted(axes)) if axes else tuple(range(rank))
    keepdims = bool(node.attr_int("keepdims", 1))
    op: Op
    if node.kind == "ReduceMean":
        op = Mean(axes=chosen, keepdims=keepdims)
    elif node.kind == "ReduceSum":
        op = Sum(axes=chosen, keepdims=keepdims)
    else:
        op = ReduceMax(axes=chosen, keepdims=keepdims)
    node.result(node.emit(op, [x], keep_q=node.kind == "ReduceMax"))
