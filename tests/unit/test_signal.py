"""TensorFlow Lite Micro's Signal operators in .tflite files, against what it computed (vectors/make_frontend.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from signal_file import File

from edgeq import api
from edgeq.errors import ModelError
from edgeq.frontend import Frontend
from edgeq.frontend.micro import SHARE_BITS, SMOOTHING_BITS
from edgeq.importers.tflite import import_bytes
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor

VECTORS = dict(np.load(Path(__file__).with_name("vectors") / "frontend.npz"))
SPEC = Frontend(tables="tflm")
FRAMES = np.lib.stride_tricks.sliding_window_view(VECTORS["sound"], SPEC.window)[:: SPEC.stride][:14]


def preprocessor() -> bytes:
    """From a frame of samples to int8: the steps that TensorFlow Lite Micro's audio_preprocessor_int8 has."""
    f, bands, (new, kept, least) = File(), SPEC.bands, SPEC.shares
    n, bins = SPEC.channels, SPEC.length // 2 + 1
    x = f.tensor("INT16", (1, SPEC.window))
    y = f.add("CUSTOM SignalWindow", [x, f.table(SPEC.weights)], [("INT16", (1, SPEC.window))], shift=12)
    y = f.add("RESHAPE", [y, f.table([SPEC.window], "INT32")], [("INT16", (SPEC.window,))])
    y = f.add("CUSTOM SignalFftAutoScale", [y], [("INT16", (SPEC.window,)), ("INT32", ())])
    bits = y + 1
    y = f.add("CUSTOM SignalRfft", [y], [("INT16", (2 * bins,))], T=7, fft_length=SPEC.length)
    y = f.add("CUSTOM SignalEnergy", [y], [("UINT32", (bins,))], start_index=bands.start, end_index=bands.end)
    tables = (bands.weights, bands.unweights, bands.starts, bands.firsts, bands.widths)
    y = f.add("CUSTOM SignalFilterBank", [y, *map(f.table, tables)], [("UINT64", (n,))], num_channels=n)
    y = f.add("CUSTOM SignalFilterBankSquareRoot", [y, bits], [("UINT32", (n,))])
    y = f.add(
        "CUSTOM SignalFilterBankSpectralSubtraction",
        [y],
        [("UINT32", (n,)), ("UINT32", (n,))],
        alternate_one_minus_smoothing=kept[1],
        alternate_smoothing=new[1],
        clamping=False,
        min_signal_remaining=least,
        num_channels=n,
        one_minus_smoothing=kept[0],
        smoothing=new[0],
        smoothing_bits=SMOOTHING_BITS,
        spectral_subtraction_bits=SHARE_BITS,
    )
    y = f.add("CUSTOM SignalPCAN", [y, y + 1, f.table(SPEC.gains)], [("UINT32", (n,))], snr_shift=SPEC.snr_shift)
    y = f.add(
        "CUSTOM SignalFilterBankLog",
        [y],
        [("INT16", (n,))],
        input_correction_bits=SPEC.correction_bits,
        output_scale=64,
    )
    y = f.add("CAST", [y], [("INT32", (n,))])
    for kind, number in [("MUL", 256), ("ADD", 333), ("DIV", 666), ("ADD", -128), ("MINIMUM", 127), ("MAXIMUM", -128)]:
        y = f.add(kind, [y, f.table(number, "INT32")], [("INT32", (n,))])
    y = f.add("CAST", [y], [("INT8", (n,))])
    return f.file([x], [y])


def test_samples_become_what_tensorflow_lite_micro_makes_of_them() -> None:
    """With a state, frame after frame, before and after quantization."""
    graph = import_bytes(preprocessor(), "net")
    logs = VECTORS["tflm"][: len(FRAMES)].astype(np.int64)
    expected = np.clip((logs * 256 + 333) // 666 - 128, -128, 127)
    (x,), (y,) = graph.public_inputs, graph.public_outputs
    assert len(graph.states) == 1 and len(np.unique(expected)) > 100
    steps = [{x: frame[None]} for frame in FRAMES]
    integer = api.quantize(graph).graph
    for executor in (FloatExecutor(graph), IntExecutor(integer)):
        found = np.stack([row[y].reshape(-1) for row in run_sequences(executor, steps)])
        np.testing.assert_array_equal(found, expected)


def test_a_computed_table_is_refused() -> None:
    f = File()
    x, w = f.tensor("INT16", (1, 8)), f.tensor("INT16", (8,))
    y = f.add("CUSTOM SignalWindow", [x, w], [("INT16", (1, 8))], shift=12)
    with pytest.raises(ModelError, match="its table 1 is no constant"):
        import_bytes(f.file([x, w], [y]), "net")


def test_real_numbers_are_no_samples() -> None:
    f = File()
    x = f.tensor("FLOAT32", (8,))
    y = f.add("CUSTOM SignalRfft", [x], [("INT16", (10,))], fft_length=8)
    with pytest.raises(ModelError, match="holds no whole numbers of int16"):
        import_bytes(f.file([x], [y]), "net")


@pytest.mark.parametrize("length", [3, 8, 13])
def test_a_delay_gives_what_came_before(length: int) -> None:
    """By less than a frame, by one and by more."""
    f = File()
    x = f.tensor("INT16", (2, 8))
    y = f.add("CUSTOM SignalDelay", [x], [("INT16", (2, 8))], delay_length=length)
    graph = import_bytes(f.file([x], [y]), "net")
    sound = VECTORS["sound"][:80].reshape(2, 5, 8)
    expected = np.concatenate([np.zeros((2, length), np.int16), sound.reshape(2, 40)], axis=1)[:, :40]
    steps = [{graph.public_inputs[0]: sound[:, k]} for k in range(5)]
    found = [row[graph.public_outputs[0]] for row in run_sequences(IntExecutor(api.quantize(graph).graph), steps)]
    np.testing.assert_array_equal(np.concatenate(found, axis=1), expected)
