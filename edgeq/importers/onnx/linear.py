"""Gemm and MatMul: constant weights make a FullyConnected, operands of run time a MatMul."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.convolution import permuted
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, Operand
from edgeq.ops.add import Add
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose

_CHECK = "check the shapes of this node's inputs"


@handles("MatMul")
def matmul(node: OnnxNode) -> None:
    """MatMul with numpy's rules: 1-D operands, broadcast batch dimensions."""
    node.result(product(node, node.operand(0), node.operand(1)))


def product(node: OnnxNode, a: Operand, b: Operand) -> str:
    """Add the product of two operands; returns its value.

    Raises:
        ModelError: shapes do not fit.
    """
    if isinstance(b, Constant) and b.data.ndim <= 2:
        return _dense(node, a, b)
    a_value, b_value = node.value_of(a), node.value_of(b)
    left, right = node.type(a_value).shape, node.type(b_value).shape
    if not left or not right:
        raise ModelError("MatMul needs operands of one dimension or more", hint=_CHECK)
    if len(left) == 1:
        a_value = node.emit(Reshape((1, *left)), [a_value], "row", keep_q=True)
    if len(right) == 1:
        b_value = node.emit(Reshape((*right, 1)), [b_value], "column", keep_q=True)
    y = _flipped(node, a_value, b) if isinstance(b, Constant) else node.emit(MatMul(), [a_value, b_value])
    shape = node.type(y).shape
    if len(left) == 1:
        shape = (*shape[:-2], shape[-1])
    if len(right) == 1:
        shape = shape[:-1]
    return y if shape == node.type(y).shape else node.emit(Reshape(shape), [y], "flat", keep_q=True)


def _dense(node: OnnxNode, a: Operand, b: Constant) -> str:
    """Product with a constant vector or matrix on the right."""
    if b.data.ndim == 0:
        raise ModelError("MatMul needs operands of one dimension or more", hint=_CHECK)
    weights = replace(b, data=b.data[:, None]) if b.data.ndim == 1 else b
    y = fully_connected(node, node.value_of(a), transposed(weights), None)
    if b.data.ndim == 1:
        y = node.emit(Reshape(node.type(y).shape[:-1]), [y], "flat", keep_q=True)
    return y


def _flipped(node: OnnxNode, a: str, b: Constant) -> str:
    """a · b = (bᵀ · aᵀ)ᵀ: a batch of constant matrices comes first, where the operator takes a constant."""

    def swap(rank: int) -> tuple[int, ...]:
        return (*range(rank - 2), rank - 1, rank - 2)

    left = node.builder.store(b.name, *permuted(b, swap(b.data.ndim)))
    right = node.emit(Transpose(swap(len(node.type(a).shape))), [a], "transposed", keep_q=True)
    y = node.emit(MatMul(), [left, right])
    return node.emit(Transpose(swap(len(node.type(y).shape))), [y], "untransposed", keep_q=True)


@handles("CumSum")
def cumulated(node: OnnxNode) -> None:
    """Sums of all elements up to each along an axis: a product with a triangle of ones."""
    rank, axes = len(node.shape(0)), node.ints(1, "the axis")
    (axis,) = normalize_axes(axes or (), rank)
    size = node.shape(0)[axis]
    ones = np.tril(np.ones((size, size), np.float32), -1 if node.attr_int("exclusive", 0) else 0)
    weights = Constant(f"{node.name}_ones", ones.T.copy() if node.attr_int("reverse", 0) else ones)
    node.result(product_along(node, node.value(0), axis, weights))


def product_along(node: OnnxNode, x: str, axis: int, weights: Constant, prefix: str = "") -> str:
    """Add the product of weights (N, K) with an axis of K elements, which has N then; returns its value."""
    rank = len(node.type(x).shape)
    if axis == rank - 1:
        return fully_connected(node, x, weights, None)
    there = (*(k for k in range(rank) if k != axis), axis)
    back = tuple(there.index(k) for k in range(rank))
    moved = node.emit(Transpose(there), [x], f"{prefix}last", keep_q=True)
    return node.emit(Transpose(back), [fully_connected(node, moved, weights, None)], f"{prefix}back", keep_q=True)


def transposed(weights: Constant) -> Constant:
    """A constant matrix transposed, its parameters along."""
    data, q = permuted(weights, (1, 0))
    return replace(weights, data=data, q=q, blocks=None if weights.blocks is None else transposed(weights.blocks))


def fully_connected(node: OnnxNode, x: str, weights: Constant, bias: str | None) -> str:
    """Add x · wᵀ + bias for weights (OC, K).

    Raises:
        ModelError: shapes do not fit.
    """
    if weights.q is not None and weights.q.axis == 1:  # scales along K cannot be taken out of the sum
        weights = Constant(weights.name, weights.real())
    blocks = weights.blocks
    if (
        blocks is not None
        and blocks.q is not None
        and blocks.q.axis == 1
        and np.array_equal(blocks.real(), weights.data)
    ):
        node.builder.blocks.pop(blocks.name, None)
        weights = blocks
    stored = node.builder.store(weights.name, weights.data, weights.q)
    return node.emit(FullyConnected(), [x, stored, bias])


@handles("Gemm")
def gemm(node: OnnxNode) -> None:
    """alpha · A' · B' + beta · C, with A and B transposed on request."""
    c = node.operand(2) if node.has(2) else None
    node.result(general_product(node, node.operand(0), node.operand(1), c))


def general_product(node: OnnxNode, a: Operand, b: Operand, c: Operand | None) -> str:
    """Add what Gemm computes from its operands; returns its value.

    Raises:
        ModelError: shapes do not fit.
    """
    alpha, beta = node.attr_float("alpha", 1.0), node.attr_float("beta", 1.0)
    x = node.value_of(a)
    if len(node.type(x).shape) != 2:
        raise ModelError(f"Gemm needs matrices, not {node.type(x).shape}", hint=_CHECK)
    if node.attr_int("transA", 0):
        x = node.emit(Transpose((1, 0)), [x], "a", keep_q=True)
    if isinstance(b, Constant):
        if b.data.ndim != 2:
            raise ModelError(f"Gemm needs matrices, not {b.data.shape}", hint=_CHECK)
        weights = _scaled(b if node.attr_int("transB", 0) else transposed(b), alpha)
        bias = _as_bias(node, c, beta, weights.data.shape[0])
        y = fully_connected(node, x, weights, bias)
        if bias is not None:
            return y
    else:
        right = node.value_of(b)
        if node.attr_int("transB", 0):
            right = node.emit(Transpose((1, 0)), [right], "b", keep_q=True)
        y = node.emit(MatMul(), [x, right])
        if alpha != 1.0:
            y = node.emit(Mul(), [y, node.store("alpha", np.full(1, alpha, np.float32))], "scaled")
    if c is None or beta == 0.0:
        return y
    other = node.value_of(c)
    if beta != 1.0:
        other = node.emit(Mul(), [other, node.store("beta", np.full(1, beta, np.float32))], "scaled_c")
    return node.emit(Add(), [y, other], "sum")


def _scaled(weights: Constant, factor: float) -> Constant:
    """Weights times alpha; quantized ones keep their integers where they can."""
    if factor == 1.0:
        return weights
    if weights.q is None or factor <= 0.0:
        return Constant(weights.name, weights.real() * np.float32(factor))
    scale = tuple(float(np.float32(s * factor)) for s in weights.q.scale)
    return replace(weights, q=replace(weights.q, scale=scale))


def _as_bias(node: OnnxNode, c: Operand | None, beta: float, channels: int) -> str | None:
    """C as one number per column, if it is that and constant."""
    if c is None or beta == 0.0 or isinstance(c, Activation):
        return None
    shape = c.data.shape
    if len(shape) > 2 or (len(shape) == 2 and shape[0] != 1) or (shape and shape[-1] not in (1, channels)):
        return None
    if c.q is None or beta != 1.0 or c.data.size != channels:
        spread = np.broadcast_to(c.real().reshape(-1) * np.float32(beta), (channels,))
        return node.builder.store(c.name, spread)
    q = c.q if c.q.axis is None else replace(c.q, axis=0)
    return node.builder.store(c.name, c.data.reshape(channels), q)
