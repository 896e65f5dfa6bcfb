"""Permutations of dimensions, and how operators take them through.

Convention: a Transpose T with permutation p gives T(x).shape[i] = x.shape[p[i]]. An operator commutes with it if
op(T(x)) = T'(op'(x)) for some op' and T'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeq.ir.graph import Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Shape
from edgeq.ops._table import TableOp
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.div import Div
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.maximum import Maximum
from edgeq.ops.mean import Mean
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.p_relu import PRelu
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.requantize import Requantize
from edgeq.ops.slice import Slice
from edgeq.ops.softmax import Softmax
from edgeq.ops.split import Split
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.passes._rewrite import View

Perm = tuple[int, ...]
UNARY = (TableOp, Requantize)
BINARY = (Add, Sub, Mul, Div, Minimum, Maximum, PRelu)
ELEMENTWISE = (*UNARY, *BINARY)


def inverse(perm: Perm) -> Perm:
    """The permutation that undoes another."""
    return tuple(perm.index(i) for i in range(len(perm)))


def permuted(shape: Shape, perm: Perm) -> Shape:
    """The shape after a Transpose."""
    return tuple(shape[p] for p in perm)


def moves_elements(shape: Shape, perm: Perm) -> bool:
    """Whether a Transpose of a tensor of this shape changes the order of its elements."""
    big = [p for p in perm if shape[p] != 1]
    return big != sorted(big)


def changes_dtype(view: View, node: Node) -> bool:
    """Whether a node stands between int8 and uint8, at the graph's border, where nothing but it takes uint8."""
    names = [n for n in (*node.inputs, *node.outputs) if n is not None and not view.is_const(n)]
    return len({view.type_of(n).dtype for n in names}) > 1


def _kept(axes: Sequence[int], perm: Perm) -> Perm:
    """The permutation of what a reduction without keepdims leaves; `axes` are those it removes after the Transpose."""
    left = [perm[i] for i in range(len(perm)) if i not in axes]
    ranks = sorted(left)
    return tuple(ranks.index(p) for p in left)


def commute(op: Op, perm: Perm) -> tuple[Op, Perm] | None:
    """op' and the permutation of T' with op(T(x)) = T'(op'(x)); None if there are none. All outputs take the same T'.

    Operands of operators with several are all taken to be transposed by `perm`.
    """
    if isinstance(op, ELEMENTWISE):
        return op, perm
    if isinstance(op, (Concat, Split)):
        return replace(op, axis=perm[op.axis]), perm
    if isinstance(op, (Softmax, LogSoftmax)):
        # their kernels work along the last axis
        return (replace(op, axis=perm[op.axis]), perm) if perm[op.axis] == len(perm) - 1 else None
    if isinstance(op, Slice):
        back = inverse(perm)
        return replace(
            op, begin=permuted(op.begin, back), end=permuted(op.end, back), step=permuted(op.step, back)
        ), perm
    if isinstance(op, Pad):
        back = inverse(perm)
        return replace(op, before=permuted(op.before, back), after=permuted(op.after, back)), perm
    if isinstance(op, (Mean, Sum, ReduceMax)):
        axes = tuple(sorted(perm[a] for a in op.axes))
        return replace(op, axes=axes), perm if op.keepdims else _kept(op.axes, perm)
    if isinstance(op, FullyConnected):
        return (op, perm) if perm[-1] == len(perm) - 1 else None
    return None


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
