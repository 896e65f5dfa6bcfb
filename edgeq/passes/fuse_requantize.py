"""An operator that converts its operands itself, while it copies them, reads what a Requantize before it reads."""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import DType
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops.requantize import Requantize
from edgeq.passes._rewrite import View, rewrite


def _fuse(view: View, node: Node) -> bool:
    """Requantize → an operand of such an operator, unless the operator copies nothing where it does not convert."""
    if view.edit.numerics is None or not node.op.converts or node.op.parts(view.site(node)) is not None:
        return False
    inputs = [_source(view, name) or name for name in node.inputs]
    if inputs == list(node.inputs):
        return False
    view.update(node, node.op, inputs)
    return True


def _source(view: View, name: str | None) -> str | None:
    """What a Requantize with the operator's own rounding makes an operand of, if the operand has no other reader."""
    made = view.made_by(name, Requantize)
    if made is None or made[1].legacy or view.site(made[0]).rounding is not Rounding.FAST:
        return None
    source = made[0].inputs[0]
    return source if source is not None and view.type_of(source).dtype is DType.INT8 else None


def fuse_requantize(graph: Graph) -> Graph:
    """Let operators that convert their operands take them as they are before a Requantize; exactly."""
    return rewrite(graph, _fuse)
