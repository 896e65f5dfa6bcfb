"""Let an operator clamp its own result."""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.traits import Clamp
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.passes._rewrite import View, rewrite


def both(first: Clamp, second: Clamp) -> Clamp:
    """The one clamp that equals `first`, then `second`."""
    low, high = np.clip(np.asarray(first, np.float64), *second)
    return float(low), float(high)


def _fuse(view: View, node: Node) -> bool:
    """op that can clamp → Clip: one node.

    Across a tensor with prescribed parameters only if they are the result's too: then the bounds are the same integers.
    """
    if not isinstance(node.op, Clip) or node.inputs[0] is None:
        return False
    above = view.producer(node.inputs[0])
    if above is None or view.only_consumer(node.inputs[0]) is None or len(above.outputs) != 1:
        return False
    same, q = view.shared_q(node.inputs[0], node.outputs[0])
    inner = above.op.fused_clamp
    if not same or inner is None:
        return False
    view.fuse(above, node, above.op.with_clamp(both(inner, (node.op.low, node.op.high))), above.inputs, q)
    return True


def _into_branches(view: View, node: Node) -> bool:
    """Concat → Clip: into all that is joined, if that can clamp and nothing else reads it."""
    joined = view.made_by(node.inputs[0], Concat) if isinstance(node.op, Clip) else None
    if joined is None or not isinstance(node.op, Clip):
        return False
    concat, bounds = joined[0], (node.op.low, node.op.high)
    around = {view.type_of(str(n)).q for n in (*concat.inputs, *concat.outputs, *node.outputs)}
    makers = [view.producer(branch) for branch in concat.inputs]
    if len(around) != 1 or len(set(concat.inputs)) != len(concat.inputs):
        return False
    for branch, above in zip(concat.inputs, makers, strict=True):
        if above is None or view.only_consumer(str(branch)) is None:
            return False
        if above.op.fused_clamp is None or len(above.outputs) != 1:
            return False
    for above in makers:
        assert above is not None and above.op.fused_clamp is not None
        view.update(above, above.op.with_clamp(both(above.op.fused_clamp, bounds)), above.inputs)
    view.update(node, concat.op, concat.inputs)
    return True


def fuse_activations(graph: Graph) -> Graph:
    """Fold Clip into the operator before it, where that can clamp and nothing else reads its result."""
    return rewrite(graph, _fuse, _into_branches)
