"""tmp"""

from edgeq.ir.graph import Graph


def eliminate_constant_channels(graph: Graph) -> Graph:
    """tmp"""
    return graph
