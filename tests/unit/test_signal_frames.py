"""Signal operators on frames, against what TensorFlow Lite Micro computed (vectors/make_signal_frames.py)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from signal_file import File

from edgeq import api
from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor

VECTORS = Path(__file__).with_name("vectors") / "signal_frames.npz"


def framer(new: tuple[int, ...], size: int, step: int, prefill: bool) -> bytes:
    """Frames, and whether they are full."""
    f = File()
    x, y = f.tensor("INT16", new), [("INT16", (*new[:-1], new[-1] // step, size)), ("BOOL", ())]
    y0 = f.add("CUSTOM SignalFramer", [x], y, frame_size=size, frame_step=step, prefill=prefill)
    return f.file([x], [y0] if prefill else [y0, y0 + 1])


def stacker(left: int = 2, right: int = 1, step: int = 2, channels: int = 6) -> bytes:
    """Frames stacked, and whether there are enough."""
    f = File()
    x, y = f.tensor("INT16", (channels,)), [("INT16", (channels * (left + right + 1),)), ("BOOL", ())]
    contexts = {"stacker_left_context": left, "stacker_right_context": right, "stacker_step": step}
    y0 = f.add("CUSTOM SignalStacker", [x], y, num_channels=channels, **contexts)
    return f.file([x], [y0, y0 + 1])


def overlapping(frames: tuple[int, ...] = (2, 3, 40), step: int = 16) -> bytes:
    """Frames as samples."""
    f = File()
    x, y = f.tensor("INT16", frames), [("INT16", (*frames[:-2], frames[-2] * step))]
    y0 = f.add("CUSTOM SignalOverlapAdd", [x], y, T=7, frame_step=step)
    return f.file([x], [y0])


def inverse(length: int) -> bytes:
    """Spectra as samples."""
    f = File()
    x = f.tensor("INT16", (2, length + 2))
    y = f.add("CUSTOM SignalIrfft", [x], [("INT16", (2, length))], T=7, fft_length=length)
    return f.file([x], [y])


CASES: dict[str, Callable[[], bytes]] = {
    "framer_prefill": lambda: framer((1, 160), 100, 80, True),
    "framer": lambda: framer((80,), 200, 80, False),
    "framer_two": lambda: framer((2, 64), 40, 32, False),
    "stacker": stacker,
    "stacker_all": lambda: stacker(0, 2, 3, 5),
    "overlap_add": overlapping,
    "irfft_64": lambda: inverse(64),
    "irfft_128": lambda: inverse(128),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_tensorflow_lite_micro(name: str) -> None:
    """Step after step from a reset on, before and after quantization; a result that does not hold is of no account."""
    graph = import_bytes(CASES[name](), "net")
    with np.load(VECTORS) as vectors:
        steps, expected = vectors[f"{name}_in"], vectors[f"{name}_out"]
        valid = vectors.get(f"{name}_valid")
    (x,), (y, *flag) = graph.public_inputs, graph.public_outputs
    integer = api.quantize(graph).graph
    assert len(steps) > 2 and len(np.unique(expected)) > 40 and (valid is None or set(valid) == {False, True})
    for executor in (FloatExecutor(graph), IntExecutor(integer)):
        rows = list(run_sequences(executor, [{x: step} for step in steps]))
        found = np.stack([row[y] for row in rows])
        if valid is not None:
            told = np.array([row[flag[0]].reshape(()) for row in rows])
            np.testing.assert_array_equal(told != told.min(), valid)
            found = found[valid]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: framer((70,), 100, 40, True), "frames of 100 samples every 40 do not fit 70 new ones"),
        (lambda: stacker(step=5), "are impossible"),
        (lambda: overlapping(step=41), "every 41 samples"),
        (lambda: inverse(48), "power of 2"),
    ],
)
def test_impossible_frames(data: Callable[[], bytes], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        import_bytes(data(), "net")
