"""TopK and NonMaxSuppression against onnxruntime, RoiAlign against ONNX's reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import imported, model_of
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.ops.non_max_suppression import NonMaxSuppression
from edgeq.ops.roi_align import RoiAlign
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


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize(
    "attributes", [{"sampling_ratio": 2, "coordinate_transformation_mode": "output_half_pixel"}, {}]
)
def test_regions_of_images(attributes: dict[str, Any], mode: str, tmp_path: Path) -> None:
    """Regions within the image, beyond its borders, and turned around."""
    attributes = {"output_height": 2, "output_width": 3, "spatial_scale": 0.5, "mode": mode, **attributes}
    node = helper.make_node("RoiAlign", ["x", "regions", "images"], ["y"], **attributes)
    shapes = {"x": [2, 3, 8, 7], "regions": [5, 4], "images": [5]}
    model = model_of([node], shapes, ["y"], opset=16, dtypes={"images": TensorProto.INT64})
    feeds = {
        "x": RNG.normal(size=(2, 3, 8, 7)).astype(np.float32),
        "regions": np.array(
            [[1, 2, 9, 11], [0, 0, 13, 15], [-6, -5, 6, 30], [9, 9, 3, 4], [5, 5, 5.2, 5.1]], np.float32
        ),
        "images": np.array([0, 1, 1, 0, 1], np.int64),
    }
    (expected,) = ReferenceEvaluator(model).run(None, feeds)
    graph = imported(model, tmp_path)
    found = run_float(graph, feeds | {"images": feeds["images"].astype(np.int32)})["y"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_region_of_no_image(tmp_path: Path) -> None:
    node = helper.make_node("RoiAlign", ["x", "regions", "images"], ["y"])
    model = model_of([node], {"x": [1, 3, 8, 7], "regions": [1, 4]}, ["y"], {"images": np.array([1])}, opset=16)
    with pytest.raises(ModelError, match="a region is of an image that is not there"):
        imported(model, tmp_path)


@pytest.mark.parametrize("region", [[np.nan] * 4, [-1e30, -1e30, 1e30, 1e30], [np.inf, 0, -np.inf, 1]])
def test_regions_that_are_none_end(region: list[float]) -> None:
    x, regions = np.ones((1, 4, 4, 2), np.float32), np.array([region], np.float32)
    (found,) = RoiAlign(1, 1).run_float([x, regions, np.array([0])])
    assert (np.abs(found) <= 1.0).all()
