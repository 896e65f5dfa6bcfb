"""Makes frontend.npz: sound, and features of it as the reference implementations compute them.

Needs `pip install tflite-micro pymicro-features`, and TensorFlow Lite Micro's audio_preprocessor_int8.tflite:

    python make_frontend.py audio_preprocessor_int8.tflite
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tflite
from pymicro_features import MicroFrontend
from tflite_micro.python.tflite_micro import runtime

WINDOW, STRIDE = 480, 320


def sound() -> np.ndarray:
    """0.6 s of tones that rise and fade, with noise between them, and a click that fills 16 bits."""
    rng, t = np.random.default_rng(8), np.arange(9600) / 16000
    tones = sum(np.sin(2 * np.pi * (180 * k * t + 90 * k * t**2)) / k for k in range(1, 9))
    loudness = 6000 * np.abs(np.sin(2 * np.pi * 2.2 * t)) ** 3
    wave = tones * loudness + rng.normal(0, 25, len(t))
    wave[7000:7060] = 40000 * np.sign(rng.normal(size=60))
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def tflm(path: str, x: np.ndarray) -> np.ndarray:
    """The logarithms that TensorFlow Lite Micro computes, (frames, 40)."""
    data = Path(path).read_bytes()
    model = tflite.Model.GetRootAs(data, 0)
    graph, found = model.Subgraphs(0), 0
    for index in range(graph.OperatorsLength()):
        op = graph.Operators(index)
        if model.OperatorCodes(op.OpcodeIndex()).CustomCode() == b"SignalFilterBankLog":
            found = int(op.Outputs(0))
    keep = runtime.InterpreterConfig.kPreserveAllTensors
    interpreter, rows = runtime.Interpreter.from_bytes(data, intrepreter_config=keep, arena_size=400_000), []
    for first in range(0, len(x) - WINDOW + 1, STRIDE):
        interpreter.set_input(x[None, first : first + WINDOW], 0)
        interpreter.invoke()
        rows.append(np.array(interpreter.GetTensor(found, 0)["tensor_data"]))
    return np.array(rows)


def micro_frontend(x: np.ndarray) -> np.ndarray:
    """What the micro front end computes in C, a frame every 10 ms, (frames, 40) of logarithms."""
    frontend, rows, rest = MicroFrontend(), [], x.tobytes()
    while rest:
        result = frontend.process_samples(rest[:320])
        if result.samples_read == 0:
            break
        rest = rest[2 * result.samples_read :]
        if result.features:
            rows.append(np.rint(np.array(result.features) * 25.6))
    return np.array(rows, np.int16)


if __name__ == "__main__":
    x = sound()
    place = Path(__file__).with_name("frontend.npz")
    np.savez_compressed(place, sound=x, tflm=tflm(sys.argv[1], x), micro_frontend=micro_frontend(x))
