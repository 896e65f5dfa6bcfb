"""Fold scaling and shifting by constants (batch normalization among them) into neighbouring linear operators.

All rules concern real tensors only, those without prescribed parameters: there the result is the same up to float32
rounding, and quantization is still open.
"""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Array
from edgeq.ir.traits import NO_CLAMP, Linear
from edgeq.ops.add import Add
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.mul import Mul
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.canonicalize import is_affine, real_constant


def _channels(view: View, node: Node) -> Array | None:
    """The constant of an Add or Mul as float64 (C) along the last axis; None if it varies along another one."""
    c, x, out = real_constant(view, node.inputs[1]), node.inputs[0], node.outputs[0]
    if c is None or x is None or view.shape(x) != view.shape(out) or c.size != (c.shape[-1] if c.ndim else 1):
        return None
    return np.broadcast_to(c.astype(np.float64).ravel(), view.shape(out)[-1:])


def _total(linear: Linear, terms: Array) -> Array:
    """Sum over everything that enters one output channel; terms are shaped like weights."""
    return np.asarray(terms.sum(axis=tuple(axis for axis in range(terms.ndim) if axis != linear.out_axis)))


def _real(view: View, name: str | None) -> Array | None:
    """A constant's real values as float64."""
    data = view.data(name)
    if name is None or data is None:
        return None
    q = view.type_of(name).q
    return (data if q is None else q.dequantize(data)).astype(np.float64)


def _operands(view: View, node: Node, linear: Linear) -> tuple[Array, Array] | None:
    """Weights and bias (zero if absent) of a linear node as float64; None if they are not constant."""
    w = _real(view, node.inputs[1])
    if w is None:
        return None
    if len(node.inputs) < 3 or node.inputs[2] is None:
        return w, np.zeros(w.shape[linear.out_axis])
    bias = _real(view, node.inputs[2])
    return None if bias is None else (w, bias)


def _constant(view: View, old: str | None, hint: str, data: Array) -> str:
    """A float32 constant that takes the place of another."""
    return view.edit.constant(old or hint, data.astype(np.float32))


def _fold_after(view: View, node: Node) -> bool:
    """linear → Mul or Add: into weights and bias."""
    if not is_affine(node.op) or node.inputs[0] is None or not view.is_real(node.inputs[0]):
        return False
    above, c = view.producer(node.inputs[0]), _channels(view, node)
    linear = None if above is None else above.op.linear
    if above is None or linear is None or c is None or view.only_consumer(node.inputs[0]) is None:
        return False
    operands = _operands(view, above, linear)
    if operands is None or above.op.fused_clamp != NO_CLAMP:
        return False
    w, bias = operands
    weights = above.inputs[1]
    if isinstance(node.op, Mul):
        if not view.is_real(weights):
            return False
        weights = _constant(view, weights, "", w * linear.along(c, w.ndim))
        bias = bias * c
    else:
        bias = bias + c
    old = above.inputs[2] if len(above.inputs) > 2 else None
    new_bias = old if not bias.any() and old is None else _constant(view, old, f"{above.name}_bias", bias)
    op = above.op.with_clamp(node.op.clamp)
    view.fuse(above, node, op, (above.inputs[0], weights, new_bias), view.type_of(node.outputs[0]).q)
    return True


def _fold_before(view: View, node: Node) -> bool:
    """Mul or Add → linear: into weights and bias. An addend needs windows that never leave the image."""
    linear = node.op.linear
    if linear is None or node.inputs[0] is None or not view.is_real(node.inputs[0], node.inputs[1]):
        return False
    above = view.producer(node.inputs[0])
    if above is None or not is_affine(above.op) or view.only_consumer(node.inputs[0]) is None:
        return False
    c, operands = _channels(view, above), _operands(view, node, linear)
    if c is None or operands is None or above.op.clamp != NO_CLAMP:
        return False
    w, bias = operands
    factor = linear.per_input(c, w.shape)
    inputs: list[str | None] = [above.inputs[0], node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else None]
    if isinstance(above.op, Mul):
        inputs[1] = _constant(view, inputs[1], "", w * factor)
    else:
        if not linear.complete:
            return False
        inputs[2] = _constant(view, inputs[2], f"{node.name}_bias", bias + _total(linear, w * factor))
    view.update(node, node.op, inputs)
    return True


def _merge(view: View, node: Node) -> bool:
    """Mul → Mul and Add → Add: one. Add → Mul: Mul → Add, so that longer chains meet."""
    if not is_affine(node.op) or node.inputs[0] is None or not view.is_real(node.inputs[0]):
        return False
    above = view.producer(node.inputs[0])
    if above is None or not is_affine(above.op) or view.only_consumer(node.inputs[0]) is None:
        return False
    outer, inner = real_constant(view, node.inputs[1]), real_constant(view, above.inputs[1])
    if outer is None or inner is None or above.op.clamp != NO_CLAMP or above.inputs[0] is None:
        return False
    shape = np.broadcast_shapes(outer.shape, inner.shape)
    if int(np.prod(shape)) > max(outer.size, inner.size):
        return False
    if type(node.op) is type(above.op):
        combined = outer * inner if isinstance(node.op, Mul) else outer + inner
        view.update(node, node.op, (above.inputs[0], _constant(view, node.inputs[1], "", combined)))
        return True
    if isinstance(node.op, Add) or view.shape(node.outputs[0]) != view.shape(above.inputs[0]):
        return False
    scaled = view.edit.add(Mul(), (above.inputs[0], node.inputs[1]), f"{node.name}_scale")
    addend = _constant(view, above.inputs[1], "", np.asarray(outer * inner))
    view.update(node, Add(node.op.clamp), (scaled[0], addend))
    return True


def _leftover(view: View, node: Node) -> bool:
    """Mul → Add per channel of an image, with nothing linear beside them: a depthwise 1×1 convolution."""
    if not isinstance(node.op, Add) or node.inputs[0] is None or len(view.shape(node.outputs[0])) != 4:
        return False
    above = view.made_by(node.inputs[0], Mul)
    if above is None or not view.is_real(node.inputs[0]) or above[1].clamp != NO_CLAMP:
        return False
    factor, addend = _channels(view, above[0]), _channels(view, node)
    if factor is None or addend is None or (np.ptp(factor) == 0 and np.ptp(addend) == 0):
        return False
    weights = _constant(view, None, f"{node.name}_weights", factor.reshape(1, 1, -1))
    bias = _constant(view, None, f"{node.name}_bias", addend)
    op, q = DepthwiseConv2D(clamp=node.op.clamp), view.type_of(node.outputs[0]).q
    view.fuse(above[0], node, op, (above[0].inputs[0], weights, bias), q)
    return True


def fold_affine(graph: Graph) -> Graph:
    """Fold Mul and Add by constants into linear operators before and after; what is left becomes depthwise."""
    return rewrite(rewrite(graph, _merge, _fold_after, _fold_before), _leftover)
