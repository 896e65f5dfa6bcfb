"""The benchmark's ONNX models, imported, against onnxruntime and against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_reference import session

from edgeq.importers import load
from edgeq.simulator import run_float

pytestmark = pytest.mark.shared


def samples(folder: Path, model: str, count: int) -> Any:
    return np.load(folder / f"{model}_eval.npz")["x"][:count].astype(np.float32)


def outputs(model: Path, x: Any) -> Any:
    loaded = session(model)
    name = loaded.get_inputs()[0].name
    return np.concatenate([loaded.run(None, {name: one[None]})[0] for one in x])


@pytest.mark.parametrize("name", ["kws_float", "kws_float_dynamic_batch", "vww_float", "ic_float", "ad_float"])
def test_float_models(name: str, shared_models: Path, shared_data: Path) -> None:
    graph = load(shared_models / f"{name}.onnx")
    x = samples(shared_data, name.split("_")[0], 4)
    found = np.concatenate([run_float(graph, {graph.inputs[0]: one[None]})[graph.outputs[0]] for one in x])
    expected = outputs(shared_models / f"{name}.onnx", x)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", ["kws", "ic"])
def test_quantized_models(name: str, shared_models: Path, shared_data: Path) -> None:
    """Every tensor has parameters, and float execution with saturation finds what the float model finds."""
    graph = load(shared_models / f"{name}_qdq_int8.onnx")
    assert all(v.type.q is not None for v in graph.values.values())
    x = samples(shared_data, name, 16)
    found = np.concatenate([run_float(graph, {graph.inputs[0]: one[None]})[graph.outputs[0]] for one in x])
    expected = outputs(shared_models / f"{name}_float.onnx", x)
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.9
    assert np.abs(found - expected).max() < 0.25


def test_a_dynamic_batch_is_one_or_what_the_caller_gives(shared_models: Path) -> None:
    path = shared_models / "kws_float_dynamic_batch.onnx"
    assert load(path).type("output").shape == (1, 12)
    assert load(path, {"input": (4, 49, 10, 1)}).type("output").shape == (4, 12)
