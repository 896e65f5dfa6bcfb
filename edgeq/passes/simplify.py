"""Remove operators that do nothing, and merge those that move data twice."""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ir.traits import Pattern
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose
from edgeq.passes._rewrite import View, rewrite


def _drop_identity(view: View, node: Node) -> bool:
    """What hands on its input's elements as they are."""
    source, out = node.inputs[0], node.outputs[0]
    if source is None or view.shape(source) != view.shape(out):
        return False
    return node.op.is_copy(view.site(node)) and view.bypass(node)


def _merge_reshapes(view: View, node: Node) -> bool:
    """Reshape of a Reshape: the second alone."""
    above = view.made_by(node.inputs[0], Reshape, alone=False) if isinstance(node.op, Reshape) else None
    if above is None or node.inputs[0] is None or above[0].inputs[0] is None:
        return False
    if view.type_of(node.inputs[0]).q not in (
        None,
        view.type_of(above[0].inputs[0]).q,
        view.type_of(node.outputs[0]).q,
    ):
        return False
    view.update(node, node.op, above[0].inputs)
    return True


def _merge_transposes(view: View, node: Node) -> bool:
    """Transpose of a Transpose: one, of both permutations."""
    above = view.made_by(node.inputs[0], Transpose, alone=False) if isinstance(node.op, Transpose) else None
    if above is None or not isinstance(node.op, Transpose) or node.inputs[0] is None or above[0].inputs[0] is None:
        return False
    if view.type_of(node.inputs[0]).q not in (
        None,
        view.type_of(above[0].inputs[0]).q,
        view.type_of(node.outputs[0]).q,
    ):
        return False
    view.update(node, Transpose(tuple(above[1].perm[p] for p in node.op.perm)), above[0].inputs)
    return True


def _copy_is_reshape(view: View, node: Node) -> bool:
    """What hands on its input's elements in another shape, such as a reduction over dimensions of size one."""
    if isinstance(node.op, Reshape) or node.inputs[0] is None or not node.op.is_copy(view.site(node)):
        return False
    source, out = view.type_of(node.inputs[0]), view.type_of(node.outputs[0])
    if source.q != out.q and node.op.pattern is not Pattern.REARRANGEMENT:
        return False  # it also changes the quantization
    view.update(node, Reshape(out.shape), node.inputs)
    return True


RULES = (_drop_identity, _merge_reshapes, _merge_transposes, _copy_is_reshape)


def simplify(graph: Graph) -> Graph:
    """Drop identities; merge Reshape chains and Transpose chains; what moves no element is a Reshape."""
    return rewrite(graph, *RULES)
