"""Trees of scikit-learn and of ONNX's own operators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import imported
from onnx_reference import reference

import edgeq
from edgeq.errors import ModelError
from edgeq.importers.onnx.trees import step_of
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, DType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.tree_ensemble import TreeEnsemble, grid
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize.pipeline import quantize
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import IntExecutor, run_float

RNG = np.random.default_rng(8)
ML = "ai.onnx.ml"


def digits() -> tuple[Array, Array, Array]:
    """Pictures of 8×8 levels from 0 to 16: to learn from, with their classes, and others."""
    from sklearn.datasets import load_digits

    pictures, classes = load_digits(return_X_y=True)
    return pictures[:900].astype(np.float32), classes[:900], pictures[900:].astype(np.float32)


def converted(model: Any, x: Array, folder: Path) -> Graph:
    return optimize_float(imported(pytest.importorskip("skl2onnx").to_onnx(model, x[:1], target_opset=18), folder))


def classes_of(graph: Graph, x: Array) -> list[int]:
    """What the integer graph says of rows."""
    samples = [quantize_inputs(graph, {graph.inputs[0]: row[None]}) for row in x]
    return [int(found[graph.outputs[0]].item()) for found in IntExecutor(graph).outputs(samples)]


def integers(graph: Graph, x: Array) -> Graph:
    return quantize(graph, [{graph.inputs[0]: row[None]} for row in x[:64]])


def test_random_forest_of_digits(tmp_path: Path) -> None:
    """Float, integers and C give scikit-learn's class for every picture; features keep to the grid of their levels."""
    from sklearn.ensemble import RandomForestClassifier

    x, y, others = digits()
    forest = RandomForestClassifier(20, random_state=0).fit(x, y)
    graph = converted(forest, x, tmp_path)
    assert [node.op.kind for node in graph.nodes] == ["TreeEnsemble", "Label", "WholeToReal"]
    small = integers(graph, x)
    assert small.type("X").qp.s == 1 / 16 and small.type("output_probability").dtype.value == "int8"
    assert classes_of(small, others) == forest.predict(others).tolist()
    shares = run_float(graph, {"X": others[:1]})["output_probability"]
    np.testing.assert_allclose(shares, forest.predict_proba(others[:1]), atol=1e-6)


def test_boosted_trees_of_digits(tmp_path: Path) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    x, y, others = digits()
    for wanted in (range(3), range(2)):  # of two classes there is one score only
        kept = np.isin(y, wanted)
        trees = GradientBoostingClassifier(n_estimators=12, random_state=0).fit(x[kept], y[kept])
        graph = converted(trees, x, tmp_path)
        found = run_float(graph, {"X": others[:1]})["output_probability"]
        np.testing.assert_allclose(found, trees.predict_proba(others[:1]), atol=1e-4)
        assert classes_of(integers(graph, x), others[:300]) == trees.predict(others[:300]).tolist()


@pytest.mark.slow
def test_a_forest_with_names_runs_as_c(tmp_path: Path) -> None:
    """Features of unlike size, compared as real numbers: as whole ones of 8 bits they are not told apart."""
    from sklearn.ensemble import RandomForestClassifier

    x = RNG.normal(size=(300, 4)).astype(np.float32) * np.array([1e-3, 1.0, 30.0, 4000.0], np.float32)
    y = np.array(["cold", "warm", "hot"])[1 * (x[:, 0] * 1000 + x[:, 3] / 4000 > 0) + (x[:, 1] > 0.5)]
    forest = RandomForestClassifier(5, random_state=0).fit(x, y)
    model = tmp_path / "weather.onnx"
    onnx.save(pytest.importorskip("skl2onnx").to_onnx(forest, x[:1], target_opset=18), model)
    with pytest.warns(UserWarning, match="thresholds of features cannot be told from others in int8"):
        integers(optimize_float(imported(onnx.load(model), tmp_path)), x)
    assert edgeq.quantize(model, {"X": x}, numerics=Numerics.FAST).graph.type("X").dtype is DType.INT8
    edgeq.build(edgeq.BuildOptions(model, "host", output=tmp_path / "built"))
    found = edgeq.run(tmp_path / "built", x[:40])["output_label"]
    assert [forest.classes_[k] for k in found.ravel()] == forest.predict(x[:40]).tolist()
    assert '"cold"' in (tmp_path / "built" / "include" / "weather.h").read_text()


def test_every_mode_of_comparison(tmp_path: Path) -> None:
    """A tree for each, against onnxruntime, on features that equal the thresholds now and then."""
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    count = len(modes)
    attributes: Mapping[str, Any] = {
        "n_targets": 2,
        "aggregate_function": "AVERAGE",
        "base_values": [0.5, -1.0],
        "nodes_treeids": np.repeat(range(count), 3).tolist(),
        "nodes_nodeids": [0, 1, 2] * count,
        "nodes_featureids": [k for mode in range(count) for k in (mode % 3, 0, 0)],
        "nodes_modes": [text for mode in modes for text in (mode, "LEAF", "LEAF")],
        "nodes_values": [v for mode in range(count) for v in (mode - 2.0, 0.0, 0.0)],
        "nodes_truenodeids": [1, 0, 0] * count,
        "nodes_falsenodeids": [2, 0, 0] * count,
        "target_treeids": np.repeat(range(count), 4).tolist(),
        "target_nodeids": [1, 1, 2, 2] * count,
        "target_ids": [0, 1, 0, 1] * count,
        "target_weights": [float(2**k) for k in range(4 * count)],
    }
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain=ML, **attributes)
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [node], "modes", [info("x", TensorProto.FLOAT, [1, 3])], [info("y", TensorProto.FLOAT, [1, 2])]
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(ML, 3)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=9)
    graph = imported(model, tmp_path)
    for _ in range(30):
        x = RNG.integers(-3, 5, (1, 3)).astype(np.float32)
        (expected,) = reference(model, {"x": x})
        np.testing.assert_allclose(run_float(graph, {"x": x})["y"], expected, rtol=1e-5, atol=2.0**20 / 32767)
    (targets,) = (a for a in model.graph.node[0].attribute if a.name == "n_targets")
    targets.i = 0
    with pytest.raises(ModelError, match="0 targets are not supported"):
        imported(model, tmp_path)


def test_trees_that_are_none(tmp_path: Path) -> None:
    """A circle, and a node that is not there."""

    def tree(true: list[int], features: list[int]) -> onnx.ModelProto:
        node = helper.make_node(
            "TreeEnsemble",
            ["x"],
            ["y"],
            domain=ML,
            n_targets=1,
            nodes_featureids=features,
            nodes_truenodeids=true,
            nodes_falsenodeids=[0] * len(true),
            nodes_trueleafs=[0] * len(true),
            nodes_falseleafs=[1] * len(true),
            nodes_splits=numpy_helper.from_array(np.ones(len(true), np.float32)),
            nodes_modes=numpy_helper.from_array(np.zeros(len(true), np.uint8)),
            leaf_targetids=[0],
            leaf_weights=numpy_helper.from_array(np.ones(1, np.float32)),
            tree_roots=[0],
        )
        info = helper.make_tensor_value_info
        body = helper.make_graph(
            [node], "t", [info("x", TensorProto.FLOAT, [1, 2])], [info("y", TensorProto.FLOAT, [1, 1])]
        )
        return helper.make_model(body, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(ML, 5)])

    for true, features, message in (
        ([1, 0], [0, 1], "a tree goes round in a circle"),
        ([7], [0], "a node of a tree is missing"),
        ([1, 2, 9], [0, 0, 5], "a node of a tree is missing"),
    ):
        with pytest.raises(ModelError, match=message):
            imported(tree(true, features), tmp_path)


def test_steps_hold_values_exactly_where_they_can() -> None:
    assert step_of(np.array([0.05, 0.0, 0.05 / 3], np.float32).astype(np.float64)) == pytest.approx(0.05 / 3)
    assert step_of(np.zeros(3)) == 1.0
    assert step_of(RNG.uniform(size=30)) < 1 / 32767
    with pytest.raises(ModelError, match="leaves hold NaN or infinity"):
        step_of(np.array([np.inf]))


def test_grids_of_thresholds() -> None:
    """All thresholds are elements, from the one below the least to the greatest."""
    for thresholds in (np.arange(0.5, 16, 0.5), np.arange(-7, 3) * 0.1, np.array([3e-5, 7e-5])):
        q = grid(thresholds)
        assert q is not None
        steps = thresholds / q.s + q.zp
        assert np.abs(steps - np.rint(steps)).max() < 1e-3 and steps.min() > -128 and steps.max() <= 127
    assert grid(np.array([1.0, 1.37, 2.9, 11.03])) is None and grid(np.array([4.0])) is None


def test_what_is_the_same_in_integers_is_not_walked() -> None:
    """Of two thresholds in one step the inner one decides nothing; leaves on both sides are written once."""
    from edgeq.ir.graph import GraphEditor
    from edgeq.ir.tensor import DType, QParams, TensorType
    from edgeq.numerics.fixedpoint import Numerics
    from edgeq.ops.tree_ensemble import encode

    op = TreeEnsemble(
        (0, 0, -1, -1, -1), (500.0, 1.2, 0.0, 0.0, 0.0), (1, 2, 0, 1, 0), (4, 3, 0, 0, 0), ((0, 1), (0, 2)), (0,), (0,)
    )
    editor = GraphEditor("one")
    x = editor.input("x", TensorType((1, 1), DType.INT8, QParams.per_tensor(1.0, 0)))
    editor.outputs = list(editor.add(op, [x], "node"))
    editor.numerics = Numerics.FAST
    graph = editor.finish()
    made = encode(graph.site(graph.nodes[0]), 0)
    assert made.nodes.tolist() == [1, 3, 0x8000 | 0x4000, 0x8000, 2] and made.unit == 1
