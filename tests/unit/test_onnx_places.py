"""Pools with places, what goes back to them, 3-D pools, caches, counts of numbers, determinants: against onnxruntime
and ONNX's reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import Array, imported, ints, model_of
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float
from edgeq.warnings import EdgeqWarning

node = helper.make_node
RNG = np.random.default_rng(12)


def agrees(
    model: onnx.ModelProto, folder: Path, feeds: dict[str, Array], expected: list[Array], near: float = 0
) -> None:
    graph = imported(model, folder)
    given = {n: x if x.dtype == np.float32 else x.astype(np.int32) for n, x in feeds.items()}
    for made in (graph, optimize_float(graph)):
        found = run_float(made, given)
        for name, wanted in zip(made.outputs, expected, strict=True):
            assert found[name].shape == np.shape(wanted)
            np.testing.assert_allclose(found[name], wanted, rtol=near, atol=near)


POOLS: list[dict[str, Any]] = [
    {"kernel_shape": [2, 3], "strides": [2, 1]},
    {"kernel_shape": [3, 3], "pads": [1, 2, 1, 0], "strides": [2, 2], "storage_order": 1},
    {"kernel_shape": [2, 2], "dilations": [2, 3], "ceil_mode": 1, "strides": [3, 2], "pads": [1, 0, 0, 1]},
]


@pytest.mark.parametrize("attributes", POOLS)
def test_where_maxima_are(attributes: dict[str, Any], tmp_path: Path) -> None:
    """Of equal ones the first."""
    nodes = [node("MaxPool", ["x"], ["y", "at"], **attributes)]
    model = model_of(nodes, {"x": [2, 3, 7, 6]}, ["y", "at"], dtypes={"at": TensorProto.INT64})
    feeds = {"x": RNG.integers(-3, 3, (2, 3, 7, 6)).astype(np.float32)}
    agrees(model, tmp_path, feeds, reference(model, feeds))


@pytest.mark.parametrize("attributes", POOLS)
def test_maxima_of_bytes(attributes: dict[str, Any], tmp_path: Path) -> None:
    bytes = dict.fromkeys(("x", "y"), TensorProto.UINT8)
    model = model_of([node("MaxPool", ["x"], ["y"], **attributes)], {"x": [1, 2, 7, 6]}, ["y"], dtypes=bytes)
    x = RNG.integers(0, 256, (1, 2, 7, 6)).astype(np.uint8)
    agrees(model, tmp_path, {"x": x}, reference(model, {"x": x}))


@pytest.mark.parametrize("wider", [False, True])
def test_back_to_their_places(wider: bool, tmp_path: Path) -> None:
    """Places count in the tensor that the attributes give, also where the output is larger, unlike onnxruntime's."""
    x = np.array([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]], np.float32)
    constants = {"i": np.array([[[[5, 3], [12, 10]], [[16, 18], [29, 31]]]])}
    if wider:
        constants["out"] = ints(1, 2, 7, 8)
    nodes = [node("MaxUnpool", ["x", *constants], ["y"], kernel_shape=[2, 2], strides=[2, 2])]
    model = model_of(nodes, {"x": [1, 2, 2, 2]}, ["y"], constants, opset=11)
    wanted = np.zeros((1, 2, 4, 4), np.float32)
    wanted.ravel()[constants["i"].ravel()] = x.ravel()
    if wider:
        wanted = np.pad(wanted, ((0, 0), (0, 0), (0, 3), (0, 4)))
        with pytest.warns(EdgeqWarning, match="onnxruntime counts in the output"):
            agrees(model, tmp_path, {"x": x}, [wanted])
    else:
        agrees(model, tmp_path, {"x": x}, reference(model, {"x": x}))


def test_places_outside(tmp_path: Path) -> None:
    constants = {"i": np.array([[[[5, 99]]]])}
    model = model_of([node("MaxUnpool", ["x", "i"], ["y"], kernel_shape=[2, 2])], {"x": [1, 1, 1, 2]}, ["y"], constants)
    with pytest.raises(ModelError, match="indices are out of range"):
        imported(model, tmp_path)


DEEP: list[dict[str, Any]] = [
    {"dilations": [1, 2, 1]},
    {"dilations": [2, 1, 2], "pads": [1, 0, 1, 1, 1, 0], "count_include_pad": 1},
    {"strides": [2, 2, 3], "pads": [1, 0, 1, 1, 1, 0], "count_include_pad": 1, "ceil_mode": 1},
    {"strides": [2, 3, 2], "dilations": [2, 1, 1], "pads": [0, 1, 1, 0, 1, 1], "ceil_mode": 1},
]


@pytest.mark.parametrize("attributes", DEEP)
@pytest.mark.parametrize("kind", ["AveragePool", "LpPool"])
def test_pools_of_volumes(kind: str, attributes: dict[str, Any], tmp_path: Path) -> None:
    attributes = {"kernel_shape": [2, 2, 3], **attributes}
    if kind == "LpPool":
        attributes = {k: v for k, v in attributes.items() if k not in ("count_include_pad", "ceil_mode")}
    model = model_of([node(kind, ["x"], ["y"], **attributes)], {"x": [1, 2, 5, 6, 7]}, ["y"], opset=19)
    feeds = {"x": RNG.normal(size=(1, 2, 5, 6, 7)).astype(np.float32)}
    agrees(model, tmp_path, feeds, reference(model, feeds), 1e-5)


def test_a_cache_is_written_around_its_end(tmp_path: Path) -> None:
    model = model_of(
        [node("TensorScatter", ["x", "u", "i"], ["y"], mode="circular", axis=1)],
        {"x": [2, 4, 3], "u": [2, 2, 3]}, ["y"], {"i": ints(1, 3)}, opset=24,
    )  # fmt: skip
    feeds = {name: RNG.normal(size=(2, n, 3)).astype(np.float32) for name, n in (("x", 4), ("u", 2))}
    agrees(model, tmp_path, feeds, ReferenceEvaluator(model).run(None, feeds))
    next(a for a in model.graph.node[0].attribute if a.name == "mode").s = b"linear"
    with pytest.raises(ModelError, match=r"an update of 2 at \(1, 3\) goes beyond 4"):
        imported(model, tmp_path)


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("shape", [(9,), (3, 7)])
def test_counts_of_sequences(mode: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Of one, two and three numbers, with up to two between neighbours."""
    attributes = {
        "min_gram_length": 1, "max_gram_length": 3, "max_skip_count": 2, "mode": mode,
        "ngram_counts": [0, 3, 7], "ngram_indexes": [2, 0, 3, 5, 1, 6], "weights": [1.0, 0.5, 2.0, 3.0, 0.25, 4.0],
        "pool_int64s": [1, 2, 3, 1, 2, 3, 3, 1, 2, 3],
    }  # fmt: skip
    model = model_of([node("TfIdfVectorizer", ["x"], ["y"], **attributes)], {"x": list(shape)}, ["y"])
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    feeds = {"x": RNG.integers(1, 4, shape)}
    agrees(model, tmp_path, feeds, reference(model, feeds), 1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_determinants(count: int, tmp_path: Path) -> None:
    model = model_of([node("Det", ["x"], ["y"])], {"x": [3, count, count]}, ["y"])
    x = RNG.normal(size=(3, count, count)).astype(np.float32)
    agrees(model, tmp_path, {"x": x}, [np.linalg.det(x)], 1e-5)


@pytest.mark.parametrize(("ratio", "error"), [(0.0, None), (0.5, "dropout in training mode is not supported")])
def test_dropout_that_drops_nothing(ratio: float, error: str | None, tmp_path: Path) -> None:
    constants = {"r": np.float32(ratio), "t": np.bool_(True)}
    model = model_of([node("Dropout", ["x", "r", "t"], ["y"])], {"x": [2, 3]}, ["y"], constants)
    x = RNG.normal(size=(2, 3)).astype(np.float32)
    if error is None:
        agrees(model, tmp_path, {"x": x}, [x])
    else:
        with pytest.raises(ModelError, match=error):
            imported(model, tmp_path)
