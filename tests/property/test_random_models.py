"""Random models of many operators: imported, simplified and quantized in many ways, and their C under sanitizers."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import imported
from onnx_reference import reference
from random_models import RandomModel
from test_planned_programs import HOST, run_programs

from edgeq import QuantConfig
from edgeq.api import quantize
from edgeq.codegen import lower
from edgeq.errors import CapacityError, ModelError, QuantizationError, UsageError
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize import trials
from edgeq.simulator import run_float
from edgeq.warnings import EdgeqWarning

MODELS, PROGRAMS = 60, 13
SAMPLES = 9
WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"weight_bits": 4, "rotate": True},
    {"weight_bits": "ternary", "weights": "per-tensor", "outliers": 2},
    {"weight_bits": "codebook-4", "smooth": True},
    {"activation_bits": 16},
    {"activation_bits": 16, "weight_bits": 2, "observer": "auto"},
    {"observer": "auto", "activations": "symmetric"},
    {"learn_ranges": True, "reconstruct": True, "rounding": "adaround"},
    {"float": ["*_1", "*_4", "*_5"], "weight_bits": 3},
    {"numerics": "float"},
    {"numerics": "float", "float_weight_bits": 8, "dynamic": True},
    {"numerics": "float", "float_weight_bits": "binary"},
    {"numerics": "float", "float_weight_bits": 16},
)


def feeds(model: RandomModel, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in model.inputs.items()}


def test_imported_and_simplified_models_are_those_of_onnxruntime(tmp_path: Path) -> None:
    for seed in range(MODELS):
        made = RandomModel(seed, 4 + seed % 6)
        given = feeds(made, seed)
        wanted = reference(made.model(), given)
        graph = imported(made.model(), tmp_path)
        for form in (graph, optimize_float(graph)):
            found = run_float(form, given)
            for name, expected in zip(made.outputs, wanted, strict=True):
                near = 1e-3 * max(1.0, float(np.abs(expected).max()))
                np.testing.assert_allclose(found[name], expected, rtol=1e-3, atol=near, err_msg=f"model {seed}, {name}")


def quantized(graph: Graph, data: dict[str, np.ndarray], way: dict[str, Any]) -> Graph:
    """An integer graph, or one in float32; as usual where an option has nothing to apply to."""
    options = {key: value for key, value in way.items() if key != "numerics"}
    try:
        return quantize(graph, data, QuantConfig.from_dict(options), way.get("numerics")).graph
    except (UsageError, ModelError, QuantizationError):
        assert way
        return quantize(graph, data).graph


@pytest.mark.slow
def test_programs_equal_the_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST_TRIALS", 20)
    graphs: list[Graph] = []
    for seed in range(PROGRAMS):
        made = RandomModel(1000 + seed, 4)
        samples = [feeds(made, k) for k in range(SAMPLES)]
        stacked = {name: np.stack([s[name] for s in samples]) for name in made.inputs}
        data = {
            name: x.reshape(-1, *x.shape[2:]) if x.shape[1] == 1 and x.ndim > 2 else x for name, x in stacked.items()
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EdgeqWarning)
            graph = imported(made.model(), tmp_path)
            found = quantized(graph, data, WAYS[seed % len(WAYS)])
            try:
                lower(found, HOST)
            except (ModelError, CapacityError):  # a function that float32 has no kernel for
                found = quantized(graph, data, {})
            graphs.append(replace(found, name=f"net{seed}"))
    assert run_programs(tmp_path, graphs, HOST).strip() == "all right"
