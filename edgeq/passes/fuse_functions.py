"""Let what several nodes make of each element of one tensor be one function: one table, and one rounding.

SiLU and its like are products of a tensor with a function of itself. Node by node, such a product costs a table, a
multiplication, and two roundings; the exponentials that Mish is spelled with do not even fit 8 bits.
"""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import DType
from edgeq.ops.function import ELEMENT, Function, composed, is_part
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.recognize_functions import LIMIT, absorbable, leaves_of, scalar

LONGEST = 400
"""Characters of an expression. Each occurrence of the element may stand for another expression, and so on."""


def _expression(view: View, cone: list[Node], leaf: str, root: str) -> str | None:
    """What a cone, nodes from the root upwards, makes of its leaf; None if that is too long an expression."""
    values = {leaf: ELEMENT}
    for node in reversed(cone):
        operands = []
        for name in node.inputs:
            number = scalar(view, name)
            operands.append(values[str(name)] if number is None else repr(float(number.reshape(()))))
        written_out = composed(node.op, operands)
        if len(written_out) > LONGEST:
            return None
        values[node.outputs[0]] = written_out
    return values[root]


def _fuse(view: View, node: Node) -> bool:
    """Grow the set of nodes above this one, latest first, and take the greatest that has a single leaf."""
    root = node.outputs[0]
    if not is_part(node.op) or view.type_of(root).dtype is not DType.FLOAT32:
        return False
    cone, best = [node], 0
    leaf = ""
    while len(cone) <= LIMIT:
        leaves = leaves_of(view, cone)
        if len(leaves) == 1 and view.shape(leaves[0]) == view.shape(root):
            best, leaf = len(cone), leaves[0]
        above = next((p for n in leaves if (p := absorbable(view, n, cone)) is not None and is_part(p.op)), None)
        if above is None:
            break
        cone.append(above)
    if best < 2:
        return False
    expression = _expression(view, cone[:best], leaf, root)
    if expression is None:
        return False
    view.update(node, Function(expression), (leaf,))
    return True


def fuse_functions(graph: Graph) -> Graph:
    """Replace nodes that together compute one tensor from each element of another one by a Function."""
    return rewrite(graph, _fuse)
