"""Reductions over axes."""

from __future__ import annotations

from edgeq.importers.onnx.axes import axes_of, normalize_axes
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.quant_rule import Scale
from edgeq.ir.tensor import DType, Shape
from edgeq.ops._index_of import IndexOf
from edgeq.ops._reduce import Reduction
from edgeq.ops.abs import Abs
from edgeq.ops.add import Add
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.arg_min import ArgMin
from edgeq.ops.exp import Exp
from edgeq.ops.log import Log
from edgeq.ops.mean import Mean
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reduce_min import ReduceMin
from edgeq.ops.reshape import Reshape
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum

REDUCTIONS: dict[str, type[Reduction]] = {
    "ReduceMax": ReduceMax,
    "ReduceMin": ReduceMin,
    "ReduceMean": Mean,
    "ReduceSum": Sum,
}


@handles(*REDUCTIONS)
def reduce(node: OnnxNode) -> None:
    """Axes from an input (ReduceSum from opset 13, the others from 18) or an attribute; all axes if none are given."""
    axes = _chosen(node)
    if axes is None:
        node.result(node.value(0))
        return
    op = REDUCTIONS[node.kind](axes=axes, keepdims=bool(node.attr_int("keepdims", 1)))
    node.result(node.emit(op, [node.value(0)], keep_q=op.quant_rule([node.shape(0)]).output is Scale.SAME))


@handles("ReduceL2", "ReduceSumSquare")
def squares(node: OnnxNode) -> None:
    """The sum of squares, and its root."""
    y, axes = node.emit(Square(), [node.value(0)], "square"), _chosen(node)
    if axes is not None:
        y = node.emit(Sum(axes=axes, keepdims=bool(node.attr_int("keepdims", 1))), [y], "sum")
    node.result(y if node.kind == "ReduceSumSquare" else node.emit(Sqrt(), [y]))


@handles("ReduceL1", "ReduceLogSum")
def sums(node: OnnxNode) -> None:
    """The sum of magnitudes, and the logarithm of a sum."""
    y, axes = node.value(0), _chosen(node)
    if node.kind == "ReduceL1":
        y = node.emit(Abs(), [y], "magnitude")
    if axes is not None:
        y = node.emit(Sum(axes=axes, keepdims=bool(node.attr_int("keepdims", 1))), [y], "sum")
    node.result(y if node.kind == "ReduceL1" else node.emit(Log(), [y]))


@handles("ReduceLogSumExp")
def log_sum_exp(node: OnnxNode) -> None:
    """log Σ exp(x), as the greatest x plus what the others add: so exponentials are between 0 and 1."""
    x, axes = node.value(0), _chosen(node)
    if axes is None:
        node.result(x)
        return
    keepdims = bool(node.attr_int("keepdims", 1))
    greatest = node.emit(ReduceMax(axes=axes, keepdims=True), [x], "greatest", keep_q=True)
    shares = node.emit(Exp(), [node.emit(Sub(), [x, greatest], "below")], "shares")
    added = node.emit(Log(), [node.emit(Sum(axes=axes, keepdims=True), [shares], "total")], "added")
    y = node.emit(Add(), [greatest, added], "whole")
    node.result(y if keepdims else node.emit(Reshape(squeezed(node.type(y).shape, axes)), [y], "squeezed", keep_q=True))


INDICES: dict[str, type[IndexOf]] = {"ArgMax": ArgMax, "ArgMin": ArgMin}


@handles(*INDICES)
def index_of(node: OnnxNode) -> None:
    """The index of an extreme: int64 to ONNX, and int32 here, which holds every index of a tensor."""
    rank = len(node.shape(0))
    (axis,) = normalize_axes([node.attr_int("axis", 0)], rank)
    op = INDICES[node.kind](axis, bool(node.attr_int("keepdims", 1)), bool(node.attr_int("select_last_index", 0)))
    node.result(node.emit(op, [node.value(0)]), integers=DType.INT64)


def squeezed(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """A shape without some axes."""
    return tuple(d for k, d in enumerate(shape) if k not in axes)


def _chosen(node: OnnxNode) -> tuple[int, ...] | None:
    """The axes that are reduced, ascending; None if there are none."""
    rank = len(node.shape(0))
    axes = axes_of(node, rank)
    if (not axes and node.attr_int("noop_with_empty_axes", 0)) or rank == 0:
        return None
    return tuple(sorted(axes)) if axes else tuple(range(rank))
