"""How the values of a network over a window lie in time: which rows of a layer move on with the window as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Rows, Stripe
from edgeq.ir.tensor import Shape
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose


@dataclass(frozen=True)
class Line:
    """How a value of a window lies in time.

    Attributes:
        axis: its dimension along which the rows follow each other in time.
        rows: how many it has.
        inner: the rows that depend on rows of the input at the same distance alone; there are some.
        stride: rows of the input from one of its rows to the next.
    """

    axis: int
    rows: int
    inner: Rows
    stride: int


def time_axis(graph: Graph) -> int:
    """The first dimension of the first input along which a layer reaches over more than one row; else 1."""
    shape = graph.type(graph.inputs[0]).shape if graph.inputs else ()
    for axis in range(1, len(shape)):
        if shape[axis] < 2 or any(len(graph.type(name).shape) <= axis for name in graph.inputs):
            continue
        lines = lines_of(graph, axis)
        for node in graph.nodes:
            line = lines.get(node.outputs[0])
            if line is not None and any(_is_long(rows) for rows in reads_in_time(graph, lines, node, _one(line.inner))):
                return axis
    return 1


def _one(rows: Rows) -> Rows:
    return rows[0], rows[0] + 1


def _is_long(rows: Rows | None) -> bool:
    return rows is not None and rows[1] - rows[0] > 1


def reads_in_time(
    graph: Graph, lines: Mapping[str, Line], node: Node, rows: Rows | None = None
) -> tuple[Rows | None, ...]:
    """For each operand in time the rows of it that a node reads, in all or for some rows of its output."""
    axis = axis_of(graph, lines, node)
    if axis is not None:
        found = stripe_in_time(graph, lines, node, rows or (0, graph.type(node.outputs[0]).shape[axis]))
        if found is not None:
            return found.rows
    timed = [None if name is None else lines.get(name) for name in node.inputs]
    return tuple(None if line is None else (0, line.rows) for line in timed)


def axis_of(graph: Graph, lines: Mapping[str, Line], node: Node) -> int | None:
    """Along which dimension of a node's one output time lies; None if there is none, or nothing says which it is."""
    timed = [name for name in node.inputs if name is not None and name in lines]
    if len(node.outputs) != 1 or not timed:
        return None
    out = graph.type(node.outputs[0]).shape
    if isinstance(node.op, Transpose):
        return node.op.perm.index(lines[timed[0]].axis)
    if node.op.is_view:
        return _reshaped_axis(graph.type(timed[0]).shape, lines[timed[0]].axis, out)
    axes = {lines[name].axis + len(out) - len(graph.type(name).shape) for name in timed}
    axis = axes.pop()
    return None if axes or not 0 <= axis < len(out) else axis


def _reshaped_axis(before: Shape, axis: int, after: Shape) -> int | None:
    """Where a dimension is after a reshape that leaves it as it is; None if it does not."""
    there = (k for k, size in enumerate(after) if size == before[axis] and prod(after[:k]) == prod(before[:axis]))
    return next(there, None)


def stripe_in_time(graph: Graph, lines: Mapping[str, Line], node: Node, rows: Rows) -> Stripe | None:
    """How some rows of a node's output are computed from rows of values in time; None: not apart from the others."""
    axis = axis_of(graph, lines, node)
    if axis is None:
        return None
    shapes = [None if n is None else graph.type(n).shape for n in node.inputs]
    if isinstance(node.op, Transpose):
        return Stripe(node.op, (rows,))
    if node.op.is_view:
        shape = graph.type(node.outputs[0]).shape
        return Stripe(Reshape((*shape[:axis], rows[1] - rows[0], *shape[axis + 1 :])), (rows,))
    found = node.op.stripe(shapes, rows, axis)
    if found is None or any((name in lines) is (part is None) for name, part in zip(node.inputs, found.rows)):  # noqa: B905
        return None  # all rows in time, or some of what is not
    return found


def lines_of(graph: Graph, axis: int) -> dict[str, Line]:
    """The values that have rows in time."""
    lines = {name: Line(axis, n, (0, n), 1) for name in graph.inputs for n in [graph.type(name).shape[axis]]}
    for node in graph.nodes:
        if any(name in lines for name in node.inputs) and (line := _line(graph, lines, node)) is not None:
            lines[node.outputs[0]] = line
    return lines


def _line(graph: Graph, lines: Mapping[str, Line], node: Node) -> Line | None:
    axis = axis_of(graph, lines, node)
    if axis is None:
        return None
    count = graph.type(node.outputs[0]).shape[axis]
    whole = (name for name in node.inputs if name is not None and name not in lines and graph.data(name) is None)
    if count == 1 or any(whole):  # what depends on a whole window is another with each, for every row of it
        return None
    found = [stripe_in_time(graph, lines, node, (row, row + 1)) for row in range(count)]
    stripes = [stripe for stripe in found if stripe is not None]
    if len(stripes) < count:
        return None
    timed = [(k, lines[name]) for k, name in enumerate(node.inputs) if name is not None and name in lines]
    middle = count // 2
    strides = {line.stride for _, line in timed}
    steps = {_first(stripes[middle], k) - _first(stripes[max(middle - 1, 0)], k) for k, _ in timed}
    if len(strides) != 1 or len(steps) != 1 or 0 in steps:
        return None
    (stride,), (step,) = strides, steps

    def is_inner(row: int) -> bool:
        if stripes[row].op != stripes[middle].op:
            return False
        for k, line in timed:
            reference, reads = stripes[middle].rows[k], stripes[row].rows[k]
            assert reference is not None and reads is not None
            by = step * (row - middle)
            if reads != (reference[0] + by, reference[1] + by) or reads[0] < line.inner[0] or reads[1] > line.inner[1]:
                return False
        return True

    begin = end = middle
    while begin > 0 and is_inner(begin - 1):
        begin -= 1
    while end < count and is_inner(end):
        end += 1
    return Line(axis, count, (begin, end), stride * step) if end > middle else None


def _first(stripe: Stripe, operand: int) -> int:
    rows = stripe.rows[operand]
    assert rows is not None
    return rows[0]
