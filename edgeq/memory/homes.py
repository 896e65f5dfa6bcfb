"""Which buffer holds each value of a graph; a value may be part of another: rows that are cut out or joined.

A slice of neighbouring bytes is read where it lies, and values that are joined one after the other are written where
they belong. Neither needs a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeq.ir.graph import Graph, Node
from edgeq.memory.liveness import storage
from edgeq.memory.schedule import ALIGNMENT, Part


@dataclass(frozen=True)
class Home:
    """Where a value is kept: the value that owns the buffer, and the part of that buffer; None: all of it."""

    root: str
    part: Part | None = None


@dataclass(frozen=True)
class Homes:
    """Homes of all computed values and inputs, and the names of nodes that need no call."""

    of: Mapping[str, Home]
    free: frozenset[str]


def whole_homes(graph: Graph) -> Homes:
    """Every value in a buffer of its own, but for views of whole tensors."""
    of = {name: Home(root) for name, root in storage(graph).items() if graph.data(name) is None}
    return Homes(of, frozenset(node.name for node in graph.nodes if node.op.is_view))


def shared_homes(graph: Graph) -> Homes:
    """Slices and concatenations along the outermost dimension as parts of one buffer, wherever possible.

    Parts begin at multiples of ALIGNMENT: kernels rely on it as they do for buffers.
    """
    of: dict[str, Home] = {name: Home(name) for name in graph.inputs}
    free: set[str] = set()
    joined = _joined(graph)
    for node in graph.nodes:
        source = of.get(node.inputs[0] or "") if node.inputs else None
        if node.op.is_view and source is not None:
            of[node.outputs[0]] = source
            free.add(node.name)
        elif node.outputs[0] in joined.parts:
            of |= {out: joined.parts[out] for out in node.outputs}
        elif source is not None and (start := _start(graph, node)) is not None:
            within = source.part.start if source.part else 0
            of[node.outputs[0]] = Home(source.root, Part(within + start, graph.type(node.outputs[0]).nbytes))
            free.add(node.name)
        else:
            of |= {out: Home(out) for out in node.outputs}
    return Homes(of, frozenset(free | joined.nodes | {n.name for n in graph.nodes if n.op.is_view}))


@dataclass
class _Joined:
    parts: dict[str, Home]
    nodes: set[str]


def _joined(graph: Graph) -> _Joined:
    """Concatenations whose operands can be written where they belong."""
    joined = _Joined({}, set())
    for node in graph.nodes:
        if (parts := _parts(graph, node)) is not None:
            if any(name in joined.parts or graph.producers[name].name in joined.nodes for name in parts):
                continue
            joined.parts |= parts
            joined.nodes.add(node.name)
    return joined


def _parts(graph: Graph, node: Node) -> dict[str, Home] | None:
    """Where each operand of a joining node belongs; None if one of them cannot be written there."""
    parts = node.op.parts(graph.site(node))
    if parts is None or parts.of != "output":
        return None
    homes: dict[str, Home] = {}
    for name, start in zip(node.inputs, parts.starts, strict=True):
        producer = graph.producers.get(name or "")
        if name is None or producer is None or producer.op.is_view or len(producer.outputs) != 1 or name in homes:
            return None
        if start % ALIGNMENT:
            return None
        homes[name] = Home(node.outputs[0], Part(start, graph.type(name).nbytes))
    return homes


def _start(graph: Graph, node: Node) -> int | None:
    """The byte of its operand at which a node's one output starts; None if it is not such a part, or not aligned."""
    parts = node.op.parts(graph.site(node))
    if parts is None or parts.of != "input" or len(parts.starts) != 1 or parts.starts[0] % ALIGNMENT:
        return None
    return parts.starts[0]
