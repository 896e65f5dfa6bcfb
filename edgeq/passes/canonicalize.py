"""One way to say each thing: arithmetic with constants, products with constant matrices, global pools."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, QParams
from edgeq.ir.traits import NO_CLAMP
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.div import Div
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.maximum import Maximum
from edgeq.ops.mean import Mean
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reshape import Reshape
from edgeq.ops.square import Square
from edgeq.ops.sub import Sub
from edgeq.passes._rewrite import View, rewrite

LARGEST = float(np.finfo(np.float32).max)
"""No finite element of a tensor is beyond it."""


def is_affine(op: Op) -> TypeGuard[Add | Mul]:
    """Whether an operator is one of the two to which arithmetic with constants is reduced."""
    return isinstance(op, (Add, Mul))


def real_constant(view: View, name: str | None) -> Array | None:
    """The elements of a float constant without parameters, else None."""
    return view.data(name) if name is not None and view.is_real(name) else None


def _subtraction_is_addition(view: View, node: Node) -> bool:
    """x − c = x + (−c): only for real tensors, whose quantization is still open."""
    if not isinstance(node.op, Sub) or not view.is_real(node.inputs[0], node.outputs[0]):
        return False
    c = real_constant(view, node.inputs[1])
    if c is None or view.is_const(node.inputs[0]):
        return False
    view.update(node, Add(node.op.clamp), (node.inputs[0], view.edit.constant(f"{node.name}_addend", -c)))
    return True


def _division_is_multiplication(view: View, node: Node) -> bool:
    """x / c = x · (1/c): likewise for real tensors only."""
    if not isinstance(node.op, Div) or not view.is_real(node.inputs[0], node.outputs[0]):
        return False
    c = real_constant(view, node.inputs[1])
    if c is None or view.is_const(node.inputs[0]) or np.any(c == 0):
        return False
    factor = (1.0 / c.astype(np.float64)).astype(np.float32)
    view.update(node, Mul(node.op.clamp), (node.inputs[0], view.edit.constant(f"{node.name}_factor", factor)))
    return True


def _constant_second(view: View, node: Node) -> bool:
    """Add, Mul, Minimum and Maximum have their constant, if any, as the second operand."""
    if (
        not isinstance(node.op, (Add, Mul, Minimum, Maximum))
        or not view.is_const(node.inputs[0])
        or view.is_const(node.inputs[1])
    ):
        return False
    view.update(node, node.op, (node.inputs[1], node.inputs[0]))
    return True


def _neutral_element(view: View, node: Node) -> bool:
    """x + 0 and x · 1 are x, or a Clip of it."""
    if not is_affine(node.op) or node.inputs[0] is None:
        return False
    c, x, out = real_constant(view, node.inputs[1]), node.inputs[0], node.outputs[0]
    if c is None or np.any(c != (1 if isinstance(node.op, Mul) else 0)) or view.shape(x) != view.shape(out):
        return False
    if not view.is_real(x, out):
        return False
    clamp = node.op.clamp
    view.update(node, Reshape(view.shape(out)) if clamp == NO_CLAMP else Clip(*clamp), (x,))
    return True


def _neutral_bound(view: View, node: Node) -> bool:
    """The lesser of x and infinity, and the greater of x and minus infinity, are x."""
    if not isinstance(node.op, (Minimum, Maximum)) or not view.is_real(*node.inputs, *node.outputs):
        return False
    constants = [k for k, name in enumerate(node.inputs) if view.is_const(name)]
    if len(constants) != 1:
        return False
    c, x = view.data(node.inputs[constants[0]]), str(node.inputs[1 - constants[0]])
    if c is None or view.shape(x) != view.shape(node.outputs[0]):
        return False
    if np.any(c < LARGEST if isinstance(node.op, Minimum) else c > -LARGEST):
        return False
    view.update(node, Reshape(view.shape(x)), (x,))
    return True


def _no_bound(view: View, node: Node) -> bool:
    """A Clip to the least or greatest float has no bound there."""
    if not isinstance(node.op, Clip) or not view.is_real(node.inputs[0], node.outputs[0]):
        return False
    low = -np.inf if node.op.low <= -LARGEST else node.op.low
    high = np.inf if node.op.high >= LARGEST else node.op.high
    if (low, high) == (node.op.low, node.op.high):
        return False
    view.update(node, Clip(low, high), node.inputs)
    return True


def _square(view: View, node: Node) -> bool:
    """x² by Pow or by Mul is Square, for real tensors."""
    squares = (isinstance(node.op, Pow) and node.op.exponent == 2) or (
        isinstance(node.op, Mul) and node.inputs[0] == node.inputs[1] and node.op.clamp == NO_CLAMP
    )
    if not squares or not view.is_real(node.inputs[0], node.outputs[0]):
        return False
    view.update(node, Square(), node.inputs[:1])
    return True


def _constant_matrix(view: View, node: Node) -> bool:
    """MatMul with a constant second matrix is a FullyConnected with its transpose.

    Not for quantized models of TensorFlow Lite, where the two operators round differently.
    """
    if not isinstance(node.op, MatMul) or node.inputs[1] is None or view.edit.preferred is not Numerics.FAST:
        return False
    b, q = view.data(node.inputs[1]), view.type_of(node.inputs[1]).q
    if b is None or b.ndim != 2 or view.is_const(node.inputs[0]):
        return False
    if q is not None:
        if q.axis == 0 or q.block is not None:
            return False
        q = QParams(q.scale, q.zero_point, None if q.axis is None else 0)
    weights = view.edit.constant(f"{node.inputs[1]}_t", b.T, q, view.type_of(node.inputs[1]))
    view.update(node, FullyConnected(), (node.inputs[0], weights, None))
    return True


def _global_average(view: View, node: Node) -> bool:
    """An average over the whole image is a Mean, which unlike a pool may have a scale of its own."""
    op = node.op
    if not isinstance(op, AveragePool2D) or node.inputs[0] is None or any(op.padding) or op.clamp != NO_CLAMP:
        return False
    if op.kernel != view.shape(node.inputs[0])[1:3] or not view.is_real(node.inputs[0], node.outputs[0]):
        return False
    view.update(node, Mean((1, 2), True), node.inputs)
    return True


RULES = (
    _subtraction_is_addition,
    _division_is_multiplication,
    _constant_second,
    _neutral_element,
    _neutral_bound,
    _no_bound,
    _square,
    _constant_matrix,
    _global_average,
)


def canonicalize(graph: Graph) -> Graph:
    """Sub and Div by constants → Add and Mul; MatMul by a constant → FullyConnected; global AveragePool2D → Mean."""
    return rewrite(graph, *RULES)
