"""The runners there are, and which of them runs a target's programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from edgeq.errors import ToolError
from edgeq.runners import host, qemu_system, qemu_user, serial, ssh, unicorn_system
from edgeq.runners.runner import Capability, Fault, Job, Requirement, Runner
from edgeq.target import RunnerSpec, Target
from edgeq.toolchain.process import Finished

RUNNERS: Mapping[str, Runner] = {
    runner.kind: runner
    for runner in (host.RUNNER, qemu_user.RUNNER, qemu_system.RUNNER, unicorn_system.RUNNER, serial.RUNNER, ssh.RUNNER)
}


@dataclass(frozen=True)
class Way:
    """A runner, and what a target says about it."""

    runner: Runner
    spec: RunnerSpec

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The programs that it calls."""
        return self.runner.requires(self.spec)

    def run(self, job: Job) -> Finished:
        """Run a job to its end.

        Raises:
            ToolError: what runs it is missing, or it took too long.
        """
        return self.runner.run(job, self.spec)

    def fault(self, job: Job, finished: Finished) -> Fault | None:
        """The fault that a finished job reported, if there is one."""
        return self.runner.fault(job, finished)


def ways(target: Target) -> tuple[Way, ...]:
    """All ways to run a target's programs, in the order in which they are tried."""
    every = (Way(RUNNERS[spec.kind], spec) for spec in target.runners)
    return tuple(way for way in every if target.here or not way.runner.direct)


def way_to_run(target: Target, needed: Collection[Capability] = ()) -> Way:
    """The first way to run a target's programs that can do what is needed and is installed; else the first of all.

    Raises:
        ToolError: there is none.
    """
    capable = [way for way in ways(target) if way.runner.capabilities.issuperset(needed)]
    if capable:
        return next((way for way in capable if way.runner.is_installed(way.spec)), capable[0])
    what = " and ".join(c.value for c in Capability if c in needed) if target.runners else ""
    raise ToolError(
        f"there is no runner for {target.name}{f' that {what}' if what else ''}",
        hint=f"take the folder's program to the machine yourself, or add a table [runner.KIND] to the target's file; "
        f"the runners are {', '.join(RUNNERS)}",
    )
