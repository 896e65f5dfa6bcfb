"""Parts of models: from tensors to tensors, by the names that each format has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import kinds, model_of, weights
from tflite_file import Operator, Tensor, build

import edgeq
from edgeq.errors import ModelError, UsageError
from edgeq.importers.cut import Cut
from edgeq.importers.tflite import import_bytes
from edgeq.simulator import run_float

node = helper.make_node


def detector(folder: Path) -> Path:
    """conv → relu → head; the head ends in an operator that edgeq does not have, and reads a second input."""
    model = model_of(
        [
            node("Conv", ["image", "w"], ["conv_out"], name="backbone/conv"),
            node("Relu", ["conv_out"], ["features"], name="backbone/relu"),
            node("Split", ["features"], ["boxes", "scores"], name="split", axis=1),
            node("Add", ["scores", "prior"], ["sum"]),
            node("NonZero", ["sum"], ["found"], name="decode"),
        ],
        {"image": ("batch", 2, 4, 4), "prior": (1, 3, 4, 4)},
        ["found", "boxes"],
        {"w": weights(6, 2, 1, 1)},
        dtypes={"found": TensorProto.INT64},
    )
    path = folder / "detector.onnx"
    onnx.save(model, path)
    return path


def test_the_whole_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="NonZero"):
        edgeq.load(detector(tmp_path))


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (["features"], ["features"]),
        (["backbone/relu"], ["features"]),
        (["backbone/conv"], ["conv_out"]),
        (["split"], ["boxes", "scores"]),
        (["scores", "features"], ["scores", "features"]),
    ],
)
def test_outputs_by_tensor_or_node(outputs: list[str], expected: list[str], tmp_path: Path) -> None:
    graph = edgeq.load(detector(tmp_path), outputs=outputs)
    assert list(graph.outputs) == expected
    assert graph.inputs == ("image",)  # the other one is needed no more


def test_a_part_computes_what_it_does_in_the_whole(tmp_path: Path) -> None:
    path = detector(tmp_path)
    image = np.random.default_rng(1).normal(size=(1, 2, 4, 4)).astype(np.float32)
    first = run_float(edgeq.load(path, outputs=["features"]), {"image": image})["features"]
    graph = edgeq.load(path, inputs=["features"], outputs=["sum"])
    assert graph.inputs == ("features", "prior") and graph.type("features").shape == (1, 6, 4, 4)
    prior = np.ones((1, 3, 4, 4), np.float32)
    found = run_float(graph, {"features": first, "prior": prior})["sum"]
    expected = run_float(edgeq.load(path, outputs=["sum"]), {"image": image, "prior": prior})["sum"]
    np.testing.assert_array_equal(found, expected)


def test_an_input_amid_the_outputs_of_a_node(tmp_path: Path) -> None:
    graph = edgeq.load(detector(tmp_path), inputs=["scores"], outputs=["sum", "boxes"])
    assert graph.inputs == ("scores", "image", "prior") and graph.outputs == ("sum", "boxes")


def test_shapes_that_only_the_caller_knows(tmp_path: Path) -> None:
    custom = node("Mystery", ["x"], ["inner"], domain="other")
    model = model_of([custom, node("Relu", ["inner"], ["y"])], {"x": (1, 3)}, ["y"])
    model.opset_import.append(helper.make_opsetid("other", 1))
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(UsageError, match="does not say the shape of 'inner'"):
        edgeq.load(tmp_path / "m.onnx", inputs=["inner"])
    graph = edgeq.load(tmp_path / "m.onnx", {"inner": (1, 7)}, inputs=["inner"])
    assert graph.type("inner").shape == (1, 7) and kinds(graph) == ["Clip"]


@pytest.mark.parametrize(
    ("inputs", "outputs", "message", "hint"),
    [
        ([], ["feature"], "--outputs: the model has no tensor or node 'feature'", "did you mean 'features'"),
        (["image_"], [], "--inputs: the model has no tensor or node 'image_'", "did you mean 'image'"),
        ([], ["zzz"], "no tensor or node 'zzz'", "the last tensors of the model are"),
        (["scores"], ["boxes"], "--inputs: no output depends on 'scores'", "name tensors before"),
    ],
)
def test_names_that_do_not_fit(inputs: list[str], outputs: list[str], message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        edgeq.load(detector(tmp_path), inputs=inputs, outputs=outputs)
    assert message in caught.value.message and hint in str(caught.value.hint)


def quantized_tail() -> bytes:
    """int8 conv-like chain → dequantized tail, with names as TensorFlow's converter joins them."""
    byte = {"dtype": "INT8", "scale": 0.5, "zero": 3}
    tensors = [
        Tensor("serving_default_x:0", (1, 4), **byte),
        Tensor("net/act/Relu;net/norm/Fused;net/dense/MatMul", (1, 4), **byte),
        Tensor("net/twice/add", (1, 4), **byte),
        Tensor("StatefulPartitionedCall:0", (1, 4)),
        Tensor("net/odd/Custom", (1, 4)),
    ]
    operators = [
        Operator("RELU", [0], [1]),
        Operator("ADD", [1, 1], [2], "AddOptions"),
        Operator("DEQUANTIZE", [2], [3]),
        Operator("BITCAST", [3], [4]),
    ]
    return build(tensors, operators, [0], [4])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("net/twice/add", "net/twice/add"),
        ("twice", "net/twice/add"),
        ("net/act/Relu", "net/act/Relu;net/norm/Fused;net/dense/MatMul"),
        ("act", "net/act/Relu;net/norm/Fused;net/dense/MatMul"),
    ],
)
def test_tflite_outputs_by_tensor_or_layer(name: str, value: str) -> None:
    with pytest.raises(ModelError, match="BITCAST"):
        import_bytes(quantized_tail(), "net")
    graph = import_bytes(quantized_tail(), "net", cut=Cut(outputs=(name,)))
    assert graph.outputs == (value,) and graph.type(value).q is not None


def test_tflite_inputs() -> None:
    graph = import_bytes(quantized_tail(), "net", cut=Cut(inputs=("act",), outputs=("twice",)))
    assert graph.inputs == ("net/act/Relu;net/norm/Fused;net/dense/MatMul",) and kinds(graph) == ["Add"]
    assert graph.type(graph.inputs[0]).q is not None


def test_tflite_layers_that_were_merged_say_where_to_cut() -> None:
    with pytest.raises(UsageError) as caught:
        import_bytes(quantized_tail(), "net", cut=Cut(outputs=("dense",)))
    assert "merged into what follows" in caught.value.message and "net/act/Relu" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no tensor or node 'nothing'"):
        import_bytes(quantized_tail(), "net", cut=Cut(outputs=("nothing",)))
    with pytest.raises(UsageError, match="no output depends on"):
        import_bytes(quantized_tail(), "net", cut=Cut(inputs=("twice",), outputs=("act",)))
