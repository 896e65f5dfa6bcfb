"""GridSample, deformed convolutions, and operators that are spelled with others: against onnxruntime, which lacks the
second of these, and ONNX's reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import Case, check, imported, ints, kinds, model_of, single
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.importers.keras_layers import REFUSED, TAKEN
from edgeq.importers.tflite.registry import HANDLERS
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize.pipeline import quantize
from edgeq.simulator import run_float, run_int

RNG = np.random.default_rng(4)
GRID = RNG.uniform(-1.6, 1.6, (2, 3, 5, 2)).astype(np.float32)
IMAGES = (2, 3, 4, 6)


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_grid_sample(mode: str, padding: str, align: int, tmp_path: Path) -> None:
    attributes = {"mode": mode, "padding_mode": padding, "align_corners": align}
    graph = check(single(Case("", "GridSample", [IMAGES, GRID], attributes, opset=20)), tmp_path)
    assert set(kinds(graph)) <= {"Slice", "Gather", "Mul", "FullyConnected", "Concat"}
    assert ("FullyConnected" in kinds(graph)) == (mode != "nearest")


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_a_grid_that_is_computed(mode: str, padding: str, align: int, tmp_path: Path) -> None:
    attributes = {"mode": mode, "padding_mode": padding, "align_corners": align}
    model = model_of(
        [helper.make_node("GridSample", ["x", "grid"], ["y"], **attributes)],
        {"x": IMAGES, "grid": GRID.shape},
        ["y"],
        opset=20,
    )
    feeds = {"x": RNG.normal(size=IMAGES).astype(np.float32), "grid": GRID}
    graph = imported(model, tmp_path)
    (wanted,) = reference(model, feeds)
    for made in (graph, optimize_float(graph)):
        np.testing.assert_allclose(run_float(made, feeds)["y"], wanted, atol=1e-5)


def test_a_computed_grid_of_cubes(tmp_path: Path) -> None:
    nodes = [helper.make_node("GridSample", ["x", "grid"], ["y"], mode="cubic")]
    with pytest.raises(ModelError, match="mode 'cubic' with padding 'zeros' is not supported"):
        imported(model_of(nodes, {"x": IMAGES, "grid": GRID.shape}, ["y"], opset=20), tmp_path)


@pytest.mark.parametrize(("groups", "parts", "mask"), [(1, 1, False), (2, 1, True), (1, 2, True), (2, 2, False)])
def test_a_deformed_convolution(groups: int, parts: int, mask: bool, tmp_path: Path) -> None:
    attributes = {"strides": [2, 1], "dilations": [1, 2], "pads": [1, 2, 0, 1], "group": groups, "offset_group": parts}
    shapes = {"x": (2, 4, 6, 7), "offsets": (2, parts * 12, 3, 6), "mask": (2, parts * 6, 3, 6)}
    names = ["x", "w", "offsets", "b", *(["mask"] if mask else [])]
    constants = {
        "w": RNG.normal(size=(6, 4 // groups, 2, 3)).astype(np.float32),
        "b": RNG.normal(size=6).astype(np.float32),
    }
    given = {name: list(shapes[name]) for name in names if name in shapes}
    node = helper.make_node("DeformConv", names, ["y"], kernel_shape=[2, 3], **attributes)
    model = model_of([node], given, ["y"], constants, opset=19)
    feeds = {name: RNG.normal(0, 1.5, shape).astype(np.float32) for name, shape in given.items()}
    graph = imported(model, tmp_path)
    (wanted,) = ReferenceEvaluator(model).run(None, feeds)
    for made in (graph, optimize_float(graph)):
        np.testing.assert_allclose(run_float(made, feeds)["y"], wanted, rtol=1e-4, atol=1e-4)


def test_sampled_integers(tmp_path: Path) -> None:
    """A mixture is one product: as exact as any layer."""
    graph = optimize_float(imported(single(Case("", "GridSample", [IMAGES, GRID], {}, opset=20)), tmp_path))
    x = RNG.uniform(-1, 1, (9, *IMAGES)).astype(np.float32)
    (name,) = graph.inputs
    small = quantize(graph, [{name: sample} for sample in x])
    wanted = run_float(graph, {name: x[0]})[graph.outputs[0]]
    q = small.type(graph.outputs[0]).qp
    found = q.dequantize(run_int(small, {name: small.type(name).holding(x[0])})[graph.outputs[0]])
    assert np.abs(found - wanted).max() < 2.5 * q.s


CASES = [
    Case("", "Mod", [(4, 6), (4, 6)], {"fmod": 1}),
    Case("", "Hardmax", [(3, 4, 5)], {"axis": 1}),
    Case("flat", "Hardmax", [(3, 4, 5)], {"axis": 1}, opset=11),
    Case("constant_base", "Pow", [np.array([0.5, 2.0, 3.0], np.float32), (4, 3)]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.name}")
def test_spelled(case: Case, tmp_path: Path) -> None:
    check(single(case), tmp_path)


def test_one_hot_of_whole_numbers(tmp_path: Path) -> None:
    """Negative ones count from the end; what is beyond is off everywhere, in integers, too."""
    nodes = [helper.make_node("OneHot", ["i", "depth", "values"], ["y"], axis=1)]
    constants = {"depth": ints(5), "values": np.array([-1.0, 3.0], np.float32)}
    model = model_of(nodes, {"i": [2, 3]}, ["y"], constants, dtypes={"i": TensorProto.INT64})
    graph = imported(model, tmp_path)
    x = np.array([[0, -1, 4], [-5, 7, 2]])
    (expected,) = reference(model, {"i": x})
    np.testing.assert_array_equal(run_float(graph, {"i": x})["y"], expected)
    small = quantize(graph, [{"i": x}, {"i": x % 5}])
    found = run_int(small, {"i": x.astype(np.int32)})["y"]
    np.testing.assert_allclose(small.type("y").qp.dequantize(found), expected, atol=0.02)


def test_what_is_no_number(tmp_path: Path) -> None:
    special = np.array([[1.0, -np.inf, np.nan, np.inf]], np.float32)
    for kind, attributes in (
        ("IsNaN", {}),
        ("IsInf", {}),
        ("IsInf", {"detect_negative": 0}),
        ("IsInf", {"detect_positive": 0}),
    ):
        nodes = [helper.make_node(kind, ["x"], ["y"], **attributes)]
        model = model_of(nodes, {"x": [1, 4]}, ["y"], opset=20, dtypes={"y": TensorProto.BOOL})
        (expected,) = reference(model, {"x": special})
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(run_float(imported(model, tmp_path), {"x": special})["y"] != 0, expected)


def test_outputs_of_constant_whole_numbers(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Shape", ["x"], ["s"])]
    graph = imported(model_of(nodes, {"x": (1, 5)}, ["y", "s"], dtypes={"s": TensorProto.INT64}), tmp_path)
    assert graph.type("s").is_whole and run_float(graph, {"x": np.ones((1, 5))})["s"].tolist() == [1, 5]


def test_what_is_not_sampled(tmp_path: Path) -> None:
    for grid, message in (((1, 3, 5, 2), "a computed grid .* does not fit"), (GRID[:1], "a grid .* does not fit")):
        with pytest.raises(ModelError, match=message):
            imported(single(Case("", "GridSample", [IMAGES, grid], {}, opset=20)), tmp_path)


def test_layers_of_keras_become_operators_that_are_taken() -> None:
    words = {word.strip(".,") for text in TAKEN.values() for word in text.split()}
    operators = {word for word in words if word.isupper() and len(word) > 2 and word != "HDF5"}
    assert operators and operators <= HANDLERS.keys()
    assert not TAKEN.keys() & REFUSED.keys()


def test_constants_that_programs_do_not_have(tmp_path: Path) -> None:
    image = RNG.normal(size=IMAGES).astype(np.float32)
    model = model_of(
        [helper.make_node("GridSample", ["c", "grid"], ["y"])], {"grid": GRID.shape}, ["y"], {"c": image}, 20
    )
    with pytest.raises(ModelError, match="input 0 is constant"):
        imported(model, tmp_path)
