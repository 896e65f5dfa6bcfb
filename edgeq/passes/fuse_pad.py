"""Let convolutions and pools pad for themselves."""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.traits import Monotone
from edgeq.ops.pad import Pad
from edgeq.passes._rewrite import View, rewrite


def _least(view: View, name: str | None) -> float:
    """A bound that no element of a tensor is below: zero, or minus infinity."""
    above = view.producer(name)
    if above is None:
        return -np.inf
    if above.op.fused_clamp is not None and above.op.fused_clamp[0] >= 0:
        return 0.0
    if above.op.monotone is not Monotone.RISING or any(
        _least(view, n) < 0 for n in above.inputs if n is not None and not view.is_const(n)
    ):
        return -np.inf
    # A rising operator yields its least value where all its computed operands have theirs.
    operands = [None if n is None else view.real(n, np.zeros(view.shape(n), np.float32)) for n in above.inputs]
    return 0.0 if all(np.min(y, initial=0.0) >= 0 for y in above.op.run_float(operands)) else -np.inf


def _fuse(view: View, node: Node) -> bool:
    """Pad of rows and columns → convolution or pool: one node, if the padded tensor keeps its parameters."""
    above = view.made_by(node.inputs[0], Pad, alone=False) if node.inputs else None
    if above is None or node.inputs[0] is None:
        return False
    pad, op = above
    if op.mode != "constant" or len(op.before) != 4 or any(op.before[i] or op.after[i] for i in (0, 3)):
        return False
    source = pad.inputs[0]
    if source is None:
        return False
    same, q = view.shared_q(source, node.inputs[0])
    if not same or (q != view.type_of(source).q and (not view.producer(source) or not view.only_consumer(source))):
        return False
    padding = (op.before[1], op.before[2], op.after[1], op.after[2])
    fused = node.op.with_padding(padding, op.value, _least(view, source))
    if fused is None:
        return False
    view.set_q(source, q)
    view.update(node, fused, (source, *node.inputs[1:]))
    return True


def fuse_pad(graph: Graph) -> Graph:
    """Fold constant Pad nodes into the padding of convolutions and pools."""
    return rewrite(graph, _fuse)
