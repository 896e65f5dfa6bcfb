"""Moving and reshaping data, resizing, and arithmetic on shapes from ONNX, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import Case, check, imported, ints, kinds, model_of, random_feeds, single, weights
from onnx_reference import reference

from edgeq.simulator import run_float

X = (1, 3, 4, 6)
NONE = np.zeros(0, np.float32)


def scales(*values: float) -> np.ndarray:
    return np.asarray(values, np.float32)


MOVES = [
    Case("", "Concat", [X, (1, 2, 4, 6)], {"axis": 1}),
    Case("negative", "Concat", [X, X, weights(1, 3, 4, 1)], {"axis": -1}, opset=11),
    Case("one", "Concat", [X], {"axis": 0}),
    Case("equal", "Split", [X], {"axis": 3}, outputs=3),
    Case("attribute", "Split", [X], {"axis": 1, "split": [1, 2]}, opset=11, outputs=2),
    Case("input", "Split", [X, ints(1, 3)], {"axis": -2}, outputs=2),
    Case("uneven", "Split", [(1, 7)], {"axis": 1, "num_outputs": 3}, opset=18, outputs=3),
    Case("one", "Split", [X], {"axis": 0}, outputs=1),
    Case("attributes", "Slice", [X], {"starts": [1, 0], "ends": [3, -1], "axes": [1, 3]}, opset=9),
    Case("all_axes", "Slice", [X], {"starts": [0, 1], "ends": [1, 9]}, opset=7),
    Case("inputs", "Slice", [X, ints(1), ints(2**62), ints(2), ints(2)], opset=10),
    Case("backward", "Slice", [X, ints(-1), ints(-(2**62)), ints(3), ints(-1)]),
    Case("backward_2", "Slice", [X, ints(4, 3), ints(0, 0), ints(3, 2), ints(-2, -1)]),
    Case("whole", "Slice", [X, ints(0), ints(99), ints(1)]),
    Case("row", "Gather", [X, ints(1).reshape(())], {"axis": 2}),
    Case("range", "Gather", [X, ints(4, 2, 0)], {"axis": -1}),
    Case("last", "Gather", [X, ints(-1)], {"axis": 1}),
    Case("attributes", "Pad", [X], {"pads": [0, 0, 1, 2, 0, 1, 0, 3], "value": 0.5}, opset=10),
    Case("inputs", "Pad", [X, ints(0, 0, 1, 2, 0, 1, 0, 3), scales(1.5).reshape(())]),
    Case("zero", "Pad", [X, ints(0, 0, 1, 2, 0, 0, 1, 3)], opset=11),
    Case("reflect", "Pad", [X, ints(0, 0, 1, 2, 0, 0, 3, 1)], {"mode": "reflect"}),
    Case("edge", "Pad", [X, ints(0, 0, 1, 2, 0, 0, 3, 1)], {"mode": "edge"}),
    Case("axes", "Pad", [X, ints(1, 2, 3, 4), None, ints(3, -2)], opset=18),
    Case("cut", "Pad", [X, ints(0, 0, -1, 2, 0, 0, 1, -2)]),
    Case("minus_infinity", "Pad", [X, ints(0, 0, 1, 2, 0, 0, 1, 3), scales(-np.inf).reshape(())]),
    Case("nothing", "Pad", [X, ints(0, 0, 0, 0, 0, 0, 0, 0)]),
    Case("", "Transpose", [X], {"perm": [0, 2, 3, 1]}),
    Case("reversed", "Transpose", [X]),
    Case("same", "Transpose", [X], {"perm": [0, 1, 2, 3]}),
    Case("wildcards", "Reshape", [X, ints(0, -1, 6)]),
    Case("literal", "Reshape", [X, ints(6, 12)], opset=7),
    Case("same", "Reshape", [X, ints(1, 3, 4, 6)]),
    Case("default", "Flatten", [X]),
    Case("zero", "Flatten", [X], {"axis": 0}),
    Case("negative", "Flatten", [X], {"axis": -1}, opset=11),
    Case("attribute", "Squeeze", [(1, 3, 1, 2)], {"axes": [0, 2]}, opset=11),
    Case("input", "Squeeze", [(1, 3, 1, 2), ints(-2)]),
    Case("all", "Squeeze", [(1, 3, 1, 2)]),
    Case("attribute", "Unsqueeze", [X], {"axes": [0, 5]}, opset=11),
    Case("input", "Unsqueeze", [(3, 4), ints(-1, 0)]),
    Case("", "Identity", [X]),
    Case("", "Dropout", [X]),
    Case("old", "Dropout", [X], {"ratio": 0.3}, opset=7),
    Case("", "Cast", [X], {"to": TensorProto.FLOAT}),
]
RESIZES = [
    Case("nearest", "Resize", [X, scales(1, 1, 2, 3)], opset=10),
    Case("linear", "Resize", [X, scales(1, 1, 2, 3)], {"mode": "linear"}, opset=10),
    Case("upsample", "Upsample", [X, scales(1, 1, 2, 2)], opset=9),
    Case("upsample_attribute", "Upsample", [X], {"scales": [1.0, 1.0, 2.0, 3.0], "mode": "linear"}, opset=7),
    Case("shrink_old", "Resize", [X, scales(1, 1, 0.5, 0.5)], opset=10),
    Case("scales", "Resize", [X, NONE, scales(1, 1, 2, 0.5)], opset=11),
    Case(
        "tf",
        "Resize",
        [X, NONE, scales(1, 1, 2, 3)],
        {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"},
        opset=11,
    ),
    Case(
        "symmetric",
        "Resize",
        [X, None, None, ints(1, 3, 9, 4)],
        {"coordinate_transformation_mode": "half_pixel_symmetric", "mode": "linear"},
        opset=19,
    ),
    Case("sizes", "Resize", [X, None, None, ints(1, 3, 7, 5)]),
    Case("axes", "Resize", [X, None, None, ints(7, 5)], {"axes": [2, 3]}, opset=18),
    Case("signal", "Resize", [(1, 3, 6), None, None, ints(1, 3, 10)], {"mode": "linear"}),
    Case("nhwc", "Resize", [(1, 4, 6, 3), None, None, ints(1, 8, 9, 3)], opset=13),
    *(
        Case(f"{coordinates}-{rounding}", "Resize", [X, None, None, ints(1, 3, 9, 4)],
             {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding})
        for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
        for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    ),
    *(
        Case(f"linear-{coordinates}", "Resize", [X, None, None, ints(1, 3, 9, 1)],
             {"coordinate_transformation_mode": coordinates, "mode": "linear"})
        for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", [*MOVES, *RESIZES], ids=lambda c: f"{c.op}-{c.name}")
def test_equals_onnxruntime(case: Case, tmp_path: Path) -> None:
    check(single(case), tmp_path, case.low, case.high)


def test_what_does_nothing_leaves_no_node_but_a_copy_to_the_output(tmp_path: Path) -> None:
    for case in MOVES:
        if case.name in ("same", "whole", "nothing") or case.op in ("Identity", "Dropout", "Cast"):
            assert kinds(imported(single(case), tmp_path)) == []


def test_shape_arithmetic_is_folded(tmp_path: Path) -> None:
    """Flattening as PyTorch writes it: Shape, Gather, Unsqueeze, Concat, Reshape."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"], axis=0),
        helper.make_node("Unsqueeze", ["batch", "axes"], ["batch1"]),
        helper.make_node("Concat", ["batch1", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["flat"]),
        helper.make_node("Relu", ["flat"], ["y"]),
    ]
    constants = {"zero": ints(0).reshape(()), "axes": ints(0), "rest": ints(-1)}
    graph = check(model_of(nodes, {"x": [2, 3, 4]}, ["y"], constants), tmp_path)
    assert [n.op.kind for n in graph.nodes] == ["Reshape", "Clip"]


def test_resize_to_another_tensors_size(tmp_path: Path) -> None:
    """The size of one tensor, sliced, cast, multiplied and concatenated into the sizes of another."""
    nodes = [
        helper.make_node("Shape", ["b"], ["b_shape"]),
        helper.make_node("Slice", ["b_shape", "two", "four"], ["b_hw"]),
        helper.make_node("Cast", ["b_hw"], ["b_real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["b_real", "half"], ["b_half"]),
        helper.make_node("Cast", ["b_half"], ["hw"], to=TensorProto.INT64),
        helper.make_node("Shape", ["a"], ["a_shape"]),
        helper.make_node("Slice", ["a_shape", "nought", "two"], ["a_nc"]),
        helper.make_node("Concat", ["a_nc", "hw"], ["sizes"], axis=0),
        helper.make_node("Resize", ["a", "", "", "sizes"], ["y"], mode="nearest"),
    ]
    constants = {"two": ints(2), "four": ints(4), "nought": ints(0), "half": scales(0.5)}
    graph = check(model_of(nodes, {"a": [1, 2, 3, 3], "b": [1, 5, 12, 14]}, ["y"], constants), tmp_path)
    assert graph.type("y").shape == (1, 2, 6, 7)


def test_constants_are_folded(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["c"], value_floats=[1.0, 2.0, 3.0]),
        helper.make_node("ConstantOfShape", ["shape"], ["ones"], value=helper.make_tensor("v", 1, [1], [2.5])),
        helper.make_node("Expand", ["c", "shape"], ["wide"]),
        helper.make_node("Add", ["wide", "ones"], ["sum"]),
        helper.make_node("Reciprocal", ["sum"], ["inverse"]),
        helper.make_node("Where", ["mask", "inverse", "sum"], ["chosen"]),
        helper.make_node("Mul", ["x", "chosen"], ["y"]),
    ]
    constants = {"shape": ints(2, 3), "mask": np.array([True, False, True])}
    assert kinds(check(model_of(nodes, {"x": [2, 3]}, ["y"], constants), tmp_path)) == ["Mul"]


def test_dynamic_batch_is_one_and_given_shapes_are_taken(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "target"], ["y"])]
    model = model_of(nodes, {"x": ["batch", 4, "width"]}, ["y"], {"target": ints(-1, 2)})
    graph = imported(model, tmp_path, x=(1, 4, 6))
    assert (graph.type("x").shape, graph.type("y").shape) == ((1, 4, 6), (12, 2))
    fixed = model_of(nodes, {"x": ["batch", 4, 2]}, ["y"], {"target": ints(-1, 2)})
    assert imported(fixed, tmp_path).type("y").shape == (4, 2)
    assert imported(fixed, tmp_path, x=(3, 4, 2)).type("y").shape == (12, 2)


def test_several_inputs_share_the_batch_symbol(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["a", "b"], ["y"])]
    graph = imported(model_of(nodes, {"a": ["n", 4], "b": [4, "n"]}, ["y"]), tmp_path)
    assert graph.type("b").shape == (4, 1)


def test_an_input_that_is_an_output_and_two_outputs_of_one_tensor(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Identity", ["r"], ["first"]),
        helper.make_node("Identity", ["r"], ["second"]),
        helper.make_node("Identity", ["x"], ["same"]),
    ]
    graph = check(model_of(nodes, {"x": [2, 3]}, ["first", "second", "same", "r"]), tmp_path)
    assert graph.outputs == ("first", "second", "same", "r")


def test_names_are_kept_and_made_where_they_are_missing(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Tanh", ["a"], ["b"], name="twice"),
        helper.make_node("Tanh", ["b"], ["y"], name="twice"),
    ]
    graph = imported(model_of(nodes, {"x": [2, 3]}, ["y"]), tmp_path)
    assert [n.name for n in graph.nodes] == ["relu_0", "twice", "twice_2"]
    assert [n.outputs for n in graph.nodes] == [("a",), ("b",), ("y",)]
    assert graph.name == "model"


def test_nodes_in_any_order(tmp_path: Path) -> None:
    nodes = [helper.make_node("Tanh", ["a"], ["y"]), helper.make_node("Relu", ["x"], ["a"])]
    graph = imported(model_of(nodes, {"x": [2, 3]}, ["y"]), tmp_path)
    feeds = random_feeds(graph, -1, 1)
    (expected,) = reference(model_of(nodes[::-1], {"x": [2, 3]}, ["y"]), feeds)
    np.testing.assert_allclose(run_float(graph, feeds)["y"], expected, rtol=1e-5)
