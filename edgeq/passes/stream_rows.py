"""Computing the first layers stripe by stripe: a few rows of the last one's output at a time, and what they need.

Rows of which two neighbouring stripes need some are computed by both, from the same inputs in the same arithmetic, so
that every element is what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgeq.errors import InternalError
from edgeq.ir.graph import Graph, Node, Value
from edgeq.ir.op import Op, Rows
from edgeq.ir.tensor import TensorType
from edgeq.ops.concat import Concat
from edgeq.ops.slice import Slice


@dataclass(frozen=True)
class Region:
    """Consecutive nodes of a graph.

    Attributes:
        nodes: in order of execution.
        inputs: computed values and graph inputs that they read and do not compute.
        outputs: values that they compute and others need.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StripeRows:
    """What a stripe computes.

    Attributes:
        own: for every output of the region, the rows that this stripe is to deliver.
        rows: for every value that it computes, which of its rows.
        ops: for every node, the operator that computes them.
        reads: for every node, the rows of its inputs; None: a whole operand.
        needed: for every input of the region of which only rows are read, those rows.
    """

    own: Mapping[str, Rows]
    rows: Mapping[str, Rows]
    ops: Mapping[str, Op]
    reads: Mapping[str, tuple[Rows | None, ...]]
    needed: Mapping[str, Rows]


def region(graph: Graph, first: int, end: int) -> Region | None:
    """The nodes `first` … `end` − 1; None if they cannot be computed in stripes.

    Each must have one output, an image of batch 1, and an operator that knows stripes.
    """
    nodes = graph.nodes[first:end]
    inside = {out for node in nodes for out in node.outputs}
    read = dict.fromkeys(n for node in nodes for n in node.inputs if n is not None and n not in inside)
    outside = {n for node in (*graph.nodes[:first], *graph.nodes[end:]) for n in node.inputs} | set(graph.outputs)
    outputs = tuple(n for node in nodes for n in node.outputs if n in outside)
    images = all(len(node.outputs) == 1 and _is_image(graph.type(node.outputs[0])) for node in nodes)
    if not nodes or not outputs or not images:
        return None
    streamed = Region(nodes, tuple(n for n in read if graph.data(n) is None), outputs)
    return streamed if stripe_rows(graph, streamed, (0, height(graph, streamed))) else None


def _is_image(type: TensorType) -> bool:
    return len(type.shape) == 4 and type.shape[0] == 1


def height(graph: Graph, streamed: Region) -> int:
    """Rows by which a region is cut: those of its lowest output."""
    return min(graph.type(n).shape[1] for n in streamed.outputs)


def stripe_rows(graph: Graph, streamed: Region, rows: Rows) -> StripeRows | None:
    """What has to be computed for some rows of a region's lowest output, and the same part of its other ones.

    Returns:
        None if an operator in the region cannot do that.
    """
    total = height(graph, streamed)
    own = {}
    for name in streamed.outputs:
        size = graph.type(name).shape[1]
        own[name] = (rows[0] * size // total, rows[1] * size // total)
    needed: dict[str, Rows] = dict(own)
    ops: dict[str, Op] = {}
    reads: dict[str, tuple[Rows | None, ...]] = {}
    inside = {node.outputs[0] for node in streamed.nodes}
    for node in reversed(streamed.nodes):
        shapes = [None if n is None else graph.type(n).shape for n in node.inputs]
        stripe = node.op.stripe(shapes, needed[node.outputs[0]])
        if stripe is None:
            return None
        ops[node.name], reads[node.name] = stripe.op, stripe.rows
        for operand, part in zip(node.inputs, stripe.rows, strict=True):
            if operand is None or (part is None and operand not in inside):
                continue
            if part is None or graph.data(operand) is not None:
                return None  # all rows of what is computed here in stripes, or some rows of a constant
            rows_so_far = needed.get(operand, part)
            needed[operand] = (min(rows_so_far[0], part[0]), max(rows_so_far[1], part[1]))
    return StripeRows(
        own=own,
        rows={name: part for name, part in needed.items() if name in inside},
        ops=ops,
        reads=reads,
        needed={name: part for name, part in needed.items() if name not in inside},
    )


def with_rows(type: TensorType, rows: Rows) -> TensorType:
    """The type of some rows of an image."""
    return type.reshaped((type.shape[0], rows[1] - rows[0], *type.shape[2:]))


@dataclass
class _Writer:
    """Collects the nodes and values of the new graph."""

    graph: Graph
    values: dict[str, Value]
    names: set[str]
    nodes: list[Node] = field(default_factory=list)

    def unique(self, hint: str) -> str:
        name, count = hint, 1
        while name in self.names:
            count += 1
            name = f"{hint}_{count}"
        self.names.add(name)
        return name

    def add(self, op: Op, inputs: Sequence[str | None], node: str, output: str, type: TensorType) -> str:
        self.values[output] = Value(output, type)
        self.nodes.append(Node(node, op, tuple(inputs), (output,)))
        return output

    def cut(self, name: str, held: Rows, wanted: Rows) -> str:
        """The rows `wanted` of a value that consists of the rows `held`; the value itself if those are the same."""
        if held == wanted:
            return name
        shape = self.values[name].type.shape
        begin, end = [0] * len(shape), list(shape)
        begin[1], end[1] = wanted[0] - held[0], wanted[1] - held[0]
        name_of_rows = self.unique(f"{name} rows {wanted[0]}-{wanted[1] - 1}")
        type = with_rows(self.values[name].type, wanted)
        return self.add(Slice(tuple(begin), tuple(end), (1,) * len(shape)), [name], name_of_rows, name_of_rows, type)


def stream_rows(graph: Graph, first: int, end: int, heights: Sequence[int]) -> Graph:
    """Compute the nodes `first` … `end` − 1 in stripes from top to bottom, one stripe after the other.

    Stripe p of P of a node is called `<node> [p/P]`. Nodes stay in the order in which stripes are computed.

    Args:
        graph: an integer graph.
        first, end: nodes that `region` takes.
        heights: of the stripes, in rows of the region's lowest output.

    Raises:
        InternalError: the nodes cannot be computed in these stripes.
    """
    streamed = region(graph, first, end)
    if streamed is None or min(heights, default=0) < 1 or sum(heights) != height(graph, streamed):
        raise InternalError(f"nodes {first} to {end - 1} cannot be computed in stripes of {tuple(heights)} rows")
    inside = {node.outputs[0] for node in streamed.nodes}
    values = {name: value for name, value in graph.values.items() if name not in inside}
    names = {*graph.values, *(node.name for node in graph.nodes)}
    writer = _Writer(graph, values, names, list(graph.nodes[:first]))
    parts: dict[str, list[str]] = {name: [] for name in streamed.outputs}
    begin = 0
    for index, size in enumerate(heights):
        stripe = stripe_rows(graph, streamed, (begin, begin + size))
        if stripe is None:
            raise InternalError(f"rows {begin} to {begin + size - 1} cannot be computed alone", where=graph.name)
        names_of = _write(writer, streamed, stripe, f"[{index + 1}/{len(heights)}]")
        for name, rows in stripe.own.items():
            parts[name].append(writer.cut(names_of[name], stripe.rows[name], rows))
        begin += size
    for name, rows_of in parts.items():
        writer.add(Concat(1), rows_of, name, name, graph.type(name))
    nodes = (*writer.nodes, *graph.nodes[end:])
    return replace(graph, values=writer.values, nodes=nodes)


def _write(writer: _Writer, streamed: Region, stripe: StripeRows, label: str) -> dict[str, str]:
    """Add the nodes of a stripe; returns the name under which its part of each value is found."""
    names: dict[str, str] = {}
    cuts: dict[tuple[str, Rows], str] = {}

    def operand(name: str | None, rows: Rows | None) -> str | None:
        if name is None or rows is None:
            return name
        if (name, rows) not in cuts:
            rows_there = stripe.rows.get(name, (0, writer.graph.type(name).shape[1]))
            cuts[name, rows] = writer.cut(names.get(name, name), rows_there, rows)
        return cuts[name, rows]

    for node in streamed.nodes:
        out = node.outputs[0]
        operands = [operand(n, rows) for n, rows in zip(node.inputs, stripe.reads[node.name], strict=True)]
        type = with_rows(writer.graph.type(out), stripe.rows[out])
        name = writer.unique(f"{node.name} {label}")
        value = name if out == node.name else writer.unique(f"{out} {label}")
        names[out] = writer.add(stripe.ops[node.name], operands, name, value, type)
    return names
