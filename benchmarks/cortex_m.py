"""Instructions, flash, arena and stack of models on every Cortex-M core, and whether they are worse than they were.

    python -m benchmarks.cortex_m [--models FOLDER --data FOLDER] [--optimize all] [--update]

Without folders the examples' models are measured, with them kws, vww, ic and ad (README.md). Every program is verified
against the simulator first. Ends with exit code 1 where a figure is more than 2 % worse than that in cortex_m.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import committed
from benchmarks.cases import MLPERF_TINY, Case, examples, float_models
from benchmarks.committed import Change
from benchmarks.cores import CORES, listed
from benchmarks.measure import Job, Measured, measure_all
from benchmarks.tables import Cell, markdown, show
from edgeq.errors import EdgeqError
from edgeq.ir.kernel import GOALS

FIGURES = ("instructions", "flash", "kernels", "arena", "stack")


def table(measured: Sequence[Measured]) -> tuple[list[str], list[list[Cell]]]:
    """Heads and rows."""
    return ["model", "core", "optimize", *FIGURES], [
        [m.model, m.core, m.goal, *(m.figures[name] for name in FIGURES)] for m in measured
    ]


def summary(measured: Sequence[Measured]) -> tuple[list[str], list[list[Cell]]]:
    """Heads and rows of the instructions alone: a row for each core and setting, a column for each model."""
    models = list(dict.fromkeys(m.model for m in measured))
    values = {(m.core, m.goal, m.model): m.figures["instructions"] for m in measured}
    lines = list(dict.fromkeys((m.core, m.goal) for m in measured))
    return ["core", "optimize", *models], [[*line, *(values.get((*line, m), "") for m in models)] for line in lines]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="has kws_float.onnx, vww_float.onnx …")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="has kws_calib.npz, kws_eval.npz …")
    parser.add_argument("--only", type=listed(MLPERF_TINY), default=MLPERF_TINY, help="of the folder's models; a list")
    parser.add_argument("--cores", type=listed(CORES), default=CORES, help="a list, or all (all)")
    parser.add_argument("--optimize", type=listed(GOALS), default=("balanced",), help="a list, or all (balanced)")
    parser.add_argument("--samples", type=int, default=10, help="compared with the simulator (10)")
    parser.add_argument("--toolchain", choices=("gcc", "zig"), help="default: the first that is found")
    parser.add_argument("--jobs", type=int, default=1, help="how many programs are built and measured at a time")
    parser.add_argument(
        "--committed", type=Path, default=committed.FILE, metavar="FILE", help="in place of cortex_m.json"
    )
    parser.add_argument("--update", action="store_true", help="write the figures to that file, whatever they are")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--markdown", action="store_true", help="print the tables in Markdown")
    return parser


def _cases(options: argparse.Namespace) -> tuple[Case, ...]:
    if options.models is None:
        return examples()
    return float_models(options.models, options.data or options.models, options.only)


def _measured(jobs: Sequence[Job], at_a_time: int) -> list[Measured]:
    measured = []
    for program in measure_all(jobs, at_a_time):
        measured.append(program)
        print(f"{program.model} on {program.core}, {program.goal}: {program.figures}", file=sys.stderr, flush=True)
    return measured


def _print(measured: Sequence[Measured], changes: Sequence[Change], options: argparse.Namespace) -> None:
    if options.json:
        rows = [{"model": m.model, "core": m.core, "optimize": m.goal, **m.figures} for m in measured]
        comparisons = [{"what": c.what, "figure": c.figure, "committed": c.committed, "now": c.now} for c in changes]
        print(json.dumps({"toolchain": measured[0].toolchain, "figures": rows, "changes": comparisons}, indent=2))
    elif options.markdown:
        print(markdown(*summary(measured)), markdown(*table(measured)), sep="\n\n")
    else:
        show(*summary(measured), title="instructions of one inference")
        show(*table(measured), title=f"\n{measured[0].toolchain}")


def _print_changes(changes: Sequence[Change], warnings: Sequence[str]) -> None:
    """Report on stderr what has become better or worse, and what makes that doubtful."""
    for change in sorted(changes, key=lambda c: c.worse):
        print(f"{'WORSE' if change.worse else 'better'}  {change}", file=sys.stderr)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, compare; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        cases = _cases(options)
        jobs = [
            Job(case, core, goal, options.samples, options.toolchain)
            for case in cases
            for core in options.cores
            for goal in options.optimize
        ]
        measured = _measured(jobs, options.jobs)
    except EdgeqError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    old = committed.read(options.committed)
    models, toolchain = {c.name: committed.digest(c.model) for c in cases}, committed.compiler(measured[0].toolchain)
    changes = committed.compare(old, measured, models)
    _print(measured, changes, options)
    _print_changes(changes, committed.warnings(old, models, toolchain))
    if options.update:
        committed.write(committed.updated(old, measured, models, toolchain), options.committed)
        return 0
    return 1 if old.toolchain == toolchain and any(change.worse for change in changes) else 0


if __name__ == "__main__":
    sys.exit(main())
