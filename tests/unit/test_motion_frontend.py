"""Statistics and spectra of the axes of a sensor: what they are, and before a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_nets import dense

from edgeq.api.project import BuildOptions
from edgeq.errors import UsageError
from edgeq.frontend import MotionFrontend
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.numerics.moments import STATISTICS
from edgeq.options import Document, read_table
from edgeq.passes.with_frontend import with_frontend
from edgeq.quantize.pipeline import quantize
from edgeq.quantize.real import as_real
from edgeq.sequence import run_sequences
from edgeq.simulator import IntExecutor

SMALL: dict[str, Any] = {"sample_rate": 50, "window_ms": 800, "stride_ms": 200, "sample_scale": 1 / 4096}
"""Windows of 40 samples, every 10."""


def moved(count: int = 130, axes: int = 3) -> np.ndarray:
    """Samples (count, axes) of a sensor that is shaken, with gravity along the last axis."""
    rng, t = np.random.default_rng(6), np.arange(count)[:, None]
    waves = np.sin(t * rng.uniform(0.2, 2.0, axes) + rng.uniform(0, 6, axes)) * rng.uniform(500, 3000, axes)
    gravity = np.where(np.arange(axes) == axes - 1, 4096, 0)
    return np.rint(waves + gravity + rng.normal(0, 60, (count, axes))).astype(np.int16)


def expected(window: np.ndarray, spec: MotionFrontend) -> np.ndarray:
    """Features of a window (samples) of one axis, in float64."""
    x = window * spec.sample_scale
    away = x - x.mean()
    deviation = np.sqrt((away**2).mean())
    known = {
        "mean": x.mean(),
        "minimum": x.min(),
        "maximum": x.max(),
        "rms": np.sqrt((x**2).mean()),
        "deviation": deviation,
        "skewness": (away**3).mean() / deviation**3 if deviation else 0.0,
        "kurtosis": (away**4).mean() / deviation**4 - 3 if deviation else -3.0,
    }
    found = [known[name] for name in spec.statistics]
    if spec.fft_length:
        half = spec.fft_length // 2
        frames = [x[first : first + 2 * half] for first in range(0, len(x) - 2 * half + 1, half)]
        energies = np.max([np.abs(np.fft.rfft(frame))[1:] ** 2 for frame in frames], axis=0) / spec.fft_length**2
        found += list(np.log10(energies + spec.log_offset))
    return np.array(found)


@pytest.mark.parametrize("table", [{}, {"fft_length": 16}, {"fft_length": 32, "statistics": ("rms", "mean")}])
def test_features_are_what_they_are_called(table: dict[str, Any]) -> None:
    spec, x = MotionFrontend(**SMALL, **table), moved()
    found = spec.features(x)
    assert found.shape == (10, 3, spec.width // 3) and spec.statistics[0] in STATISTICS
    windows = [x[first : first + 40] for first in range(0, 91, 10)]
    truth = np.array([[expected(window[:, axis], spec) for axis in range(3)] for window in windows])
    np.testing.assert_allclose(found, truth, rtol=2e-4, atol=2e-4)


def test_a_sensor_at_rest() -> None:
    spec = MotionFrontend(**SMALL)
    np.testing.assert_array_equal(spec.features(np.full((40, 3), 4096))[0, 0], [1, 1, 1, 1, 0, 0, -3])


@pytest.mark.parametrize(
    ("table", "axes"), [({}, 3), ({"fft_length": 16}, 3), ({"statistics": (), "fft_length": 8, "stride_ms": 800}, 1)]
)
def test_a_program_sees_the_same_features(table: dict[str, Any], axes: int) -> None:
    """Bit for bit, in a graph that is real throughout, from a reset on."""
    spec, x = MotionFrontend(axes=axes, **{**SMALL, **table}), moved(axes=axes)
    graph = as_real(with_frontend(dense((1, spec.width)), spec))
    seen = next(node.inputs[0] for node in graph.nodes if node.outputs == ("flat",)) or ""
    steps, features = spec.steps(x), spec.features(x, stream=True)
    run = run_sequences(IntExecutor(_showing(graph, seen)), [{"samples": step[None]} for step in steps])
    for k, result in enumerate(run):
        np.testing.assert_array_equal(result[seen].reshape(axes, -1), features[k])
    assert k == len(steps) - 1 > 1


def _showing(graph: Graph, name: str) -> Graph:
    editor = graph.edit()
    editor.outputs.append(name)
    return editor.finish()


def test_features_are_quantized_for_the_model() -> None:
    spec = MotionFrontend(**SMALL, statistics=("rms", "deviation"))
    graph = with_frontend(dense((1, 2, spec.width)), spec)
    samples = [{"samples": step[None], **_kept(graph)} for step in spec.steps(moved())]
    integer = quantize(graph, samples)
    assert integer.type("samples").dtype is DType.INT16
    assert [node.op.kind for node in integer.nodes if node.op.kind in ("SampleStatistics", "Quantize")] == [
        "SampleStatistics",
        "Quantize",
    ]


def _kept(graph: Graph) -> dict[str, np.ndarray]:
    """States at first."""
    return {state.input: state.begin(graph.type(state.input)) for state in graph.states}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"statistics": ["median"]}, "statistics are some of mean"),
        ({"statistics": []}, "there are no features"),
        ({"fft_length": 12}, "no power of 2"),
        ({"fft_length": 128}, "a transform of length 128"),
        ({"stride_ms": 3000}, "windows of 125 samples every 188"),
        ({"sample_rate": 0}, "greater than 0"),
        ({"log_offset": float("inf")}, "not finite"),
        ({"pcan": True}, "unknown key 'pcan'"),
    ],
)
def test_impossible_tables_of_sensors(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_table(BuildOptions, {"model": "m.onnx", "frontend": {"kind": "motion", **table}}, Document())


def test_samples_of_other_sensors() -> None:
    with pytest.raises(UsageError, match="not those of 3 axes"):
        MotionFrontend().features(np.zeros((200, 2), np.int16))
    with pytest.raises(UsageError, match="20 samples are fewer than a window of 125"):
        MotionFrontend().features(np.zeros((20, 3), np.int16))
    with pytest.raises(UsageError, match="does not consist of at least 1 frames of 21 features"):
        with_frontend(dense((1, 20)), MotionFrontend())
