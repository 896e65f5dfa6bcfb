"""Let convolutions and pools pad for themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Monotone
from edgeq.ops.concat import Concat
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.passes._layout import is_elementwise
from edgeq.passes._rewrite import View, rewrite

LOWEST = float(np.finfo(np.float32).min)
"""No finite element of a tensor is below it."""


def _least(view: View, name: str) -> float:
    """A bound that no element of a tensor is below."""
    type = view.type_of(name)
    held = LOWEST if type.dtype.is_float else float(type.qp.dequantize(type.dtype.range[0]))
    return max(held, _bound(view, name, {}))


def _bound(view: View, name: str, known: dict[str, float]) -> float:
    """The same from what computes the tensor. In integers it is zero, which every step keeps exactly, or no bound."""
    if name not in known:
        low = _computed_bound(view, name, known)
        known[name] = low if view.type_of(name).dtype.is_float else 0.0 if low >= 0 else -np.inf
    return known[name]


def _computed_bound(view: View, name: str, known: dict[str, float]) -> float:
    above = view.producer(name)
    if above is None:
        return -np.inf
    if above.op.fused_clamp is not None and above.op.fused_clamp[0] > -np.inf:
        return above.op.fused_clamp[0]
    if above.op.monotone is not Monotone.RISING:
        return -np.inf
    # A rising operator yields its least value where all its computed operands have theirs.
    operands: list[Array | None] = []
    for operand in above.inputs:
        if operand is None or view.is_const(operand):
            operands.append(None if operand is None else view.real(operand, np.zeros(())))
            continue
        bound = _bound(view, operand, known)
        if bound == -np.inf:
            return bound
        operands.append(np.full(view.shape(operand), bound, np.float32))
    return float(min(np.min(y, initial=np.inf) for y in above.op.run_float(operands)))


def _fill(view: View, node: Node, op: Pad) -> float:
    """The real value that a Pad fills with: in a quantized graph the nearest one that its output can hold."""
    type = view.type_of(node.outputs[0])
    return op.value if type.dtype.is_float else float(type.qp.dequantize(op.quantized_value(view.site(node))))


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
    fused = node.op.with_padding(padding, _fill(view, pad, op), _least(view, source))
    if fused is None:
        return False
    view.set_q(source, q)
    view.update(node, fused, (source, *node.inputs[1:]))
    return True


def _sink(view: View, node: Node) -> bool:
    """f(Pad(x)) = Pad(f(x)), filled with f of the value: fewer elements to compute, and f meets what computes x."""
    above = view.made_by(node.inputs[0], Pad) if len(node.inputs) == len(node.outputs) == 1 else None
    if above is None or not is_elementwise(node.op) or not view.is_real(node.inputs[0], node.outputs[0]):
        return False
    pad, op = above
    (filled,) = node.op.run_float([np.full(1, op.value, np.float32)])
    source = pad.inputs[0]
    if op.mode != "constant" or source is None or np.isnan(filled[0]) or not view.is_real(source):
        return False
    view.move_below(node, node.op, [source], [(replace(op, value=float(filled[0])), view.shape(source))], "inner")
    return True


def _sink_through_reshape(view: View, node: Node) -> bool:
    """Reshape(Pad(x)) = Pad(Reshape(x)), where the Reshape only adds and removes dimensions of size one."""
    above = view.made_by(node.inputs[0], Pad) if isinstance(node.op, Reshape) else None
    if above is None or node.inputs[0] is None or above[0].inputs[0] is None:
        return False
    pad, op = above
    source, padded, target = str(pad.inputs[0]), view.shape(node.inputs[0]), view.shape(node.outputs[0])
    kept = [axis for axis, size in enumerate(padded) if size != 1]
    places = [axis for axis, size in enumerate(target) if size != 1]
    if [padded[a] for a in kept] != [target[a] for a in places] or padded == target:
        return False
    if len({view.type_of(n).q for n in (source, node.inputs[0], node.outputs[0])}) != 1:
        return False
    shape, before, after = list(target), [0] * len(target), [0] * len(target)
    for axis, place in zip(kept, places, strict=True):
        shape[place], before[place], after[place] = view.shape(source)[axis], op.before[axis], op.after[axis]
    moved = replace(op, before=tuple(before), after=tuple(after))
    view.move_below(node, Reshape(tuple(shape)), [source], [(moved, tuple(shape))], "inner")
    return True


def _merge(view: View, node: Node) -> bool:
    """Pad of a Pad with the same value: one."""
    above = view.made_by(node.inputs[0], Pad) if isinstance(node.op, Pad) else None
    if above is None or not isinstance(node.op, Pad) or node.inputs[0] is None:
        return False
    pad, inner = above
    alike = inner.mode == node.op.mode == "constant" and inner.value == node.op.value
    if not alike or len({view.type_of(n).q for n in (str(pad.inputs[0]), node.inputs[0], node.outputs[0])}) != 1:
        return False
    before, after = (
        tuple(a + b for a, b in zip(one, other, strict=True))
        for one, other in ((inner.before, node.op.before), (inner.after, node.op.after))
    )
    view.update(node, replace(inner, before=before, after=after), pad.inputs)
    return True


def _borders(view: View, node: Node) -> bool:
    """A tensor joined with constants of one value at its ends: a Pad."""
    if not isinstance(node.op, Concat) or not view.is_real(*node.inputs, *node.outputs):
        return False
    computed = [k for k, name in enumerate(node.inputs) if not view.is_const(name)]
    constants = [data for name in node.inputs if (data := view.data(name)) is not None]
    values = {float(v) for data in constants for v in np.unique(data)}
    if len(computed) != 1 or len(values) != 1:
        return False
    (at,), (value,), axis = computed, values, node.op.axis
    sizes = [view.shape(str(name))[axis] for name in node.inputs]
    before, after = [0] * len(view.shape(node.outputs[0])), [0] * len(view.shape(node.outputs[0]))
    before[axis], after[axis] = sum(sizes[:at]), sum(sizes[at + 1 :])
    view.update(node, Pad(tuple(before), tuple(after), value=value), (node.inputs[at],))
    return True


def fuse_pad(graph: Graph) -> Graph:
    """Fold constant Pad nodes into the padding of convolutions and pools; functions of one element move above them."""
    return rewrite(graph, _borders, _merge, _fuse, _sink, _sink_through_reshape)
