"""Which layers are the least accurate, and the reasons that are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx_models import model_of, weights

import edgeq
from edgeq.api.flow import QuantizedModel
from edgeq.ir.tensor import Array
from edgeq.report.accuracy import LayerError
from edgeq.report.causes import worst_layers

NODES = (
    helper.make_node("Gemm", ["x", "w", "b"], ["dense"], "dense"),
    helper.make_node("Relu", ["dense"], ["relu"], "relu"),
    helper.make_node("Gemm", ["x", "w2", "b"], ["twin"], "twin"),
    helper.make_node("Sub", ["dense", "twin"], ["difference"], "difference"),
)


def _model(folder: Path, samples: Array, outputs: tuple[str, ...]) -> QuantizedModel:
    w = weights(16, 8)
    constants = {"w": w, "w2": (w + weights(16, 8) * 0.01).astype(np.float32), "b": weights(8)}
    needed = NODES[: 1 + max(k for k, node in enumerate(NODES) if node.output[0] in outputs)]
    (folder / "m.onnx").write_bytes(model_of(needed, {"x": (1, 16)}, outputs, constants).SerializeToString())
    return edgeq.quantize(folder / "m.onnx", samples)


def test_inputs_that_cancel(tmp_path: Path) -> None:
    model = _model(tmp_path, weights(64, 16), ("difference",))
    (worst, *_) = worst_layers(model.layer_errors(), model.graph)
    assert (worst["name"], worst["why"]) == ("difference", "its inputs nearly cancel each other, and their errors stay")
    assert worst["sqnr_db"] < 25


def test_a_range_for_outliers(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).normal(0, 1, (64, 16)).astype(np.float32)
    samples[5] *= 1000
    model = _model(tmp_path, samples, ("relu",))
    errors = model.layer_errors(samples[6:38])
    (worst, *others) = worst_layers(errors, model.graph)
    assert len(errors) == 1 and not others
    assert worst["why"].startswith("its range, 0 to ") and "is wide for values of 1" in worst["why"]


def _error(value: str, sqnr: float | None, rms: float = 1.0) -> LayerError:
    return LayerError(name=value, op="", value=value, sqnr_db=sqnr, max_error=0.0, cosine=1.0, rms=rms)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> QuantizedModel:
    return _model(tmp_path_factory.mktemp("m"), weights(64, 16), ("relu", "difference"))


def test_an_error_that_is_passed_on(model: QuantizedModel) -> None:
    (first, second) = worst_layers([_error("dense", 12.0), _error("relu", 11.0), _error("twin", 40.0)], model.graph)
    assert (first["name"], first["why"]) == ("relu", "passes on the error of dense, which has 12.0 dB")
    assert second["name"] == "dense"


def test_weights(model: QuantizedModel) -> None:
    """The layer's own steps would allow far more."""
    rms = model.graph.type("dense").qp.s * 80
    (worst,) = worst_layers([_error("dense", 12.0, rms), _error("twin", 40.0)], model.graph)
    assert worst["why"] == "its weights lose more than its inputs and its own steps do"


def test_which_are_the_worst(model: QuantizedModel) -> None:
    """Those that stand out, three at most; if none does, the one; none where there is no error."""
    names = ("dense", "relu", "twin", "difference")

    def chosen(*figures: float | None) -> list[str]:
        errors = [_error(name, sqnr) for name, sqnr in zip(names, figures, strict=True)]
        return [entry["name"] for entry in worst_layers(errors, model.graph)]

    assert chosen(40.0, 41.0, 39.0, 38.0) == ["difference"]
    assert chosen(40.0, 41.0, 30.0, 41.0) == ["twin"]
    assert chosen(14.0, 13.0, 12.0, 11.0) == ["difference", "twin", "relu"]
    assert chosen(None, None, None, None) == []
    assert chosen(None, 40.0, None, None) == ["relu"]
