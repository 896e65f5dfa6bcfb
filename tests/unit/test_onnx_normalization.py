"""Normalizations from ONNX, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx_models import Case, check, imported, kinds, model_of, random_feeds, single, weights

from edgeq.errors import ModelError
from edgeq.simulator import run_float

X = (2, 6, 4, 5)
CASES = [
    Case("last", "LayerNormalization", [X, weights(5), weights(5)], opset=17),
    Case("no_bias", "LayerNormalization", [X, weights(5)], {"epsilon": 1e-3}, opset=17),
    Case("several", "LayerNormalization", [X, weights(6, 4, 5), weights(6, 4, 5)], {"axis": 1}, opset=17),
    Case("negative", "LayerNormalization", [X, weights(4, 5), weights(4, 5)], {"axis": -2}, opset=17),
    Case("computed_scale", "LayerNormalization", [X, (5,), weights(5)], opset=17),
    Case("computed_both", "LayerNormalization", [X, (5,), (5,)], opset=17),
    Case("computed_bias", "LayerNormalization", [X, weights(5), (5,)], opset=17),
    Case("image", "InstanceNormalization", [X, weights(6), weights(6)], {"epsilon": 1e-3}),
    Case("signal", "InstanceNormalization", [(2, 6, 7), weights(6), weights(6)], opset=7),
    Case("volume", "InstanceNormalization", [(1, 3, 2, 4, 3), weights(3), weights(3)]),
    Case("channels", "GroupNormalization", [X, weights(6), weights(6)], {"num_groups": 3}, opset=21),
    Case("groups", "GroupNormalization", [X, weights(2), weights(2)], {"num_groups": 2}, opset=18),
    Case("signal", "GroupNormalization", [(2, 6, 7), weights(6), weights(6)], {"num_groups": 2}, opset=21),
    Case("image", "MeanVarianceNormalization", [(1, 6, 4, 5)]),
    Case("with_batch", "MeanVarianceNormalization", [X]),
    Case("channels", "MeanVarianceNormalization", [X], {"axes": [1]}),
    Case("all", "MeanVarianceNormalization", [X], {"axes": [1, 2, 3]}),
    Case("last", "LpNormalization", [X], {"p": 2, "axis": -1}),
    Case("channels", "LpNormalization", [X], {"axis": 1}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.op}-{c.name}")
def test_equals_onnxruntime(case: Case, tmp_path: Path) -> None:
    graph = check(single(case), tmp_path, case.low, case.high)
    extra = case.name.startswith("computed") * ["Mul", "Add"][case.name == "computed_bias" :]
    first, *others = kinds(graph)
    assert others == extra and first in ("LayerNorm", "InstanceNorm", "GroupNorm", "L2Norm")


@pytest.mark.parametrize("kind", ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"])
def test_additions_that_onnxruntime_fused(kind: str, tmp_path: Path) -> None:
    """Both inputs, scale, bias of the normalization, bias of the sum; the sum is the fourth output."""
    names = ["x", "s", "g", "b", "c"] if kind == "SkipLayerNormalization" else ["x", "s", "g", "c"]
    node = helper.make_node(kind, names, ["y", "", "", "sum"], domain="com.microsoft", epsilon=1e-5)
    constants = {n: weights(8) * k for k, n in enumerate(names[2:], 1)}
    shapes = {"x": (2, 3, 8), "s": (2, 3, 8)}
    graph = check(model_of([node], shapes, ["y", "sum"], constants, 17), tmp_path)
    assert kinds(graph) == ["Add", "Add", "LayerNorm" if kind == "SkipLayerNormalization" else "RMSNorm"]


def test_rms_normalization(tmp_path: Path) -> None:
    """As it is defined: onnxruntime has no kernel for it."""
    graph = imported(single(Case("last", "RMSNormalization", [X, weights(5)], {"axis": -1}, opset=22)), tmp_path)
    feeds = random_feeds(graph, -2.0, 2.0)
    x = feeds["x0"].astype(np.float64)
    expected = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * weights(5)
    np.testing.assert_allclose(run_float(graph, feeds)["y0"], expected, rtol=1e-5, atol=1e-6)
    assert kinds(graph) == ["RMSNorm"]


def test_simplified_layer_normalization(tmp_path: Path) -> None:
    node = helper.make_node("SimplifiedLayerNormalization", ["x", "g"], ["y"], axis=-1, epsilon=1e-5)
    graph = check(model_of([node], {"x": (2, 3, 8)}, ["y"], {"g": weights(8)}, 17), tmp_path)
    assert kinds(graph) == ["RMSNorm"]


def test_group_normalization_as_pytorch_writes_it(tmp_path: Path) -> None:
    """An InstanceNormalization of groups; the operators that follow it are found later."""
    shape = np.array([0, 3, -1]), np.array([2, 6, 4, 5])
    constants = {"one": np.ones(3, np.float32), "zero": np.zeros(3, np.float32), "split": shape[0], "joined": shape[1]}
    nodes = [
        helper.make_node("Reshape", ["x", "split"], ["a"]),
        helper.make_node("InstanceNormalization", ["a", "one", "zero"], ["b"], epsilon=1e-5),
        helper.make_node("Reshape", ["b", "joined"], ["c"]),
        helper.make_node("Mul", ["c", "g"], ["d"]),
        helper.make_node("Add", ["d", "o"], ["y"]),
    ]
    constants |= {"g": weights(6, 1, 1), "o": weights(6, 1, 1, low=2, high=3)}
    graph = check(model_of(nodes, {"x": X}, ["y"], constants, 17), tmp_path)
    assert kinds(graph) == ["GroupNorm", "Mul", "Add"]


REFUSED = [
    (Case("", "LpNormalization", [X], {"p": 3}), "attribute p is 3"),
    (Case("", "GroupNormalization", [X, weights(6), weights(6)], {"num_groups": 4}, opset=21), "into 4 groups"),
    (Case("", "InstanceNormalization", [X, weights(5), weights(6)]), "do not fit an input"),
    (Case("", "InstanceNormalization", [(2, 6), weights(6), weights(6)]), "is needed, not (2, 6)"),
    (Case("", "LayerNormalization", [X, weights(4)], opset=17), "a scale of shape (4,) does not fit"),
    (Case("", "LayerNormalization", [X, weights(5)], {"epsilon": -1.0}, opset=17), "attribute epsilon is -1"),
]


@pytest.mark.parametrize(("case", "text"), REFUSED, ids=lambda v: v.op if isinstance(v, Case) else "")
def test_refused(case: Case, text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        imported(single(case), tmp_path)
    assert text in str(caught.value)
