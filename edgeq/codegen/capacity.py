"""Whether a program can fit its target, as far as is known before anything is compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
    arena = program.arena_in("ram")
    stack = target.stack_bytes if program.places.stack == "ram" else 0
    needed = arena + program.state_bytes + stack + ports
    if ram is not None and needed > ram.size:
        cause, cure = explain_peak(program)
        hint = f"{cure}; or take a target with more memory{try_budget(ram.size - needed + arena)}"
        states = f"states ({program.state_bytes:,}), " if program.states else ""
        others = f"stack ({stack:,}), inputs and outputs ({ports:,})"
        problems.append(
            f"the arena ({arena:,} bytes), {states}{others} take "
            f"{needed:,} bytes of RAM, which has {ram.size:,}; as for the arena, {cause}"
        )
    for share in program.arenas:
        region = target.memory.get(share.room)
        if share.room != "ram" and region is not None and share.size > region.size:
            problems.append(f"the arena takes {share.size:,} bytes of {share.room}, which has {region.size:,}")
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
        f"the arena takes {needed:,} bytes{stripes}, {needed - budget:,} more than the budget of {budget:,}; {cause}",
        hint=f"{cure}; or raise --ram-budget to {needed}",
    )


def _constants(program: Program, target: Target) -> list[str]:
    place, region = program.weights, target.memory.get(program.weights.region)
    if region is None:
        return []
    if place.address is not None:
        taken, room = program.image_bytes, region.end - place.address
        subject = f"the file of weights takes {taken:,} bytes from {place.address:#x}"
        return [f"{subject}, where {place.region} has {room:,} left"] if taken > room else []
    apart = {name: program.constants_in(name) for name in sorted(set(program.constant_regions.values()))}
    stored = sum(bytes for name, bytes in apart.items() if not target.programmed(name))  # copied from there
    among = program.constant_bytes - sum(apart.values()) + (stored if place.region == "flash" else 0)
    return [
        f"weights and tables take {bytes:,} bytes of {name}, which has {target.memory[name].size:,}"
        for name, bytes in ((place.region, among), *apart.items())
        if bytes > target.memory[name].size
    ]


def check_chip(program: Program, flash: int | None, ram: int | None) -> None:
    """Make sure, as far as is known before anything is compiled, that a program keeps within what a chip has.

    Args:
        program: what is generated.
        flash, ram: bytes that the chip has; None if that is not said.

    Raises:
        CapacityError: it does not.
    """
    if flash is not None and program.weights.region in ("flash", "") and program.constant_bytes > flash:
        raise CapacityError(
            f"weights and tables take {program.constant_bytes:,} bytes, and --flash is {flash:,}",
            hint="take a smaller model, or --weights-in another memory",
        )
    needed = program.arena_bytes + program.state_bytes
    if ram is not None and needed > ram:
        cause, cure = explain_peak(program)
        states = f" and states {program.state_bytes:,}" if program.states else ""
        raise CapacityError(
            f"the arena takes {program.arena_bytes:,} bytes{states}, and --ram is {ram:,}; {cause}",
            hint=f"{cure}{try_budget(ram - program.state_bytes)}",
        )


def check_chip_of_all(programs: Sequence[Program], flash: int | None, ram: int | None) -> None:
    """Make sure, as `check_chip`, that programs together keep within what a chip has; they take turns in one arena.

    Raises:
        CapacityError: they do not.
    """
    inside = [p for p in programs if p.weights.region in ("flash", "")]
    constants = sum(p.constant_bytes for p in inside)
    if flash is not None and constants > flash:
        raise CapacityError(
            f"weights and tables of all models ({_of_each(inside, [p.constant_bytes for p in inside])}) take "
            f"{constants:,} bytes, and --flash is {flash:,}",
            hint="take smaller models, or --weights-in another memory",
        )
    arena, states = max(p.arena_bytes for p in programs), sum(p.state_bytes for p in programs)
    if ram is not None and arena + states > ram:
        raise CapacityError(
            f"the largest arena takes {arena:,} bytes ({_of_each(programs, [p.arena_bytes for p in programs])}), the "
            f"states of all models {states:,}, and --ram is {ram:,}",
            hint=f"take smaller models{try_budget(ram - states)}",
        )


def _of_each(programs: Sequence[Program], sizes: Sequence[int]) -> str:
    return ", ".join(f"{program.name} {size:,}" for program, size in zip(programs, sizes, strict=True))


def check_linked(sizes: Mapping[str, Any], flash: int | None, ram: int | None, weights_region: str = "flash") -> None:
    """Make sure that a linked program keeps within what a chip has.

    Args:
        sizes: `flash_bytes`, `ram_bytes`, `stack_bytes`, `memory` as in the manifest.
        flash, ram: as for `check_chip`.
        weights_region: the target's memory that the weights are in.

    Raises:
        CapacityError: it does not.
    """
    if sizes.get("flash_bytes") is None:  # nothing was linked that would tell
        return
    stack = sizes["stack_bytes"] or 0
    taken = sizes["flash_bytes"] - (sizes["memory"]["weights"] if weights_region not in ("flash", "") else 0)
    if flash is not None and taken > flash:
        raise CapacityError(
            f"model, weights and kernels take {taken:,} bytes, and --flash is {flash:,}",
            hint="take a smaller model, or --optimize size",
        )
    if ram is not None and sizes["ram_bytes"] + stack > ram:
        raise CapacityError(
            f"the model takes {sizes['ram_bytes']:,} bytes of RAM and {stack:,} of stack, and --ram is {ram:,}",
            hint=f"keep the arena smaller with --ram-budget {max(ram - stack, 1)}",
        )
