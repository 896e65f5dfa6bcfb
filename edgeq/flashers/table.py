"""The flashers there are, which of them is taken for a board, and doing it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence

from edgeq.errors import CapacityError, ToolError, UsageError, suggestion
from edgeq.flashers import gdb, uf2
from edgeq.flashers.commands import COMMANDS
from edgeq.flashers.complaints import explained
from edgeq.flashers.flasher import Flasher, Image, Plan, Step
from edgeq.target import RunnerSpec, Target
from edgeq.target.flashers import FLASHER_KINDS
from edgeq.toolchain.process import run

FLASHERS: Mapping[str, Flasher] = {flasher.kind: flasher for flasher in (*COMMANDS, uf2.FLASHER, gdb.FLASHER)}
SECONDS = 300.0


def program_of(flasher: Flasher) -> str | None:
    """The program that a flasher calls; "" if it needs none, None if it is not installed."""
    if not flasher.programs:
        return ""
    return next((name for name in flasher.programs if shutil.which(name)), None)


def choose(target: Target, kind: str | None) -> tuple[Flasher, RunnerSpec]:
    """How a board is flashed: the kind that is asked for, or the first in the board's file that is installed.

    Raises:
        UsageError: the kind is unknown, or the board's file lacks what it needs to know.
        ToolError: none is installed.
    """
    if kind is not None:
        if kind not in FLASHERS:
            raise UsageError(f"unknown runner {kind!r}", suggestion(kind, FLASHERS, "runners"), "--runner")
        for spec in target.flashers:
            if spec.kind == kind:
                return FLASHERS[kind], spec
        if FLASHER_KINDS[kind].settings:
            keys = " and ".join(FLASHER_KINDS[kind].settings)
            hint = f"a table [flash.{kind}] with {keys}; it has {_listed(target) or 'none'} now"
            raise UsageError(f"the file of {target.name} does not say what {kind} needs to know", hint, "--runner")
        return FLASHERS[kind], RunnerSpec(kind)
    for spec in target.flashers:
        if program_of(FLASHERS[spec.kind]) is not None:
            return FLASHERS[spec.kind], spec
    if not target.flashers:
        raise UsageError(
            f"it is not known how {target.name} is flashed",
            hint="take a --board that `edgeq boards` lists, or --runner gdb with the --port of a gdb server",
        )
    ways = "\n".join(f"{spec.kind}: {FLASHERS[spec.kind].install}" for spec in target.flashers)
    raise ToolError(f"nothing that flashes {target.name} is installed", hint=f"install one of these\n{ways}")


def _listed(target: Target) -> str:
    return ", ".join(spec.kind for spec in target.flashers)


def plan(target: Target, image: Image, kind: str | None, port: str | None) -> tuple[Flasher, tuple[Step, ...]]:
    """What is to be done to get an image into a board.

    Raises:
        UsageError, ToolError: as `choose`; or the flasher cannot take this image.
        CapacityError: the image does not fit the board's memory.
    """
    _check_memory(target, image)
    flasher, spec = choose(target, kind)
    program = program_of(flasher)
    work = Plan(image, target, spec, flasher.programs[0] if program is None else program, port or "")
    return flasher, flasher.steps(work)


def _check_memory(target: Target, image: Image) -> None:
    """Make sure that all of an image lies in the board's memory.

    Raises:
        CapacityError: it does not.
    """
    regions = [*target.memory.values()]
    if target.vectors is not None:  # where a core starts from that has a memory of its own for that
        regions.append(type(regions[0])(target.vectors, 0x400))
    extra = {address for address, _ in image.extra}
    for start, data in image.parts.items():
        inside = any(region.origin <= start and start + len(data) <= region.end for region in regions)
        if not inside and start not in extra:
            flash = target.memory["flash"]
            raise CapacityError(
                f"the image does not fit {target.name}: {len(data)} bytes at {start:#x}, where the flash has "
                f"{flash.size} bytes from {flash.origin:#x} on",
                hint="build for this board, or take a smaller model",
            )


def flash(flasher: Flasher, steps: Sequence[Step], told: Callable[[str], None] = lambda text: None) -> None:
    """Do it.

    Args:
        flasher: for whose program errors are.
        steps: what `plan` returned.
        told: called with what is being done.

    Raises:
        ToolError: it failed, with the reason.
    """
    for step in steps:
        told(step.text)
        if step.action is not None:
            step.action()
        if step.command:
            _run(flasher, step)


def _run(flasher: Flasher, step: Step) -> None:
    finished = run(step.command, timeout=SECONDS, install=flasher.install, check=False)
    output = f"{finished.output}\n{finished.errors}"
    if not finished.code and not any(word in output for word in step.wrong):
        return
    known = explained(output)
    said = f"{step.text}\n{finished.last_lines}".rstrip()
    if known is None:
        raise ToolError(f"{flasher.kind} failed with exit code {finished.code}", hint=said)
    raise ToolError(known.message, hint=f"{known.hint}\n{said}", where=flasher.kind)
