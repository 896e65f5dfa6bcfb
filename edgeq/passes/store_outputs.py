"""Outputs that are the same for every input, such as a detector's anchors: what is stored is copied."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.graph import Graph, Node
from edgeq.ops.store import Store


def store_outputs(graph: Graph) -> Graph:
    """Every output is computed: a constant one by an operator that copies it. The last pass, since others fold that."""
    fixed = [name for name in graph.outputs if graph.data(name) is not None]
    if not fixed:
        return graph
    edit = graph.edit()
    taken = {*edit.values, *edit.nodes}
    for name in fixed:
        source = f"{name}_stored"
        while source in taken:
            source += "_"
        taken.add(source)
        edit.values[source] = replace(edit.values[name], name=source)
        edit.values[name] = replace(edit.values[name], data=None)
        for node in list(edit.nodes.values()):
            edit.nodes[node.name] = replace(node, inputs=tuple(source if i == name else i for i in node.inputs))
        edit.nodes[f"{source}_copy"] = Node(f"{source}_copy", Store(), (source,), (name,))
    return edit.finish()
