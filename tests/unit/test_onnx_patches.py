"""Patches put back into an image, against onnx's own reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_models import imported, model_of

from edgeq.errors import ModelError
from edgeq.quantize.pipeline import quantize
from edgeq.simulator import run_float, run_int


def test_overlapping_patches_are_added_up(tmp_path: Path) -> None:
    node = helper.make_node(
        "Col2Im", ["x", "image", "block"], ["y"], strides=[1, 2], pads=[1, 0, 0, 1], dilations=[1, 1]
    )
    constants = {"image": np.array([4, 5], np.int64), "block": np.array([2, 3], np.int64)}
    model = model_of([node], {"x": [1, 12, 8]}, ["y"], constants, opset=18)
    graph = imported(model, tmp_path)
    x = np.random.default_rng(4).uniform(-1, 1, (1, 12, 8)).astype(np.float32)
    (expected,) = ReferenceEvaluator(model).run(["y"], {"x": x})
    np.testing.assert_allclose(run_float(graph, {"x": x})["y"], expected, rtol=1e-6, atol=1e-6)
    integer = quantize(graph, [{"x": x}])
    q = integer.type("x").qp
    found = run_int(integer, {"x": q.quantize(x, q.integers)})["y"]
    np.testing.assert_allclose(integer.type("y").qp.dequantize(found), expected, atol=0.08)


def test_patches_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Col2Im", ["x", "image", "block"], ["y"])
    constants = {"image": np.array([4, 5], np.int64), "block": np.array([2, 3], np.int64)}
    with pytest.raises(ModelError, match="are not 9 patches of 2 × "):
        imported(model_of([node], {"x": [1, 12, 8]}, ["y"], constants, opset=18), tmp_path)
