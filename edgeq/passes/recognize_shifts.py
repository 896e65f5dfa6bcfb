"""A constant that a caller's values differ by from quantized ones: another origin of the same integers.

Files that hold real inputs and outputs subtract a constant before the first quantization, or add one after the last
dequantization. Where it is a whole number of steps, nothing is to be computed.
"""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import DType, QParams
from edgeq.ir.traits import NO_CLAMP
from edgeq.ops.add import Add
from edgeq.ops.shift import FARTHEST, Shift
from edgeq.ops.sub import Sub
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.canonicalize import real_constant

NEAR = 1e-3
"""Steps by which a constant may differ from a whole number of them."""
ROUNDED = 2.0**-22
"""The same in proportion to the constant: what float32 loses."""


def _amount(view: View, node: Node) -> float | None:
    """The number that a node subtracts from its first input and does nothing else; None if it is no such node."""
    if not isinstance(node.op, (Add, Sub)) or node.inputs[0] is None or not _saturates_only(view, node):
        return None
    constant = real_constant(view, node.inputs[1])
    if constant is None or constant.size != 1 or view.shape(node.inputs[0]) != view.shape(node.outputs[0]):
        return None
    return float(constant.ravel()[0]) * (1 if isinstance(node.op, Sub) else -1)


def _saturates_only(view: View, node: Node) -> bool:
    """Whether a node has no clamp but the saturation of its output."""
    low, high = node.op.fused_clamp or NO_CLAMP
    q = view.type_of(node.outputs[0]).q
    if q is None or q.axis is not None:
        return (low, high) == NO_CLAMP
    least, most = (q.s * (end - q.zp) for end in DType.INT8.range)
    return low <= least + NEAR * q.s and most - NEAR * q.s <= high


def _whole(amount: float, q: QParams) -> int | None:
    """A number in steps of some parameters, if it is a whole number of them, and not too many."""
    steps = amount / q.s if q.axis is None else 0.5
    if not abs(steps) <= FARTHEST:
        return None
    return round(steps) if abs(steps - round(steps)) <= max(NEAR, ROUNDED * abs(steps)) else None


def _recognize(view: View, node: Node) -> bool:
    """Subtraction of one number between an input and parameters, or parameters and an output: Shift."""
    amount, source, out = _amount(view, node), node.inputs[0], node.outputs[0]
    if amount is None or source is None:
        return False
    above, below = view.type_of(source).q, view.type_of(out).q
    inside = below if above is None else above
    steps = None if inside is None or (above is None) == (below is None) else _whole(amount, inside)
    if inside is None or steps is None:
        return False
    states = {end for state in view.edit.states for end in (state.input, state.output)}
    if above is None and source in view.edit.inputs and source not in {*view.edit.outputs, *states}:
        if len(view.consumers(source)) != 1:
            return False
        view.set_q(source, QParams.per_tensor(inside.s, inside.zp - steps))
    elif below is None and view.is_output(out) and not view.consumers(out) and out not in states:
        view.set_q(out, QParams.per_tensor(inside.s, inside.zp + steps))
    else:
        return False
    view.update(node, Shift(amount), [source])
    return True


def recognize_shifts(graph: Graph) -> Graph:
    """Let such subtractions be Shifts; inputs and outputs get parameters by it."""
    return graph if graph.numerics is not None else rewrite(graph, _recognize)
