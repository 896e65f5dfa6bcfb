"""Operators that are spelled with others: remainders, places of extremes as numbers, what is no number."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, OnnxNode
from edgeq.ir.tensor import Array, DType
from edgeq.ops.abs import Abs
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.compare import Compare
from edgeq.ops.div import Div
from edgeq.ops.floor import Floor
from edgeq.ops.gather import Gather
from edgeq.ops.maximum import Maximum
from edgeq.ops.mul import Mul
from edgeq.ops.neg import Neg
from edgeq.ops.relabel import Relabel
from edgeq.ops.reshape import Reshape
from edgeq.ops.select import Select
from edgeq.ops.sign import Sign
from edgeq.ops.sub import Sub
from edgeq.ops.transpose import Transpose

GREATEST = float(np.finfo(np.float32).max)


@handles("Mod")
def remainder(node: OnnxNode) -> None:
    """a − b · ⌊a / b⌋, with the sign of b; with fmod the quotient is cut towards zero, with the sign of a."""
    a, b = node.value(0), node.value(1)
    quotient = node.emit(Div(), [a, b], "quotient")
    if node.attr_int("fmod", 0):
        least = node.emit(Floor(), [node.emit(Abs(), [quotient], "size")], "whole")
        whole = node.emit(Mul(), [least, node.emit(Sign(), [quotient], "sign")], "towards_zero")
    else:
        whole = node.emit(Floor(), [quotient], "whole")
    node.result(node.emit(Sub(), [a, node.emit(Mul(), [whole, b], "taken")]))


def _matches(node: OnnxNode, places: str, axis: int, depth: int, suffix: str, first: int = 0) -> str:
    """Add 1 where real places, of one dimension at `axis`, are the index along it plus `first`; else 0."""
    rank = len(node.type(places).shape)
    shape = [depth if k == axis else 1 for k in range(rank)]
    counted = node.store(f"{suffix}_counted", np.arange(first, first + depth, dtype=np.float32).reshape(shape))
    return node.emit(Compare("equal"), [places, counted], suffix)


MOST_ENTRIES = 1 << 20
"""Elements of the tables of `_rows`."""


def _rows(node: OnnxNode, places: str, table: Array, axis: int, suffix: str) -> str:
    """Add rows of a table at whole places, with the rows along `axis`."""
    if table.size > MOST_ENTRIES:
        raise ModelError(f"a table of {table.size:,} elements would be needed", hint="use fewer classes")
    y = node.emit(Gather(0), [node.store(f"{suffix}_table", table.astype(np.float32)), places], suffix)
    rank = len(node.type(y).shape)
    perm = (*range(axis), rank - 1, *range(axis, rank - 1))
    return y if axis == rank - 1 else node.emit(Transpose(perm), [y], f"{suffix}_moved", keep_q=True)


@handles("Hardmax")
def hardmax(node: OnnxNode) -> None:
    """1 at the first greatest element along an axis, else 0; before opset 13 along all axes from one on."""
    shape, x = node.shape(0), node.value(0)
    (axis,) = normalize_axes([node.attr_int("axis", 1 if node.opset < 13 else -1)], len(shape))
    if node.opset < 13:
        x, axis = node.emit(Reshape((prod(shape[:axis]), prod(shape[axis:]))), [x], "rows", keep_q=True), 1
    found = node.emit(ArgMax(axis), [x], "place")
    y = _rows(node, found, np.eye(node.type(x).shape[axis]), axis, "hard")
    node.result(y if node.type(y).shape == shape else node.emit(Reshape(shape), [y], "shaped", keep_q=True))


@handles("OneHot", integers=True)
def one_hot(node: OnnxNode) -> None:
    """Constant values on and off where indices, real or whole, are the place along a new axis; negative ones count from
    its end."""
    depth, values = node.needed(1, "the depth").data.ravel(), node.reals(2, "the values").astype(np.float32)
    places, shape = node.operand(0), node.shape(0)
    if depth.size != 1 or values.shape != (2,) or not 1 <= int(depth[0]) <= 1 << 20:
        raise ModelError("its depth or values are unusual", hint="check the attributes and shapes of this node")
    if not isinstance(places, Activation):
        raise ModelError("it has constant indices, but values that are none", hint="export the model again")
    (axis,) = normalize_axes([node.attr_int("axis", -1)], len(shape) + 1)
    count, real = int(depth[0]), places.value
    if node.type(real).is_whole:
        rows = (count, *range(count), *range(count), count)  # what is beyond either end is off everywhere
        found = node.emit(Relabel(rows, first=-count - 1), [real], "row")
        table = np.where(np.eye(count + 1, count) > 0, values[1], values[0])
        node.result(_rows(node, found, table, axis, "hot"))
        return
    real = node.emit(Reshape((*shape[:axis], 1, *shape[axis:])), [real], "spread", keep_q=True)
    hot = _matches(node, real, axis, count, "hot")
    below = _matches(node, real, axis, count, "from_the_end", -count)
    hot = node.emit(Maximum(), [hot, below], "either")
    on, off = (node.store(name, values[k : k + 1]) for name, k in (("on", 1), ("off", 0)))
    node.result(node.emit(Select(), [hot, on, off]))


@handles("IsNaN")
def is_nan(node: OnnxNode) -> None:
    """True where x is not x: never of integers."""
    x = node.value(0)
    node.result(node.emit(Compare("not_equal"), [x, x]), integers=DType.BOOL)


@handles("IsInf")
def is_infinite(node: OnnxNode) -> None:
    """True beyond the greatest float32: never of integers."""
    x = node.value(0)
    if not node.attr_int("detect_negative", 1):
        beyond = x
    elif not node.attr_int("detect_positive", 1):
        beyond = node.emit(Neg(), [x], "negated")
    else:
        beyond = node.emit(Abs(), [x], "size")
    greatest = node.store("greatest", np.array([GREATEST], np.float32))
    node.result(node.emit(Compare("greater"), [beyond, greatest]), integers=DType.BOOL)
