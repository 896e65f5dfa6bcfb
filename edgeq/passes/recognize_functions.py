"""Find HardSigmoid, HardSwish and Gelu in the arithmetic that exporters spell them out in.

Exporters, and versions of them, spell one function in many ways. So nothing is matched by its form: wherever several
elementwise nodes compute one tensor from a single other one, their function is compared with the known ones on a grid.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array
from edgeq.ops.gelu import Gelu
from edgeq.ops.hard_sigmoid import HardSigmoid
from edgeq.ops.hard_swish import HardSwish
from edgeq.passes._layout import is_elementwise
from edgeq.passes._rewrite import View, rewrite

LIMIT = 12
"""The most nodes that one function is spelled with."""
KNOWN: tuple[Op, ...] = (HardSwish(), Gelu(False), Gelu(True), HardSigmoid(1.0 / 6.0, 0.5), HardSigmoid(0.2, 0.5))


@cache
def _grid() -> Array:
    return np.concatenate([np.linspace(-12, 12, 4801), [-40.0, -25.0, 25.0, 40.0]]).astype(np.float32)


@cache
def _known_values() -> tuple[Array, ...]:
    return tuple(op.run_float([_grid()])[0] for op in KNOWN)


def scalar(view: View, name: str | None) -> Array | None:
    """A constant of one real number, else None."""
    data = view.data(name)
    return data if data is not None and data.size == 1 and view.is_real(name) else None


def _evaluate(view: View, cone: list[Node], leaf: str, root: str) -> Array:
    """The value of `root` on the grid; `cone` lists nodes from the root upwards."""
    values = {leaf: _grid()}
    for node in reversed(cone):
        operands: list[Array | None] = []
        for name in node.inputs:
            c = scalar(view, name)
            operands.append(values[name] if c is None and name is not None else None if c is None else c.reshape(()))
        with np.errstate(all="ignore"):
            values[node.outputs[0]] = np.asarray(node.op.run_float(operands)[0], np.float32)
    return values[root]


def leaves_of(view: View, cone: list[Node]) -> list[str]:
    """What a set of nodes reads, and does not compute itself, besides single numbers."""
    inside = {node.outputs[0] for node in cone}
    names = (n for node in cone for n in node.inputs if n is not None)
    return [n for n in dict.fromkeys(names) if n not in inside and scalar(view, n) is None]


def _recognize(view: View, node: Node) -> bool:
    """Grow the set of nodes above this one, latest first; where it has a single leaf, compare."""
    if len(node.inputs) < 2 or not is_elementwise(node.op) or not view.is_real(node.outputs[0]):
        return False
    cone = [node]
    while len(cone) <= LIMIT:
        leaves = leaves_of(view, cone)
        if len(leaves) == 1 and len(cone) > 1 and view.shape(leaves[0]) == view.shape(node.outputs[0]):
            values = _evaluate(view, cone, leaves[0], node.outputs[0])
            for op, expected in zip(KNOWN, _known_values(), strict=True):
                if np.allclose(values, expected, rtol=1e-5, atol=2e-6):
                    view.update(node, op, (leaves[0],))
                    return True
        above = next((p for leaf in leaves if (p := absorbable(view, leaf, cone)) is not None), None)
        if above is None:
            return False
        cone.append(above)
    return False


def absorbable(view: View, leaf: str, cone: list[Node]) -> Node | None:
    """The elementwise producer of a leaf that nothing outside the cone reads."""
    node = view.producer(leaf)
    if node is None or not is_elementwise(node.op) or not view.is_real(leaf):
        return None
    names = {n.name for n in cone}
    private = all(reader.name in names for reader in view.consumers(leaf)) and not view.is_output(leaf)
    return node if private else None


def recognize_functions(graph: Graph) -> Graph:
    """Replace arithmetic on real tensors that amounts to HardSigmoid, HardSwish or Gelu by that operator."""
    return rewrite(graph, _recognize)
