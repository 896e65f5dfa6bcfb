"""Remove Transpose nodes: they move bytes and compute nothing.

Importers of NCHW models put a Transpose before and after every operator that works on NHWC. Those behind are sunk
through the operators that do not care until they meet the next ones and cancel; those that are left may be raised to
the graph's inputs. Both are tried on the whole graph, and the variant that moves fewest bytes is taken: never more than
before.
"""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Array, QParams
from edgeq.ir.traits import Pattern, Perm, inverse, permuted
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose
from edgeq.passes import simplify
from edgeq.passes._layout import (
    changes_dtype,
    is_elementwise,
    matched_groups,
    moves_elements,
    through_reshape,
)
from edgeq.passes._rewrite import Rule, View, rewrite


def _transposed(view: View, name: str | None) -> tuple[str, Perm] | None:
    """x and p if a value is Transpose(x) by p in the same parameters."""
    transpose = view.made_by(name, Transpose, alone=False)
    if transpose is None or name is None or transpose[0].inputs[0] is None:
        return None
    source = transpose[0].inputs[0]
    return (source, transpose[1].perm) if view.type_of(source).q == view.type_of(name).q else None


def _sibling(view: View, name: str, perm: Perm) -> str | None:
    """The result of a Transpose by `perm` that the graph computes of a value anyway."""
    for node in view.consumers(name):
        if isinstance(node.op, Transpose) and node.op.perm == perm:
            return node.outputs[0] if view.type_of(node.outputs[0]).q == view.type_of(name).q else None
    return None


def _permuted_constant(view: View, name: str, perm: Perm) -> str:
    """A constant of up to len(perm) dimensions, aligned at the last one, with its dimensions permuted."""
    data, q = view.data(name), view.type_of(name).q
    assert data is not None
    if data.size == 1:
        return name
    aligned = data.reshape((1,) * (len(perm) - data.ndim) + data.shape)
    if q is not None and q.axis is not None:
        q = QParams(q.scale, q.zero_point, perm.index(q.axis + len(perm) - data.ndim))
    return view.edit.constant(name, aligned.transpose(perm), q, view.type_of(name))


def _untransposed(view: View, name: str, perm: Perm) -> str:
    """A computed value x, given a Transpose T by `perm`: y with T(y) = x, made of what exists where possible."""
    transposed = _transposed(view, name)
    if transposed is not None and transposed[1] == perm:
        return transposed[0]
    back = inverse(perm)
    sibling = _sibling(view, name, back) if len(view.shape(name)) == len(perm) else None
    if sibling is not None:
        return sibling
    if len(view.shape(name)) < len(perm):
        rank = len(perm) - len(view.shape(name))
        name = view.edit.add(Reshape((1,) * rank + view.shape(name)), [name], f"{name}_aligned")[0]
    return view.edit.add(Transpose(back), [name], f"{name}_moved")[0]


def _costs_nothing(view: View, name: str, perm: Perm) -> bool:
    shape = (1,) * (len(perm) - len(view.shape(name))) + view.shape(name)
    return not moves_elements(shape, inverse(perm)) or _sibling(view, name, inverse(perm)) is not None


def _main_permutation(view: View, node: Node, rank: int) -> tuple[Perm, bool] | None:
    """The permutation to move behind a node, and whether all computed operands have it; None if that does not pay."""
    weights: dict[Perm, int] = {}
    untransposed = 0
    for name in node.inputs:
        if name is None or view.is_const(name):
            continue
        transposed = _transposed(view, name)
        if transposed is not None and len(transposed[1]) == rank:
            weights[transposed[1]] = weights.get(transposed[1], 0) + view.type_of(name).size
        else:
            untransposed += view.type_of(name).size
    if not weights:
        return None
    perm = max(weights, key=lambda p: (weights[p], p))
    total = sum(weights.values()) + untransposed
    if weights[perm] == total:
        return perm, True
    for name in node.inputs:
        transposed = _transposed(view, name)
        if name is None or view.is_const(name) or (transposed is not None and transposed[1] == perm):
            continue
        if _costs_nothing(view, name, perm):
            untransposed -= view.type_of(name).size
    return (perm, False) if weights[perm] > untransposed else None


def _sink_rule() -> Rule:
    """A rule that remembers the nodes it moved although some operand disagreed, so that it never moves them back."""
    forced: set[str] = set()

    def sink(view: View, node: Node) -> bool:
        """op(T(x), …) → T'(op'(x, …))."""
        several = len(node.inputs) > 1 and node.op.linear is None
        if node.inputs[0] is None or (changes_dtype(view, node) and not node.op.gives_whole):
            return False
        rank = len(view.shape(node.outputs[0])) if several else len(view.shape(node.inputs[0]))
        if several:
            choice = _main_permutation(view, node, rank)
        else:
            transposed = _transposed(view, node.inputs[0])
            choice = None if transposed is None else (transposed[1], True)
        if choice is None or (not choice[1] and node.name in forced):
            return False
        perm, agreed = choice
        moved = node.op.commute(perm)
        if moved is None:
            return False
        if node.op.gives_whole and moves_elements(view.shape(node.outputs[0]), inverse(moved.perm)):
            return False  # nothing moves whole numbers
        if not agreed:
            forced.add(node.name)
        below = moved.perm
        inputs: list[str | None] = []
        for k, name in enumerate(node.inputs):
            if name is None or (k > 0 and not several):
                inputs.append(name)
            elif view.is_const(name):
                inputs.append(_permuted_constant(view, name, inverse(perm)))
            else:
                inputs.append(_untransposed(view, name, perm))
        shapes = [permuted(view.shape(o), inverse(below)) for o in node.outputs]
        view.move_below(node, moved.op, inputs, [(Transpose(below), shape) for shape in shapes], "moved")
        return True

    return sink


def _sink_through_reshape(view: View, node: Node) -> bool:
    """Reshape(T(x)) → T'(Reshape'(x))."""
    transposed = _transposed(view, node.inputs[0])
    if not isinstance(node.op, Reshape) or transposed is None:
        return False
    source, perm = transposed
    result = through_reshape(view.shape(source), perm, node.op.shape)
    if result is None or view.type_of(source).q != view.type_of(node.outputs[0]).q:
        return False
    shape, below = result
    view.move_below(node, Reshape(shape), [source], [(Transpose(below), shape)], "moved")
    return True


def _raise_through_reshape(view: View, node: Node) -> bool:
    """T(Reshape(T₁(x))) → Reshape'(T'(x)): both Transposes become one, at once, as T' after T₁ could be sunk again."""
    middle = view.made_by(node.inputs[0], Reshape)
    if not isinstance(node.op, Transpose) or middle is None or node.inputs[0] is None:
        return False
    source = middle[0].inputs[0]
    above = view.made_by(source, Transpose)
    if source is None or above is None:
        return False
    types = [view.type_of(n) for n in (source, node.inputs[0], node.outputs[0])]
    result = through_reshape(types[2].shape, inverse(node.op.perm), types[0].shape)
    if result is None or len({t.q for t in types}) != 1:
        return False
    perm = inverse(result[1])
    type = types[0].reshaped(permuted(types[0].shape, perm))
    both = Transpose(tuple(above[1].perm[p] for p in perm))
    raised = view.edit.add(both, above[0].inputs, f"{source}_moved", types=[type])[0]
    view.update(node, Reshape(types[2].shape), [raised])
    return True


def _into_columns(view: View, node: Node) -> bool:
    """FullyConnected(Reshape(T(x))), the Reshape flattening what T moved: permute the weights' columns instead."""
    flat = view.made_by(node.inputs[0], Reshape, alone=False)
    if not isinstance(node.op, FullyConnected) or flat is None or node.inputs[0] is None or node.inputs[1] is None:
        return False
    transposed = _transposed(view, flat[0].inputs[0])
    w, q = view.data(node.inputs[1]), view.type_of(node.inputs[1]).q
    if transposed is None or w is None or (q is not None and q.axis == 1):
        return False
    source, perm = transposed
    if view.type_of(source).q != view.type_of(node.inputs[0]).q:
        return False
    moved, columns = permuted(view.shape(source), perm), view.shape(node.inputs[0])[-1]
    groups = matched_groups(moved, view.shape(node.inputs[0]))
    if columns == 1 or not groups or groups[-1][1] != [len(view.shape(node.inputs[0])) - 1]:
        return False
    last = groups[-1][0]  # dimensions after T that make up the columns
    lead = [perm[i] for i in range(len(perm)) if i not in last and moved[i] != 1]
    axes = sorted(perm[i] for i in last)
    if lead != sorted(lead) or (lead and lead[-1] > axes[0]):
        return False
    order = [next(k for k, i in enumerate(last) if perm[i] == axis) for axis in axes]
    split = w.reshape(w.shape[0], *(moved[i] for i in last))
    ordered = split.transpose(0, *(k + 1 for k in order)).reshape(w.shape)
    weights = view.edit.constant(node.inputs[1], ordered, q, view.type_of(node.inputs[1]))
    type = view.type_of(node.inputs[0])
    out = view.edit.unique(f"{node.inputs[0]}_flat")
    view.edit.add(Reshape(type.shape), [source], out, types=[type])
    view.update(node, node.op, (out, weights, *node.inputs[2:]))
    return True


def _reordered(view: View, name: str | None, order: Array) -> str | None:
    """A constant with its first dimension in another order."""
    data = view.data(name)
    if name is None or data is None:
        return None
    q = view.type_of(name).q
    if q is not None and q.axis == 0:
        q = QParams(tuple(q.scale[i] for i in order), tuple(q.zero_point[i] for i in order), 0)
    return view.edit.constant(name, data[order], q, view.type_of(name))


def _into_rows(view: View, node: Node) -> bool:
    """T(Reshape(FullyConnected(x))), the Reshape unfolding what T moves: permute the weights' rows instead."""
    middle = view.made_by(node.inputs[0], Reshape)
    dense = view.made_by(middle[0].inputs[0], FullyConnected) if middle is not None else None
    if not isinstance(node.op, Transpose) or middle is None or dense is None:
        return False
    producer, op = dense
    flat, out = producer.outputs[0], node.outputs[0]
    unfolded, perm = middle[1].shape, node.op.perm
    groups = matched_groups(view.shape(flat), unfolded)
    bias = producer.inputs[2] if len(producer.inputs) > 2 else None
    if not view.is_const(producer.inputs[1]) or (bias is not None and not view.is_const(bias)):
        return False
    if len({view.type_of(n).q for n in (flat, middle[0].outputs[0], out)}) != 1:
        return False
    if not groups or groups[-1][0] != [len(view.shape(flat)) - 1]:
        return False
    rows = groups[-1][1]  # dimensions that the units unfold into
    moved = [p for p in perm if unfolded[p] != 1]
    lead = [p for p in moved if p not in rows]
    if lead != sorted(lead) or moved[: len(lead)] != lead:
        return False
    sizes = [unfolded[i] for i in rows]
    order = np.arange(prod(sizes)).reshape(sizes).transpose([rows.index(p) for p in moved[len(lead) :]]).ravel()
    inputs = (producer.inputs[0], _reordered(view, producer.inputs[1], order), _reordered(view, bias, order))
    type = view.type_of(flat)
    new = view.edit.unique(f"{flat}_moved")
    view.edit.add(op, inputs, view.edit.unique(f"{producer.name}_moved"), [new], [type])
    view.update(node, Reshape(view.shape(out)), [new])
    return True


def _raisable(view: View, node: Node) -> bool:
    """Whether a Transpose can move before a node: one computed operand, of the output's rank, and one reader."""
    if node.op.pattern not in (Pattern.ELEMENTWISE, Pattern.MOVEMENT) or len(node.outputs) != 1:
        return False
    computed = [n for n in node.inputs if n is not None and not view.is_const(n)]
    if len(computed) != 1 or view.only_consumer(node.outputs[0]) is None or changes_dtype(view, node):
        return False
    return len(view.shape(computed[0])) == len(view.shape(node.outputs[0]))


def _reaches_border(view: View, node: Node) -> bool:
    """Whether raisable nodes alone lie between a node and an input of the graph, or another Transpose."""
    while _raisable(view, node):
        (name,) = (n for n in node.inputs if n is not None and not view.is_const(n))
        above = view.producer(name)
        if above is None or above.op.pattern is Pattern.REARRANGEMENT:
            return True
        node = above
    return False


def _raise(view: View, node: Node) -> bool:
    """T(op(x)) → op'(T(x)), all the way to an input of the graph."""
    above = view.producer(node.inputs[0])
    if not isinstance(node.op, Transpose) or above is None or not _reaches_border(view, above):
        return False
    mid, out, perm = above.outputs[0], node.outputs[0], node.op.perm
    if view.type_of(mid).q != view.type_of(out).q:
        return False
    moved = above.op.commute(inverse(perm))  # op(T⁻¹(y)) = T⁻¹(op'(y)) with y = T(x)
    if moved is None:
        return False
    inputs: list[str | None] = []
    for name in above.inputs:
        if name is None:
            inputs.append(None)
        elif view.is_const(name):
            inputs.append(_permuted_constant(view, name, perm))
        else:
            inputs.append(view.edit.add(node.op, [name], f"{name}_moved")[0])
    view.fuse(above, node, moved.op, inputs, view.type_of(out).q)
    return True


RULES = (*simplify.RULES, _raise_through_reshape, _into_rows)


def _cost(graph: Graph) -> tuple[int, int, int, int]:
    """Elements moved by Transposes, their number, how many lie inside the graph, and of those how many precede an
    elementwise operator."""
    nodes = [n for n in graph.nodes if isinstance(n.op, Transpose)]
    inner = [n for n in nodes if n.inputs[0] not in graph.inputs and n.outputs[0] not in graph.outputs]
    before = [n for n in inner if any(is_elementwise(c.op) for c in graph.consumers[n.outputs[0]])]
    return sum(prod(graph.type(n.outputs[0]).shape) for n in nodes), len(nodes), len(inner), len(before)


def _sunk(graph: Graph) -> Graph:
    return rewrite(graph, *RULES, _into_columns, _sink_through_reshape, _sink_rule())


def _raised(graph: Graph) -> Graph:
    return rewrite(graph, *RULES, _raise)


def eliminate_transposes(graph: Graph) -> Graph:
    """Cancel, move and merge Transposes; the bytes they move never become more."""
    if not any(isinstance(n.op, Transpose) for n in graph.nodes):
        return graph
    start = rewrite(graph, *RULES)
    sunk, raised = _sunk(start), _raised(start)
    variants = (start, sunk, raised, _raised(sunk), _sunk(raised))
    return min(variants, key=_cost)  # the first of equals
