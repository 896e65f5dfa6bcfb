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
"""instructions of one inference; flash, of which kernels; arena; stack. Bytes but the first."""


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
    """Figures of a model on a core, and the compiler's own word for what it is."""

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
        made = edgeq.build(options, model=quantized(job.case))
        found = edgeq.verify(options.folder, job.case.evaluation, job.samples)
        if found["mismatches"]:
            raise MismatchError(
                f"{found['mismatches']} of {found['samples']} samples differ from the simulator",
                where=f"{job.case.name} on {job.core}, {job.goal}",
            )
        cost = edgeq.profile(options.folder)
    figures = {
        "instructions": cost["total"],
        "flash": made["flash_bytes"],
        "kernels": made["memory"]["kernels"],
        "arena": made["arena_bytes"],
        "stack": made["stack_bytes"],
    }
    return Measured(job.case.name, job.core, job.goal, figures, made["toolchain"])


def measure_all(jobs: Sequence[Job], at_a_time: int) -> Iterator[Measured]:
    """`measure` every job, in order."""
    if at_a_time == 1:
        yield from map(measure, jobs)
        return
    with ProcessPoolExecutor(at_a_time) as pool:
        yield from pool.map(measure, jobs)
