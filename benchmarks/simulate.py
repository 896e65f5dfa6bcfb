"""Many random inputs through one model with the kernels of several cores: whether every bit is the same.

    python -m benchmarks.simulate ../models/kws_float.onnx --calibration ../data/kws_calib.npz --inputs 100000

The kernels of Cortex-M4 and M55 run on this machine, their instructions as C (`edgeq build --simulate`), beside those
of the host; a few of the inputs also go through the simulator. Inputs are uniform, or of the least and the greatest
number alone, or near one number.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import edgeq
from edgeq.api.check import Built
from edgeq.api.project import BuildOptions
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.runners.program import run as run_program
from edgeq.simulator import run_int

CORES = (None, "cortex-m4", "cortex-m55")
PART = 2000
"""Inputs of one start of the programs."""
CHECKED = 2
"""Of each part, how many the simulator computes, too."""


def parts(graph: Graph, count: int, seed: int) -> Iterator[dict[str, Array]]:
    """Random inputs of an integer graph, `PART` at a time."""
    rng = np.random.default_rng(seed)
    for index in range(0, count, PART):
        size, values = min(PART, count - index), {}
        for name in graph.public_inputs:
            type = graph.type(name)
            low, high = type.dtype.range
            drawn = rng.integers(low, high, (size, *type.shape), endpoint=True)
            extreme = rng.choice([low, high], drawn.shape)
            narrow = np.clip(rng.normal(rng.uniform(low, high), 12, drawn.shape).round(), low, high)
            kind = rng.integers(3, size=(size, *[1] * len(type.shape)))
            mixed = np.where(kind == 0, drawn, np.where(kind == 1, extreme, narrow))
            values[name] = mixed.astype(type.dtype.numpy).reshape(size * type.shape[0], *type.shape[1:])
        yield values


def differences(builds: Sequence[Built], values: Mapping[str, Array]) -> tuple[int, int]:
    """How many inputs went through all builds, and of how many a bit differs somewhere."""
    graph = builds[0].graph
    arrays = [values[name] for name in graph.public_inputs]
    first, *others = [run_program(built.program, arrays) for built in builds]
    batch = graph.type(graph.public_inputs[0]).shape[0]
    size = len(arrays[0]) // batch
    same = np.ones(size, bool)
    for results in others:
        for one, other in zip(first, results, strict=True):
            same &= (one.reshape(size, -1) == other.reshape(size, -1)).all(axis=1)
    for index in range(min(CHECKED, size)):
        wanted = run_int(
            graph, {name: values[name][index * batch : (index + 1) * batch] for name in graph.public_inputs}
        )
        for name, result in zip(graph.public_outputs, first, strict=True):
            same[index] &= np.array_equal(result.reshape(size, -1)[index], wanted[name].ravel())
    return size, int((~same).sum())


def main() -> int:
    """The command; 1 if any bit differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        builds = []
        for core in CORES:
            place = Path(folder) / (core or "host")
            edgeq.build(BuildOptions(options.model, "host", options.calibration, place, simulate=core, name="model"))
            builds.append(Built.read(place))
        done, different, begun = 0, 0, time.monotonic()
        with ThreadPoolExecutor(options.jobs) as pool:  # the programs run in processes of their own
            inputs = parts(builds[0].graph, options.inputs, options.seed)
            for size, wrong in pool.map(lambda values: differences(builds, values), inputs):
                done, different = done + size, different + wrong
                print(f"{done} inputs, {different} different, {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
