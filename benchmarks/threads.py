"""What threads gain on this computer: each model with one and with several threads, in turns.

    python -m benchmarks.threads --models FOLDER [--only ic,mobilenet_v2] [--threads 2] [--isa avx2] [--rounds 30]

The folder is that of `benchmarks.host`. Two ratios are given. That of medians by the clock is what a program sees, and
needs as many idle processors as there are threads. The other is that of the sums of every layer's least time over
several runs of the profiling program, which comes out when others are busy, too: a layer is short enough to be left
alone at times.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import edgeq
from benchmarks.host import TURN, machine, ours
from benchmarks.tables import Cell, markdown, show
from edgeq.errors import EdgeqError

MODELS = "ic,mobilenet_v2"
HEADS = ("model", "threads", "µs by the clock, median", "times one", "µs, least of all layers", "times one")


def _build(model: Path, folder: Path, threads: int, isa: str | None) -> Path:
    edgeq.build(edgeq.BuildOptions(model, "host", output=folder, isa=isa, threads=threads))
    return folder


def _inference(folder: Path) -> Callable[[], object]:
    model = edgeq.load_compiled(folder)
    inputs = [np.zeros(port["shape"], port["dtype"]) for port in model.inputs]
    return lambda: model.run_raw(*inputs)


def _turn(infer: Callable[[], object], count: int) -> float:
    """Microseconds of one inference by the clock, over `count` of them."""
    begin = time.perf_counter()
    for _ in range(count):
        infer()
    return (time.perf_counter() - begin) / count * 1e6


def medians(inferences: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The medians of inferences that take turns."""
    counts = []
    for infer in inferences:
        infer()
        counts.append(max(1, round(TURN * 1e6 / _turn(infer, 2))))
    taken = [[_turn(i, c) for i, c in zip(inferences, counts, strict=True)] for _ in range(rounds)]
    return [statistics.median(one) for one in zip(*taken, strict=True)]


def least(folder: Path, runs: int) -> float:
    """The sum of every layer's least time, in microseconds, over several runs of the profiling program."""
    every = [[float(layer["min_us"]) for layer in edgeq.profile(folder)["layers"]] for _ in range(runs)]
    return sum(map(min, zip(*every, strict=True)))


def rows(name: str, models: Path, threads: int, isa: str | None, rounds: int) -> list[list[Cell]]:
    """A row for one thread and one for several.

    Raises:
        EdgeqError: edgeq cannot build the model.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as place:
        folders = [_build(ours(models, name), Path(place) / str(n), n, isa) for n in (1, threads)]
        clock = medians([_inference(folder) for folder in folders], rounds)
        layers = [least(folder, max(1, rounds // 6)) for folder in folders]
    return [
        [name, n, f"{clock[k]:.1f}", f"{clock[0] / clock[k]:.2f}", f"{layers[k]:.1f}", f"{layers[0] / layers[k]:.2f}"]
        for k, n in enumerate((1, threads))
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", default=MODELS, help=f"names of models; a list ({MODELS})")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--isa", help="of the kernels (this machine's)")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    options = parser.parse_args(arguments)
    found: list[list[Cell]] = []
    try:
        for name in options.only.split(","):
            found += rows(name, options.models, options.threads, options.isa, options.rounds)
    except EdgeqError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    title = f"{machine()}; kernels: {options.isa or 'native'}"
    if options.markdown:
        print(f"{title}\n\n{markdown(HEADS, found)}")
    else:
        show(HEADS, found, title=title)
    return 0


if __name__ == "__main__":
    sys.exit(main())
