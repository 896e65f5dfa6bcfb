"""Operators on quantized tensors: each is its float operator between tensors with parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.activation import add_softmax
from edgeq.importers.onnx.convolution import convolve
from edgeq.importers.onnx.elementwise import aligned
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.linear import general_product, product
from edgeq.importers.onnx.movement import add_concat
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, Operand
from edgeq.importers.onnx.pooling import average, global_average
from edgeq.importers.onnx.qdq import activation_parameters, default_type, dequantized, dequantized_constant, quantized
from edgeq.importers.onnx.spatial import from_nhwc, to_nhwc
from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.leaky_relu import LeakyRelu
from edgeq.ops.mul import Mul
from edgeq.ops.sigmoid import Sigmoid

MS = "com.microsoft"


def _finish(node: OnnxNode, value: str, scale: int) -> None:
    """Bind the output: `value`, held with the parameters of inputs `scale` and `scale + 1`."""
    q, dtype = activation_parameters(node, scale, scale + 1, default_type(node))
    node.result(quantized(node, value, q), integers=dtype)


def _weights(node: OnnxNode, index: int, axis: int) -> Constant:
    """A constant quantized operand whose scales, if several, run along `axis`."""
    return dequantized_constant(node, node.needed(index, "the weight tensor"), index + 1, index + 2, axis)


def _bias(node: OnnxNode, index: int, x: Operand, weights: Constant) -> Constant | None:
    """An int32 bias; its scale is the input's times the weights'."""
    if not node.has(index):
        return None
    bias = node.needed(index, "the bias")
    q = node.type(x.value).q if isinstance(x, Activation) else x.q
    if bias.data.dtype != np.int32 or q is None or weights.q is None:
        raise ModelError("the bias of a quantized operator must be int32", hint="export the model again")
    scales = np.asarray(q.scale) * np.asarray(weights.q.scale)
    scale = QParams.per_channel(scales, np.zeros(1), 0) if scales.size > 1 else QParams.per_tensor(float(scales[0]), 0)
    return replace(bias, q=scale)


@handles("QLinearConv", integers=True)
def qlinear_conv(node: OnnxNode) -> None:
    """Inputs: x, scale, zero, w, scale, zero, y's scale, zero, bias (int32)."""
    x, weights = dequantized(node, 0, 1, 2), _weights(node, 3, 0)
    _finish(node, convolve(node, node.value_of(x), weights, _bias(node, 8, x, weights)), 6)


@handles("QLinearMatMul", integers=True)
@handles("QLinearMatMul", domain=MS, integers=True)
def qlinear_matmul(node: OnnxNode) -> None:
    """Inputs: a, scale, zero, b, scale, zero, y's scale, zero."""
    a, b = dequantized(node, 0, 1, 2), node.constant(3)
    right = dequantized(node, 3, 4, 5) if b is None else _weights(node, 3, b.data.ndim - 1)
    _finish(node, product(node, a, right), 6)


@handles("QGemm", domain=MS, integers=True)
def qgemm(node: OnnxNode) -> None:
    """Inputs: a, scale, zero, b, scale, zero, c (int32) or absent, y's scale, zero."""
    x, weights = dequantized(node, 0, 1, 2), _weights(node, 3, 0 if node.attr_int("transB", 0) else 1)
    if node.attr_float("alpha", 1.0) != 1.0:
        raise ModelError("alpha other than 1 is not supported in QGemm", hint="export the model as QDQ")
    _finish(node, general_product(node, x, weights, _bias(node, 6, x, weights)), 7)


@handles("QLinearAdd", "QLinearMul", domain=MS, integers=True)
def qlinear_binary(node: OnnxNode) -> None:
    """Inputs: a, scale, zero, b, scale, zero, c's scale, zero."""
    a, b = dequantized(node, 0, 1, 2), dequantized(node, 3, 4, 5)
    op: Op = Add() if node.kind == "QLinearAdd" else Mul()
    _finish(node, node.emit(op, [aligned(node, a, b), aligned(node, b, a)]), 6)


@handles("QLinearSigmoid", "QLinearLeakyRelu", domain=MS, integers=True)
def qlinear_unary(node: OnnxNode) -> None:
    """Inputs: x, scale, zero, y's scale, zero."""
    op: Op = Sigmoid() if node.kind == "QLinearSigmoid" else LeakyRelu(node.attr_float("alpha", 0.01))
    _finish(node, node.emit(op, [node.value_of(dequantized(node, 0, 1, 2))]), 3)


@handles("QLinearSoftmax", domain=MS, integers=True)
def qlinear_softmax(node: OnnxNode) -> None:
    """Inputs: x, scale, zero, y's scale, zero; the attribute `opset` selects the version of Softmax."""
    x = node.value_of(dequantized(node, 0, 1, 2))
    _finish(node, add_softmax(node, x, node.attr_int("opset", 13)), 3)


@handles("QLinearAveragePool", "QLinearGlobalAveragePool", domain=MS, integers=True)
def qlinear_average_pool(node: OnnxNode) -> None:
    """Inputs: x, scale, zero, y's scale, zero."""
    if node.attr_int("channels_last", 0):
        raise ModelError("channels_last is not supported here", hint="export with the default layout")
    x = node.value_of(dequantized(node, 0, 1, 2))
    if node.kind == "QLinearGlobalAveragePool":
        _finish(node, global_average(node, x), 3)
    else:
        _finish(node, from_nhwc(node, average(node, to_nhwc(node, x)), len(node.shape(0))), 3)


@handles("QLinearConcat", domain=MS, integers=True)
def qlinear_concat(node: OnnxNode) -> None:
    """Inputs: y's scale, zero, then x, scale, zero of every part."""
    parts = [node.value_of(dequantized(node, k, k + 1, k + 2)) for k in range(2, len(node.inputs), 3)]
    same = len({node.type(p).q for p in parts}) == 1
    _finish(node, add_concat(node, parts, same), 0)
