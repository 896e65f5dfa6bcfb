"""Whether a program can fit its target, as far as is known before anything is compiled."""

from __future__ import annotations

from edgeq.codegen.arena import explain_peak, try_budget
from edgeq.codegen.program import Program
from edgeq.errors import CapacityError
from edgeq.target import Target


def check_capacity(program: Program, target: Target) -> None:
    """Make sure that the constants, and the arena with the stack, each fit; the linker has the last word.

    Raises:
        CapacityError: they do not fit; the message has the figures.
    """
    problems = _constants(program, target)
    hint = "take a smaller model or input, or a target with more memory"
    if problems and program.weights.kind == "inline":
        hint += "; --weights-in can have the weights in another memory"
    ram = target.memory.get("ram")
    ports = sum(port.type.nbytes for port in (*program.inputs, *program.outputs))
    needed = program.arena_bytes + program.state_bytes + target.stack_bytes + ports
    if ram is not None and needed > ram.size:
        cause, cure = explain_peak(program)
        hint = f"{cure}; or take a target with more memory{try_budget(ram.size - needed + program.arena_bytes)}"
        states = f"states ({program.state_bytes}), " if program.states else ""
        others = f"stack ({target.stack_bytes}), inputs and outputs ({ports})"
        problems.append(
            f"the arena ({program.arena_bytes} bytes), {states}{others} take "
            f"{needed} bytes of RAM, which has {ram.size}; as for the arena, {cause}"
        )
    if problems:
        raise CapacityError(f"the program does not fit {target.name}: {'; '.join(problems)}", hint=hint)


def check_budget(program: Program, budget: int | None) -> None:
    """Make sure that the arena, already made as small as possible, keeps within a budget.

    Raises:
        CapacityError: it does not; the message says how small it can be.
    """
    if budget is None or program.arena_bytes <= budget:
        return
    needed, streaming = program.arena_bytes, program.streaming
    cause, cure = explain_peak(program)
    stripes = ""
    if streaming is not None:
        layers = f"the layers {streaming.layers[0]!r} to {streaming.layers[-1]!r}"
        stripes = f" even with {layers} computed in {len(streaming.heights)} stripes"
    raise CapacityError(
        f"the arena takes {needed} bytes{stripes}, {needed - budget} more than the budget of {budget}; {cause}",
        hint=f"{cure}; or raise --ram-budget to {needed}",
    )


def _constants(program: Program, target: Target) -> list[str]:
    place, region = program.weights, target.memory.get(program.weights.region)
    if region is None:
        return []
    if place.address is not None:
        taken, room = program.image_bytes, region.end - place.address
        subject = f"the file of weights takes {taken} bytes from {place.address:#x}"
        return [f"{subject}, where {place.region} has {room} left"] if taken > room else []
    subject = f"weights and tables take {program.constant_bytes} bytes of {place.region}"
    return [f"{subject}, which has {region.size}"] if program.constant_bytes > region.size else []
