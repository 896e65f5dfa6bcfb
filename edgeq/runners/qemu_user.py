"""Linux programs for another processor, in QEMU's user emulator: files and system calls are this machine's."""

from __future__ import annotations

from pathlib import Path

from edgeq.packages import install_command
from edgeq.runners.runner import Job, Requirement, Runner
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished
from edgeq.toolchain.process import run as run_process


def _requires(spec: RunnerSpec) -> tuple[Requirement, ...]:
    return (Requirement(spec.text("program"), install_command(spec.text("package"))),)


def _run(job: Job, spec: RunnerSpec) -> Finished:
    (emulator,) = _requires(spec)
    command: list[str | Path] = [emulator.program, "-cpu", spec.text("cpu"), job.program, *job.words]
    return run_process(command, cwd=job.folder, timeout=job.timeout, install=emulator.install, check=False)


RUNNER = Runner("qemu-user", frozenset(), _requires, _run, emulates=True)
