"""Permutations of dimensions, and how a Reshape takes them through.

Convention: a Transpose T with permutation p gives T(x).shape[i] = x.shape[p[i]].
"""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.ir.graph import Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Shape
from edgeq.ir.traits import Pattern, Perm, inverse, permuted
from edgeq.passes._rewrite import View


def is_elementwise(op: Op) -> bool:
    """Whether an operator works element by element."""
    return op.pattern is Pattern.ELEMENTWISE


def moves_elements(shape: Shape, perm: Perm) -> bool:
    """Whether a Transpose of a tensor of this shape changes the order of its elements."""
    big = [p for p in perm if shape[p] != 1]
    return big != sorted(big)


def changes_dtype(view: View, node: Node) -> bool:
    """Whether a node stands between int8 and uint8, at the graph's border, where nothing but it takes uint8."""
    names = [n for n in (*node.inputs, *node.outputs) if n is not None and not view.is_const(n)]
    return len({view.type_of(n).dtype for n in names}) > 1


def matched_groups(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """The finest split of both shapes' dimensions, those of size one left out, into runs of equal product."""
    a, b = ([i for i, n in enumerate(shape) if n != 1] for shape in (old, new))
    groups: list[tuple[list[int], list[int]]] = []
    while a and b:
        left, right = [a.pop(0)], [b.pop(0)]
        size_left, size_right = old[left[0]], new[right[0]]
        while size_left != size_right:
            if size_left < size_right:
                left.append(a.pop(0))
                size_left *= old[left[-1]]
            else:
                right.append(b.pop(0))
                size_right *= new[right[-1]]
        groups.append((left, right))
    return groups


def through_reshape(shape: Shape, perm: Perm, new: Shape) -> tuple[Shape, Perm] | None:
    """shape' and p' with Reshape(new)(T(x)) = T'(Reshape(shape')(x)) for x of `shape`; None if there are none."""
    rank = {axis: k for k, axis in enumerate(i for i, n in enumerate(shape) if n != 1)}
    groups = []
    for left, right in matched_groups(permuted(shape, perm), new):
        places = [rank[perm[i]] for i in left]
        if places != list(range(places[0], places[0] + len(places))):
            return None
        groups.append((places[0], right))
    order = [i for _, right in sorted(groups) for i in right]
    # Dimensions of size one go anywhere: leading ones stay in front, others with the next (else the last) real one.
    for unit in [i for i, n in enumerate(new) if n == 1][::-1]:
        if all(new[i] == 1 for i in range(unit)):
            order.insert(0, unit)
            continue
        after = next((i for i in range(unit + 1, len(new)) if i in order), None)
        order.insert(order.index(after) if after is not None else order.index(_last_real(new, order)) + 1, unit)
    return tuple(new[i] for i in order), inverse(tuple(order))


def _last_real(shape: Shape, order: Sequence[int]) -> int:
    """The last dimension in `shape`'s own order that is not of size one."""
    return max(i for i in order if shape[i] != 1)
