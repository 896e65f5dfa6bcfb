"""Models that onnxruntime quantized, as QDQ and with QLinear operators, and quantized single nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import imported, ints, kinds, model_of, weights
from onnx_reference import reference
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams
from edgeq.simulator import run_float
from edgeq.warnings import collecting

Array = Any
INPUT = (1, 3, 8, 8)


def f32(*values: float) -> Array:
    """A scalar, or a list."""
    return np.asarray(values if len(values) > 1 else values[0], np.float32)


def u8(*values: int) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], np.uint8)


def i8(*values: int) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], np.int8)


def small_network() -> onnx.ModelProto:
    """Most of what a quantized network has: convolutions, a sum, both pools, a concatenation, a dense layer."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"]),
        node("Conv", ["r1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1], group=6),
        node("Clip", ["c2", "zero", "six"], ["r2"]),
        node("Add", ["r1", "r2"], ["sum"]),
        node("MaxPool", ["sum"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        node("AveragePool", ["sum"], ["a"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Concat", ["m", "a"], ["cat"], axis=1),
        node("LeakyRelu", ["cat"], ["leaky"], alpha=0.25),
        node("GlobalAveragePool", ["leaky"], ["g"]),
        node("Flatten", ["g"], ["flat"]),
        node("Gemm", ["flat", "w3", "b3"], ["logits"]),
        node("Sigmoid", ["logits"], ["y"]),
    ]
    constants = {
        "w1": weights(6, 3, 3, 3),
        "b1": weights(6),
        "w2": weights(6, 1, 3, 3),
        "b2": weights(6),
        "w3": weights(12, 5),
        "b3": weights(5),
        "zero": f32(0.0),
        "six": f32(6.0),
    }
    model = model_of(nodes, {"x": list(INPUT)}, ["y"], constants)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5]))
    return model


class Samples(CalibrationDataReader):  # type: ignore[misc]
    """Calibration data for onnxruntime."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(3)
        self.data = [rng.normal(size=INPUT).astype(np.float32) for _ in range(count)]
        self.rest = iter(self.data)

    def get_next(self) -> dict[str, Array] | None:
        found = next(self.rest, None)
        return None if found is None else {"x": found}


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
@pytest.mark.parametrize("kind", ["int8", "uint8", "mixed"])
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_a_network_quantized_by_onnxruntime(form: str, kind: str, per_channel: bool, tmp_path: Path) -> None:
    source, target = tmp_path / "float.onnx", tmp_path / "quantized.onnx"
    source.write_bytes(small_network().SerializeToString())
    samples = Samples(8)
    quantize_static(
        str(source),
        str(target),
        samples,
        quant_format=QuantFormat[form],
        activation_type=QuantType.QInt8 if kind == "int8" else QuantType.QUInt8,
        weight_type=QuantType.QUInt8 if kind == "uint8" else QuantType.QInt8,
        per_channel=per_channel,
    )
    model = onnx.load(str(target))
    graph = load(target)
    assert not {n.op.kind for n in graph.nodes} & {"QuantizeLinear", "DequantizeLinear"}
    assert all(v.type.q is not None for v in graph.values.values() if v.data is None)
    for node in graph.nodes:
        if node.op.kind in ("Conv2D", "DepthwiseConv2D", "FullyConnected"):
            w, b = graph.values[node.inputs[1] or ""], graph.values[node.inputs[2] or ""]
            assert (w.type.dtype, b.type.dtype) == (DType.INT8, DType.INT32)
            expected = np.asarray(graph.type(node.inputs[0] or "").qp.s) * np.asarray(w.type.qp.scale)
            np.testing.assert_allclose(b.type.qp.scale, np.broadcast_to(expected, len(b.type.qp.scale)), rtol=1e-6)
    for sample in samples.data:
        (expected_y,) = reference(model, {"x": sample})
        found = run_float(graph, {"x": sample})["y"]
        assert np.abs(found - expected_y).max() < 0.03
    assert graph.type("y").q is not None


def q_node(x: str, y: str, name: str = "s", zero: str = "z") -> onnx.NodeProto:
    return helper.make_node("QuantizeLinear", [x, name, zero], [y])


def dq_node(x: str, y: str, name: str = "s", zero: str = "z") -> onnx.NodeProto:
    return helper.make_node("DequantizeLinear", [x, name, zero], [y])


def test_uint8_parameters_are_shifted_exactly(tmp_path: Path) -> None:
    nodes = [q_node("x", "xq"), dq_node("xq", "xd"), helper.make_node("MatMul", ["xd", "wd"], ["y"]),
             helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=1)]  # fmt: skip
    constants = {"s": f32(0.5), "z": u8(3), "w": u8(0, 255, 128, 7, 9, 130).reshape(2, 3), "ws": f32(1, 2, 3),
                 "wz": u8(128, 1, 0)}  # fmt: skip
    graph = imported(model_of(nodes, {"x": [1, 2]}, ["y"], constants), tmp_path)
    assert graph.type("x").q == QParams.per_tensor(0.5, 3 - 128)
    (node,) = graph.nodes
    stored = graph.values[node.inputs[1] or ""]
    np.testing.assert_array_equal(stored.data, np.array([[-128, 127, 0], [-121, -119, 2]]).T)
    assert stored.type.q == QParams((1.0, 2.0, 3.0), (0, -127, -128), 0)
    assert graph.ports == {}


def test_another_quantization_of_the_same_tensor_is_a_requantization(tmp_path: Path) -> None:
    nodes = [q_node("x", "a"), dq_node("a", "b"), q_node("b", "c", "s2"), dq_node("c", "y", "s2"),
             q_node("x", "d", "s"), dq_node("d", "e"), helper.make_node("Tanh", ["e"], ["y2"])]  # fmt: skip
    constants = {"s": f32(0.5), "s2": f32(0.25), "z": i8(3)}
    graph = imported(model_of(nodes, {"x": [1, 2]}, ["y", "y2"], constants), tmp_path)
    assert kinds(graph) == ["Requantize", "Tanh"]
    assert (graph.type("x").q, graph.type("y").q) == (QParams.per_tensor(0.5, 3), QParams.per_tensor(0.25, 3))


def test_parameters_pass_through_transposes_and_views_both_ways(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        q_node("t", "tq"),
        dq_node("tq", "td"),
        helper.make_node("Reshape", ["td", "shape"], ["y"]),
    ]
    constants = {"s": f32(0.5), "z": i8(3), "shape": ints(-1)}
    graph = imported(model_of(nodes, {"x": [1, 2, 3]}, ["y"], constants), tmp_path)
    assert {graph.type(n).q for n in ("x", "t", "y")} == {QParams.per_tensor(0.5, 3)}


def test_a_relu_that_the_parameters_imply_also_holds_in_float(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["a", "b"], ["c"]), q_node("c", "cq"), dq_node("cq", "y")]
    graph = imported(model_of(nodes, {"a": [3], "b": [3]}, ["y"], {"s": f32(0.5), "z": i8(-128)}), tmp_path)
    assert graph.nodes[0].op.clamp == (0.0, 127.5)
    found = run_float(graph, {"a": f32(1, -5, 100), "b": f32(1, 2, 100)})["y"]
    np.testing.assert_array_equal(found, f32(2, 0, 127.5))


def integer_model(nodes: list[onnx.NodeProto], constants: dict[str, Array], dtype: int) -> onnx.ModelProto:
    return model_of(nodes, {"x": [1, 2, 4, 4]}, ["y"], constants, dtypes={"x": dtype, "y": dtype})


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_integers_at_the_border_keep_their_type(dtype: Any, tmp_path: Path) -> None:
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("MaxPool", ["x"], ["m"], kernel_shape=[2, 2]),
        dq_node("m", "d"),
        helper.make_node("Tanh", ["d"], ["t"]),
        q_node("t", "y", "ys", "yz"),
    ]
    constants = {"s": f32(0.1), "z": np.asarray(5, dtype), "ys": f32(1 / 64), "yz": np.asarray(100, dtype)}
    graph = imported(integer_model(nodes, constants, code), tmp_path)
    shift = 128 if dtype is np.uint8 else 0
    assert graph.type("x").q == QParams.per_tensor(0.1, 5 - shift)
    assert graph.type("y").q == QParams.per_tensor(1 / 64, 100 - shift)
    assert graph.ports == ({"x": DType.UINT8, "y": DType.UINT8} if shift else {})
    (pool,) = [n.op for n in graph.nodes if n.op.kind == "MaxPool2D"]
    assert pool.clamp == (-np.inf, np.inf)


def test_a_cast_input_of_raw_bytes_has_scale_one(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), helper.make_node("Mul", ["f", "k"], ["y"])]
    model = model_of(nodes, {"x": [1, 4]}, ["y"], {"k": f32(1 / 255)}, dtypes={"x": TensorProto.UINT8})
    graph = imported(model, tmp_path)
    assert graph.type("x").q == QParams.per_tensor(1.0, -128)
    assert graph.ports == {"x": DType.UINT8}


def test_quantized_constants_are_folded_and_moved(tmp_path: Path) -> None:
    """Weights as PyTorch writes them: float, quantized and dequantized in the graph, then transposed."""
    w = weights(5, 4)
    nodes = [
        helper.make_node("QuantizeLinear", ["w", "ws", "wz"], ["wq"], axis=0),
        helper.make_node("DequantizeLinear", ["wq", "ws", "wz"], ["wd"], axis=0),
        helper.make_node("Transpose", ["wd"], ["wt"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "wt"], ["y"]),
    ]
    scales = np.abs(w).max(1) / 127
    constants = {"w": w, "ws": scales, "wz": np.zeros(5, np.int8)}
    graph = imported(model_of(nodes, {"x": [1, 4]}, ["y"], constants), tmp_path)
    (node,) = graph.nodes
    stored = graph.values[node.inputs[1] or ""]
    np.testing.assert_array_equal(stored.data, np.rint(w / scales[:, None]).astype(np.int8))
    assert stored.type.q == QParams.per_channel(scales, 0, 0)


def qlinear(kind: str, inputs: list[str], constants: dict[str, Array], **attributes: Any) -> onnx.ModelProto:
    """A node on a quantized x (scale s, zero z) whose result, quantized with ys and yz, is dequantized again."""
    domain = "" if kind in ("QLinearConv", "QLinearMatMul") else "com.microsoft"
    node = helper.make_node(kind, inputs, ["yq"], name="the_node", domain=domain, **attributes)
    nodes = [q_node("x", "xq"), node, dq_node("yq", "y", "ys", "yz")]
    fixed = {"s": f32(0.02), "z": u8(120), "ys": f32(0.05), "yz": u8(100), **constants}
    return model_of(nodes, {"x": [1, 4, 6, 6]}, ["y"], fixed)


X, Y = ["xq", "s", "z"], ["ys", "yz"]
QLINEAR = {
    "conv": qlinear(
        "QLinearConv",
        [*X, "w", "ws", "wz", *Y, "b"],
        {
            "w": (weights(3, 4, 3, 3) * 100).astype(np.int8),
            "ws": f32(0.01, 0.02, 0.03),
            "wz": i8(0, 0, 0),
            "b": np.array([100, -2000, 3000], np.int32),
        },
        pads=[1, 0, 1, 0],
    ),
    "conv_uint8": qlinear(
        "QLinearConv",
        [*X, "w", "ws", "wz", *Y],
        {"w": (weights(3, 4, 3, 3) * 100 + 128).astype(np.uint8), "ws": f32(0.01), "wz": u8(117)},
    ),
    "matmul": qlinear(
        "QLinearMatMul",
        [*X, "w", "ws", "wz", *Y],
        {"w": (weights(6, 3) * 100).astype(np.int8), "ws": f32(0.01), "wz": i8(3)},
    ),
    "matmul_computed": qlinear("QLinearMatMul", [*X, *X, *Y], {}),
    "add": qlinear("QLinearAdd", [*X, *X, *Y], {}),
    "add_constant": qlinear("QLinearAdd", [*X, "k", "s", "z", *Y], {"k": u8(1, 100, 255, 128, 3, 4)}),
    "mul": qlinear("QLinearMul", [*X, *X, *Y], {}),
    "average": qlinear("QLinearAveragePool", [*X, *Y], {}, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]),
    "global_average": qlinear("QLinearGlobalAveragePool", [*X, *Y], {}),
    "concat": qlinear(
        "QLinearConcat", [*Y, *X, "k", "ks", "z"], {"k": np.full((1, 4, 6, 2), 7, np.uint8), "ks": f32(0.01)}, axis=3
    ),
    "sigmoid": qlinear("QLinearSigmoid", [*X, *Y], {}),
    "leaky": qlinear("QLinearLeakyRelu", [*X, *Y], {}, alpha=0.3),
    "softmax": qlinear("QLinearSoftmax", [*X, *Y], {}, axis=-1, opset=13),
}


def result(graph: Graph, x: Array) -> Array:
    return run_float(graph, {"x": x})["y"]


@pytest.mark.parametrize("name", QLINEAR)
def test_qlinear_operators(name: str, tmp_path: Path) -> None:
    """In float, they agree with their definition to the rounding of the output."""
    graph = imported(QLINEAR[name], tmp_path)
    assert graph.type("x").q == QParams.per_tensor(0.02, 120 - 128)
    assert graph.type("y").q == QParams.per_tensor(0.05, 100 - 128)
    rng = np.random.default_rng(1)
    x = ((rng.integers(0, 256, (1, 4, 6, 6)) - 120) * 0.02).astype(np.float32)  # exact in the input's parameters
    (expected,) = reference(QLINEAR[name], {"x": x})
    found = np.clip(result(graph, x), (0 - 100) * 0.05, (255 - 100) * 0.05)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 0.05 * 0.51


def test_the_layout_operators_of_a_qlinear_model_work_on_integers(tmp_path: Path) -> None:
    nodes = [
        q_node("x", "q"),
        helper.make_node("Transpose", ["q"], ["t"], perm=[0, 2, 3, 1]),
        helper.make_node("Pad", ["t", "pads", "fill"], ["p"]),
        helper.make_node("Slice", ["p", "one", "nine", "one"], ["sl"]),
        helper.make_node("Concat", ["sl", "sl"], ["c"], axis=1),
        helper.make_node("Split", ["c", "sizes"], ["c1", "c2"], axis=1),
        helper.make_node("Reshape", ["c1", "flat"], ["r"]),
        dq_node("r", "y"),
    ]
    constants = {"s": f32(0.5), "z": u8(10), "pads": ints(0, 1, 0, 0, 0, 0, 1, 0), "fill": u8(14), "one": ints(1),
                 "nine": ints(9), "sizes": ints(6, 2), "flat": ints(-1)}  # fmt: skip
    model = model_of(nodes, {"x": [1, 2, 4, 4]}, ["y"], constants)
    graph = imported(model, tmp_path)
    assert all(graph.type(o).q == QParams.per_tensor(0.5, -118) for n in graph.nodes for o in n.outputs)
    x = (np.random.default_rng(0).integers(-10, 240, (1, 2, 4, 4)) * 0.5).astype(np.float32)
    np.testing.assert_array_equal(result(graph, x), reference(model, {"x": x})[0])


def test_bfloat16_and_float16_weights_are_read(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["w"], ["wf"], to=1), helper.make_node("MatMul", ["x", "wf"], ["y"])]
    for code in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
        model = model_of(nodes, {"x": [1, 2]}, ["y"])
        model.graph.initializer.append(helper.make_tensor("w", code, [2, 1], [0.5, -2.0]))
        graph = imported(model, tmp_path)
        np.testing.assert_array_equal(graph.values["wf"].data, [[0.5, -2.0]])


def test_initializers_that_are_also_inputs_are_constants(tmp_path: Path) -> None:
    model = model_of([helper.make_node("Add", ["x", "w"], ["y"])], {"x": [3]}, ["y"], {"w": weights(3)})
    model.graph.input.append(helper.make_tensor_value_info("w", 1, [3]))
    assert imported(model, tmp_path).inputs == ("x",)
    assert numpy_helper.to_array(model.graph.initializer[0]).shape == (3,)


def _read_twice(more: list[onnx.NodeProto], outputs: list[str]) -> onnx.ModelProto:
    """A product between quantizers, whose result another quantizer of a narrow range reads, too."""
    node = helper.make_node
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["xi"]),
        node("DequantizeLinear", ["xi", "s", "z"], ["xd"]),
        node("DequantizeLinear", ["wi", "ws", "z"], ["w"]),
        node("MatMul", ["xd", "w"], ["d"]),
        node("QuantizeLinear", ["d", "narrow", "z"], ["di"]),
        node("DequantizeLinear", ["di", "narrow", "z"], ["dd"]),
        node("Relu", ["d"], ["r"]),
        node("QuantizeLinear", ["r", "s", "z"], ["ri"]),
        node("DequantizeLinear", ["ri", "s", "z"], ["y"]),
    ]
    integers = np.random.default_rng(5).integers(-127, 128, (4, 4)).astype(np.int8)
    constants = {"s": f32(0.03), "ws": f32(0.01), "narrow": f32(0.001), "z": i8(0), "wi": integers}
    return model_of([*nodes, *more], {"x": (1, 4)}, outputs, constants)


def test_what_nothing_reads_leaves_no_parameters(tmp_path: Path) -> None:
    with collecting() as warnings:
        graph = imported(_read_twice([], ["y"]), tmp_path)
    assert not warnings
    assert graph.type("y").q == QParams((float(f32(0.03)),), (0,))
    assert all(v.type.q is None or float(f32(0.001)) not in v.type.q.scale for v in graph.values.values())


def test_a_tensor_read_past_its_quantizer_is_told(tmp_path: Path) -> None:
    """It has one set of parameters, which those that read it as it is did not ask for."""
    with collecting() as warnings:
        imported(_read_twice([helper.make_node("Neg", ["dd"], ["n"])], ["y", "n"]), tmp_path)
    (warning,) = warnings
    assert "d is also read past its QuantizeLinear, and cut to -0.128 … 0.127" in warning.message
