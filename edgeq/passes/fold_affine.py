"""Fold scaling and shifting by constants (batch normalization among them) into neighbouring linear operators.

All rules concern real tensors only, those without prescribed parameters: there the result is the same up to float32
rounding, and quantization is still open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array
from edgeq.ops._requant import NO_CLAMP
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.canonicalize import real_constant

Linear = Conv2D | DepthwiseConv2D | ConvTranspose2D | FullyConnected


def _is_linear(op: Op) -> TypeGuard[Linear]:
    return isinstance(op, (Conv2D, DepthwiseConv2D, ConvTranspose2D, FullyConnected))


def _channels(view: View, node: Node) -> Array | None:
    """The constant of an Add or Mul as float64 (C) along the last axis; None if it varies along another one."""
    c, x, out = real_constant(view, node.inputs[1]), node.inputs[0], node.outputs[0]
    if c is None or x is None or view.shape(x) != view.shape(out) or c.size != (c.shape[-1] if c.ndim else 1):
        return None
    return np.broadcast_to(c.astype(np.float64).ravel(), view.shape(out)[-1:])


def _scaled_outputs(op: Linear, w: Array, factor: Array) -> Array:
    """Weights whose output channel c is scaled by factor[c]."""
    if isinstance(op, DepthwiseConv2D):
        return w * factor
    return w * factor.reshape((-1,) + (1,) * (w.ndim - 1))


def _per_input(op: Linear, w: Array, c: Array) -> Array:
    """c, one entry per input channel, in a shape that broadcasts to the weights."""
    if isinstance(op, DepthwiseConv2D):
        return np.repeat(c, w.shape[-1] // c.size)
    if isinstance(op, FullyConnected):
        return c
    groups = np.repeat(c.reshape(op.groups, -1), w.shape[0] // op.groups, axis=0)
    return groups.reshape(w.shape[0], 1, 1, -1)


def _total(op: Linear, terms: Array) -> Array:
    """Sum over everything that enters one output channel; terms are shaped like weights."""
    axes: Sequence[int] = (0, 1) if isinstance(op, DepthwiseConv2D) else range(1, terms.ndim)
    return np.asarray(terms.sum(axis=tuple(axes)))


def _real(view: View, name: str | None) -> Array | None:
    """A constant's real values as float64."""
    data = view.data(name)
    if name is None or data is None:
        return None
    q = view.type_of(name).q
    return (data if q is None else q.dequantize(data)).astype(np.float64)


def _operands(view: View, node: Node) -> tuple[Array, Array] | None:
    """Weights and bias (zero if absent) of a linear node as float64; None if they are not constant."""
    w = _real(view, node.inputs[1])
    if w is None or not _is_linear(node.op):
        return None
    channels = w.shape[-1] if isinstance(node.op, DepthwiseConv2D) else w.shape[0]
    if len(node.inputs) < 3 or node.inputs[2] is None:
        return w, np.zeros(channels)
    bias = _real(view, node.inputs[2])
    return None if bias is None else (w, bias)


def _constant(view: View, old: str | None, hint: str, data: Array) -> str:
    """A float32 constant that takes the place of another."""
    return view.edit.constant(old or hint, data.astype(np.float32))


def _fold_after(view: View, node: Node) -> bool:
    """linear → Mul or Add: into weights and bias."""
    if not isinstance(node.op, (Add, Mul)) or node.inputs[0] is None or not view.is_real(node.inputs[0]):
        return False
    above, c = view.producer(node.inputs[0]), _channels(view, node)
    if above is None or c is None or view.only_consumer(node.inputs[0]) is None or not _is_linear(above.op):
        return False
    found = _operands(view, above)
    if found is None or above.op.clamp != NO_CLAMP:
        return False
    w, bias = found
    weights = above.inputs[1]
    if isinstance(node.op, Mul):
        if not view.is_real(weights):
            return False
        weights = _constant(view, weights, "", _scaled_outputs(above.op, w, c))
        bias = bias * c
    else:
        bias = bias + c
    had = above.inputs[2] if len(above.inputs) > 2 else None
    new_bias = had if not bias.any() and had is None else _constant(view, had, f"{above.name}_bias", bias)
    op = replace(above.op, clamp=node.op.clamp)
    view.fuse(above, node, op, (above.inputs[0], weights, new_bias), view.type_of(node.outputs[0]).q)
    return True


def _fold_before(view: View, node: Node) -> bool:
    """Mul or Add → linear: into weights and bias. An addend needs windows that never leave the image."""
    op = node.op
    if not _is_linear(op) or node.inputs[0] is None or not view.is_real(node.inputs[0], node.inputs[1]):
        return False
    above = view.producer(node.inputs[0])
    if above is None or not isinstance(above.op, (Add, Mul)) or view.only_consumer(node.inputs[0]) is None:
        return False
    c, found = _channels(view, above), _operands(view, node)
    if c is None or found is None or above.op.clamp != NO_CLAMP:
        return False
    w, bias = found
    factor = _per_input(op, w, c)
    inputs: list[str | None] = [above.inputs[0], node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else None]
    if isinstance(above.op, Mul):
        inputs[1] = _constant(view, inputs[1], "", w * factor)
    else:
        if isinstance(op, ConvTranspose2D) or (not isinstance(op, FullyConnected) and any(op.padding)):
            return False
        inputs[2] = _constant(view, inputs[2], f"{node.name}_bias", bias + _total(op, w * factor))
    view.update(node, op, inputs)
    return True


def _merge(view: View, node: Node) -> bool:
    """Mul → Mul and Add → Add: one. Add → Mul: Mul → Add, so that longer chains meet."""
    if not isinstance(node.op, (Add, Mul)) or node.inputs[0] is None or not view.is_real(node.inputs[0]):
        return False
    above = view.producer(node.inputs[0])
    if above is None or not isinstance(above.op, (Add, Mul)) or view.only_consumer(node.inputs[0]) is None:
        return False
    outer, inner = real_constant(view, node.inputs[1]), real_constant(view, above.inputs[1])
    if outer is None or inner is None or above.op.clamp != NO_CLAMP or above.inputs[0] is None:
        return False
    shape = np.broadcast_shapes(outer.shape, inner.shape)
    if int(np.prod(shape)) > max(outer.size, inner.size):
        return False
    if type(node.op) is type(above.op):
        both = outer * inner if isinstance(node.op, Mul) else outer + inner
        view.update(node, node.op, (above.inputs[0], _constant(view, node.inputs[1], "", both)))
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
