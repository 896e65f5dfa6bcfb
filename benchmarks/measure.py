"""Builds a model for a core, verifies it and takes its figures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import edgeq
from benchmarks.cases import Case, quantized
from edgeq.errors import MismatchError
from edgeq.ir.kernel import Goal

Figures = dict[str, int]
"""Instructions of one inference; flash, and how much of it is kernels; arena; stack. All but the first in bytes."""


@dataclass(frozen=True)
class Job:
    """What is built and measured."""

    case: Case
    core: str
    goal: Goal
    samples: int
    toolchain: str | None = None


@dataclass(frozen=True)
class Measured:
    """Figures of a model on a core, and the compiler's name and version as it prints them."""

    model: str
    core: str
    goal: Goal
    figures: Figures
    toolchain: str


def measure(job: Job) -> Measured:
    """Build, verify and profile.

    Raises:
        MismatchError: a sample differs from the simulator.
        EdgeqError: it cannot be built or run.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        options = edgeq.BuildOptions(
            job.case.model, job.core, output=Path(folder) / "out", optimize=job.goal, toolchain=job.toolchain
        )
        manifest = edgeq.build(options, model=quantized(job.case))
        comparison = edgeq.verify(options.folder, job.case.evaluation, job.samples)
        if comparison["mismatches"]:
            raise MismatchError(
                f"{comparison['mismatches']} of {comparison['samples']} samples differ from the simulator",
                where=f"{job.case.name} on {job.core}, {job.goal}",
            )
        cost = edgeq.profile(options.folder)
    figures = {
        "instructions": cost["total"],
        "flash": manifest["flash_bytes"],
        "kernels": manifest["memory"]["kernels"],
        "arena": manifest["arena_bytes"],
        "stack": manifest["stack_bytes"],
    }
    return Measured(job.case.name, job.core, job.goal, figures, manifest["toolchain"])


def measure_all(jobs: Sequence[Job], at_a_time: int) -> Iterator[Measured]:
    """`measure` every job, in order."""
    if at_a_time == 1:
        yield from map(measure, jobs)
        return
    with ProcessPoolExecutor(at_a_time) as pool:
        yield from pool.map(measure, jobs)
