"""Whether generated programs equal the simulator bit for bit: every model × numerics × target.

    python -m benchmarks.matrix [MODEL …] [--data FOLDER] [--targets …] [--numerics …] [--samples N]

Models are files such as kws_float.onnx, whose data are kws_calib.npz and kws_eval.npz in FOLDER; by default those of
the examples. Ends with exit code 1 where a sample differs, or where a program cannot be built or run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import edgeq
from benchmarks.cases import Case, case_of, examples, quantized
from benchmarks.cores import CORES, listed
from benchmarks.tables import markdown, show
from edgeq.errors import EdgeqError
from edgeq.ir.kernel import GOALS, Goal
from edgeq.numerics.fixedpoint import Numerics

MODEL = "model"
"""Stands for the numerics that a model was made for."""
NUMERICS = (MODEL, *(n.value for n in Numerics))


@dataclass(frozen=True)
class Row:
    """A model in one arithmetic: quantized once and built for all targets."""

    case: Case
    numerics: str
    targets: tuple[str, ...]
    samples: int
    goal: Goal
    toolchain: str | None = None


@dataclass(frozen=True)
class Cell:
    """The result of a row on one target.

    Attributes:
        model, numerics, target, optimize: what was built; the numerics that it was really built with.
        samples: how many were compared; 0 where there was an error.
        mismatches: how many of them differ from the simulator.
        error: why it could not be built or run, or an empty text.
    """

    model: str
    numerics: str
    target: str
    optimize: str
    samples: int
    mismatches: int
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether it ran and everything is equal."""
        return not self.error and self.mismatches == 0

    def __str__(self) -> str:
        return f"error: {self.error}" if self.error else f"{self.mismatches} of {self.samples}"


def check(row: Row) -> list[Cell]:
    """Build, run and compare a row on each of its targets."""
    return [_check(row, target) for target in row.targets]


def _check(row: Row, target: str) -> Cell:
    numerics = None if row.numerics == MODEL else Numerics(row.numerics)
    name = row.numerics
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        options = edgeq.BuildOptions(
            row.case.model, target, output=Path(folder) / "out", optimize=row.goal, toolchain=row.toolchain
        )
        try:
            model = quantized(row.case, numerics)
            name = model.graph.numerics.value if model.graph.numerics else name
            edgeq.build(options, model=model)
            result = edgeq.verify(options.folder, row.case.evaluation, row.samples)
        except EdgeqError as error:
            return Cell(row.case.name, name, target, row.goal, 0, 0, str(error).splitlines()[0])
    return Cell(row.case.name, name, target, row.goal, result["samples"], result["mismatches"])


def run(rows: Sequence[Row], jobs: int) -> Iterator[list[Cell]]:
    """`check` every row, `jobs` at a time, in order."""
    if jobs == 1:
        yield from map(check, rows)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(check, rows)


def table(cells: Iterable[Cell]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: a row for each model in one arithmetic, a column for each target."""
    cells = list(cells)
    targets = list(dict.fromkeys(cell.target for cell in cells))
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for cell in cells:
        lines.setdefault((cell.model, cell.numerics, cell.optimize), {})[cell.target] = str(cell)
    return ["model", "numerics", "optimize", *targets], [
        [*key, *(by_target.get(target, "") for target in targets)] for key, by_target in lines.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument("--data", type=Path, default=Path(), help="folder with the models' data")
    parser.add_argument("--targets", type=listed(CORES), default=CORES, help="a list, or all (all)")
    parser.add_argument(
        "--numerics", type=listed(NUMERICS), default=(MODEL,), help="a list, or all (model: what it was made for)"
    )
    parser.add_argument("--optimize", type=listed(GOALS), default=("balanced",), help="a list, or all")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--toolchain", choices=("gcc", "zig"), help="default: the first that is found")
    parser.add_argument("--jobs", type=int, default=1, help="how many models are built at a time")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    options = parser.parse_args(arguments)
    try:
        cases = [case_of(model, options.data) for model in options.models] or list(examples())
    except EdgeqError as error:
        parser.error(f"{error.where}: {error.message}")
    modes = NUMERICS[1:] if options.numerics == NUMERICS else options.numerics
    rows = [
        Row(case, mode, options.targets, options.samples, goal, options.toolchain)
        for case in cases
        for mode in modes
        for goal in options.optimize
    ]
    cells: list[Cell] = []
    for finished in run(rows, options.jobs):
        cells += finished
        for cell in finished:
            print(f"{cell.model} {cell.numerics} {cell.optimize} {cell.target}: {cell}", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"cells": [asdict(cell) for cell in cells]}, indent=2))
    elif options.markdown:
        print(markdown(*table(cells)))
    else:
        show(*table(cells))
    return 0 if all(cell.good for cell in cells) else 1


if __name__ == "__main__":
    sys.exit(main())
