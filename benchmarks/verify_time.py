"""How many samples a second `edgeq verify` does, and the processor time of the simulator and of the float model.

    edgeq build network.onnx --target host --output build
    python -m benchmarks.verify_time build --samples 100

The time of `verify` is by the clock, without that of its start; times of the two executors are this thread's own
processor time, the least of several batches, since others may be busy on the machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import edgeq
from edgeq.api.check import Built
from edgeq.api.threads import one_thread
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import FloatExecutor, IntExecutor

BATCHES = 10


def _least(call: Callable[[], object]) -> float:
    """The least processor time of several calls after a first one."""
    call()
    taken = []
    for _ in range(BATCHES):
        begin = time.thread_time()
        call()
        taken.append(time.thread_time() - begin)
    return min(taken)


def executors(folder: Path) -> tuple[float, float]:
    """Seconds of processor time of one sample: of the integer simulator, and of the float model."""
    built = Built.read(folder)
    integers, floats = IntExecutor(built.graph), FloatExecutor(built.float_graph)
    reals = list(built.random(integers.batch))
    samples = [quantize_inputs(built.graph, sample) for sample in reals]
    with one_thread():
        both = _least(lambda: integers.outputs(samples)), _least(lambda: floats.outputs(reals))
    return both[0] / len(reals), both[1] / len(reals)


def rate(folder: Path, samples: int) -> float:
    """Samples a second of `edgeq.verify`."""
    taken = []
    for count in (1, samples + 1):
        begin = time.perf_counter()
        edgeq.verify(folder, samples=count)
        taken.append(time.perf_counter() - begin)
    return samples / (taken[1] - taken[0])


def main() -> None:
    """Print all three."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="a build folder for this machine")
    parser.add_argument("--samples", type=int, default=100)
    arguments = parser.parse_args()
    integer, real = (1e3 * seconds for seconds in executors(arguments.folder))
    print(f"simulator {integer:.1f} ms a sample, float model {real:.1f} ms")
    print(f"verify {rate(arguments.folder, arguments.samples):.1f} samples/s")


if __name__ == "__main__":
    main()
