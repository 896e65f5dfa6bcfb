"""What calling a compiled model from Python costs beyond the C function.

    edgeq build examples/digits/digits.onnx --calibration … --target host --output build
    python -m benchmarks.python_call build [MODEL]

Times of `run_raw` and of the bare call of the same C function, in turn; of each the least of many short times, since
others may be busy on the machine. The goal is two microseconds.
"""

from __future__ import annotations

import argparse
import timeit
from pathlib import Path

import numpy as np

import edgeq

ROUNDS, REPEATS, CALLS = 10, 500, 20


def measure(folder: Path, name: str | None) -> tuple[float, float]:
    """Least times of `run_raw` and of the bare call, in seconds."""
    model = edgeq.load_compiled(folder, name)
    inputs = [np.zeros(port["shape"], port["dtype"]) for port in model.inputs]
    before, after, _ = model._memory.slot
    call, pointers = model._call, (*before, *(x.ctypes.data for x in inputs), *after)
    whole, alone = float("inf"), float("inf")
    for _ in range(ROUNDS):
        whole = min(whole, *timeit.repeat(lambda: model.run_raw(*inputs), number=CALLS, repeat=REPEATS))
        alone = min(alone, *timeit.repeat(lambda: call(*pointers), number=CALLS, repeat=REPEATS))
    return whole / CALLS, alone / CALLS


def main() -> None:
    """Print both times and their difference, in microseconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="a build folder for this machine")
    parser.add_argument("model", nargs="?", help="which of several models")
    arguments = parser.parse_args()
    whole, alone = (1e6 * seconds for seconds in measure(arguments.folder, arguments.model))
    print(f"run_raw {whole:.2f} µs, the C function alone {alone:.2f} µs: {whole - alone:.2f} µs for Python")


if __name__ == "__main__":
    main()
