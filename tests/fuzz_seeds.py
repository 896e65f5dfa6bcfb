"""The small models whose mutants the fuzz test feeds to edgeq: as files, and how fields of them can be changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import tflite_file
from command_line import DIGITS, SINE
from onnx import helper, numpy_helper
from onnx_models import ints, model_of, weights
from tflite_file import Operator, Tensor

Random = np.random.Generator
SIZES = (-(2**63), -(2**31), -7, -1, 0, 1, 2, 3, 5, 8, 64, 4096, 2**20, 2**31 - 1, 2**31, 2**62)
REALS = (0.0, -0.0, -1.0, 1e-45, 1e-30, 1e-6, 0.5, 1.0, 3.0, 1e6, 1e30, 3e38, np.inf, -np.inf, np.nan)


@dataclass(frozen=True)
class Seed:
    """A model: its suffix, its bytes, and a function that gives it with one or a few fields changed."""

    name: str
    suffix: str
    data: bytes
    change: Callable[[Random], bytes]


def pick(rng: Random, items: Sequence[Any]) -> Any:
    """One of the items."""
    return items[int(rng.integers(len(items)))]


# ONNX


def _float_network() -> onnx.ModelProto:
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", kernel_shape=[3, 3], pads=[0, 1, 1, 0], strides=[2, 2]),
        node("BatchNormalization", ["c1", "g", "g", "g", "g"], ["n1"], "norm", epsilon=1e-3),
        node("Clip", ["n1", "low", "high"], ["r1"], "clip"),
        node("Conv", ["r1", "w2"], ["c2"], "depthwise", group=4, auto_pad="SAME_UPPER"),
        node("HardSwish", ["c2"], ["h2"], "swish"),
        node("Concat", ["r1", "h2"], ["cat"], "concat", axis=1),
        node("Split", ["cat", "parts"], ["s1", "s2"], "split", axis=1),
        node("Slice", ["s1", "starts", "ends", "axes", "steps"], ["sl"], "slice"),
        node("Pad", ["sl", "pads"], ["p"], "pad", mode="reflect"),
        node("MaxPool", ["p"], ["m"], "pool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("Resize", ["s2", "", "", "sizes"], ["up"], "resize", mode="linear"),
        node("Transpose", ["up"], ["t"], "transpose", perm=[0, 1, 3, 2]),
        node("ConvTranspose", ["m", "w3"], ["ct"], "deconv", strides=[2, 2], output_padding=[1, 1]),
        node("ReduceMean", ["ct"], ["mean"], "mean", axes=[2, 3], keepdims=0),
        node("Flatten", ["t"], ["flat"], "flatten"),
        node("Gemm", ["flat", "w4"], ["d"], "dense", transB=1, alpha=0.5),
        node("Reshape", ["d", "shape"], ["d3"], "reshape"),
        node("MatMul", ["d3", "w5"], ["mm"], "matmul"),
        node("Squeeze", ["mm", "one"], ["sq"], "squeeze"),
        node("Add", ["sq", "mean"], ["a"], "add"),
        node("Softmax", ["a"], ["y"], "softmax", axis=-1),
    ]
    constants = {
        "w1": weights(4, 3, 3, 3),
        "b1": weights(4),
        "g": weights(4, low=0.5, high=1.5),
        "low": np.float32(0),
        "high": np.float32(6),
        "w2": weights(4, 1, 3, 3),
        "parts": ints(4, 4),
        "starts": ints(3, 0),
        "ends": ints(-5, 4),
        "axes": ints(2, 3),
        "steps": ints(-1, 1),
        "pads": ints(0, 0, 1, 1, 0, 0, 1, 1),
        "sizes": ints(1, 4, 2, 3),
        "w3": weights(4, 5, 3, 3),
        "w4": weights(10, 24),
        "shape": ints(1, 2, -1),
        "w5": weights(5, 5),
        "one": ints(0),
    }
    constants["shape"], constants["w5"], constants["one"] = ints(1, 1, -1), weights(10, 5), ints(1)
    return model_of(nodes, {"x": (1, 3, 8, 8)}, ["y"], constants)


def _qdq_network() -> onnx.ModelProto:
    node = helper.make_node
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, Any] = {
        "wq": np.arange(-36, 36).reshape(4, 2, 3, 3).astype(np.int8),
        "ws": np.array([0.01, 0.02, 0.03, 0.04], np.float32),
        "wz": np.zeros(4, np.int8),
        "bq": np.array([1, -2, 300, -400], np.int32),
        "bs": np.array([0.01, 0.02, 0.03, 0.04], np.float32) * np.float32(0.1),
        "bz": np.zeros(4, np.int32),
    }

    def through(name: str, scale: float, zero: int, dtype: Any) -> str:
        constants[f"{name}_s"], constants[f"{name}_z"] = np.float32(scale), np.asarray(zero, dtype)
        parameters = [f"{name}_s", f"{name}_z"]
        nodes.append(node("QuantizeLinear", [name, *parameters], [f"{name}_q"], f"q_{name}"))
        nodes.append(node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_d"], f"dq_{name}"))
        return f"{name}_d"

    x = through("x", 0.1, 128, np.uint8)
    nodes.append(node("DequantizeLinear", ["wq", "ws", "wz"], ["w"], "dq_w", axis=0))
    nodes.append(node("DequantizeLinear", ["bq", "bs", "bz"], ["b"], "dq_b", axis=0))
    nodes.append(node("Conv", [x, "w", "b"], ["c"], "conv", pads=[1, 1, 1, 1]))
    nodes.append(node("Relu", ["c"], ["r"], "relu"))
    r = through("r", 0.05, 0, np.uint8)
    nodes.append(node("AveragePool", [r], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]))
    p = through("p", 0.05, 3, np.int8)
    nodes.append(node("Sigmoid", [p], ["s"], "sigmoid"))
    s = through("s", 1 / 256, -128, np.int8)
    nodes.append(node("Mul", [s, p], ["m"], "mul"))
    nodes.append(node("Identity", [through("m", 0.1, 5, np.int8)], ["y"], "out"))
    return model_of(nodes, {"x": (1, 2, 6, 6)}, ["y"], constants)


def _qlinear_network() -> onnx.ModelProto:
    scale, zero = np.float32(0.05), np.int8(3)
    constants = {
        "s": scale,
        "z": zero,
        "w": np.arange(-18, 18).reshape(2, 2, 3, 3).astype(np.int8),
        "ws": np.float32(0.02),
        "wz": np.int8(0),
        "b": np.array([5, -5], np.int32),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], "quantize"),
        helper.make_node(
            "QLinearConv", ["q", "s", "z", "w", "ws", "wz", "s", "z", "b"], ["c"], "qconv", dilations=[2, 2]
        ),
        helper.make_node("QLinearAdd", ["c", "s", "z", "c", "s", "z", "s", "z"], ["a"], "qadd", domain="com.microsoft"),
        helper.make_node("DequantizeLinear", ["a", "s", "z"], ["y"], "dequantize"),
    ]
    return model_of(nodes, {"x": (1, 2, 7, 7)}, ["y"], constants)


def _mutate_tensor(rng: Random, tensor: onnx.TensorProto) -> None:
    what = int(rng.integers(6))
    if what == 0 and tensor.dims:
        tensor.dims[int(rng.integers(len(tensor.dims)))] = pick(rng, SIZES)
    elif what == 1:
        tensor.data_type = int(rng.integers(0, 24))
    elif what == 2:
        tensor.dims.append(pick(rng, (0, 1, 2)))
    else:
        try:
            data = numpy_helper.to_array(tensor).copy()
        except (ValueError, TypeError, KeyError, RuntimeError):  # it was changed before
            return
        if data.dtype.kind not in "fiu":
            return
        flat = data.reshape(-1)
        if flat.size:
            real = data.dtype.kind == "f"
            bounds = (0, 0) if real else (np.iinfo(data.dtype).min, np.iinfo(data.dtype).max)
            value = pick(rng, REALS) if real else int(np.clip(pick(rng, SIZES), *bounds))
            with np.errstate(over="ignore"):
                flat[int(rng.integers(flat.size)) if what < 5 else slice(None)] = value
        tensor.CopyFrom(numpy_helper.from_array(data, tensor.name))


def _mutate_attribute(rng: Random, node: onnx.NodeProto) -> None:
    if not node.attribute:
        node.attribute.append(helper.make_attribute(pick(rng, ("axis", "auto_pad", "group")), 1))
        return
    k = int(rng.integers(len(node.attribute)))
    attribute = node.attribute[k]
    if rng.random() < 0.15:
        del node.attribute[k]
    elif attribute.type == onnx.AttributeProto.INT:
        attribute.i = pick(rng, SIZES)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = pick(rng, REALS)
    elif attribute.type == onnx.AttributeProto.INTS:
        if attribute.ints and rng.random() < 0.8:
            attribute.ints[int(rng.integers(len(attribute.ints)))] = pick(rng, SIZES)
        else:
            attribute.ints.append(pick(rng, SIZES))
    else:
        attribute.s = pick(rng, (b"", b"VALID", b"SAME_LOWER", b"edge", b"cubic", b"\xff\xfe", b"nearest"))


def _mutate_wiring(rng: Random, graph: onnx.GraphProto) -> None:
    node = pick(rng, graph.node)
    names = [n for other in graph.node for n in (*other.input, *other.output)] + ["nowhere", ""]
    what = int(rng.integers(7))
    if what == 0 and node.input:
        node.input[int(rng.integers(len(node.input)))] = pick(rng, names)
    elif what == 1 and node.output:
        node.output[int(rng.integers(len(node.output)))] = pick(rng, names)
    elif what == 2 and node.input:
        del node.input[int(rng.integers(len(node.input)))]
    elif what == 3:
        node.input.append(pick(rng, names))
    elif what == 4:
        node.op_type = pick(
            rng, [n.op_type for n in graph.node] + ["Erf", "Sub", "Pow", "Tile", "Gather", "LSTM", "Where"]
        )
    elif what == 5:
        graph.node.remove(node)
    else:
        graph.output[0].name = pick(rng, names)


def _change_onnx(model: onnx.ModelProto) -> Callable[[Random], bytes]:
    def change(rng: Random) -> bytes:
        made = onnx.ModelProto()
        made.CopyFrom(model)
        graph = made.graph
        for _ in range(pick(rng, (1, 1, 1, 2, 3))):
            what = int(rng.integers(9))
            if what < 3 and graph.initializer:
                _mutate_tensor(rng, pick(rng, graph.initializer))
            elif what < 5 and graph.node:
                _mutate_attribute(rng, pick(rng, graph.node))
            elif what < 7 and graph.node:
                _mutate_wiring(rng, graph)
            elif what == 7:
                made.opset_import[0].version = pick(rng, (1, 6, 7, 9, 10, 11, 13, 18, 22, 99, 2**40))
            else:
                dims = graph.input[0].type.tensor_type.shape.dim
                if dims:
                    dims[int(rng.integers(len(dims)))].dim_value = pick(rng, SIZES)
        return made.SerializeToString()

    return change


def _onnx_seed(name: str, model: onnx.ModelProto) -> Seed:
    return Seed(name, ".onnx", model.SerializeToString(), _change_onnx(model))


# TFLite


@dataclass(frozen=True)
class Network:
    """What `tflite_file.build` makes a file of."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def bytes(self) -> bytes:
        """The file."""
        return tflite_file.build(self.tensors, self.ops, self.inputs, self.outputs)


def _tflite_network(dtype: str) -> Network:
    q = dtype != "FLOAT32"
    zero = {"FLOAT32": 0, "INT8": -7, "UINT8": 121}[dtype]
    bias = "INT32" if q else "FLOAT32"
    rng = np.random.default_rng(5)

    def act(name: str, *shape: int, scale: float = 0.05, zero: int = zero) -> Tensor:
        return Tensor(name, shape, dtype, scale=scale if q else None, zero=zero)

    def weight(name: str, *shape: int, axis: int = 0, per_channel: bool = False) -> Tensor:
        data = rng.integers(-100, 100, shape) if q else rng.normal(size=shape)
        if dtype == "UINT8":
            return Tensor(name, shape, dtype, data=data + 128, scale=0.02, zero=130)
        scale: Any = [0.01 + 0.001 * k for k in range(shape[axis])] if per_channel else 0.01
        return Tensor(
            name,
            shape,
            dtype,
            data=data,
            scale=scale if q else None,
            zero=[0] * shape[axis] if per_channel else 0,
            axis=axis,
        )

    def biases(name: str, like: Tensor, count: int, s_in: float = 0.05) -> Tensor:
        scale: Any = (
            None if not q else [s * s_in for s in like.scale] if isinstance(like.scale, list) else like.scale * s_in
        )  # type: ignore[operator]
        data = rng.integers(-50, 50, count) if q else rng.normal(size=count)
        zeros: Any = [0] * count if isinstance(scale, list) else 0
        return Tensor(name, (count,), bias, data=data, scale=scale, zero=zeros)

    per_channel = dtype == "INT8"
    w1 = weight("w1", 4, 3, 3, 2, per_channel=per_channel)
    w2 = weight("w2", 1, 3, 3, 4, axis=3, per_channel=per_channel)
    w3 = weight("w3", 5, 16)
    tensors = (
        act("x", 1, 8, 8, 2),
        w1,
        biases("b1", w1, 4),
        act("c1", 1, 4, 4, 4),
        w2,
        biases("b2", w2, 4),
        act("c2", 1, 4, 4, 4),
        act("sum", 1, 4, 4, 4, scale=0.08),
        act("pool", 1, 2, 2, 4, scale=0.08),
        Tensor("shape", (2,), "INT32", data=[1, 16]),
        act("flat", 1, 16, scale=0.08),
        w3,
        biases("b3", w3, 5, 0.08),
        act("dense", 1, 5, scale=0.3),
        act("y", 1, 5, scale=1 / 256, zero=0 if dtype == "UINT8" else -128),
        Tensor("axes", (2,), "INT32", data=[1, 2]),
        act("mean", 1, 4),
    )
    conv = {
        "Padding": 0,
        "StrideH": 2,
        "StrideW": 2,
        "FusedActivationFunction": 1,
        "DilationHFactor": 1,
        "DilationWFactor": 1,
    }
    depthwise = {**conv, "StrideH": 1, "StrideW": 1, "DepthMultiplier": 1}
    pool = {"Padding": 1, "StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    ops = (
        Operator("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", conv),
        Operator("DEPTHWISE_CONV_2D", (3, 4, 5), (6,), "DepthwiseConv2DOptions", depthwise),
        Operator("ADD", (3, 6), (7,), "AddOptions", {"FusedActivationFunction": 3}),
        Operator("AVERAGE_POOL_2D", (7,), (8,), "Pool2DOptions", pool),
        Operator("RESHAPE", (8, 9), (10,), "ReshapeOptions", {"NewShape": [1, 16]}),
        Operator("FULLY_CONNECTED", (10, 11, 12), (13,), "FullyConnectedOptions", {"KeepNumDims": False}),
        Operator("SOFTMAX", (13,), (14,), "SoftmaxOptions", {"Beta": 1.0}),
        Operator("MEAN", (6, 15), (16,), "ReducerOptions", {"KeepDims": False}),
    )
    return Network(tensors, ops, (0,), (14, 16))


INT32 = [n for n in SIZES if -(2**31) <= n < 2**31]
KINDS = (
    *(
        "CONV_2D",
        "ADD",
        "MUL",
        "SOFTMAX",
        "MAX_POOL_2D",
        "CONCATENATION",
        "RESHAPE",
        "TANH",
        "PAD",
        "TRANSPOSE",
        "WHILE",
    ),
    *("CUSTOM Thing", "SPLIT", "QUANTIZE", "DEQUANTIZE", "TRANSPOSE_CONV", "MEAN", "PACK", "STRIDED_SLICE"),
)


def _changed_tensor(rng: Random, tensor: Tensor) -> Tensor:
    what = int(rng.integers(7))
    shape = list(tensor.shape)
    if what == 0 and shape:
        shape[int(rng.integers(len(shape)))] = pick(rng, INT32)
        return replace(tensor, shape=shape)
    if what == 1:
        return replace(tensor, shape=pick(rng, ([], [1], [0], [*shape, 1], shape[1:])))
    if what == 2:
        return replace(tensor, dtype=pick(rng, ("FLOAT32", "INT8", "UINT8", "INT16", "INT32", "INT64")), data=None)
    if what == 3:
        with np.errstate(over="ignore"):
            return replace(tensor, scale=pick(rng, (None, [], [0.1, 0.2, 0.3], 1e-45, 0.0, -1.0, 3e38, np.inf, np.nan)))
    if what == 4:
        return replace(
            tensor, scale=tensor.scale or 0.1, zero=pick(rng, (-(2**62), -129, -128, 0, 1, 127, 200, 255, 256))
        )
    if what == 5 and tensor.data is not None:
        data = np.array(tensor.data).reshape(-1)
        data[int(rng.integers(data.size))] = (
            pick(rng, REALS) if data.dtype.kind == "f" else pick(rng, (-1, 0, 1, 5, 100))
        )
        return replace(tensor, data=data)
    return replace(
        tensor, axis=pick(rng, (-1, 0, 1, 3, 4, 2**31 - 1)), data=None if rng.random() < 0.3 else tensor.data
    )


def _changed_op(rng: Random, op: Operator, count: int) -> Operator:
    what = int(rng.integers(5))
    if what == 0:
        return replace(op, kind=pick(rng, KINDS))
    if what == 1:
        inputs = list(op.inputs)
        inputs[int(rng.integers(len(inputs)))] = pick(rng, (-1, *range(count), count, 2**31 - 1))
        return replace(op, inputs=inputs)
    if what == 2:
        return replace(op, outputs=pick(rng, ([], [-1], [0], [count - 1], [count + 3], [*op.outputs, 0])))
    if what == 3 or not op.options:
        return replace(op, table="", options={})
    key = pick(rng, list(op.options))
    value = op.options[key]
    if isinstance(value, list):
        return replace(op, options={**op.options, key: [pick(rng, INT32) for _ in value]})
    if isinstance(value, float):
        return replace(op, options={**op.options, key: pick(rng, REALS)})
    limit = 127 if key in ("Padding", "FusedActivationFunction") else 2**31 - 1
    return replace(
        op,
        options={
            **op.options,
            key: bool(1 - value)
            if isinstance(value, bool)
            else min(pick(rng, INT32), limit)
            if pick(rng, (0, 1))
            else 0,
        },
    )


def _change_tflite(network: Network) -> Callable[[Random], bytes]:
    def change(rng: Random) -> bytes:
        tensors, ops, made = list(network.tensors), list(network.ops), network
        for _ in range(pick(rng, (1, 1, 1, 2, 3))):
            what = int(rng.integers(8))
            if what < 4:
                k = int(rng.integers(len(tensors)))
                tensors[k] = _changed_tensor(rng, tensors[k])
            elif what < 6:
                k = int(rng.integers(len(ops)))
                ops[k] = _changed_op(rng, ops[k], len(tensors))
            elif what == 6 and len(ops) > 1:
                del ops[int(rng.integers(len(ops)))]
            else:
                ends = pick(rng, ((), (0,), (13, 14), (14, 14), (99,), (1,), (-1,)))
                made = replace(made, inputs=ends) if rng.random() < 0.5 else replace(made, outputs=ends)
        try:
            return replace(made, tensors=tuple(tensors), ops=tuple(ops)).bytes()
        except (OverflowError, TypeError, ValueError, AttributeError):  # no such file can be written
            return network.bytes()

    return change


@cache
def seeds() -> tuple[Seed, ...]:
    """All models."""
    networks = {dtype: _tflite_network(dtype) for dtype in ("FLOAT32", "INT8", "UINT8")}
    return (
        _onnx_seed("onnx_float", _float_network()),
        _onnx_seed("onnx_qdq", _qdq_network()),
        _onnx_seed("onnx_qlinear", _qlinear_network()),
        _onnx_seed("digits", onnx.load(DIGITS / "digits.onnx")),
        _onnx_seed("hello_sine", onnx.load(SINE / "hello_sine.onnx")),
        *(Seed(f"tflite_{k.lower()}", ".tflite", n.bytes(), _change_tflite(n)) for k, n in networks.items()),
    )
