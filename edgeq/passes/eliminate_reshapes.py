"""Move Reshape nodes behind elementwise operators, so that they meet and cancel.

Signals of one dimension are convolved as images of height one; without this every convolution would stand between two
Reshape nodes that keep its activation from being fused.
"""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Shape
from edgeq.ops.reshape import Reshape
from edgeq.passes._layout import changes_dtype, is_elementwise
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.simplify import RULES


def _squeezed(shape: Shape) -> Shape:
    return tuple(n for n in shape if n != 1)


def _reshaped_constant(view: View, name: str, old: Shape, new: Shape) -> str | None:
    """A constant that broadcasts to a tensor of shape `new` as it did to one of `old`; None if none does."""
    data, q = view.data(name), view.type_of(name).q
    if data is None or data.size == 1:
        return name if data is not None and data.ndim <= len(new) else None
    if _squeezed(old) != _squeezed(new) or (q is not None and q.axis is not None) or data.ndim > len(old):
        return None
    aligned = (1,) * (len(old) - data.ndim) + data.shape
    sizes = iter([n for n, beside in zip(aligned, old, strict=True) if beside != 1])
    shape = tuple(1 if n == 1 else next(sizes) for n in new)
    return name if shape == data.shape else view.edit.constant(name, np.reshape(data, shape), q, view.type_of(name))


def _sink(view: View, node: Node) -> bool:
    """op(Reshape(x), …) = Reshape(op(x, …)): all operands are Reshapes from one shape, or constants."""
    if not is_elementwise(node.op) or changes_dtype(view, node):
        return False
    out = node.outputs[0]
    sources: list[str | None] = []
    for name in node.inputs:
        reshape = view.made_by(name, Reshape, alone=False)
        ok = reshape is not None and name is not None and view.shape(name) == view.shape(out)
        sources.append(reshape[0].inputs[0] if ok and reshape is not None else None)
    shapes = {view.shape(s) for s in sources if s is not None}
    if len(shapes) != 1:
        return False
    (shape,) = shapes
    inputs: list[str] = []
    for name, source in zip(node.inputs, sources, strict=True):
        if name is None:
            return False
        same = source is not None and view.type_of(source) == view.type_of(name).reshaped(shape)
        operand = source if same else _reshaped_constant(view, name, view.shape(out), shape)
        if operand is None:
            return False
        inputs.append(operand)
    view.move_below(node, node.op, inputs, [(Reshape(view.shape(out)), shape)], "flat")
    return True


def eliminate_reshapes(graph: Graph) -> Graph:
    """Sink Reshape nodes through elementwise operators and merge those that meet."""
    return rewrite(graph, *RULES, _sink)
