"""A network over a longer window whose layers meet rows of the window where they met padding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import Op, Rows
from edgeq.ir.tensor import TensorType
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.passes._time import Line, axis_of, lines_of, reads_in_time, stripe_in_time


def without_padding(graph: Graph, axis: int) -> Graph:
    """The same layers over a window that is longer at both ends by what they reach beyond it, with no padding in time.

    Every row of every layer is then what rows in the middle of a window are. What has no rows in time reads as many as
    it did.

    Args:
        graph: a network over a window, in float or quantized.
        axis: the dimension of its inputs that is time.

    Raises:
        UsageError: a layer's rows cannot be computed for a longer window.
    """
    lines = lines_of(graph, axis)
    return _Writer(graph, lines, _reach(graph, lines)).written()


def _reach(graph: Graph, lines: Mapping[str, Line]) -> dict[str, Rows]:
    """Of each value in time the rows that are needed, counted in its own window; from the outputs upwards."""
    needed: dict[str, Rows] = {}

    def need(name: str, rows: Rows) -> None:
        known = needed.get(name, rows)
        needed[name] = min(known[0], rows[0]), max(known[1], rows[1])

    for name in graph.outputs:
        if name in lines:
            need(name, (0, lines[name].rows))
    for node in reversed(graph.nodes):
        out = node.outputs[0]
        if out not in lines:
            reads = reads_in_time(graph, lines, node)
        elif out in needed:
            reads = _moved(graph, lines, node, needed[out])
        else:
            continue
        for operand, rows in zip(node.inputs, reads, strict=True):
            if operand is not None and rows is not None:
                need(operand, rows)
    for name in graph.inputs:
        need(name, needed.get(name, (0, lines[name].rows)))
    return needed


def _moved(graph: Graph, lines: Mapping[str, Line], node: Node, rows: Rows) -> tuple[Rows | None, ...]:
    """What some rows of a node's output read where there is no padding: as rows in the middle do, moved."""
    line = lines[node.outputs[0]]
    at = line.inner[0]
    reads: list[Rows | None] = []
    for name, part in zip(node.inputs, reads_in_time(graph, lines, node, (at, at + 1)), strict=True):
        if name is None or part is None:
            reads.append(None)
        else:
            step = line.stride // lines[name].stride
            reads.append((part[0] + step * (rows[0] - at), part[1] + step * (rows[1] - 1 - at)))
    return tuple(reads)


@dataclass
class _Writer:
    """Makes the longer network."""

    graph: Graph
    lines: Mapping[str, Line]
    held: Mapping[str, Rows]
    editor: GraphEditor = field(init=False)

    def written(self) -> Graph:
        """The network."""
        graph = self.graph
        self.editor = GraphEditor(graph.name)
        editor = self.editor
        editor.numerics, editor.preferred, editor.ports = graph.numerics, graph.preferred, dict(graph.ports)
        editor.batch = graph.batch
        editor.values |= {name: value for name, value in graph.values.items() if value.data is not None}
        for name in graph.inputs:
            editor.input(name, self.some(name, self.held[name]))
        for node in graph.nodes:
            if node.outputs[0] not in self.lines:
                reads, types = reads_in_time(graph, self.lines, node), [graph.type(n) for n in node.outputs]
                self.add(node, self.whole(node), reads, types)
            elif node.outputs[0] in self.held:
                rows = self.held[node.outputs[0]]
                reads, types = _moved(graph, self.lines, node, rows), [self.some(node.outputs[0], rows)]
                self.add(node, self.longer(node, reads, types[0]), reads, types)
        editor.outputs = [n if n not in self.lines else self.cut(n, (0, self.lines[n].rows)) for n in graph.outputs]
        return editor.finish()

    def some(self, name: str, rows: Rows) -> TensorType:
        """The type of some rows of a value."""
        type, axis = self.graph.type(name), self.lines[name].axis
        return type.reshaped((*type.shape[:axis], rows[1] - rows[0], *type.shape[axis + 1 :]))

    def add(self, node: Node, op: Op, reads: tuple[Rows | None, ...], types: list[TensorType]) -> None:
        """Add a node with what it reads."""
        pairs = zip(node.inputs, reads, strict=True)
        operands = [n if n is None or part is None else self.cut(n, part) for n, part in pairs]
        self.editor.add(op, operands, node.name, node.outputs, types)

    def whole(self, node: Node) -> Op:
        """The operator of a node whose output has no rows in time, for what it reads."""
        axis = axis_of(self.graph, self.lines, node)
        if axis is None:
            return node.op
        stripe = stripe_in_time(self.graph, self.lines, node, (0, self.graph.type(node.outputs[0]).shape[axis]))
        return node.op if stripe is None else stripe.op

    def longer(self, node: Node, reads: tuple[Rows | None, ...], type: TensorType) -> Op:
        """The operator that computes as many rows as are needed."""
        if node.op.is_view:
            return Reshape(type.shape)
        pairs = list(zip(node.inputs, reads, strict=True))
        shapes = [
            None if n is None else self.graph.type(n).shape if r is None else self.some(n, r).shape for n, r in pairs
        ]
        line = self.lines[node.outputs[0]]
        at, count = line.inner[0], type.shape[line.axis]
        for rows in ((at, at + count), (at, at + 1)):
            stripe = stripe_in_time(self.graph, self.lines, node, rows)
            if stripe is not None and _fits(stripe.op, shapes, type):
                return stripe.op
        raise UsageError(
            f"{node.op.kind} cannot be computed for {count} rows of time in place of {line.rows}",
            hint="leave --stream-padding out",
            where=node.name,
        )

    def cut(self, name: str, rows: Rows) -> str:
        """Some rows of a value."""
        held, axis = self.held[name], self.lines[name].axis
        if held == rows:
            return name
        shape = self.editor.values[name].type.shape
        begin, end = [0] * len(shape), list(shape)
        begin[axis], end[axis] = rows[0] - held[0], rows[1] - held[0]
        hint = self.editor.unique(f"{name}_within")
        op = Slice(tuple(begin), tuple(end), (1,) * len(shape))
        return self.editor.add(op, [name], hint, [hint], [self.some(name, rows)])[0]


def _fits(op: Op, shapes: list[tuple[int, ...] | None], type: TensorType) -> bool:
    try:
        return op.out_shapes(shapes) == (type.shape,)
    except ValueError:
        return False
