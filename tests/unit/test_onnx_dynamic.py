"""Models whose activations are quantized at run time, and the operators by themselves, beside onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_models import Array, ints, model_of, weights
from onnxruntime.quantization import QuantType, quantize_dynamic

from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.lstm import Lstm
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float
from edgeq.warnings import EdgeqWarning

node = helper.make_node
SAID = "at run time: taken as real numbers, with the weights of the file"


def session(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def by_definition(model: onnx.ModelProto, x: Array) -> list[Array]:
    """What ONNX's own reference says."""
    return [np.asarray(y) for y in ReferenceEvaluator(model).run(None, {"x": x})]


def network(folder: Path) -> Path:
    """A convolution and two products of matrices."""
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c"], pads=[1] * 4, name="conv"),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("MatMul", ["f", "w2"], ["m"], name="matmul"),
        node("Gemm", ["m", "w3", "b3"], ["y"], transB=1, name="gemm"),
    ]
    constants = {
        "w1": weights(6, 3, 3, 3),
        "b1": weights(6),
        "w2": weights(6, 7),
        "w3": weights(5, 7),
        "b3": weights(5),
    }
    onnx.save(model_of(nodes, {"x": [1, 3, 8, 8]}, ["y"], constants), folder / "net.onnx")
    return folder / "net.onnx"


def recurrent(folder: Path) -> Path:
    """An LSTM, and a product with its last state."""
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], ["", "h"], hidden_size=4, name="lstm"),
        node("Squeeze", ["h", "axes"], ["s"]),
        node("MatMul", ["s", "m"], ["y"], name="matmul"),
    ]
    constants = {
        "W": weights(1, 16, 3),
        "R": weights(1, 16, 4),
        "B": weights(1, 32),
        "axes": ints(0),
        "m": weights(4, 7),
    }
    onnx.save(model_of(nodes, {"x": [5, 1, 3]}, ["y"], constants), folder / "net.onnx")
    return folder / "net.onnx"


def outputs(graph: Graph, x: Array) -> list[Array]:
    found = run_float(graph, {"x": x})
    return [found[name] for name in graph.outputs]


def close_to_onnxruntime(path: Path, float_model: Path, layers: int) -> Graph:
    """What edgeq reads; its float results are those of the weights that the file has, near the float model's."""
    with pytest.warns(EdgeqWarning, match=SAID) as given:
        graph = load(path)
    assert (f"{layers} layers" if layers > 1 else "a layer") in str(given[0].message)
    info = session(path).get_inputs()[0]
    x = np.random.default_rng(4).normal(size=info.shape).astype(np.float32)
    (dynamic,), (real,) = (session(p).run(None, {"x": x}) for p in (path, float_model))
    (found,) = outputs(graph, x)
    step = 4 * np.abs(x).max() / 127  # of weights of 7 bits, and of an input
    assert np.abs(found - dynamic).max() < step and np.abs(found - real).max() < step
    (optimized,) = outputs(optimize_float(graph), x)
    np.testing.assert_allclose(optimized, found, atol=1e-5)
    return optimize_float(graph)


OPTIONS: dict[str, dict[str, Any]] = {
    "int8": {"reduce_range": True},
    "per_channel": {"per_channel": True, "reduce_range": True},
    "uint8": {"weight_type": QuantType.QUInt8, "reduce_range": True},
}
"""With 7 bits, of which no sum of products saturates in onnxruntime."""


@pytest.mark.parametrize("options", OPTIONS)
def test_layers_keep_the_weights_of_the_file(options: str, tmp_path: Path) -> None:
    given, path = network(tmp_path), tmp_path / "dynamic.onnx"
    quantize_dynamic(given, path, **OPTIONS[options])
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    graph = close_to_onnxruntime(path, given, 3)
    layers = [n for n in graph.nodes if isinstance(n.op, Conv2D | FullyConnected)]
    assert len(layers) == 3
    for layer, name in zip(layers, ("w1", "w2", "w3_Transposed"), strict=True):
        kept = graph.values[layer.inputs[1] or ""].data
        assert kept is not None
        if options != "uint8":  # with a zero point they are centred
            integers = stored[f"{name}_quantized"]
            integers = integers.transpose(0, 2, 3, 1) if integers.ndim == 4 else integers.T
            assert kept.dtype == np.int8 and (kept == integers).all()


def test_operators_that_onnxruntime_joined(tmp_path: Path) -> None:
    given, path, joined = network(tmp_path), tmp_path / "dynamic.onnx", tmp_path / "joined.onnx"
    quantize_dynamic(given, path, **OPTIONS["per_channel"])
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(joined)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    assert "DynamicQuantizeMatMul" in {n.op_type for n in onnx.load(joined).graph.node}
    close_to_onnxruntime(joined, given, 3)


def test_a_joined_product_of_integers(tmp_path: Path) -> None:
    model = model_of(
        [
            node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            node("MatMulIntegerToFloat", ["q", "w", "s", "t", "z", "", "b"], ["y"], domain="com.microsoft"),
        ],
        {"x": [2, 6]},
        ["y"],
        {"w": np.arange(-9, 9, dtype=np.int8).reshape(6, 3), "t": np.float32(0.01), "b": weights(3)},
    )
    path = tmp_path / "joined.onnx"
    onnx.save(model, path)
    close_to_onnxruntime(path, path, 1)


@pytest.mark.parametrize("per_channel", [False, True])
def test_an_lstm_keeps_what_its_weights_stand_for(per_channel: bool, tmp_path: Path) -> None:
    given, path = recurrent(tmp_path), tmp_path / "dynamic.onnx"
    quantize_dynamic(given, path, per_channel=per_channel, reduce_range=True)
    assert "DynamicQuantizeLSTM" in {n.op_type for n in onnx.load(path).graph.node}
    graph = close_to_onnxruntime(path, given, 2)
    assert any(isinstance(n.op, Lstm) for n in graph.nodes)


QUANTIZED = node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
CAST = node("Cast", ["p"], ["f"], to=1)
ALONE = {
    "the scale of weights is left out": ([node("Mul", ["f", "s"], ["y"])], ["y"]),
    "integers are read, too": ([node("Mul", ["s", "t"], ["st"]), node("Mul", ["f", "st"], ["y"])], ["y", "p"]),
    "another scale": ([node("Mul", ["t", "t"], ["tt"]), node("Mul", ["f", "tt"], ["y"])], ["y"]),
}


@pytest.mark.parametrize("case", ALONE)
def test_what_is_no_such_layer_is_computed_as_it_is(case: str, tmp_path: Path) -> None:
    nodes, names = ALONE[case]
    product = node("MatMulInteger", ["q", "w", "z"], ["p"])
    constants = {"w": np.arange(-15, 15, dtype=np.int8).reshape(6, 5), "t": np.float32(0.03)}
    model = model_of([QUANTIZED, product, CAST, *nodes], {"x": [3, 6]}, names, constants)
    path = tmp_path / "alone.onnx"
    onnx.save(model, path)
    x = np.random.default_rng(2).normal(size=(3, 6)).astype(np.float32)
    for found, wanted in zip(outputs(load(path), x), by_definition(model, x), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_quantized_and_back(tmp_path: Path) -> None:
    """y − x is at most half of a step; the numbers in between are whole."""
    model = model_of(
        [QUANTIZED, node("DequantizeLinear", ["q", "s", "z"], ["y"])], {"x": [4, 5]}, ["q", "s", "z", "y"], opset=21
    )
    path = tmp_path / "back.onnx"
    onnx.save(model, path)
    for x in (np.linspace(-2, 5, 20), np.linspace(1, 5, 20), np.linspace(-5, -1, 20)):
        feed = x.reshape(4, 5).astype(np.float32)
        graph = load(path)
        found, wanted = outputs(graph, feed), by_definition(model, feed)
        assert (found[0] == wanted[0]).all() and found[2] == wanted[2]
        np.testing.assert_allclose(found[1], wanted[1], rtol=1e-6)
        np.testing.assert_allclose(found[3], wanted[3], rtol=1e-5)
    assert [graph.type(n).dtype for n in graph.outputs] == [DType.INT32, DType.FLOAT32, DType.INT32, DType.FLOAT32]


CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "strides": ((2, 3, 7, 8), (4, 3, 3, 3), {"strides": [2, 1], "pads": [1, 0, 1, 2], "dilations": [1, 2]}),
    "groups": ((1, 4, 5, 5), (6, 2, 2, 3), {"group": 2, "auto_pad": "SAME_UPPER"}),
    "sound": ((2, 3, 9), (4, 3, 4), {"pads": [2, 1]}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions_of_whole_numbers(case: str, tmp_path: Path) -> None:
    shape, kernel, attributes = CONVOLUTIONS[case]
    rng = np.random.default_rng(5)
    constants = {"w": rng.integers(0, 256, kernel).astype(np.uint8), "z": np.uint8(7), "v": np.uint8(101)}
    model = model_of(
        [node("ConvInteger", ["x", "w", "z", "v"], ["y"], **attributes)], {"x": list(shape)}, ["y"], constants
    )
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    path = tmp_path / "conv.onnx"
    onnx.save(model, path)
    x = rng.integers(0, 256, shape).astype(np.uint8)
    (wanted,), (found,) = by_definition(model, x), outputs(load(path), x.astype(np.int32))
    assert found.shape == wanted.shape and (found == wanted).all()


@pytest.mark.parametrize("shapes", [((3, 6), (6, 5)), ((6,), (2, 6, 5)), ((2, 1, 3, 6), (4, 6, 5)), ((3, 6), (6,))])
def test_products_of_whole_numbers(shapes: tuple[tuple[int, ...], tuple[int, ...]], tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    columns = shapes[1][-1] if len(shapes[1]) > 1 else 1
    constants = {
        "w": rng.integers(-128, 128, shapes[1]).astype(np.int8),
        "z": np.uint8(131),
        "v": rng.integers(-9, 9, columns).astype(np.int8) if columns > 1 else np.int8(3),
    }
    model = model_of([node("MatMulInteger", ["x", "w", "z", "v"], ["y"])], {"x": list(shapes[0])}, ["y"], constants)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    path = tmp_path / "product.onnx"
    onnx.save(model, path)
    x = rng.integers(0, 256, shapes[0]).astype(np.uint8)
    (found,) = outputs(load(path), x.astype(np.int32))
    centred = constants["w"].astype(np.int64) - constants["v"]
    assert (found == (x.astype(np.int64) - 131) @ centred).all()
