"""TopK and NonMaxSuppression: against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import imported, model_of
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.ops.non_max_suppression import NonMaxSuppression
from edgeq.simulator import run_float

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("attributes", [{"axis": 1}, {"axis": -1, "largest": 0}, {"axis": 0}])
def test_top_elements(attributes: dict[str, int], tmp_path: Path) -> None:
    nodes = [helper.make_node("TopK", ["x", "k"], ["y", "where"], **attributes)]
    k = {"k": np.array([2], np.int64)}
    model = model_of(nodes, {"x": [3, 5, 4]}, ["y", "where"], k, dtypes={"where": TensorProto.INT64})
    graph = imported(model, tmp_path)
    x = np.round(RNG.normal(size=(3, 5, 4)), 1).astype(np.float32)
    found = run_float(graph, {"x": x})
    for name, expected in zip(("y", "where"), reference(model, {"x": x}), strict=True):
        assert found[name].shape == expected.shape
        np.testing.assert_array_equal(found[name], expected)
    assert graph.type("where").is_whole and not graph.type("y").is_whole


def test_nan_is_behind_all_numbers() -> None:
    from edgeq.ops.top_indices import TopIndices

    x = np.array([np.nan, 1.0, np.nan, 3.0], np.float32)
    assert TopIndices(0, 4).run_float([x])[0].tolist() == [3, 1, 0, 0]


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("score", [None, 0.4])
def test_boxes_that_are_not_hidden(centred: bool, score: float | None, tmp_path: Path) -> None:
    constants = {"limit": np.array([4], np.int64), "overlap": np.array([0.3], np.float32)}
    constants |= {} if score is None else {"score": np.array([score], np.float32)}
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores", *constants], ["y"], center_point_box=int(centred))
    shapes = {"boxes": [2, 30, 4], "scores": [2, 3, 30]}
    model = model_of([node], shapes, ["y"], constants, dtypes={"y": TensorProto.INT64})
    graph = imported(model, tmp_path)
    given = {
        "boxes": np.round(RNG.uniform(0, 5, (2, 30, 4)), 1).astype(np.float32),
        "scores": np.round(RNG.uniform(0, 1, (2, 3, 30)), 1).astype(np.float32),
    }
    (expected,) = reference(model, given)
    found = run_float(graph, given)["y"]
    assert found.shape == (24, 3) and 5 < len(expected) <= 24
    np.testing.assert_array_equal(found[: len(expected)], expected)
    assert (found[len(expected) :] == -1).all()


def test_boxes_of_no_area_hide_nothing() -> None:
    boxes = np.array([[[0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], [0.5, 0, 0.5, 1]]], np.float32)
    scores = np.array([[[0.9, 0.8, 0.7]]], np.float32)
    assert NonMaxSuppression(3, 0.0).run_float([boxes, scores])[0][:, 2].tolist() == [0, 1, 2]


def test_no_limit_keeps_nothing_and_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores"], ["y"])
    model = model_of([node], {"boxes": [1, 6, 4], "scores": [1, 1, 6]}, ["y"], {}, dtypes={"y": TensorProto.INT64})
    with pytest.raises(ModelError, match="no number of boxes is given"):
        imported(model, tmp_path)
