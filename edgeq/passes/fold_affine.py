"""Fold scaling and shifting by constants (batch normalization among them) into neighbouring linear operators.

All rules concern real tensors only, those without prescribed parameters: there the result is the same up to float32
rounding, and quantization is still open.
"""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Array
from edgeq.ir.traits import NO_CLAMP, Affine, Linear
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose
from edgeq.passes._rewrite import View, rewrite
from edgeq.passes.canonicalize import is_affine, real_constant

UNLIKE = 8.0
"""Factors whose magnitudes differ more than this have too few digits left in one 8-bit constant."""


def _channels(view: View, node: Node) -> Array | None:
    """The constant of an Add or Mul as float64 (C) along the last axis; None if it varies along another one."""
    c, x, out = real_constant(view, node.inputs[1]), node.inputs[0], node.outputs[0]
    if c is None or x is None or view.shape(x) != view.shape(out) or c.size != (c.shape[-1] if c.ndim else 1):
        return None
    return np.broadcast_to(c.astype(np.float64).ravel(), view.shape(out)[-1:] or (1,))


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


def _absorbs(view: View, node: Node, op: Add | Mul) -> bool:
    """Whether a layer can take over what is multiplied with, or added to, its input. An addend needs windows that never
    leave the image."""
    linear = node.op.linear
    if linear is None or not view.is_real(node.inputs[0], node.inputs[1]) or node.inputs.count(node.inputs[0]) > 1:
        return False
    return _operands(view, node, linear) is not None and (isinstance(op, Mul) or linear.complete)


def _fold_before(view: View, node: Node) -> bool:
    """Mul or Add → linear: into weights and bias, if that is so for all readers."""
    linear, source = node.op.linear, node.inputs[0]
    above = view.producer(source)
    if linear is None or source is None or above is None or not is_affine(above.op) or view.is_output(source):
        return False
    op = above.op
    if op.clamp != NO_CLAMP or not all(_absorbs(view, reader, op) for reader in view.consumers(source)):
        return False
    c, operands = _channels(view, above), _operands(view, node, linear)
    if c is None or operands is None:
        return False
    w, bias = operands
    factor = linear.per_input(c, w.shape)
    inputs: list[str | None] = [above.inputs[0], node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else None]
    if isinstance(above.op, Mul):
        inputs[1] = _constant(view, inputs[1], "", w * factor)
    else:
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
    view.set_q(scaled[0], None)
    addend = _constant(view, above.inputs[1], "", np.asarray(outer * inner))
    view.update(node, Add(node.op.clamp), (scaled[0], addend))
    return True


def _foldable(view: View, name: str | None) -> bool:
    """Whether a layer above, or one above a Concat there, takes over what is done to its output's channels."""
    above = view.producer(name)
    if above is None or name is None or view.only_consumer(name) is None or not view.is_real(name):
        return False
    if isinstance(above.op, Concat):
        return any(_foldable(view, branch) for branch in above.inputs)
    linear = above.op.linear
    constant = linear is not None and _operands(view, above, linear) is not None
    return constant and above.op.fused_clamp == NO_CLAMP and view.is_real(above.inputs[1])


def _into_branches(view: View, node: Node) -> bool:
    """Concat → Mul or Add: one for each branch, where some branch ends in a layer that takes it over."""
    joined = view.made_by(node.inputs[0], Concat) if is_affine(node.op) else None
    if joined is None or not is_affine(node.op) or not view.is_real(node.inputs[0]):
        return False
    concat, op = joined
    c = _channels(view, node)
    if c is None or not any(_foldable(view, branch) for branch in concat.inputs):
        return False
    last, start = len(view.shape(node.outputs[0])) - 1, 0
    branches: list[str] = []
    for k, branch in enumerate(concat.inputs):
        width = view.shape(str(branch))[last] if op.axis == last else len(c)
        part = _constant(view, None, f"{node.name}_part", c[start : start + width])
        start += width if op.axis == last else 0
        branches += view.edit.add(node.op, [branch, part], view.edit.unique(f"{node.name}_{k}"))
        view.set_q(branches[-1], None)
    view.update(node, op, branches)
    return True


def _is_positive(view: View, node: Node) -> bool:
    """Whether a Mul has only positive factors; of an Add, whether a Mul above, from which it is not parted, has."""
    if isinstance(node.op, Mul):
        factor = _channels(view, node)
        return factor is None or bool((factor > 0).all())
    product = view.made_by(node.inputs[0], Mul)
    return product is None or _is_positive(view, product[0])


def _sink(view: View, node: Node) -> bool:
    """op(a · x) = a · op(x) and op(x + t) = op(x) + t per channel: behind what makes the tensor smaller."""
    source = node.inputs[0] if node.inputs else None
    above = view.producer(source)
    if source is None or above is None or not is_affine(above.op) or view.only_consumer(source) is None:
        return False
    commutes, c = node.op.affine(view.site(node)), _channels(view, above)
    if commutes is Affine.NONE or c is None or above.op.clamp != NO_CLAMP or above.inputs[1] is None:
        return False
    if not view.is_real(source, node.outputs[0]) or (commutes is Affine.POSITIVE and not _is_positive(view, above)):
        return False
    if view.type_of(node.outputs[0]).size > view.type_of(source).size:
        return False
    pooled = view.edit.add(node.op, (above.inputs[0], *node.inputs[1:]), view.edit.unique(f"{node.name}_inner"))
    view.set_q(pooled[0], None)
    view.update(node, above.op, (pooled[0], _constant(view, None, f"{node.name}_channels", c)))
    return True


def _taker(view: View, name: str | None) -> Node | None:
    """The layer that takes over a factor of a whole tensor: what it gives is moved, or is one side of a product."""
    above = view.producer(name)
    if name is None or above is None or view.only_consumer(name) is None or not view.is_real(name):
        return None
    if isinstance(above.op, MatMul):
        if above.inputs[0] == above.inputs[1]:
            return None  # it would count twice
        return _taker(view, above.inputs[0]) or _taker(view, above.inputs[1])
    if isinstance(above.op, Reshape | Transpose):
        return _taker(view, above.inputs[0])
    constant = above.op.linear is not None and _operands(view, above, above.op.linear) is not None
    return above if constant and above.op.fused_clamp == NO_CLAMP and view.is_real(above.inputs[1]) else None


def _raise_factor(view: View, node: Node) -> bool:
    """layer → MatMul, Transpose, Reshape … → Mul by one number, as attention has it: into the layer's weights."""
    c, source = _channels(view, node) if isinstance(node.op, Mul) else None, node.inputs[0]
    moved, layer = view.producer(source), _taker(view, source)
    if c is None or np.ptp(c) or moved is None or layer is None or moved is layer or node.op.fused_clamp != NO_CLAMP:
        return False
    linear = layer.op.linear
    operands = None if linear is None else _operands(view, layer, linear)
    if operands is None or not view.is_real(node.outputs[0]):
        return False
    w, bias = (part * c[0] for part in operands)
    old = layer.inputs[2] if len(layer.inputs) > 2 else None
    inputs = [layer.inputs[0], _constant(view, layer.inputs[1], "", w)]
    view.update(layer, layer.op, inputs if old is None else [*inputs, _constant(view, old, "", bias)])
    view.fuse(moved, node, moved.op, moved.inputs, None)
    return True


def _through_reshape(view: View, node: Node) -> bool:
    """Mul or Add → Reshape → linear: behind the Reshape, if channels stay together or are repeated there."""
    source = node.inputs[0] if isinstance(node.op, Reshape) else None
    above = view.producer(source)
    if source is None or above is None or not is_affine(above.op) or view.only_consumer(source) is None:
        return False
    reader, c = view.only_consumer(node.outputs[0]), _channels(view, above)
    if reader is None or c is None or above.op.clamp != NO_CLAMP or not _absorbs(view, reader, above.op):
        return False
    width = view.shape(node.outputs[0])[-1] if view.shape(node.outputs[0]) else 1
    if reader.inputs[0] != node.outputs[0] or width % len(c) or not view.is_real(source, node.outputs[0]):
        return False
    flat = view.edit.add(node.op, (above.inputs[0],), view.edit.unique(f"{node.name}_inner"))
    view.update(node, above.op, (flat[0], _constant(view, None, f"{node.name}_channels", np.tile(c, width // len(c)))))
    return True


def _leftover(view: View, node: Node) -> bool:
    """Mul → Add per channel, or a Mul of very unlike factors, with nothing linear beside it: a depthwise 1×1
    convolution, whose weights have a scale for each channel and so are exact."""
    shape = view.shape(node.outputs[0])
    above = view.made_by(node.inputs[0], Mul) if isinstance(node.op, Add) else (node, node.op)
    if above is None or not shape or not isinstance(above[1], Mul) or not is_affine(node.op):
        return False
    product, alone = above[0], above[0] is node
    factor, addend = _channels(view, product), None if alone else _channels(view, node)
    if factor is None or (addend is None and not alone) or not view.is_real(product.inputs[0], product.outputs[0]):
        return False
    if addend is None:
        size = np.abs(factor)
        if size.max(initial=0.0) <= UNLIKE * size.min(initial=np.inf):
            return False
    elif product.op.fused_clamp != NO_CLAMP or (np.ptp(factor) == 0 and np.ptp(addend) == 0):
        return False
    if view.shape(str(product.inputs[0])) != shape:
        return False
    weights = _constant(view, None, f"{node.name}_weights", factor.reshape(1, 1, -1))
    bias = None if addend is None else _constant(view, None, f"{node.name}_bias", addend)
    op, x = DepthwiseConv2D(clamp=node.op.clamp), product.inputs[0]
    if len(shape) == 4 and alone:
        view.update(node, op, (x, weights, bias))
    elif len(shape) == 4:
        view.fuse(product, node, op, (x, weights, bias), view.type_of(node.outputs[0]).q)
    else:
        image = (shape[0], prod(shape[1:-1]), 1, shape[-1]) if len(shape) > 1 else (1, 1, 1, shape[0])
        (inner,) = view.edit.add(Reshape(image), [x], view.edit.unique(f"{node.name}_image"))
        (y,) = view.edit.add(op, [inner, weights, bias], view.edit.unique(f"{node.name}_scaled"))
        view.set_q(y, None)
        view.update(node, Reshape(shape), (y,))
    return True


def fold_affine(graph: Graph) -> Graph:
    """Fold Mul and Add by constants into linear operators before and after; what is left becomes depthwise."""
    rules = (_merge, _fold_after, _fold_before, _into_branches, _sink, _through_reshape, _raise_factor)
    return rewrite(rewrite(graph, *rules), _leftover)
