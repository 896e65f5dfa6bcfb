"""Keep one of equal constants, and one of equal computations."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.graph import Graph


def share_values(graph: Graph) -> Graph:
    """Merge constants with the same elements and type, and nodes with the same operator, operands and types.

    What the caller of the graph takes under a name of its own stays.
    """
    merged: dict[str, str] = {}  # name → the name it is merged into
    first_names: dict[object, tuple[str, ...]] = {}
    for name, value in graph.values.items():
        if value.data is not None and name not in graph.outputs:
            merged[name] = first_names.setdefault((value.type, value.data.tobytes()), (name,))[0]
    nodes = []
    for node in graph.nodes:
        inputs = tuple(None if n is None else merged.get(n, n) for n in node.inputs)
        key = (node.op, inputs, tuple(graph.type(o) for o in node.outputs))
        originals = first_names.get(key)
        if originals is not None and not any(o in graph.outputs for o in node.outputs):
            merged.update(zip(node.outputs, originals, strict=True))
            continue
        first_names.setdefault(key, node.outputs)
        nodes.append(replace(node, inputs=inputs))
    if tuple(nodes) == graph.nodes:
        return graph
    edit = graph.edit()
    edit.nodes = {node.name: node for node in nodes}
    return edit.finish()
