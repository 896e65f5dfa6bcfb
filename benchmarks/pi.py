"""Instructions of models on every Raspberry Pi, in QEMU's user emulator.

    python -m benchmarks.pi [--models FOLDER --data FOLDER] [--only kws,ad] [--targets rpi4,rpi5] [--layers]
    python -m benchmarks.pi --cycles

Without folders the examples' models are measured, with them kws, vww, ic and ad (README.md). Every program is compared
with the simulator first. With --cycles nothing is run: llvm-mca tells the cycles of the inner loops of matrix products.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import edgeq
from benchmarks.cases import MLPERF_TINY, Case, examples, float_models, quantized
from benchmarks.cores import listed
from benchmarks.instructions import Counts, count
from benchmarks.loops import LOOPS, cycles_per_product
from benchmarks.tables import Cell, markdown, show
from edgeq.api.check import Built
from edgeq.errors import EdgeqError, MismatchError
from edgeq.target import list_targets

TARGETS = tuple(t.name for t in list_targets() if t.name.startswith("rpi"))


def measure(case: Case, target: str, samples: int) -> tuple[Counts, list[str]]:
    """Build, compare and count.

    Returns:
        What an inference costs, and each layer's operator and kernel.

    Raises:
        MismatchError: a sample differs from the simulator.
        EdgeqError: it cannot be built or run.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        options = edgeq.BuildOptions(case.model, target, output=Path(name) / "out")
        edgeq.build(options, model=quantized(case))
        comparison = edgeq.verify(options.folder, case.evaluation, samples)
        if comparison["mismatches"]:
            raise MismatchError(
                f"{comparison['mismatches']} of {comparison['samples']} samples differ from the simulator",
                where=f"{case.name} on {target}",
            )
        built = Built.read(options.folder)
        inputs = built.integers(built.random(1))
        counts = count(built.program.path, f"{built.manifest['name']}_run", built.program.target, inputs)
        return counts, [f"{layer['op']} {layer['kernel']}" for layer in built.manifest["layers"] if layer["kernel"]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="has kws_float.onnx, vww_float.onnx …")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="has kws_calib.npz, kws_eval.npz …")
    parser.add_argument("--only", type=listed(MLPERF_TINY), default=MLPERF_TINY, help="of the folder's models; a list")
    parser.add_argument("--targets", type=listed(TARGETS), default=TARGETS, help="a list, or all (all)")
    parser.add_argument("--samples", type=int, default=10, help="compared with the simulator (10)")
    parser.add_argument("--layers", action="store_true", help="show each layer's instructions as well")
    parser.add_argument(
        "--cycles", action="store_true", help="cycles per product of inner loops, by llvm-mca, and no more"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.cycles:
            loops = [[name, f"{cycles_per_product(name):.3f}"] for name in LOOPS]
            show(["target", "cycles per product"], loops, title="inner loop of matrix products")
            return 0
        folder = options.models
        cases = float_models(folder, options.data or folder, options.only) if folder else examples()
        rows: list[list[Cell]] = []
        for target in options.targets:
            row: list[Cell] = [target]
            for case in cases:
                counts, layers = measure(case, target, options.samples)
                row.append(counts.total)
                print(f"{case.name} on {target}: {counts.total:,}", file=sys.stderr, flush=True)
                if options.layers:
                    show(["layer", "instructions"], list(zip(layers, counts.calls, strict=False)))
            rows.append(row)
    except EdgeqError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    heads = ["target", *(case.name for case in cases)]
    if options.markdown:
        print(markdown(heads, rows))
    else:
        show(heads, rows, title="instructions of one inference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
