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


def table(found: Sequence[Measured]) -> tuple[list[str], list[list[Cell]]]:
    """Heads and rows."""
    return ["model", "core", "optimize", *FIGURES], [
        [m.model, m.core, m.goal, *(m.figures[name] for name in FIGURES)] for m in found
    ]


def summary(found: Sequence[Measured]) -> tuple[list[str], list[list[Cell]]]:
    """Heads and rows of the instructions alone: a core and setting each, with a column per model."""
    models = list(dict.fromkeys(m.model for m in found))
    values = {(m.core, m.goal, m.model): m.figures["instructions"] for m in found}
    lines = list(dict.fromkeys((m.core, m.goal) for m in found))
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


def _cases(given: argparse.Namespace) -> tuple[Case, ...]:
    return examples() if given.models is None else float_models(given.models, given.data or given.models, given.only)


def _measured(jobs: Sequence[Job], at_a_time: int) -> list[Measured]:
    found = []
    for one in measure_all(jobs, at_a_time):
        found.append(one)
        print(f"{one.model} on {one.core}, {one.goal}: {one.figures}", file=sys.stderr, flush=True)
    return found


def _print(found: Sequence[Measured], changes: Sequence[Change], given: argparse.Namespace) -> None:
    if given.json:
        rows = [{"model": m.model, "core": m.core, "optimize": m.goal, **m.figures} for m in found]
        told = [{"what": c.what, "figure": c.figure, "committed": c.committed, "now": c.now} for c in changes]
        print(json.dumps({"toolchain": found[0].toolchain, "figures": rows, "changes": told}, indent=2))
    elif given.markdown:
        print(markdown(*summary(found)), markdown(*table(found)), sep="\n\n")
    else:
        show(*summary(found), title="instructions of one inference")
        show(*table(found), title=f"\n{found[0].toolchain}")


def _tell(changes: Sequence[Change], warnings: Sequence[str]) -> None:
    """What has become better or worse, and what makes that doubtful; on stderr."""
    for change in sorted(changes, key=lambda c: c.worse):
        print(f"{'WORSE' if change.worse else 'better'}  {change}", file=sys.stderr)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, compare; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        cases = _cases(given)
        jobs = [
            Job(case, core, goal, given.samples, given.toolchain)
            for case in cases
            for core in given.cores
            for goal in given.optimize
        ]
        found = _measured(jobs, given.jobs)
    except EdgeqError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    old = committed.read(given.committed)
    models, toolchain = {c.name: committed.digest(c.model) for c in cases}, committed.compiler(found[0].toolchain)
    changes = committed.compare(old, found, models)
    _print(found, changes, given)
    _tell(changes, committed.warnings(old, models, toolchain))
    if given.update:
        committed.write(committed.updated(old, found, models, toolchain), given.committed)
        return 0
    return 1 if old.toolchain == toolchain and any(change.worse for change in changes) else 0


if __name__ == "__main__":
    sys.exit(main())
