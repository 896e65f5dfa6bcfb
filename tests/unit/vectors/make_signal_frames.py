"""Makes signal_frames.npz: what TensorFlow Lite Micro computes of random samples with test_signal_frames.py's files.

Needs `pip install tflite-micro`, and the tests' folders in PYTHONPATH.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from test_signal_frames import CASES
from tflite_micro.python.tflite_micro import runtime

FLAGGED = ("framer", "framer_two", "stacker", "stacker_all")
"""Those that say whether their results hold."""

if __name__ == "__main__":
    rng, found = np.random.default_rng(5), {}
    for name, data in CASES.items():
        interpreter = runtime.Interpreter.from_bytes(data())
        shape = interpreter.get_input_details(0)["shape"]
        steps = rng.normal(0, 9000, (12, *shape)).clip(-32768, 32767).astype(np.int16)
        outputs, valid = [], []
        for step in steps:
            interpreter.set_input(step, 0)
            interpreter.invoke()
            if name in FLAGGED:
                valid.append(bool(interpreter.get_output(1)))
            if name not in FLAGGED or valid[-1]:
                outputs.append(np.array(interpreter.get_output(0)))
        found[f"{name}_in"], found[f"{name}_out"] = steps, np.stack(outputs)
        if valid:
            found[f"{name}_valid"] = np.array(valid)
    np.savez_compressed(Path(__file__).with_name("signal_frames.npz"), **found)
