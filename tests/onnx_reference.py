"""What ONNX says a model computes: onnxruntime, made to give the same on every processor.

Its own int8 kernels do not: without VNNI instructions their sums of products saturate at 16 bits. So its optimizations,
which put those kernels in place of dequantized operators, are off, and operators that are integer ones by definition
are replaced by the real arithmetic that ONNX defines them with. Sums of products of dequantized numbers, whose order
is each processor's own, are taken over the integers in them, which floats add without an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

Array = npt.NDArray[Any]


def session(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    """A session that computes a model by its definition: no optimizations, one thread, errors only in its log."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    source = exact_sums(in_real_numbers(onnx.load(model) if isinstance(model, Path) else model))
    return onnxruntime.InferenceSession(source.SerializeToString(), options, providers=["CPUExecutionProvider"])


def reference(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> list[Array]:
    """The outputs of a model, in order."""
    results: list[Array] = session(model).run(None, dict(feeds))
    return results


@dataclass(frozen=True)
class _Integer:
    """Where an operator on integers has its operands.

    Attributes:
        float_op: the operator that it computes on real numbers.
        operands: positions of value, scale, zero point of every operand: of the first of these three.
        output: position of the output's scale, which its zero point follows.
        bias: position of an int32 operand whose scale is the product of those of the other two.
    """

    float_op: str
    operands: Sequence[int]
    output: int
    bias: int | None = None


_INTEGER = {
    "QLinearConv": _Integer("Conv", (0, 3), 6, bias=8),
    "QLinearMatMul": _Integer("MatMul", (0, 3), 6),
    "QGemm": _Integer("Gemm", (0, 3), 7, bias=6),
    "QLinearAdd": _Integer("Add", (0, 3), 6),
    "QLinearMul": _Integer("Mul", (0, 3), 6),
    "QLinearAveragePool": _Integer("AveragePool", (0,), 3),
    "QLinearGlobalAveragePool": _Integer("GlobalAveragePool", (0,), 3),
    "QLinearSigmoid": _Integer("Sigmoid", (0,), 3),
    "QLinearLeakyRelu": _Integer("LeakyRelu", (0,), 3),
    "QLinearSoftmax": _Integer("Softmax", (0,), 3),
    "QLinearConcat": _Integer("Concat", range(2, 100, 3), 0),
}
_NOT_OF_FLOAT = ("channels_last", "opset")


def in_real_numbers(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model with every operator on integers replaced by DequantizeLinear, the operator on floats, QuantizeLinear."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    for node in model.graph.node:
        result.graph.node.extend(_spelled_out(node) if node.op_type in _INTEGER else [node])
    kinds = {n.op_type for n in result.graph.node}
    left = {kind for kind in kinds if kind.startswith("QLinear") or kind.endswith("Integer")}
    assert not left, f"no real arithmetic for {sorted(left)}"
    return result


def _spelled_out(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    rule, name = _INTEGER[node.op_type], node.output[0]
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert not attributes.get("channels_last")
    assert rule.float_op != "Gemm" or attributes.get("alpha", 1.0) == 1.0, "a factor would scale the bias, too"
    axes = {"QLinearConv": 0, "QGemm": 0 if attributes.get("transB") else 1}  # of the weights' scales
    nodes, reals = [], []
    for start in (k for k in rule.operands if k < len(node.input)):
        reals.append(f"{name}/{start}")
        axis = axes.get(node.op_type, 1) if start else 1
        nodes.append(helper.make_node("DequantizeLinear", node.input[start : start + 3], [reals[-1]], axis=axis))
    if rule.bias is not None and rule.bias < len(node.input) and node.input[rule.bias]:
        scale = f"{name}/bias_scale"
        nodes.append(helper.make_node("Mul", [node.input[k + 1] for k in rule.operands], [scale]))
        reals.append(f"{name}/bias")
        nodes.append(helper.make_node("DequantizeLinear", [node.input[rule.bias], scale], [reals[-1]], axis=0))
    kept = {k: v for k, v in attributes.items() if k not in _NOT_OF_FLOAT}
    nodes.append(helper.make_node(rule.float_op, reals, [f"{name}/real"], **kept))
    output = node.input[rule.output : rule.output + 2]
    return [*nodes, helper.make_node("QuantizeLinear", [f"{name}/real", *output], [name])]


def exact_sums(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model whose convolutions and products of dequantized tensors add integers, with one multiplication after them.

    A scale divided by itself is one, in the shape that DequantizeLinear wants. The bias is taken to have the scale of
    the products, as all quantizers write it. Sums below 2^24 have no error.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    dequantized = {n.output[0]: n for n in model.graph.node if n.op_type == "DequantizeLinear"}
    ranks = {i.name: len(i.dims) for i in model.graph.initializer}
    for node in model.graph.node:
        operands = [dequantized.get(name) for name in node.input]
        plain = node.op_type in ("Gemm", "MatMul")
        if all(operands) and (plain or (node.op_type == "Conv" and ranks.get(operands[1].input[0]) == 4)):
            result.graph.node.extend(_over_integers(node, operands, (-1,) if plain else (-1, 1, 1)))
        else:
            result.graph.node.append(node)
    return result


def _over_integers(
    node: onnx.NodeProto, operands: Sequence[onnx.NodeProto], shape: tuple[int, ...]
) -> list[onnx.NodeProto]:
    """A node on the integers of its operands; `shape` is that of the factors for its output."""
    make, name = helper.make_node, node.output[0]
    nodes, values = [], []
    for number, operand in enumerate(operands[:2]):
        stored, scale, *zero = operand.input
        one, values = f"{name}/one{number}", [*values, f"{name}/integers{number}"]
        dequantize = make("DequantizeLinear", [stored, one, *zero], [values[-1]])
        dequantize.attribute.extend(operand.attribute)
        nodes += [make("Div", [scale, scale], [one]), dequantize]
    for operand in operands[2:]:
        values = [*values, f"{name}/bias"]
        nodes.append(make("Cast", [operand.input[0]], [values[-1]], to=onnx.TensorProto.FLOAT))
    total = make(node.op_type, values, [f"{name}/sums"])
    total.attribute.extend(node.attribute)
    factor, sized, wanted = (f"{name}/{part}" for part in ("factor", "factors", "shape"))
    return [
        *nodes,
        total,
        make("Mul", [o.input[1] for o in operands[:2]], [factor]),
        make("Constant", [], [wanted], value_ints=shape),
        make("Reshape", [factor, wanted], [sized]),
        make("Mul", [f"{name}/sums", sized], [name]),
    ]
