"""An open number of samples: whether a graph for one sample is also one for any number of them."""

from __future__ import annotations

from edgeq.executor import mixes_samples
from edgeq.ir.graph import Graph
from edgeq.warnings import warn


def batched_values(graph: Graph) -> frozenset[str]:
    """Values whose first dimension grows with the samples. None, if the number is not open or something fixes it.

    What fixes it is warned of.
    """
    if graph.batch is None or graph.states or any(graph.type(n).shape[:1] != (1,) for n in graph.inputs):
        return frozenset()
    node = mixes_samples(graph)
    if node is not None:
        warn(
            f"the file takes one sample at a time: {node.op.kind} mixes or counts the samples",
            hint=f"the model leaves their number ({graph.batch}) open; give it with --input-shape if it is fixed",
            where=node.name,
        )
        return frozenset()
    moving = set(graph.inputs)
    for node in graph.nodes:
        if any(n in moving for n in node.inputs):
            moving.update(node.outputs)
    return frozenset(moving)
