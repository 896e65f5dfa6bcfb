"""Elements at places that are computed at run time: the places are counted in row-major order, and looked up."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import numbered
from edgeq.importers.onnx.node import OnnxNode
from edgeq.importers.onnx.whole import number, stored, whole_operand
from edgeq.ir.tensor import Shape
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.arg_min import ArgMin
from edgeq.ops.gather import Gather
from edgeq.ops.reshape import Reshape
from edgeq.ops.top_indices import TopIndices
from edgeq.ops.whole_pair import WholePair
from edgeq.ops.whole_product import WholeProduct

_CHECK = "check the attributes and shapes of this node"


def _places(node: OnnxNode, sizes: Shape) -> str:
    """Indices from 0 on for those of input 1, of which negative ones count from the end.

    Args:
        node: the node.
        sizes: elements along an axis, or along one for each index of the last dimension.

    Raises:
        ModelError: the indices are no whole numbers.
    """
    x = whole_operand(node, 1)
    maker = node.builder.editor.nodes.get(node.builder.producer.get(x, ""))
    if maker is not None and isinstance(maker.op, ArgMax | ArgMin | TopIndices):
        return x
    below = node.emit(WholePair("less"), [x, number(node, 0, "zero")], "below")
    back = node.emit(WholePair("mul"), [below, stored(node, np.array(sizes), "sizes")], "back")
    return node.emit(WholePair("add"), [x, back], "from_the_end")


def _taken(node: OnnxNode, rows: Shape, places: str, shape: Shape) -> None:
    """The result: rows of input 0, which it has in its leading dimensions, at places from 0 on."""
    x = node.emit(Reshape(rows), [node.value(0)], "rows", keep_q=True)
    y = node.emit(
        Gather(0), [x, places], "" if (*node.type(places).shape, *rows[1:]) == shape else "taken", keep_q=True
    )
    node.result(y if node.type(y).shape == shape else node.emit(Reshape(shape), [y], "shaped", keep_q=True))


def gather_elements(node: OnnxNode, axis: int) -> None:
    """y[…, i, …] = x[…, indices[…, i, …], …] along an axis.

    Raises:
        ModelError: shapes do not fit.
    """
    shape, wanted = node.shape(0), node.shape(1)
    if len(wanted) != len(shape) or any(i > d for k, (i, d) in enumerate(zip(wanted, shape, strict=True)) if k != axis):
        raise ModelError(f"indices of shape {wanted} do not fit {shape}", hint=_CHECK)
    places, step = _places(node, (shape[axis],)), prod(shape[axis + 1 :])
    if step > 1:
        places = node.emit(WholePair("mul"), [places, number(node, step, "step")], "steps")
    grid = list(np.indices(wanted, sparse=True))
    grid[axis] = np.zeros_like(grid[axis])
    lines = np.broadcast_to(numbered(shape)[tuple(grid)], wanted)
    if lines.any():
        places = node.emit(WholePair("add"), [places, stored(node, lines, "lines")], "places")
    _taken(node, (prod(shape),), places, wanted)


def gather_nd(node: OnnxNode, batch: int) -> None:
    """Each last row of the indices is the place of an element, or of a part, of x."""
    shape, given = node.shape(0), node.shape(1)
    depth = given[-1]
    inner = shape[batch : batch + depth]
    rows = node.emit(Reshape((prod(given[:-1]), depth)), [_places(node, inner)], "indices", keep_q=True)
    steps = np.array([[prod(inner[k + 1 :])] for k in range(depth)])
    places = node.emit(WholeProduct(), [rows, stored(node, steps, "steps")], "counted")
    places = node.emit(Reshape((prod(given[:-1]),)), [places], "places", keep_q=True)
    count = prod(shape[:batch])
    if count > 1:
        starts = np.repeat(np.arange(count) * prod(inner), prod(given[batch:-1]))
        places = node.emit(WholePair("add"), [places, stored(node, starts, "starts")], "of_batches")
    behind = shape[batch + depth :]
    _taken(node, (count * prod(inner), *behind), places, (*given[:-1], *behind))
