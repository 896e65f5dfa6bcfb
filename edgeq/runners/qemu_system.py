"""Programs for microcontrollers in QEMU's system emulator: files and words by semihosting, or asked over its UART."""

from __future__ import annotations

from edgeq.link.stream import ProgramStream
from edgeq.packages import install_command
from edgeq.runners.fault import reported_fault
from edgeq.runners.runner import Capability, Job, Requirement, Runner
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished
from edgeq.toolchain.process import run as run_process

_QUIET = ("-display", "none", "-monitor", "none", "-parallel", "none")
_COUNTING = ("-icount", "shift=0")
"""Every instruction takes one nanosecond of the emulated machine's time."""


def command(job: Job, spec: RunnerSpec) -> list[str]:
    """The command that runs a job on the machine that a target names."""
    words = [spec.text("program"), "-machine", spec.text("machine"), *spec.texts("args"), *_QUIET]
    words += _COUNTING if job.counting else ()
    for address, path in sorted(job.memory.items()):
        name = str(path).replace(",", ",,")  # a comma within a value
        words += ["-device", f"loader,file={name},addr={address:#x},force-raw=on"]
    if job.console == "uart":
        return [*words, "-serial", "stdio", "-kernel", str(job.program)]
    arguments = ",".join(f"arg={word}" for word in ("edgeq", *job.words))
    words += ["-serial", "none", "-semihosting-config", f"enable=on,target=native,{arguments}"]
    return [*words, "-kernel", str(job.program)]


def _requires(spec: RunnerSpec) -> tuple[Requirement, ...]:
    return (Requirement(spec.text("program"), install_command(spec.text("package"))),)


def _run(job: Job, spec: RunnerSpec) -> Finished:
    (emulator,) = _requires(spec)
    if job.console == "uart":
        from edgeq.runners.by_link import ask  # with numpy, which takes a time of its own to import

        return ask(job, ProgramStream(command(job, spec), emulator.program, emulator.install, grace=0.0))
    return run_process(command(job, spec), cwd=job.folder, timeout=job.timeout, install=emulator.install, check=False)


RUNNER = Runner("qemu-system", frozenset(Capability), _requires, _run, fault=reported_fault, emulates=True)
