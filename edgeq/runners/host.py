"""Programs for this machine, or one of its kind."""

from __future__ import annotations

from edgeq.runners.runner import Job, Requirement, Runner
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished
from edgeq.toolchain.process import run as run_process


def _requires(spec: RunnerSpec) -> tuple[Requirement, ...]:
    return ()


def _run(job: Job, spec: RunnerSpec) -> Finished:
    return run_process([job.program, *job.words], cwd=job.folder, timeout=job.timeout, check=False)


RUNNER = Runner("host", frozenset(), _requires, _run, direct=True)
