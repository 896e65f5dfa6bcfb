"""Operators between QuantizeLinear and DequantizeLinear, and what a quantized model may leave out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import imported, ints, model_of, weights
from onnx_reference import reference

import edgeq
from edgeq.errors import ModelError
from edgeq.ir.tensor import QParams
from edgeq.simulator import run_int

Array = Any
SHAPE = (1, 4, 6, 6)
node = helper.make_node


def f32(*values: float) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], np.float32)


def i8(*values: int) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], np.int8)


def u8(*values: int) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], np.uint8)


def quantize_node(x: str, y: str, scale: str = "s", zero: str = "z", **attributes: Any) -> onnx.NodeProto:
    return node("QuantizeLinear", [x, scale, zero] if zero else [x, scale], [y], **attributes)


def dequantize_node(x: str, y: str, scale: str = "s", zero: str = "z", **attributes: Any) -> onnx.NodeProto:
    return node("DequantizeLinear", [x, scale, zero] if zero else [x, scale], [y], **attributes)


def assert_same_integers(model: onnx.ModelProto, folder: Path, low: float = -2.0, high: float = 2.0) -> edgeq.ir.Graph:
    """Quantized with the model's own parameters, every output is what ONNX says, with no tolerance."""
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    graph = edgeq.quantize(path, None).graph
    rng = np.random.default_rng(5)
    for _ in range(4):
        feeds = {n: rng.uniform(low, high, graph.type(n).shape).astype(np.float32) for n in graph.inputs}
        found = run_int(graph, {n: graph.type(n).qp.quantize(x, graph.type(n).dtype) for n, x in feeds.items()})
        for name, expected in zip(graph.outputs, reference(model, feeds), strict=True):
            np.testing.assert_array_equal(graph.type(name).qp.dequantize(found[name]), expected)
    return graph


def between(nodes: list[onnx.NodeProto], zero: Array, opset: int = 17, **constants: Array) -> onnx.ModelProto:
    """x → Quantize → `nodes`, which turn a into b → Dequantize → Relu → Quantize → Dequantize."""
    return model_of(
        [
            quantize_node("x", "a"),
            *nodes,
            dequantize_node("b", "c"),
            node("Relu", ["c"], ["r"]),
            quantize_node("r", "q"),
            dequantize_node("q", "y"),
        ],
        {"x": SHAPE},
        ["y"],
        {"s": f32(0.02), "z": zero, **constants},
        opset=opset,
    )


PICKED = ints(3, 0, 2, -1, 5, 5).reshape(2, 3)
FILLED = np.full((1, 1, 6, 6), 77, np.uint8)
MASK = np.indices((6, 6)).sum(0) % 3 == 0
ON_INTEGERS = {
    "relu": between([node("Relu", ["a"], ["b"])], i8(5)),
    "clip": between([node("Clip", ["a", "lo", "hi"], ["b"])], i8(-3), lo=i8(-40), hi=i8(63)),
    "clip_uint8": between([node("Clip", ["a", "lo", "hi"], ["b"])], u8(10), lo=u8(3), hi=u8(90)),
    "clip_below": between([node("Clip", ["a", "lo"], ["b"])], u8(10), lo=u8(15)),
    "clip_above": between([node("Clip", ["a", "", "hi"], ["b"])], i8(10), hi=i8(50)),
    "clip_to_the_type": between([node("Clip", ["a", "lo", "hi"], ["b"])], i8(0), lo=i8(-128), hi=i8(127)),
    "max": between([node("Max", ["a", "k"], ["b"])], i8(0), k=i8(13)),
    "min": between([node("Min", ["a", "k"], ["b"])], u8(100), k=u8(130)),
    "max_of_channels": between([node("Max", ["k", "a"], ["b"])], i8(0), k=i8(1, 20, -9, 60).reshape(4, 1, 1)),
    "max_of_two": between([node("Transpose", ["a"], ["t"], perm=[0, 1, 3, 2]), node("Max", ["a", "t"], ["b"])], i8(1)),
    "reduce_max": between([node("ReduceMax", ["a"], ["b"], axes=[2, 3], keepdims=1)], u8(100)),
    "reduce_min": between([node("ReduceMin", ["a"], ["b"], axes=[1], keepdims=1)], i8(10)),
    "neg": between([node("Neg", ["a"], ["b"])], i8(0)),
    "abs": between([node("Abs", ["a"], ["b"])], i8(0)),
    "where_constant": between([node("Where", ["m", "a", "k"], ["b"])], i8(0), m=MASK, k=i8(17)),
    "where_constant_first": between([node("Where", ["m", "k", "a"], ["b"])], u8(9), m=MASK, k=u8(17)),
    "where_two": between(
        [node("Transpose", ["a"], ["t"], perm=[0, 1, 3, 2]), node("Where", ["m", "a", "t"], ["b"])], i8(-7), m=MASK
    ),
    "expand": between([node("Reshape", ["a", "f"], ["t"]), node("Expand", ["t", "e"], ["b"])], i8(0),
                      f=ints(4, 1, 36), e=ints(2, 1, 3, 1)),
    "tile": between([node("Tile", ["a", "e"], ["b"])], i8(2), e=ints(1, 2, 1, 3)),
    "depth_to_space": between([node("DepthToSpace", ["a"], ["b"], blocksize=2)], i8(0)),
    "depth_to_space_crd": between([node("DepthToSpace", ["a"], ["b"], blocksize=2, mode="CRD")], i8(0)),
    "space_to_depth": between([node("SpaceToDepth", ["a"], ["b"], blocksize=3)], u8(0)),
    "gather": between([node("Gather", ["a", "i"], ["b"], axis=1)], i8(0), i=ints(3, 0, 2)),
    "gather_matrix": between([node("Gather", ["a", "i"], ["b"], axis=2)], i8(0), i=PICKED),
    "concat_constant": between([node("Concat", ["a", "k"], ["b"], axis=1)], u8(3), k=FILLED),
    "chain": between([node("Relu", ["a"], ["p"]), node("MaxPool", ["p"], ["q1"], kernel_shape=[2, 2]),
                      node("Clip", ["q1", "", "hi"], ["b"])], i8(0), hi=i8(40)),
}  # fmt: skip


@pytest.mark.parametrize("name", ON_INTEGERS)
def test_operators_on_integers(name: str, tmp_path: Path) -> None:
    assert_same_integers(ON_INTEGERS[name], tmp_path)


def test_operators_before_the_parameters_of_an_integer_input_are_known(tmp_path: Path) -> None:
    nodes = [node("Clip", ["x", "lo", "hi"], ["b"]), node("Transpose", ["b"], ["t"], perm=[0, 2, 3, 1]),
             dequantize_node("t", "y")]  # fmt: skip
    constants = {"s": f32(0.5), "z": u8(10), "lo": u8(4), "hi": u8(200)}
    model = model_of(nodes, {"x": SHAPE}, ["y"], constants, dtypes={"x": TensorProto.UINT8})
    graph = imported(model, tmp_path)
    assert graph.type("x").q == QParams.per_tensor(0.5, 10 - 128)
    assert [(n.op.low, n.op.high) for n in graph.nodes if n.op.kind == "Clip"] == [(-3.0, 95.0)]


REFUSED = {
    "neg_of_a_zero_point": (between([node("Neg", ["a"], ["b"])], i8(3)), "integers with a zero point"),
    "two_scales": (
        between([quantize_node("x", "a2", "s2"), node("Max", ["a", "a2"], ["b"])], i8(3), s2=f32(0.01)),
        "different scales",
    ),
    "another_type": (between([node("Max", ["a", "k"], ["b"])], i8(3), k=u8(200, 3, 4, 5, 6, 7)), "constant of uint8"),
    "arithmetic": (between([node("Add", ["a", "a"], ["b"])], i8(3)), "it computes on integers (int8)"),
    "int16": (between([node("Neg", ["a"], ["b"])], np.int16(0)), "integers of 16 bits are only dequantized"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_integers_cannot_do_is_refused(name: str, tmp_path: Path) -> None:
    model, words = REFUSED[name]
    with pytest.raises(ModelError) as caught:
        imported(model, tmp_path)
    assert words in caught.value.message
    assert caught.value.hint


W = weights(8, 4, 3, 3)
SCALES = (np.abs(W).reshape(8, -1).max(1) / 127).astype(np.float32)
INTEGERS = np.clip(np.rint(W / SCALES[:, None, None, None]), -127, 127).astype(np.int8)
BIAS = np.arange(-400, 400, 100, dtype=np.int32)
CONSTANTS = {
    "s": f32(0.02), "z": i8(0), "so": f32(0.05), "zo": i8(-20), "w": INTEGERS, "wf": W, "ws": SCALES,
    "wz": np.zeros(8, np.int8), "lo": i8(-64), "hi": i8(63), "l7": i8(-100), "h7": i8(100),
    "b": BIAS, "bs": (np.float32(0.02) * SCALES).astype(np.float32),
}  # fmt: skip


def layer(
    weights_nodes: list[onnx.NodeProto],
    into: list[onnx.NodeProto] | None = None,
    out: list[onnx.NodeProto] | None = None,
    opset: int = 17,
    bias: bool = False,
    **constants: Array,
) -> onnx.ModelProto:
    """A convolution of "c" by "wd" into "d", with the operators around it."""
    convolution = node("Conv", ["c", "wd", "bd"] if bias else ["c", "wd"], ["d"], pads=[1] * 4)
    before = into or [quantize_node("x", "a"), dequantize_node("a", "c")]
    after = out or [quantize_node("d", "e", "so", "zo"), dequantize_node("e", "y", "so", "zo")]
    known = {**CONSTANTS, **constants}
    nodes = [*before, *weights_nodes, convolution, *after]
    used = {i for n in nodes for i in n.input}
    return model_of(nodes, {"x": SHAPE}, ["y"], {k: v for k, v in known.items() if k in used}, opset)


def weights_of(*first: onnx.NodeProto, x: str = "w", zero: str = "wz", **attributes: Any) -> list[onnx.NodeProto]:
    return [*first, dequantize_node(x, "wd", "ws", zero, axis=0, **attributes)]


LAYERS = {
    "clip_of_activations": layer(
        weights_of(),
        [quantize_node("x", "a"), node("Clip", ["a", "lo", "hi"], ["a2"]), dequantize_node("a2", "c")],
        [quantize_node("d", "e", "so", "zo"), node("Clip", ["e", "lo", "hi"], ["g"]),
         dequantize_node("g", "y", "so", "zo")],
    ),
    "clip_of_weights": layer(weights_of(node("Clip", ["w", "l7", "h7"], ["wc"]), x="wc")),
    "clip_of_quantized_weights": layer(
        weights_of(quantize_node("wf", "wq", "ws", "wz", axis=0), node("Clip", ["wq", "l7", "h7"], ["wc"]), x="wc")
    ),
    "no_zero_points": layer(
        weights_of(zero=""),
        [quantize_node("x", "a"), dequantize_node("a", "c", zero="")],
        [quantize_node("d", "e", "so", "z"), dequantize_node("e", "y", "so", "")],
    ),
    "output_dtype": layer(
        weights_of(zero=""),
        [quantize_node("x", "a", zero="", output_dtype=TensorProto.INT8), dequantize_node("a", "c", zero="")],
        [quantize_node("d", "e", "so", "", output_dtype=TensorProto.INT8), dequantize_node("e", "y", "so", "")],
        opset=21,
    ),
    "output_dtype_of_reals": layer(
        weights_of(output_dtype=TensorProto.FLOAT),
        [quantize_node("x", "a"), dequantize_node("a", "c", output_dtype=TensorProto.FLOAT)],
        opset=23,
    ),
    "bias_with_an_axis": layer([*weights_of(), dequantize_node("b", "bd", "bs", "", axis=0)], bias=True),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, tmp_path: Path) -> None:
    """A scale of 2^k would put sums on ties, which two roundings break in two ways; these scales do not."""
    graph = assert_same_integers(LAYERS[name], tmp_path)
    assert [n.op.kind for n in graph.nodes].count("Conv2D") == 1


def test_the_axis_of_a_vector_is_the_only_one(tmp_path: Path) -> None:
    """Before opset 13, exporters left the default axis 1 on biases."""
    model = layer([*weights_of(), dequantize_node("b", "bd", "bs", "")], bias=True)
    (convolution,) = [n for n in imported(model, tmp_path).nodes if n.op.kind == "Conv2D"]
    given = imported(model, tmp_path).values[convolution.inputs[2] or ""]
    np.testing.assert_array_equal(given.data, BIAS)
    assert given.type.q == QParams.per_channel(CONSTANTS["bs"], 0, 0)


@pytest.mark.parametrize("kind", ["int4", "uint4"])
def test_weights_of_four_bits(kind: str, tmp_path: Path) -> None:
    """They are held in bytes: given as integers, and quantized in the file."""
    signed = kind == "int4"
    low, high = (-8, 7) if signed else (0, 15)
    codes = np.clip(INTEGERS // 16 + (0 if signed else 8), low, high)
    zero = 0 if signed else 7
    dtype = helper.tensor_dtype_to_np_dtype(TensorProto.INT4 if signed else TensorProto.UINT4)
    scales = (SCALES * 16).astype(np.float32)
    four = {"w": codes.astype(dtype), "wz": np.full(8, zero).astype(dtype), "ws": scales}
    assert_same_integers(layer(weights_of(), opset=21, **four), tmp_path)
    real = ((codes - zero) * scales[:, None, None, None] * 1.5).astype(np.float32)  # some of it saturates
    nodes = weights_of(quantize_node("wf", "wq", "ws", "wz", axis=0), x="wq")
    graph = assert_same_integers(layer(nodes, opset=21, wf=real, wz=four["wz"], ws=scales), tmp_path)
    (convolution,) = [n for n in graph.nodes if n.op.kind == "Conv2D"]
    stored = graph.values[convolution.inputs[1] or ""].data
    assert stored is not None
    assert int(np.ptp(stored)) <= 15


def quantized_network(bits: int, per_channel: bool) -> onnx.ModelProto:
    """As Brevitas exports: Clip after every quantizer, weights as clipped int8, biases as int32 (QCDQ)."""
    rng = np.random.default_rng(11)
    top = 2 ** (bits - 1) - 1
    axis = {"axis": 0} if per_channel else {}

    def matrix(*shape: int) -> tuple[Array, Array]:
        real = rng.normal(0, 0.3, shape)
        scale = np.abs(real.reshape(shape[0], -1)).max(1) / top if per_channel else np.abs(real).max() / top
        spread = np.reshape(scale, (-1,) + (1,) * (len(shape) - 1)) if per_channel else scale
        return np.clip(np.rint(real / spread), -top, top).astype(np.int8), np.asarray(scale, np.float32)

    w1, s1 = matrix(4, 1, 3, 3)
    w2, s2 = matrix(5, 36)
    q1 = np.asarray(np.float32(0.031) * s1, np.float32)
    q2 = np.asarray(np.float32(0.017) * s2, np.float32)
    zero_of = (lambda s: np.zeros(s.shape, np.int8)) if per_channel else (lambda s: np.int8(0))
    constants = {
        "s": f32(0.031), "z": i8(0), "lo": i8(-127), "hi": i8(127), "sr": f32(0.017), "zr": u8(0), "lr": u8(0),
        "hr": u8(2**bits - 1), "w1": w1, "s1": s1, "z1": zero_of(s1), "w2": w2, "s2": s2, "z2": zero_of(s2),
        "wl": i8(-top), "wh": i8(top), "b1": np.array([10, -200, 30, 4], np.int32), "q1": q1,
        "b2": np.array([100, -20, 3, 400, 5], np.int32), "q2": q2, "so": f32(0.041), "zo": i8(-3),
        "flat": ints(1, 36),
    }  # fmt: skip
    nodes = [
        quantize_node("x", "a0"), node("Clip", ["a0", "lo", "hi"], ["a1"]), dequantize_node("a1", "a2"),
        node("Clip", ["w1", "wl", "wh"], ["w1c"]), dequantize_node("w1c", "w1d", "s1", "z1", **axis),
        dequantize_node("b1", "b1d", "q1", "", **axis),
        node("Conv", ["a2", "w1d", "b1d"], ["c"]), node("Relu", ["c"], ["r"]),
        quantize_node("r", "r0", "sr", "zr"), node("Clip", ["r0", "lr", "hr"], ["r1"]),
        dequantize_node("r1", "r2", "sr", "zr"),
        node("MaxPool", ["r2"], ["m"], kernel_shape=[2, 2], strides=[2, 2]), node("Reshape", ["m", "flat"], ["f"]),
        node("Clip", ["w2", "wl", "wh"], ["w2c"]), dequantize_node("w2c", "w2d", "s2", "z2", **axis),
        dequantize_node("b2", "b2d", "q2", "", **axis),
        node("Gemm", ["f", "w2d", "b2d"], ["g"], transB=1),
        quantize_node("g", "g0", "so", "zo"), dequantize_node("g0", "y", "so", "zo"),
    ]  # fmt: skip
    return model_of(nodes, {"x": (1, 1, 8, 8)}, ["y"], constants, opset=13)


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
@pytest.mark.parametrize("bits", [8, 4])
def test_a_network_with_clipped_integers(bits: int, per_channel: bool, tmp_path: Path) -> None:
    graph = assert_same_integers(quantized_network(bits, per_channel), tmp_path)
    clamps = [n for n in graph.nodes if n.op.kind == "Clip"]
    assert [n.inputs for n in clamps] == [("x",)], "all but the input's are part of the layers before them"
