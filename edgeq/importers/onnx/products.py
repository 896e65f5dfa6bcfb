"""Products of many elements: halves are multiplied, then halves of these, so that few nodes do it. Determinants."""

from __future__ import annotations

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import axes_of, normalize_axes
from edgeq.importers.onnx.choice import part
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.sub import Sub


@handles("ReduceProd")
def reduce_product(node: OnnxNode) -> None:
    """The product of the elements along axes; all axes if none are given."""
    x, shape = node.value(0), node.shape(0)
    axes = axes_of(node, len(shape))
    if not shape or (not axes and node.attr_int("noop_with_empty_axes", 0)):
        node.result(x)
        return
    chosen = tuple(axes) if axes else tuple(range(len(shape)))
    for axis in chosen:
        turn = 0
        while (size := node.type(x).shape[axis]) > 1:
            half, name = size // 2, f"axis{axis}_{turn}"
            low, high = (part(node, x, axis, k * half, (k + 1) * half, f"{name}_{k}") for k in range(2))
            y = node.emit(Mul(), [low, high], name)
            if size % 2:
                y = node.emit(Concat(axis), [y, part(node, x, axis, size - 1, size, f"{name}_odd")], f"{name}_all")
            x, turn = y, turn + 1
    if not node.attr_int("keepdims", 1):
        x = node.emit(Reshape(tuple(d for k, d in enumerate(shape) if k not in chosen)), [x], "squeezed", keep_q=True)
    node.result(x)


@handles("CumProd")
def cumulated_product(node: OnnxNode) -> None:
    """Products of all elements up to each along an axis: each is multiplied with the one 1, 2, 4, … places before."""
    (axis,) = normalize_axes(node.ints(1, "the axis") or (), len(node.shape(0)))
    x, size = node.value(0), node.shape(0)[axis]
    backwards = bool(node.attr_int("reverse", 0))
    if backwards:
        x = part(node, x, axis, size - 1, -1, "reversed", -1)
    if node.attr_int("exclusive", 0):
        x = _behind_ones(node, x, axis, 1, size, "exclusive")
    reach = 1
    while reach < size:
        x = node.emit(Mul(), [x, _behind_ones(node, x, axis, reach, size, f"before{reach}")], f"up_to{reach}")
        reach *= 2
    node.result(part(node, x, axis, size - 1, -1, "forwards", -1) if backwards else x)


def _behind_ones(node: OnnxNode, x: str, axis: int, count: int, size: int, suffix: str) -> str:
    """The value moved by `count` places along an axis, ones in front, the end cut off."""
    rank = len(node.type(x).shape)
    before = tuple(count if k == axis else 0 for k in range(rank))
    kept = part(node, x, axis, 0, size - count, f"{suffix}_kept") if count < size else x
    padded = node.emit(Pad(before, (0,) * rank, "constant", 1.0), [kept], f"{suffix}_padded")
    return part(node, padded, axis, 0, size, suffix)


MOST_ROWS = 4
"""Of a matrix whose determinant is computed: 24 products of four."""


@handles("Det")
def determinant(node: OnnxNode) -> None:
    """The determinants of small matrices (…, n, n), by their minors.

    Raises:
        ModelError: they are not square, or too large.
    """
    shape, x = node.shape(0), node.value(0)
    if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] > MOST_ROWS:
        raise ModelError(f"{shape} are no square matrices of up to {MOST_ROWS} rows", hint="compute it elsewhere")
    count = shape[-1]
    rows = [part(node, x, len(shape) - 2, i, i + 1, f"row{i}") for i in range(count)]
    entries = [
        [part(node, row, len(shape) - 1, j, j + 1, f"at{i}_{j}") for j in range(count)] for i, row in enumerate(rows)
    ]

    def minor(row: int, columns: tuple[int, ...]) -> str:
        """The determinant of the last rows, from one on, of some columns."""
        if len(columns) == 1:
            return entries[row][columns[0]]
        total = ""
        for k, column in enumerate(columns):
            rest, name = (*columns[:k], *columns[k + 1 :]), f"minor{row}_{''.join(map(str, columns))}_{k}"
            term = node.emit(Mul(), [entries[row][column], minor(row + 1, rest)], name)
            total = node.emit(Sub() if k % 2 else Add(), [total, term], f"{name}_sum") if total else term
        return total

    node.result(node.emit(Reshape(shape[:-2]), [minor(0, tuple(range(count)))], "flat", keep_q=True))
