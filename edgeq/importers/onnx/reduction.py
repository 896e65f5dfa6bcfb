"""Reductions over axes."""

from __future__ import annotations

from edgeq.importers.onnx.axes import axes_of
from edgeq.importers.onnx.node import OnnxNode, handles
from edgeq.ir.op import Scale
from edgeq.ops._reduce import Reduction
from edgeq.ops.mean import Mean
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.sum import Sum

REDUCTIONS: dict[str, type[Reduction]] = {
    "ReduceMax": ReduceMax,
    "ReduceMean": Mean,
    "ReduceSum": Sum,
}


@handles(*REDUCTIONS)
def reduce(node: OnnxNode) -> None:
    """Axes from an input (ReduceSum from opset 13, the others from 18) or an attribute; all axes if none are given."""
    rank = len(node.shape(0))
    axes = axes_of(node, rank)
    x = node.value(0)
    if (not axes and node.attr_int("noop_with_empty_axes", 0)) or rank == 0:
        node.result(x)
        return
    chosen = tuple(sorted(axes)) if axes else tuple(range(rank))
    op = REDUCTIONS[node.kind](axes=chosen, keepdims=bool(node.attr_int("keepdims", 1)))
    node.result(node.emit(op, [x], keep_q=op.quant_rule([node.shape(0)]).output is Scale.SAME))
