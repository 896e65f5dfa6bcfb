"""Let a softmax leave out what a constant mask hides.

Exporters add a huge negative number to attention scores that must not count. In 8 bits such a sum has no room for the
scores. Its exponentials are zero, so instead the softmax is told what counts, and the scores keep their own range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.ops.add import Add
from edgeq.ops.masked_softmax import FLAT, SEEN, MaskedSoftmax
from edgeq.ops.minimum import Minimum
from edgeq.ops.pad import Pad
from edgeq.ops.softmax import Softmax
from edgeq.passes._computed_mask import computed_mask
from edgeq.passes._layout import is_elementwise
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.canonicalize import real_constant

HIDDEN = 90.0
"""An addend so much below the greatest of its row hides a score: exp(−87.3) is the least normal float32 number."""
REPLACED = -HIDDEN
"""A score that is so low whatever was computed is hidden."""
ABSORBED = 2.0**26
"""Beside an addend of this magnitude float32 loses scores: its last bit is worth 4 to 8."""


@dataclass(frozen=True, eq=False)
class _Source:
    """What a softmax reads, through operators that only rearrange it.

    Attributes:
        node: what computes it.
        moves: the operators on the way down, in their order.
        shape: of the node's output.
    """

    node: Node
    moves: tuple[Node, ...]
    shape: Shape

    def down(self, array: Array) -> Array:
        """An array of `shape`, rearranged as the softmax sees it."""
        for move in self.moves:
            (array,) = move.op.run_float([array])
        return array

    def up(self, array: Array) -> Array:
        """An array as the softmax sees it, in `shape`."""
        places = self.down(np.arange(np.prod(self.shape, dtype=np.int64)).reshape(self.shape))
        whole = np.empty(places.size, array.dtype)
        whole[places.ravel()] = array.ravel()
        return whole.reshape(self.shape)


def _source(view: View, softmax: Node) -> _Source | None:
    """The first operator above a softmax that does more than rearrange, if all between have one reader."""
    moves: list[Node] = []
    name = softmax.inputs[0]
    while name is not None and view.is_real(name) and view.only_consumer(name) is not None:
        node = view.producer(name)
        if node is None or node.op.pattern is not Pattern.REARRANGEMENT:
            return None if node is None else _Source(node, tuple(reversed(moves)), view.shape(name))
        moves.append(node)
        name = node.inputs[0]
    return None


def _compact(array: Array) -> Array:
    """An array with size one along every axis along which it repeats itself."""
    for axis in range(array.ndim):
        first = array.take([0], axis)
        if array.shape[axis] > 1 and np.array_equal(np.broadcast_to(first, array.shape), array):
            array = first
    return array


def _mask(view: View, softmax: Node, shape: Shape) -> Array:
    """What counts already, in the softmax's shape, with its rows last."""
    data = view.data(softmax.inputs[1]) if len(softmax.inputs) > 1 else None
    return np.array(np.broadcast_to(np.int8(SEEN) if data is None else data, shape))


def _split(addend: Array, mask: Array) -> tuple[Array, Array] | None:
    """An addend of scores (…, columns) as a mask, and what is still to be added.

    A row of which nothing is left, NaN in float, is masked too: what hides it afterwards need not undo a NaN.

    None: it hides nothing, or whole rows become NaN for another reason.
    """
    seen = np.where((mask >= SEEN).any(axis=-1, keepdims=True), mask >= SEEN, True)
    greatest = np.where(seen, addend, -np.inf).max(axis=-1, keepdims=True)
    greatest = np.where(np.isneginf(greatest), 0.0, greatest)
    if not np.isfinite(greatest).all() or np.isnan(addend).any():
        return None
    rest = addend - greatest
    hidden = ~seen | (rest <= -HIDDEN)
    absorbed = (mask >= FLAT).any(axis=-1, keepdims=True) | (np.abs(greatest) >= ABSORBED)
    if not (hidden & seen).any() and not (absorbed & (mask == SEEN)).any():
        return None
    made = np.where(hidden, 0, np.where(absorbed, FLAT, SEEN)).astype(np.int8)
    return made, rest


def _filled(values: Array, free: Array) -> Array:
    """Values, of which some may be anything: such that few different ones are left."""
    left = np.unique(values[~free])
    return np.where(free, left[0] if len(left) == 1 else values.dtype.type(0), values)


def _apply(view: View, softmax: Node, mask: Array) -> None:
    """Give a softmax a mask (its shape, rows last)."""
    assert isinstance(softmax.op, Softmax)
    stored = view.edit.constant(f"{softmax.name}_mask", _compact(np.moveaxis(mask, -1, softmax.op.axis)))
    view.update(softmax, MaskedSoftmax(softmax.op.axis, softmax.op.beta), (softmax.inputs[0], stored))


def _replace(view: View, source: _Source, constant: Array) -> None:
    """Give the operator above a softmax another constant, of the shape of its output."""
    node = source.node
    small = _compact(constant) if view.shape(str(node.inputs[0])) == source.shape else constant
    view.update(node, node.op, (node.inputs[0], view.edit.constant(f"{node.inputs[1]}_seen", small.astype(np.float32))))


def _add(view: View, softmax: Node) -> bool:
    """softmax(x + mask) → masked softmax of x, or of x plus what the mask adds to scores that count."""
    source = _source(view, softmax) if isinstance(softmax.op, Softmax) else None
    if source is None or not isinstance(softmax.op, Softmax) or not isinstance(source.node.op, Add):
        return False
    node, axis = source.node, softmax.op.axis
    constant = real_constant(view, node.inputs[1])
    if constant is None or source.node.op.clamp != NO_CLAMP:
        return False
    addend = np.moveaxis(source.down(np.broadcast_to(constant, source.shape)), axis, -1).astype(np.float64)
    parts = _split(addend, np.moveaxis(_mask(view, softmax, view.shape(softmax.outputs[0])), axis, -1))
    if parts is None:
        return False
    mask, rest = parts
    left = source.up(np.moveaxis(_filled(rest, mask != SEEN), -1, axis))
    _apply(view, softmax, mask)
    _replace(view, source, left)
    return True


def _minimum(view: View, softmax: Node) -> bool:
    """softmax(min(x, c)) with huge negative elements in c: so a choice between x and a constant is spelled."""
    source = _source(view, softmax) if isinstance(softmax.op, Softmax) else None
    if source is None or not isinstance(softmax.op, Softmax) or not isinstance(source.node.op, Minimum):
        return False
    axis, constant = softmax.op.axis, real_constant(view, source.node.inputs[1])
    if constant is None:
        return False
    whole = np.broadcast_to(constant, source.shape)
    least = np.moveaxis(source.down(whole), axis, -1)
    mask = np.moveaxis(_mask(view, softmax, view.shape(softmax.outputs[0])), axis, -1)
    hidden = (least <= REPLACED) | (mask == 0)
    nothing = hidden.all(axis=-1, keepdims=True)
    alike = np.isfinite(least).all(axis=-1, keepdims=True) & (least == least[..., :1]).all(axis=-1, keepdims=True)
    if not (hidden & (mask > 0)).any() or (nothing & ~alike).any():
        return False
    _apply(view, softmax, np.where(nothing, np.int8(FLAT), np.where(hidden, np.int8(0), mask)))
    _replace(view, source, np.where(whole <= REPLACED, np.float32(np.inf), whole))
    return True


def _pad(view: View, softmax: Node) -> bool:
    """softmax(Pad(x)) with a huge negative value → masked softmax of a Pad with zeros."""
    source = _source(view, softmax) if isinstance(softmax.op, Softmax) else None
    if source is None or not isinstance(softmax.op, Softmax) or not isinstance(source.node.op, Pad):
        return False
    node, op, axis = source.node, source.node.op, softmax.op.axis
    if op.mode != "constant" or op.value > REPLACED:
        return False
    padded = np.moveaxis(source.down(op.padded(np.zeros(view.shape(str(node.inputs[0])), np.int8), 1)), axis, -1) == 1
    mask = np.moveaxis(_mask(view, softmax, view.shape(softmax.outputs[0])), axis, -1)
    parts = _split(np.where(padded, op.value, 0.0), mask)
    if parts is None or padded.all(axis=-1).any():
        return False
    _apply(view, softmax, parts[0])
    view.update(node, replace(op, value=0.0), node.inputs)
    return True


def _free(view: View, softmax: Node) -> bool:
    """What a constant does to scores that do not count, or count alike, does not matter: if it is one number for the
    others, it is that number for all."""
    source = _source(view, softmax) if isinstance(softmax.op, MaskedSoftmax) else None
    if source is None or not is_elementwise(source.node.op) or len(source.node.inputs) != 2:
        return False
    constant = real_constant(view, source.node.inputs[1])
    if constant is None or len(np.unique(constant)) == 1 or view.is_const(source.node.inputs[0]):
        return False
    mask = source.up(_mask(view, softmax, view.shape(softmax.outputs[0])))
    left = np.unique(np.broadcast_to(constant, source.shape)[mask == SEEN])
    if len(left) != 1:
        return False
    _replace(view, source, np.full(source.shape, left[0]))
    return True


def _computed(view: View, softmax: Node) -> bool:
    """Masks that the caller gives."""
    return computed_mask(view, softmax, HIDDEN)


def mask_softmax(graph: Graph) -> Graph:
    """Masks in front of softmaxes become a part of these."""
    return rewrite(graph, _add, _minimum, _pad, _free, _computed)
