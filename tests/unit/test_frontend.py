"""The front end of sound, against what the reference implementations computed (vectors/make_frontend.py)."""

from __future__ import annotations

import warnings
import wave
from pathlib import Path

import numpy as np
import pytest
from frontend_nets import dense

from edgeq import api
from edgeq.api.data import load_data
from edgeq.errors import UsageError
from edgeq.frontend import Frontend, MelFrontend
from edgeq.ir.tensor import DType, QParams
from edgeq.numerics import mel, signal
from edgeq.passes.with_frontend import with_frontend
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.warnings import EdgeqWarning

VECTORS = dict(np.load(Path(__file__).with_name("vectors") / "frontend.npz"))
SOUND = VECTORS["sound"]
SMALL = Frontend(sample_rate=8000, window_ms=8, stride_ms=5, channels=6, upper_hz=3500.0)


def test_equals_tensorflow_lite_micro() -> None:
    assert VECTORS["tflm"].max() > 600
    np.testing.assert_array_equal(Frontend(tables="tflm").integers(SOUND), VECTORS["tflm"])


def test_equals_the_micro_frontend() -> None:
    np.testing.assert_array_equal(Frontend(stride_ms=10).integers(SOUND), VECTORS["micro_frontend"])


def test_recordings_are_apart() -> None:
    both = Frontend().integers(np.stack([SOUND, SOUND[::-1]]))
    np.testing.assert_array_equal(both[0], Frontend().integers(SOUND))
    np.testing.assert_array_equal(both[1], Frontend().integers(SOUND[::-1]))


def test_transform_is_near_the_exact_one() -> None:
    """For every length: the butterflies of radix 4 and the one of radix 2. Each stage rounds."""
    rng = np.random.default_rng(3)
    for length in (4, 8, 16, 32, 64, 128, 512, 1024):
        x = rng.integers(-32000, 32000, length).astype(np.int16)
        exact = np.fft.rfft(x.astype(np.float64)) / length
        found = signal.rfft(x, length).astype(np.float64) @ [1, 1j]
        assert np.abs(found - exact).max() < 6


def test_bands_are_triangles() -> None:
    """Weight and unweight of a bin are 1 together, and weights fall towards the centre of a band's lower neighbour."""
    bands = Frontend().bands
    one = 1 << mel.WEIGHT_BITS
    assert set((bands.weights + bands.unweights).tolist()) <= {one, one + 1}
    assert bands.start == bands.starts[0] == 5 and bands.end == 241
    for first, width in zip(bands.firsts, bands.widths, strict=True):
        assert (np.diff(bands.weights[first : first + width]) < 0).all()


@pytest.mark.parametrize("frames", [1, 2])
def test_the_joined_graph_sees_the_features_of_the_stream(frames: int) -> None:
    """The model's input in each step: features of the last frames, zeros before the first ones."""
    spec = Frontend.from_dict({**SMALL.to_dict(), "frames": frames})
    graph = with_frontend(dense((1, 4, 6, 1)), spec)
    assert [graph.type(n).dtype for n in graph.public_inputs] == [DType.INT16]
    sound = spec.steps(SOUND[:1000])
    features = spec.features(SOUND[:1000], stream=True)
    features = np.concatenate([np.zeros((4, 6), np.float32), features])
    weights = graph.values["w"].data
    assert weights is not None
    run = run_sequences(FloatExecutor(graph), [{"samples": row[None]} for row in sound])
    for k, result in enumerate(run):
        seen = features[(k + 1) * frames : (k + 1) * frames + 4].reshape(1, -1)
        np.testing.assert_allclose(result[graph.public_outputs[0]], seen @ weights.T, rtol=1e-4, atol=1e-4)
    assert k == len(sound) - 1 > 10


def test_quantized_features_are_the_same_integers() -> None:
    """Everything before the model's own input is exact; there it gets the parameters that the model prescribes."""
    q = QParams.per_tensor(0.1, -100)
    graph = with_frontend(dense((1, 6), q), SMALL)
    data = load_data(SMALL.steps(SOUND[:2000]), graph)
    quantized = api.quantize(graph, data)
    (feature,) = [n.outputs[0] for n in quantized.graph.nodes if n.op.kind == "WholeToReal"]
    assert quantized.graph.type(feature).qp == q
    logs = quantized.graph.edit()
    logs.outputs.append(feature)
    cut = logs.finish()
    expected = q.quantize(SMALL.features(SOUND[:2000], stream=True), DType.INT8)
    rows = run_sequences(IntExecutor(cut), [{"samples": row[None]} for row in SMALL.steps(SOUND[:2000])])
    found = np.concatenate([row[feature].reshape(1, 6) for row in rows])
    assert np.abs(found.astype(int) - expected).max() <= 1 and (found != expected).mean() < 0.02
    assert len(np.unique(found)) > 20


def test_sound_files_are_samples(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(SOUND.tobytes())
    data = load_data(file, with_frontend(dense((1, 6)), SMALL))
    np.testing.assert_array_equal(data.inputs["samples"].reshape(-1), SOUND[: 240 * SMALL.step])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"chanels": 3}, "chanels"),
        ({"stride_ms": 40}, "frames of 480 samples every 640"),
        ({"upper_hz": 9000}, "half the sample rate"),
        ({"upper_hz": 8000}, "beyond the spectrum"),
        ({"least_signal": 2}, "from 0 to 1"),
        ({"scale": float("inf")}, "not finite"),
        ({"window_ms": 4, "stride_ms": 4}, "40 bands of 33 bins"),
    ],
)
def test_impossible_tables(table: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Frontend.from_dict(table)


@pytest.mark.parametrize(("kind", "channels", "empty"), [(Frontend, 60, 6), (MelFrontend, 40, 4)])
def test_bands_between_two_bins_are_told(kind: type[Frontend | MelFrontend], channels: int, empty: int) -> None:
    """Whatever is heard, their features stay as they are."""
    spec = kind(window_ms=8, stride_ms=8, channels=channels)
    with pytest.warns(EdgeqWarning, match=f"of {channels} mel bands {empty} lie between two bins"):
        with_frontend(dense((1, channels)), spec)
    rng = np.random.default_rng(0)
    loud = spec.features(rng.integers(-20000, 20000, 16000).astype(np.int16))
    assert (loud == loud[0]).all(axis=0).sum() == empty
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_frontend(dense((1, 40)), kind())


def test_impossible_sound_and_models() -> None:
    with pytest.raises(UsageError, match="float64, not integers"):
        SMALL.features(np.zeros(100))
    with pytest.raises(UsageError, match="not those of 16 bits"):
        SMALL.features([40000] * 100)
    with pytest.raises(UsageError, match="shorter than a frame"):
        SMALL.features(SOUND[:20])
    with pytest.raises(UsageError, match="frames of 6 channels"):
        with_frontend(dense((1, 4)), SMALL)
    with pytest.raises(UsageError, match="no input 'z'"):
        with_frontend(dense((1, 6)), Frontend.from_dict({**SMALL.to_dict(), "name": "z"}))
    with pytest.raises(UsageError, match="integers from −32,768 to 32,767"):
        load_data(np.full((3, 40), 40000), with_frontend(dense((1, 6)), SMALL))
