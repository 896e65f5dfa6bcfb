"""What a runner is: one way in which programs of a target are run from this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished


class Capability(Enum):
    """What not every runner can do, in words that follow "a runner that"."""

    COUNTS_INSTRUCTIONS = "counts instructions"
    WATCHES_STACK = "tells how deep the stack gets"
    PRELOADS_MEMORY = "has files in memory before a program starts"


@dataclass(frozen=True, order=True)
class Requirement:
    """A program that a runner calls, and the command that installs it."""

    program: str
    install: str


@dataclass(frozen=True)
class Job:
    """One start of a program.

    Attributes:
        program: the linked program.
        words: its arguments (which must not hold commas or spaces).
        folder: where it runs, and finds the files that its arguments name.
        timeout: seconds after which it is ended.
        counting: whether its clock must count instructions exactly, which may be slower.
        memory: files that are in memory before it starts, by address.
        console: what the program talks through (`Target.console`); with "uart" it takes no words but is asked.
        identity: of the model, as the manifest has it; empty where that is not known.
        patience: seconds that one inference may take.
        progress: called with how many inferences are done and how many there are, where that can be told.
        clock_hz: rate of the target's timer.
        machines: those that it is for, as `uname -m` calls them.
    """

    program: Path
    words: tuple[str, ...] = ()
    folder: Path = Path()
    timeout: float = 600.0
    counting: bool = False
    memory: Mapping[int, Path] = field(default_factory=dict)
    console: str = ""
    identity: str = ""
    patience: float = 60.0
    progress: Callable[[int, int], None] | None = None
    clock_hz: int = 0
    machines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Why a program was stopped by its processor.

    Attributes:
        cause: in words.
        function: the function in which it was stopped, or an empty string.
        registers: what the registers held.
    """

    cause: str
    function: str
    registers: str


def no_faults(job: Job, finished: Finished) -> Fault | None:
    """The `fault` of a runner whose programs do not report faults."""
    return None


@dataclass(frozen=True)
class Runner:
    """A row of the table of runners.

    Attributes:
        kind: its name in targets' files; `edgeq.target.runners` says what they hold about it.
        capabilities: what it can do beyond running programs.
        requires: the programs that it calls, given what a target says about it.
        run: runs a job to its end. Raises ToolError if the program cannot be started, or takes too long.
        direct: whether this machine itself runs the programs, which must then be for machines of its kind.
        fault: the fault that a finished program reported, if there is one.
        emulates: whether the time that passes for a program is not that of the machine that it is for.
        loads: whether the program is taken from its file; else it is where it runs already.
        installed: whether what it requires is there; by default whether its programs are.
    """

    kind: str
    capabilities: frozenset[Capability]
    requires: Callable[[RunnerSpec], tuple[Requirement, ...]]
    run: Callable[[Job, RunnerSpec], Finished]
    direct: bool = False
    fault: Callable[[Job, Finished], Fault | None] = no_faults
    emulates: bool = False
    loads: bool = True
    installed: Callable[[RunnerSpec], bool] | None = None

    def is_installed(self, spec: RunnerSpec) -> bool:
        """Whether it can be called on this machine."""
        if self.installed is not None:
            return self.installed(spec)
        return all(shutil.which(needed.program) for needed in self.requires(spec))
