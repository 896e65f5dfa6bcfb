"""Which values of a float graph remain real numbers when it is quantized.

They are what a Dequantize gives, and everything that is computed of it up to a Quantize or an output of the graph. They
have no quantization parameters, and passes leave them as the model has them.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgeq.ir.graph import Graph, Node


def real_values(nodes: Iterable[Node]) -> frozenset[str]:
    """The values that remain real; `nodes` are in the order of execution."""
    found: set[str] = set()
    for node in nodes:
        gives = node.op.gives_real
        if gives or (gives is None and any(name in found for name in node.inputs)):
            found.update(node.outputs)
    return frozenset(found)


def remain_real(graph: Graph) -> frozenset[str]:
    """The values of a float graph that remain real when it is quantized."""
    return real_values(graph.nodes)


def whole_values(graph: Graph) -> frozenset[str]:
    """The computed values that hold whole numbers."""
    return frozenset(name for name, value in graph.values.items() if value.data is None and value.type.is_whole)


def unquantized(graph: Graph) -> frozenset[str]:
    """The values of a float graph that get no quantization parameters: real ones and whole numbers."""
    return remain_real(graph) | whole_values(graph)
