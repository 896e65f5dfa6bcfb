"""Log-mel bands and MFCCs, against TensorFlow and librosa (vectors/make_mel_frontend.py), and before a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frontend_nets import dense

from edgeq.api.project import BuildOptions
from edgeq.errors import UsageError
from edgeq.frontend import Frontend, MelFrontend, MotionFrontend
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams
from edgeq.numerics import spectrum
from edgeq.options import Document, read_table
from edgeq.passes.with_frontend import with_frontend
from edgeq.quantize.pipeline import quantize
from edgeq.quantize.real import as_real
from edgeq.sequence import run_sequences
from edgeq.simulator import IntExecutor

FOLDER = Path(__file__).with_name("vectors")
SOUND = np.load(FOLDER / "frontend.npz")["sound"]
VECTORS = dict(np.load(FOLDER / "mel_frontend.npz"))
LIBROSA: dict[str, Any] = {"window_ms": 32, "stride_ms": 16, "channels": 24}
SLANEY: dict[str, Any] = {
    **LIBROSA,
    "power": 2,
    "lower_hz": 0,
    "upper_hz": 8000,
    "mel": "slaney",
    "unit_area": True,
    "log": "db",
}
SMALL: dict[str, Any] = {"sample_rate": 8000, "window_ms": 8, "stride_ms": 5, "channels": 6, "upper_hz": 3500}


@pytest.mark.parametrize(
    ("name", "spec", "error"),
    [
        ("tf_log_mel", MelFrontend(), 2e-4),
        ("tf_mfcc", MelFrontend("mfcc", coefficients=10), 1e-4),
        ("librosa_slaney_db", MelFrontend(**SLANEY, log_offset=1e-10), 2e-4),
        (
            "librosa_htk",
            MelFrontend(
                **LIBROSA,
                window="hamming",
                lower_hz=100,
                upper_hz=7000,
                mel="htk",
                log="log10",
                log_offset=0,
                log_floor=1e-5,
            ),
            1e-5,
        ),
        (
            "librosa_mfcc",
            MelFrontend("mfcc", **SLANEY, log_offset=0, log_floor=1e-10, coefficients=12, dct="ortho", lifter=22),
            1e-3,  # of up to 675
        ),
    ],
)
def test_equals_others(name: str, spec: MelFrontend, error: float) -> None:
    expected = VECTORS[name]
    assert np.ptp(expected) > 3
    np.testing.assert_allclose(spec.features(SOUND)[::3], expected, rtol=0, atol=error)


def test_transforms_of_every_length() -> None:
    """Stages of radix 4, and one of radix 2 for odd powers."""
    rng = np.random.default_rng(2)
    for length in spectrum.LENGTHS:
        x = rng.normal(size=(2, length - 3)).astype(np.float32)
        real, imaginary = spectrum.rfft(x * np.float32(0.5), length)
        exact = np.fft.rfft(x.astype(np.float64), length)
        assert np.abs(real + 1j * imaginary - exact).max() < 3e-7 * np.abs(exact).max()


def test_recordings_are_apart() -> None:
    both = MelFrontend().features(np.stack([SOUND, SOUND[::-1]]))
    np.testing.assert_array_equal(both[1], MelFrontend().features(SOUND[::-1]))


@pytest.mark.parametrize(
    ("table", "width"),
    [
        ({"frames": 1, "kind": "log-mel", "log": "db", "shift": 3.0}, 6),
        ({"frames": 2, "kind": "mfcc", "coefficients": 4, "scale": 0.5, "shift": 1.0}, 4),
        ({"stride_ms": 8, "kind": "log-mel", "scale": 2.0, "log_floor": 1e-4}, 6),
    ],
)
def test_a_program_sees_the_features_of_the_stream(table: dict[str, Any], width: int) -> None:
    """Bit for bit, in a graph that is real throughout; zeros stand before the first frames."""
    spec = MelFrontend.from_dict({**SMALL, **table})
    graph = as_real(with_frontend(dense((1, 4, width, 1)), spec))
    seen = next(node.inputs[0] for node in graph.nodes if node.outputs == ("flat",)) or ""
    sound, features = spec.steps(SOUND[:1000]), spec.features(SOUND[:1000], stream=True)
    features = np.concatenate([np.zeros((4, width), np.float32), features])
    run = run_sequences(IntExecutor(_showing(graph, seen)), [{"samples": row[None]} for row in sound])
    for k, result in enumerate(run):
        expected = features[(k + 1) * spec.frames : (k + 1) * spec.frames + 4]
        np.testing.assert_array_equal(result[seen].reshape(4, width), expected)
    assert k == len(sound) - 1 > 5


def _showing(graph: Graph, name: str) -> Graph:
    editor = graph.edit()
    editor.outputs.append(name)
    return editor.finish()


def test_a_clip_is_taken_at_once_and_quantized() -> None:
    """Nothing is kept; what the model's input prescribes holds for features."""
    q = QParams.per_tensor(0.1, 20)
    spec = MelFrontend("mfcc", **SMALL, coefficients=4, clip_ms=28)
    assert (spec.step, spec.new_frames, spec.steps(SOUND[:300]).shape) == (224, 5, (224,))
    clips = spec.steps(SOUND)
    assert clips.shape == (42, 224)
    graph = with_frontend(dense((1, 5, 4), q), spec)
    assert not graph.states and graph.type(graph.inputs[0]).dtype is DType.INT16
    integer = quantize(graph, [{"samples": clip[None]} for clip in clips])
    (feature,) = [node.outputs[0] for node in integer.nodes if node.op.kind == "Quantize"]
    executor = IntExecutor(_showing(integer, feature))
    found = np.concatenate([executor.run({"samples": clip[None]})[feature] for clip in clips])
    np.testing.assert_array_equal(found, q.quantize(spec.features(clips), DType.INT8))


def test_the_table_says_which_kind() -> None:
    def read(table: dict[str, Any]) -> object:
        return read_table(BuildOptions, {"model": "m.onnx", "frontend": table}, Document()).frontend

    assert read({"kind": "MFCC", "dct": "ortho"}) == MelFrontend("mfcc", dct="ortho")
    assert read({"kind": "micro"}) == read({}) == Frontend()
    with pytest.raises(UsageError, match="not possible"):
        read({"kind": "mel"})
    with pytest.raises(UsageError, match="unknown key 'pcan'"):
        read({"kind": "log-mel", "pcan": True})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"coefficients": 3}, "are for kind mfcc"),
        ({"kind": "mfcc", "coefficients": 41}, "41 coefficients of 40 bands"),
        ({"stride_ms": 40}, "frames of 480 samples every 640"),
        ({"fft_length": 256}, "a transform of length 256 is"),
        ({"power": 3}, "power is 3"),
        ({"upper_hz": 9000}, "half the sample rate"),
        ({"log_offset": 0}, "silence has no logarithm"),
        ({"clip_ms": 1000, "frames": 2}, "frames is for steps"),
        ({"clip_ms": 10}, "shorter than a frame"),
        ({"scale": float("nan")}, "not finite"),
        ({"sample_scale": 0}, "greater than 0"),
    ],
)
def test_impossible_tables_of_bands(table: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        MelFrontend.from_dict(table)


def test_models_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match="at least 1 frames of 6 channels"):
        with_frontend(dense((1, 4)), MelFrontend(**SMALL))
    with pytest.raises(UsageError, match="does not consist of 5 frames of 4 coefficients"):
        with_frontend(dense((1, 6, 4)), MelFrontend("mfcc", **SMALL, coefficients=4, clip_ms=28))


@pytest.mark.parametrize("number", [{"window_ms": 1e308}, {"sample_rate": 10**400}, {"stride_ms": 1e308}])
@pytest.mark.parametrize("kind", [Frontend, MelFrontend, MotionFrontend])
def test_numbers_of_which_no_table_can_be_made(kind: Any, number: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="greater than 10000000"):
        kind(**number)
