"""Programs for microcontrollers in Unicorn, which pip installs: files and words by semihosting."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from edgeq.errors import ToolError
from edgeq.runners.fault import reported_fault
from edgeq.runners.runner import Capability, Job, Requirement, Runner
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished
from edgeq.toolchain.process import run as run_process

PACKAGE = "unicorn"
MACHINE = Path(__file__).with_name("unicorn_machine.py")
_START = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
"""Neither the machine's folder nor edgeq need be where Python looks for modules."""
INSTALL = "pip install edgeq[emulator]"


def _requires(spec: RunnerSpec) -> tuple[Requirement, ...]:
    return (Requirement(PACKAGE, INSTALL),)


def _installed(spec: RunnerSpec) -> bool:
    return importlib.util.find_spec(PACKAGE) is not None


def _run(job: Job, spec: RunnerSpec) -> Finished:
    if not _installed(spec):
        raise ToolError(f"{PACKAGE} is not installed", hint=INSTALL)
    if job.console in ("uart", "rtt"):
        raise ToolError("this emulator has no serial lines", hint="build with --console semihosting, or install QEMU")
    told = {
        "program": str(job.program),
        "words": job.words,
        "memory": {str(address): str(path) for address, path in job.memory.items()},
        "core": spec.text("core"),
        "clock_hz": job.clock_hz,
        "counting": job.counting,
    }
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        file = Path(folder) / "job.json"
        file.write_text(json.dumps(told), encoding="utf-8")
        command: list[str | Path] = [sys.executable, "-c", _START, MACHINE, file]
        return run_process(command, cwd=job.folder, timeout=job.timeout, check=False)


RUNNER = Runner(
    "unicorn",
    frozenset(Capability),
    _requires,
    _run,
    fault=reported_fault,
    emulates=True,
    installed=_installed,
)
