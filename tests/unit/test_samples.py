"""Samples and labels: where they come from, and what is doubtful about them."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS
from onnx import NodeProto, helper
from onnx_models import model_of, weights

import edgeq
from edgeq.api.data import Dataset, load_data
from edgeq.api.doubts import check_calibration
from edgeq.api.labels import class_indices
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.passes.pipeline import optimize_float
from edgeq.warnings import EdgeqWarning, collecting

IMAGES = np.load(DIGITS / "test.npz")["x"][:40]
DIGIT = np.load(DIGITS / "test.npz")["y"][:40]


@pytest.fixture(scope="module")
def digits() -> Graph:
    return edgeq.load(DIGITS / "digits.onnx")


def _graph(
    nodes: Sequence[NodeProto], inputs: dict[str, tuple[int, ...]], constants: dict[str, Array] | None = None
) -> Graph:
    """The graph of a model whose last node has its output."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.onnx"
        file.write_bytes(model_of(nodes, inputs, [nodes[-1].output[0]], constants or {}).SerializeToString())
        return edgeq.load(file)


def _doubts(data: Dataset, graph: Graph) -> list[str]:
    with warnings.catch_warnings(), collecting() as given:
        warnings.simplefilter("ignore", EdgeqWarning)
        check_calibration(data, graph)
    return [warning.message for warning in given]


# Where samples come from


def test_steps_come_first() -> None:
    """Of a model whose first dimension are steps, samples may be of a dimension of their own."""
    graph = _graph([helper.make_node("Relu", ["x"], ["y"])], {"x": (5, 1, 3)})
    array = np.arange(60, dtype=np.float32).reshape(4, 5, 1, 3)
    apart, joined = load_data(array, graph), load_data(array.reshape(20, 1, 3), graph)
    assert len(apart) == len(joined) == 4
    assert [sample["x"].tolist() for sample in apart] == [sample["x"].tolist() for sample in joined]
    with pytest.raises(UsageError) as caught:
        load_data(array[:, :4], graph)
    assert "store samples as (samples, 5, 1, 3)" in caught.value.hint


def test_one_array_in_every_form(digits: Graph, tmp_path: Path) -> None:
    """A file, an array, arrays by name, a list of arrays, mappings sample by sample: all the same samples."""
    np.savez(tmp_path / "x.npz", x=IMAGES)
    np.savez(tmp_path / "image.npz", image=IMAGES)
    np.savez(tmp_path / "unnamed.npz", IMAGES)
    np.save(tmp_path / "x.npy", IMAGES)
    files = [tmp_path / name for name in ("x.npz", "image.npz", "unnamed.npz", "x.npy")]
    by_name = [{"x": IMAGES}, {"image": IMAGES}]
    one_by_one = [[{"image": image[None]} for image in IMAGES], ({"image": image[None]} for image in IMAGES)]
    for source in (*files, *map(str, files), IMAGES, *by_name, list(IMAGES), *one_by_one):
        data = load_data(source, digits)
        assert len(data) == 40 and data.labels is None
        np.testing.assert_array_equal(data.inputs["image"], IMAGES)
    assert load_data(data, digits) is data


def test_key(digits: Graph) -> None:
    arrays = {"x": np.zeros_like(IMAGES), "train": IMAGES, "y": DIGIT}
    np.testing.assert_array_equal(load_data(arrays, digits, key="train").inputs["image"], IMAGES)
    assert not load_data(arrays, digits).inputs["image"].any()
    with pytest.raises(UsageError, match=r"array 'test' is missing; the file has train, x, y"):
        load_data(arrays, digits, key="test")
    with pytest.raises(UsageError, match=r"array 'x' is missing; the file has train, y\n.*--key"):
        load_data({"train": IMAGES, "y": DIGIT}, digits)


def _add(second: str, shape: tuple[int, ...] = (1, 3)) -> Graph:
    return _graph([helper.make_node("Add", ["x", second], ["z"])], {"x": (1, 3), second: shape})


def test_an_input_called_as_labels_are() -> None:
    arrays = {"x": weights(5, 3), "y": weights(5, 3)}
    data = load_data(arrays, _add("y"))
    assert data.labels is None
    np.testing.assert_array_equal(data.inputs["y"], arrays["y"])
    assert list(load_data({**arrays, "labels": np.arange(5) % 3}, _add("y")).labels) == [0, 1, 2, 0, 1]
    relu = _graph([helper.make_node("Relu", ["y"], ["z"])], {"y": (1, 3)})
    data = load_data({"x": weights(5, 3), "y": np.arange(5) % 3}, relu)
    assert list(data.inputs) == ["y"] and list(data.labels) == [0, 1, 2, 0, 1]
    assert load_data({"y": weights(5, 3)}, relu).inputs["y"].shape == (5, 3)
    with pytest.raises(UsageError, match=r"the model has 2 inputs\n.*each input's array has the input's name: x, y"):
        load_data(arrays, _add("y"), key="x")


def test_a_scalar_input() -> None:
    data = load_data({"x": weights(5, 3), "s": np.arange(5.0)}, _add("s", ()))
    assert [float(sample["s"]) for sample in data] == [0, 1, 2, 3, 4]
    assert data.inputs["s"].shape == (5,) and next(iter(data))["s"].shape == ()
    assert len(data.first(2)) == 2


def test_repr_is_short(digits: Graph) -> None:
    data = load_data({"x": IMAGES, "y": DIGIT}, digits)
    assert repr(data) == "<Dataset: 40 samples of image (1, 1, 8, 8), 40 labels>"


# Labels


def _indices(labels: Array | None, classes: int | None = 10) -> Array | None:
    return class_indices(labels, "y", classes, (40,), "40 samples `x`", "test.npz")


@pytest.mark.parametrize("labels", [DIGIT, DIGIT[:, None], DIGIT.astype(np.float32), DIGIT > 4])
def test_labels_without_doubt(labels: Array) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _indices(labels)
    assert found is not None and found.dtype == np.int64
    np.testing.assert_array_equal(found, labels.reshape(-1))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.eye(10)[DIGIT], "are one-hot; the class of the greatest one is taken"),
        (np.eye(10, dtype=np.uint8)[DIGIT], "are one-hot; the class of the greatest one is taken"),
        (DIGIT.astype(str), "are text, and are taken as the numbers that it says"),
    ],
)
def test_labels_that_are_taken_with_a_word(labels: Array, words: str) -> None:
    with pytest.warns(
        EdgeqWarning, match=f"^test.npz: labels `y` {words}; store class indices.* from 0 to 9$"
    ) as given:
        np.testing.assert_array_equal(_indices(labels), DIGIT)
    assert given[0].message.strict is UsageError  # type: ignore[union-attr]


def test_a_file_of_arrays_that_holds_something_else(digits: Graph, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("x.npy", "no array")
    with pytest.raises(UsageError, match=r"x\.npz: not a readable .*'x' is no array"):
        load_data(tmp_path / "x.npz", digits)


def test_a_file_of_another_kind_is_told_what_is_wanted(digits: Graph, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2\n")
    with pytest.raises(UsageError, match=r"x\.csv: not a readable \.npz or \.npy file\n  give an") as caught:
        load_data(tmp_path / "x.csv", digits)
    assert caught.value.hint is not None and "numpy.savez('samples.npz', x=samples)" in caught.value.hint


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([f"digit {d}" for d in DIGIT]), "are text and are left out"),
        (None, "are Python objects and are left out"),
        (DIGIT + 0.5, "are not whole numbers and are left out"),
        (np.full(40, np.nan), "are not whole numbers and are left out"),
        (np.eye(10)[DIGIT] * 3, "have a number for every class, but these are not one-hot"),
    ],
)
def test_labels_that_are_left_out(labels: Array | None, words: str) -> None:
    with pytest.warns(EdgeqWarning, match=f"labels `y` {words}"):
        assert _indices(labels) is None


def test_labels_out_of_range() -> None:
    with pytest.warns(EdgeqWarning, match="go from 1 to 10, and the model has 10 classes, from 0 to 9; subtract 1"):
        np.testing.assert_array_equal(_indices(DIGIT + 1), DIGIT + 1)
    with pytest.warns(EdgeqWarning, match="go from -1 to 8, and the model has 10 classes.*; store class indices"):
        assert _indices(DIGIT.astype(int) - 1) is not None


def test_labels_of_a_model_without_classes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _indices(DIGIT + 0.5, classes=None) is not None
        assert _indices(DIGIT.astype(str), classes=None) is None


def test_too_many_labels(digits: Graph) -> None:
    with pytest.raises(UsageError, match=r"^samples: 3 labels `y` for 40 samples `x`"):
        load_data({"x": IMAGES, "y": DIGIT[:3]}, digits)


# Calibration data


def test_good_calibration_data_give_no_warning(digits: Graph) -> None:
    for project in ("digits", "hello_sine"):
        folder = DIGITS.with_name(project)
        graph = edgeq.load(folder / f"{project}.onnx")
        assert _doubts(load_data(folder / "calibration.npz", graph), optimize_float(graph)) == []


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES[:3], "ranges are measured on only 3 calibration samples"),
        (IMAGES[:1], "ranges are measured on only 1 calibration sample"),
        (IMAGES * 0, "all calibration data of input 'image' are zero"),
        (IMAGES * 0 + 7, "all calibration data of input 'image' are 7"),
        (np.repeat(IMAGES[:1], 30, 0), "all 30 calibration samples of input 'image' are the same"),
        (np.concatenate([IMAGES * 0, IMAGES[:30]]), "40 of 70 calibration samples of input 'image' are all zero"),
    ],
)
def test_few_and_uniform_samples(digits: Graph, images: Array, words: str) -> None:
    assert words in _doubts(load_data(images, digits), optimize_float(digits))


def _classifier(divisor: float, normalized: bool = False) -> Graph:
    """A network for images from 0 to `divisor`, whose first layer is as wide as those of trained networks."""
    first = np.random.default_rng(3).normal(0, 0.4 / divisor, (8, 1, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["scaled" if normalized else "x", "w"], ["c"], "conv"),
        helper.make_node("GlobalAveragePool", ["c"], ["y"], "mean"),
    ]
    constants = {"w": first * (divisor if normalized else 1)}
    if normalized:
        constants["d"] = np.float32(divisor)
        nodes.insert(0, helper.make_node("Div", ["x", "d"], ["scaled"], "scale"))
    return _graph(nodes, {"x": (1, 1, 8, 8)}, constants)


RAW = np.random.default_rng(4).integers(0, 256, (30, 1, 8, 8))
SEEMS = "calibration data of input 'x' are {} from {}, and the model seems to take {}"


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_bytes_for_a_model_of_numbers_to_one(dtype: type) -> None:
    graph = _classifier(1)
    data = load_data(RAW.astype(dtype), graph)
    low, high = RAW.min(), RAW.max()
    assert _doubts(data, optimize_float(graph)) == [SEEMS.format("whole numbers", f"{low} to {high}", "0…1")]
    with pytest.warns(EdgeqWarning, match="; try --input-std 255, or --input-std 1 if it was trained on raw bytes$"):
        edgeq.quantize(graph, RAW.astype(dtype))


def test_scales_of_other_kinds() -> None:
    graph = optimize_float(_classifier(1))
    resized = load_data(RAW * 0.999, graph)
    assert "are numbers from" in _doubts(resized, graph)[0]
    assert "-128 to 127, and the model seems to take −1…1" in _doubts(load_data(RAW - 128, graph), graph)[0]
    sound = load_data(np.int16(RAW * 200.0 - 25000), graph)
    assert "to 26000, and the model seems to take −1…1" in _doubts(sound, graph)[0]


@pytest.mark.parametrize(
    ("graph", "samples"),
    [
        (_classifier(1), RAW / 255),
        (_classifier(1), RAW // 16),
        (_classifier(255), RAW),
        (_classifier(255, normalized=True), RAW),
        (_classifier(1), RAW + 900.0),
    ],
    ids=["divided", "small whole numbers", "trained on bytes", "normalizes itself", "pressure"],
)
def test_scales_without_doubt(graph: Graph, samples: Array) -> None:
    assert _doubts(load_data(samples, graph), optimize_float(graph)) == []


def test_declared_bytes_are_no_doubt() -> None:
    from edgeq.quantize.input_spec import InputSpec

    for std in (255.0, 1.0):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert edgeq.quantize(_classifier(1), RAW.astype(np.uint8), input=InputSpec(std=(std,))).warnings == ()


def test_labels_may_decide_that_bytes_are_right() -> None:
    """A network that recognises bright images only where they are bytes."""
    first = np.array([[[[1.0]]], [[[0.0]]]], np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv"),
        helper.make_node("GlobalAveragePool", ["c"], ["y"], "mean"),
    ]
    graph = _graph(nodes, {"x": (1, 1, 8, 8)}, {"w": first, "b": np.float32([0, 128])})
    bright = (RAW[:, :1, :1, :1] > 128).astype(np.uint8) * 200 + RAW // 8
    labels = 1 - (RAW[:, 0, 0, 0] > 128)
    optimized = optimize_float(graph)
    assert len(_doubts(load_data(bright, graph), optimized)) == 1
    assert _doubts(load_data({"x": bright, "y": labels}, graph), optimized) == []
    assert len(_doubts(load_data({"x": bright, "y": 1 - labels}, graph), optimized)) == 1


def test_a_quantized_model_needs_no_calibration_data(digits: Graph) -> None:
    quantized = edgeq.quantize(digits, DIGITS / "calibration.npz")
    annotated = quantized.float_graph
    for name in (*annotated.inputs, *(o for n in annotated.nodes for o in n.outputs)):
        editor = annotated.edit()
        editor.set_type(name, quantized.graph.type("image"))
        annotated = editor.finish()
    assert _doubts(load_data(IMAGES[:1] * 0, digits), annotated) == []
