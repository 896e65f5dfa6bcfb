"""A mask that a model is given at run time: whole numbers 0 and 1 that say which tokens there are.

Exporters make real numbers of them and of these an addend, zero or hugely negative, or a choice between scores and such
a number. What becomes of 0 and of 1 on the way is computed here; if 0 hides a score and 1 leaves it as it is, the
softmax is given the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from edgeq.ir.graph import Node
from edgeq.ir.tensor import Array, DType, Shape, TensorType
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.ops.add import Add
from edgeq.ops.masked_softmax import MaskedSoftmax, row_groups
from edgeq.ops.reshape import Reshape
from edgeq.ops.select import Select
from edgeq.ops.softmax import Softmax
from edgeq.ops.whole_pair import WholePair
from edgeq.ops.whole_to_real import WholeToReal
from edgeq.passes._rewrite import View
from edgeq.passes.canonicalize import real_constant

LONGEST = 16
"""Operators from whole numbers to an addend; exporters need five."""


@dataclass(frozen=True, eq=False)
class _Derived:
    """What is computed element by element of one tensor of whole numbers.

    Attributes:
        of: the whole numbers; None: a constant.
        results: (2,) what becomes of 0 and of 1.
    """

    of: str | None
    results: Array


def _derived(view: View, name: str | None, depth: int = LONGEST) -> _Derived | None:
    """How a value comes of whole numbers; None: it does not, or otherwise than element by element."""
    constant = real_constant(view, name)
    if constant is not None:
        return _Derived(None, np.repeat(constant.ravel()[:1], 2)) if len(np.unique(constant)) == 1 else None
    node = view.producer(name)
    if node is None or not depth or len(node.outputs) != 1:
        return None
    if node.op == WholeToReal():
        return _whole(view, str(node.inputs[0]), depth)
    if not node.op.is_view and node.op.pattern is not Pattern.ELEMENTWISE:
        return None
    operands = [_derived(view, operand, depth - 1) for operand in node.inputs]
    known = [operand for operand in operands if operand is not None]
    sources = {operand.of for operand in known} - {None}
    if len(known) < len(operands) or len(sources) != 1:
        return None
    (result,) = (known[0].results,) if node.op.is_view else node.op.run_float([operand.results for operand in known])
    return _Derived(sources.pop(), result)


def _whole(view: View, name: str, depth: int) -> _Derived:
    """How whole numbers come of others by arithmetic with one constant; those themselves, if they do not."""
    node = view.producer(name)
    if node is not None and depth and isinstance(node.op, WholePair):
        constants = [None if n is None else view.data(n) for n in node.inputs]
        computed = [str(n) for n, c in zip(node.inputs, constants, strict=True) if c is None]
        if len(computed) == 1 and all(c is None or len(np.unique(c)) == 1 for c in constants):
            inner = _whole(view, computed[0], depth - 1)
            given = [inner.results if c is None else c.ravel()[:1] for c in constants]
            return _Derived(inner.of, node.op.run_float(given)[0].astype(np.float32))
    return _Derived(name, np.array([0, 1], np.float32))


def _mask(view: View, of: str, like: Shape, scores: Shape) -> str | None:
    """Whole numbers with the rank of the scores, in the shape of what was made of them.

    None: a softmax cannot have them so.
    """
    shape = (1,) * (len(scores) - len(like)) + like
    same = prod(shape) == prod(view.shape(of)) and (shape[0], shape[-1]) == (scores[0], scores[-1])
    if not same or row_groups(scores, shape) is None:
        return None
    if shape == view.shape(of):
        return of
    made = view.edit.add(Reshape(shape), [of], view.edit.unique(f"{of}_mask"), types=[TensorType(shape, DType.INT32)])
    return made[0]


def _ways(node: Node, hidden: float) -> Iterator[tuple[int, int, Callable[[Array], Array]]]:
    """How a node may mask scores: its operands with the scores and with the mask, and which of the latter lets them
    count: 1, is hidden: 0, or neither: −1."""

    def of_addend(y: Array) -> Array:
        return np.where(y == 0, 1, np.where(y <= -hidden, 0, -1))

    if isinstance(node.op, Add) and node.op.clamp == NO_CLAMP:
        yield 0, 1, of_addend
        yield 1, 0, of_addend
    if isinstance(node.op, Select):
        yield 1, 0, lambda y: np.where(y != 0, 1, 0)
        yield 2, 0, lambda y: np.where(y != 0, 0, 1)


def _hides(view: View, node: Node, scores: int, hidden: float) -> bool:
    """Whether what a choice takes instead of scores hides them."""
    other = real_constant(view, node.inputs[3 - scores]) if isinstance(node.op, Select) else None
    return not isinstance(node.op, Select) or (other is not None and bool((other <= -hidden).all()))


def computed_mask(view: View, softmax: Node, hidden: float) -> bool:
    """softmax(x + f(m)), softmax(f(m) ? x : c) → masked softmax of x and m.

    Args:
        view: of the graph.
        softmax: any node.
        hidden: an addend or score below minus this is worth nothing.
    """
    node = view.producer(softmax.inputs[0]) if type(softmax.op) is Softmax else None
    if node is None or not isinstance(softmax.op, Softmax) or not view.is_real(softmax.inputs[0]):
        return False
    shape = view.shape(str(softmax.inputs[0]))
    if softmax.op.axis != len(shape) - 1:
        return False
    for scores, masks, counts in _ways(node, hidden):
        x, name = str(node.inputs[scores]), str(node.inputs[masks])
        mask = _derived(view, name) if view.shape(x) == shape and _hides(view, node, scores, hidden) else None
        if mask is None or mask.of is None or counts(mask.results).tolist() != [0, 1]:
            continue
        made = _mask(view, mask.of, view.shape(name), shape)
        if made is not None:
            view.update(softmax, MaskedSoftmax(softmax.op.axis, softmax.op.beta), (x, made))
            return True
    return False
