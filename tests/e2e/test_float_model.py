"""A whole model in float32: nothing is quantized, and every bit is the simulator's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from command_line import fails, succeeds
from onnx import TensorProto, helper, numpy_helper
from onnx_reference import reference

import edgeq
from edgeq.errors import QuantizationError, UsageError
from edgeq.quantize.config import QuantConfig
from edgeq.warnings import EdgeqWarning

RNG = np.random.default_rng(12)


def convolution(name: str, x: str, shape: tuple[int, ...], **attributes: object) -> tuple[list[onnx.NodeProto], list]:
    weights = numpy_helper.from_array(RNG.normal(0, 0.4, shape).astype(np.float32), f"{name}_w")
    bias = numpy_helper.from_array(RNG.normal(0, 0.1, shape[0]).astype(np.float32), f"{name}_b")
    nodes = [
        helper.make_node("Conv", [x, f"{name}_w", f"{name}_b"], [f"{name}_raw"], name, **attributes),
        helper.make_node("Relu", [f"{name}_raw"], [name], f"{name}_relu"),
    ]
    return nodes, [weights, bias]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convolutions of every kind, a residual sum, pools, a dense layer, softmax."""
    first, a = convolution("first", "x", (8, 3, 3, 3), pads=[1, 1, 1, 1])
    deep, b = convolution("deep", "first", (8, 1, 3, 3), pads=[1, 1, 1, 1], group=8)
    point, c = convolution("point", "deep", (8, 8, 1, 1))
    nodes = [
        *first,
        *deep,
        *point,
        helper.make_node("Add", ["first", "point"], ["sum"], "sum"),
        helper.make_node("MaxPool", ["sum"], ["half"], "half", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["half"], ["mean"], "mean"),
        helper.make_node("Flatten", ["mean"], ["flat"], "flat"),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"], "logits", transB=1),
        helper.make_node("Softmax", ["logits"], ["y"], "y"),
    ]
    dense = [
        numpy_helper.from_array(RNG.normal(0, 0.5, (5, 8)).astype(np.float32), "w"),
        numpy_helper.from_array(RNG.normal(0, 0.1, 5).astype(np.float32), "b"),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 8, 8]), ("y", [1, 5]))]
    graph = helper.make_graph(nodes, "net", values[:1], values[1:], [*a, *b, *c, *dense])
    path = tmp_path_factory.mktemp("float") / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), path)
    return path


SAMPLES = RNG.normal(size=(6, 3, 8, 8)).astype(np.float32)


def test_it_computes_what_onnxruntime_does(network: Path, tmp_path: Path) -> None:
    options = edgeq.BuildOptions(model=network, numerics="float", output=tmp_path / "out")
    manifest = edgeq.build(options)
    assert manifest["numerics"] == "float"
    assert all(layer["float"] for layer in manifest["layers"])
    assert {p["dtype"] for p in (*manifest["inputs"], *manifest["outputs"])} == {"float32"}
    assert "float arithmetic" in (tmp_path / "out" / "include" / "net.h").read_text("utf-8")
    verified = edgeq.verify(tmp_path / "out", SAMPLES)
    assert (verified["mismatches"], verified["agreement"]) == (0, 100.0)
    found = edgeq.run(tmp_path / "out", SAMPLES)["y"]
    expected = np.concatenate([reference(onnx.load(network), {"x": x[None]})[0] for x in SAMPLES])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert len(edgeq.profile(tmp_path / "out")["layers"]) == len(manifest["layers"])


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55", "cortex-m0plus"])
def test_every_core_computes_the_same_bits(network: Path, target: str, tmp_path: Path) -> None:
    edgeq.build(edgeq.BuildOptions(model=network, numerics="float", target=target, output=tmp_path / "out"))
    assert edgeq.verify(tmp_path / "out", SAMPLES[:2])["mismatches"] == 0


def test_a_core_without_a_floating_point_unit_is_warned_of(network: Path, tmp_path: Path) -> None:
    options = edgeq.BuildOptions(model=network, numerics="float", output=tmp_path / "out", compile=False)
    told = {}
    for target in ("cortex-m3", "cortex-m4"):
        warnings = edgeq.build(options.override(target=target))["warnings"]
        told[target] = any("no floating-point unit" in warning["message"] for warning in warnings)
    assert told == {"cortex-m3": True, "cortex-m4": False}


def test_memory_is_kept_to_a_budget_by_stripes(network: Path, tmp_path: Path) -> None:
    options = edgeq.BuildOptions(model=network, numerics="float", output=tmp_path / "out")
    whole = edgeq.build(options.override(compile=False))["arena_bytes"]
    manifest = edgeq.build(options.override(ram_budget=whole * 3 // 4))
    assert manifest["arena_bytes"] <= whole * 3 // 4
    assert manifest["streaming"]["stripes"] > 1
    assert edgeq.verify(tmp_path / "out", SAMPLES)["mismatches"] == 0


def test_samples_are_not_needed_and_nothing_is_exported(network: Path, tmp_path: Path) -> None:
    with pytest.warns(EdgeqWarning, match="calibration samples are not needed"):
        model = edgeq.quantize(network, SAMPLES, numerics="float")
    assert model.graph.arithmetic == "float"
    assert model.accuracy is not None
    assert model.accuracy["agreement"] == 100.0
    with pytest.raises(UsageError, match="nothing in the model is quantized"):
        model.save_qdq(tmp_path / "out.onnx")
    out = tmp_path / "out"
    succeeds("build", network, "--numerics", "float", "--output", out, "--no-compile", "--json")
    fails(2, "build", network, "--numerics", "float", "--output", out, "--input-mean", "128", says=("has real inputs",))


def test_a_quantized_model_is_computed_in_the_numbers_it_stands_for(shared_models: Path) -> None:
    with pytest.warns(EdgeqWarning, match="the real numbers that its integers stand for"):
        model = edgeq.quantize(shared_models / "ad_int8.tflite", numerics="float")
    assert {node.op.kind for node in model.graph.nodes} == {"FullyConnected"}
    assert model.graph.is_real


def kinds(model: edgeq.QuantizedModel) -> list[str]:
    nodes = [node for node in model.graph.nodes if node.op.kind not in ("Reshape", "Transpose")]
    return [f"{n.op.kind}{' float32' * model.graph.type(n.outputs[0]).dtype.is_float}" for n in nodes]


def islands(network: Path, *patterns: str) -> edgeq.QuantizedModel:
    return edgeq.quantize(network, SAMPLES, QuantConfig(real=patterns))


def test_layers_that_are_named_stay_in_float(network: Path) -> None:
    """Neighbours are one island; what is around stays int8, as do the ports."""
    model = islands(network, "deep", "point*", "sum")
    assert kinds(model) == [
        *("Conv2D", "Dequantize float32", "DepthwiseConv2D float32", "Conv2D float32", "Add float32", "Quantize"),
        *("MaxPool2D", "Mean", "FullyConnected", "Softmax"),
    ]
    assert [model.graph.type(n).dtype.value for n in (*model.graph.inputs, *model.graph.outputs)] == ["int8", "int8"]
    plain = edgeq.quantize(network, SAMPLES)
    assert model.accuracy["sqnr_db"] > plain.accuracy["sqnr_db"] - 3.0


def test_first_and_last_layers_in_float(network: Path, tmp_path: Path) -> None:
    """Built, run and verified; the command line says which layers are float32 and what they cost."""
    np.savez(tmp_path / "samples.npz", x=SAMPLES)
    out = tmp_path / "out"
    keep = ("--float", "first", "--float", "logits", "--float", "y")
    said = succeeds("build", network, "--calibration", tmp_path / "samples.npz", *keep, "--output", out).out
    lines = [line for line in said.splitlines() if line.strip().startswith("float32")]
    assert len(lines) == 2
    assert "first (Conv2D)" in lines[0]
    assert "13,824 MACs" in lines[0]
    assert "logits (FullyConnected), y (Softmax): 40 MACs, 180 B of weights" in lines[1]
    assert edgeq.verify(out, SAMPLES)["mismatches"] == 0
    fails(4, "build", network, "--calibration", tmp_path / "samples.npz", *keep, "--no-float", says=("first (Conv2D)",))
    fails(
        2, "build", network, "--calibration", tmp_path / "samples.npz", "--float", "no", says=("no layer has a name",)
    )


def test_a_table_of_the_file_keeps_layers_in_float(network: Path) -> None:
    config = QuantConfig.from_dict({"float": ["*"], "layers": {"sum": {"float": False}}})
    found = kinds(edgeq.quantize(network, SAMPLES, config))
    assert "Add" in found
    assert [kind for kind in found if kind.startswith("Conv2D")] == ["Conv2D float32"] * 2


def test_options_for_integers_are_told_of(network: Path) -> None:
    with pytest.warns(EdgeqWarning, match="nothing is quantized in float32: observer, activation_bits change nothing"):
        edgeq.quantize(
            network, config=QuantConfig.from_dict({"observer": "mse", "activation_bits": 16}), numerics="float"
        )


def test_what_has_no_float_form_is_named(network: Path, tmp_path: Path) -> None:
    model = onnx.load(network)
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1.5), "exponent"))
    model.graph.node.extend([helper.make_node("Pow", ["logits", "exponent"], ["z"], "wave")])
    model.graph.output.extend([helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 5])])
    onnx.save(model, tmp_path / "wave.onnx")
    with pytest.raises(QuantizationError, match=r"wave \(Pow\)"):
        islands(tmp_path / "wave.onnx", "wave")


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws", "ad"])
def test_reference_models(name: str, shared_models: Path, shared_data: Path, tmp_path: Path) -> None:
    path = shared_models / f"{name}_float.onnx"
    edgeq.build(edgeq.BuildOptions(model=path, numerics="float", output=tmp_path / "out"))
    x = np.load(shared_data / f"{name}_eval.npz")["x"][:8].astype(np.float32)
    assert edgeq.verify(tmp_path / "out", x)["mismatches"] == 0
    (found,) = edgeq.run(tmp_path / "out", x).values()
    model = onnx.load(path)
    expected = np.concatenate([reference(model, {model.graph.input[0].name: row[None]})[0] for row in x])
    assert np.abs(found.reshape(expected.shape) - expected).max() <= 1e-4 * np.abs(expected).max()
