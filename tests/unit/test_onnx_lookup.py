"""Elements at places that are computed at run time, and poses that are decoded so: against ONNX's reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import Array, imported, ints, model_of

from edgeq.errors import ModelError
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float

node = helper.make_node
WHOLE = TensorProto.INT64


def agrees(model: Any, folder: Path, feeds: dict[str, Array]) -> Graph:
    """The graph of a model whose outputs are those of ONNX's reference."""
    graph = imported(model, folder)
    given = {n: x.astype(np.int32) if x.dtype == np.int64 else x for n, x in feeds.items()}
    for made in (graph, optimize_float(graph)):
        found = run_float(made, given)
        for name, wanted in zip(made.outputs, ReferenceEvaluator(model).run(None, feeds), strict=True):
            assert found[name].shape == wanted.shape
            np.testing.assert_allclose(found[name], wanted, rtol=1e-5, atol=1e-5)
    return graph


@pytest.mark.parametrize(("axis", "shape"), [(0, (3, 4, 5)), (1, (2, 3, 5)), (2, (2, 4, 7)), (2, (2, 4, 1))])
def test_elements_along_an_axis(axis: int, shape: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    model = model_of(
        [node("GatherElements", ["x", "i"], ["y"], axis=axis)],
        {"x": [2, 4, 5], "i": list(shape)},
        ["y"],
        dtypes={"i": WHOLE},
    )
    size = (2, 4, 5)[axis]
    feeds = {"x": rng.normal(size=(2, 4, 5)).astype(np.float32), "i": rng.integers(-size, size, shape)}
    agrees(model, tmp_path, feeds)


def test_elements_beyond_an_axis(tmp_path: Path) -> None:
    nodes = [node("GatherElements", ["x", "i"], ["y"], axis=0)]
    model = model_of(nodes, {"x": [2, 4], "i": [2, 5]}, ["y"], dtypes={"i": WHOLE})
    with pytest.raises(ModelError, match=r"indices of shape \(2, 5\) do not fit \(2, 4\)"):
        imported(model, tmp_path)


@pytest.mark.parametrize("swapped", [False, True])
def test_whole_numbers_are_joined(swapped: bool, tmp_path: Path) -> None:
    """Computed and constant ones, in either order."""
    model = model_of(
        [node("Concat", ["c", "i"] if swapped else ["i", "c"], ["y"], axis=0)],
        {"i": [2, 3]},
        ["y"],
        {"c": np.arange(6).reshape(2, 3)},
        dtypes={"i": WHOLE, "y": WHOLE},
    )
    graph = agrees(model, tmp_path, {"i": np.arange(6).reshape(2, 3) * 100000})
    assert graph.type("y").is_whole


@pytest.mark.parametrize(
    ("shape", "batch"), [((3, 2), 0), ((2, 3, 3), 0), ((2, 5, 1), 1), ((2, 4, 2), 1), ((2, 4, 1), 2), ((1,), 0)]
)
def test_parts_at_places(shape: tuple[int, ...], batch: int, tmp_path: Path) -> None:
    rng, sizes = np.random.default_rng(2), (2, 4, 5)
    nodes = [node("GatherND", ["x", "i"], ["y"], batch_dims=batch)]
    model = model_of(nodes, {"x": list(sizes), "i": list(shape)}, ["y"], dtypes={"i": WHOLE})
    depth = np.array(sizes[batch : batch + shape[-1]])
    feeds = {"x": rng.normal(size=sizes).astype(np.float32), "i": rng.integers(-depth, depth, shape)}
    agrees(model, tmp_path, feeds)


KEYPOINTS, ROWS, COLUMNS, STRIDE = 17, 6, 5, 8


def poses() -> Any:
    """One person: the highest element of each heatmap, and the offsets there."""
    nodes = [
        node("Reshape", ["heat", "flat"], ["maps"]),
        node("ArgMax", ["maps"], ["place"], axis=2, keepdims=1),
        node("GatherElements", ["maps", "place"], ["odds"], axis=2),
        node("Sigmoid", ["odds"], ["scores"]),
        node("Reshape", ["offsets", "apart"], ["both"]),
        node("Unsqueeze", ["place", "one"], ["place4"]),
        node("Expand", ["place4", "twice"], ["places"]),
        node("GatherElements", ["both", "places"], ["moves"], axis=3),
        node("Div", ["place4", "columns"], ["row"]),
        node("Mod", ["place4", "columns"], ["column"]),
        node("Concat", ["row", "column"], ["cell"], axis=1),
        node("Cast", ["cell"], ["real"], to=TensorProto.FLOAT),
        node("Mul", ["real", "stride"], ["pixels"]),
        node("Add", ["pixels", "moves"], ["keypoints"]),
    ]
    constants = {
        "flat": ints(1, KEYPOINTS, ROWS * COLUMNS),
        "apart": ints(1, 2, KEYPOINTS, ROWS * COLUMNS),
        "one": ints(1),
        "twice": ints(1, 2, KEYPOINTS, 1),
        "columns": np.int64(COLUMNS),
        "stride": np.float32(STRIDE),
    }
    shapes = {"heat": [1, KEYPOINTS, ROWS, COLUMNS], "offsets": [1, 2 * KEYPOINTS, ROWS, COLUMNS]}
    return model_of(nodes, shapes, ["keypoints", "scores"], constants)


def test_a_pose_decoded_by_its_operators(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    feeds = {
        "heat": rng.normal(0, 2, (1, KEYPOINTS, ROWS, COLUMNS)).astype(np.float32),
        "offsets": rng.normal(0, 3, (1, 2 * KEYPOINTS, ROWS, COLUMNS)).astype(np.float32),
    }
    graph = agrees(poses(), tmp_path, feeds)
    assert graph.type("keypoints").shape == (1, 2, KEYPOINTS, 1)
