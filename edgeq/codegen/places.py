"""In which regions of a target's memory a program's parts lie: arena, weights, code of kernels, stack.

A target's file says it in `[place]`, and `--place` says otherwise. A name with a dot is about some tensors or layers
only: `arena.NAME` about a tensor, or a layer's outputs and scratch memory; `weights.NAME` about a layer's constants.
NAME may hold `*` and `?`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from edgeq.codegen.layout import Choice, Layout, runtime_inputs
from edgeq.codegen.literals import Constant
from edgeq.errors import CapacityError, UsageError, suggestion
from edgeq.memory import Room, Share, aligned, divide, scratch_name
from edgeq.target import Target

Kind = Literal["arena", "weights", "code", "stack"]
KINDS: tuple[Kind, ...] = ("arena", "weights", "code", "stack")
HOME: Mapping[Kind, str] = {"arena": "ram", "weights": "flash", "code": "flash", "stack": "ram"}
"""Where things lie unless something else is said."""
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
PLATFORM_RAM = 4096
"""Roughly the bytes that start-up code, console and link take of the RAM that they share with an arena."""
STACK_GUARD = 0x400
"""Bytes below the stack that nothing may touch."""


@dataclass(frozen=True)
class Places:
    """Regions of memory.

    Attributes:
        arena, weights: the regions that may be used, the preferred one first.
        code, stack: the region.
        arena_of, weights_of: pattern of names, and the region of what it matches; the first that matches counts.
        asked: whether the user asked for any of it.
    """

    arena: tuple[str, ...] = (HOME["arena"],)
    weights: tuple[str, ...] = (HOME["weights"],)
    code: str = HOME["code"]
    stack: str = HOME["stack"]
    arena_of: tuple[tuple[str, str], ...] = ()
    weights_of: tuple[tuple[str, str], ...] = ()
    asked: bool = False

    @property
    def arenas(self) -> tuple[str, ...]:
        """All regions in which there may be an arena."""
        return tuple(dict.fromkeys([*self.arena, *(region for _, region in self.arena_of)]))


USUAL = Places()


def places_of(target: Target, asked: Mapping[str, Sequence[str]]) -> Places:
    """What a target's file says, where the user did not ask for something else.

    Args:
        target: what the program is for.
        asked: by "arena", "weights", "code", "stack", "arena.NAME" or "weights.NAME" the region, or several.

    Raises:
        UsageError: there is no such thing to place, no such region, or it cannot hold that.
    """
    if asked and not target.bare_metal:
        raise UsageError(
            f"--place is for microcontrollers, and {target.name} has no regions of memory to choose from",
            hint="leave it out, or take another --target",
        )
    chosen: dict[str, tuple[str, ...]] = {**target.place, **{key: tuple(value) for key, value in asked.items()}}
    parts: dict[str, list[tuple[str, str]]] = {"arena": [], "weights": []}
    for key, regions in chosen.items():
        kind, dot, pattern = key.partition(".")
        if kind not in KINDS or (dot and (kind not in parts or not pattern)):
            known = [*KINDS, "arena.NAME", "weights.NAME"]
            raise UsageError(f"--place: there is no {key!r} to place", suggestion(key, known, "things to place"))
        if len(regions) != 1 and (dot or kind in ("code", "stack")):
            raise UsageError(f"--place: {key} lies in one region", hint=f"write it as {key}=REGION")
        for region in regions:
            _check(kind, region, target)
        if dot:
            parts[kind].append((pattern, regions[0]))
    if not target.bare_metal:
        return USUAL
    return Places(
        arena=chosen.get("arena", USUAL.arena),
        weights=chosen.get("weights", USUAL.weights),
        code=chosen.get("code", (USUAL.code,))[0],
        stack=chosen.get("stack", (USUAL.stack,))[0],
        arena_of=tuple(parts["arena"]),
        weights_of=tuple(parts["weights"]),
        asked=bool(asked),
    )


def _check(kind: str, region: str, target: Target) -> None:
    """Make sure that a region exists and can hold such a thing."""
    if region not in target.memory:
        raise UsageError(
            f"--place: {target.name} has no memory {region!r}", suggestion(region, target.memory, "regions of memory")
        )
    if not _IDENTIFIER.fullmatch(region):
        raise UsageError(f"--place: {region!r} is no name that C could have", hint="call it in its file as in sram_1")
    if kind in ("arena", "stack") and target.programmed(region):
        raise UsageError(f"--place: {kind} cannot lie in {region!r}, which is only written when it is programmed")
    if kind == "code" and target.memory[region].kind == "data":
        raise UsageError(f"--place: code cannot lie in {region!r}, from which the core executes none")


@dataclass(frozen=True)
class Arenas:
    """Where the arenas of a layout lie; more than one share only where there has to be."""

    layout: Layout
    shares: tuple[Share, ...]


def with_arenas(layout: Layout, places: Places, target: Target, taken: int) -> Arenas:
    """A layout whose tensors lie in the regions that they may lie in: in the first, if it has room for all.

    Args:
        layout: with a plan for one arena.
        places: the regions.
        target: their sizes.
        taken: bytes of the region "ram" that the program needs for itself: states, inputs and outputs.

    Raises:
        UsageError: a name to place is that of no tensor or layer.
        CapacityError: the tensors do not fit these regions, however they are divided among them.
    """
    schedule = layout.schedule
    fixed = _fixed(layout, places.arena_of)
    if places.arenas == USUAL.arena:
        return Arenas(layout, (Share("ram", 0, layout.plan.size),))
    rooms = [Room(name, _room(name, places, target, taken)) for name in places.arenas]
    first = next(room for room in rooms if room.name == places.arena[0])
    if not fixed and layout.plan.size <= first.bytes:
        return Arenas(layout, (Share(first.name, 0, layout.plan.size),))
    divided = divide(schedule, rooms, moved(layout.choices, layout), fixed, places.arena, layout.plan.bound)
    if divided is None:
        room = ", ".join(f"{room.name} {room.bytes:,}" for room in rooms)
        raise CapacityError(
            f"the tensors of an arena of {layout.plan.size:,} bytes do not fit the memory they may lie in: {room}",
            hint="allow more regions (--place arena=FIRST,SECOND), or try --ram-budget, which computes layers in "
            "stripes",
        )
    return Arenas(replace(layout, plan=divided.plan), divided.shares)


def _room(region: str, places: Places, target: Target, taken: int) -> int:
    stack = target.stack_bytes + STACK_GUARD if places.stack == region else 0
    platform = taken + PLATFORM_RAM if region == "ram" else 0
    return max(target.memory[region].size - stack - platform, 0)


def _fixed(layout: Layout, arena_of: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The region of buffers and scratch memories that were given one by name."""
    names: dict[str, set[str]] = {name: {name} for name in layout.schedule.sizes}
    for value, home in layout.homes.items():
        names.get(home.root, set()).add(value)
    for index, choice in enumerate(layout.choices):
        names[scratch_name(index)] = {choice.node.name}
        for out in choice.node.outputs:
            names[layout.homes[out].root].add(choice.node.name)
    _check_patterns("arena", [pattern for pattern, _ in arena_of], {name for of in names.values() for name in of})
    fixed = {}
    for block, known in names.items():
        found = next((r for pattern, r in arena_of if any(fnmatchcase(name, pattern) for name in known)), None)
        if found is not None:
            fixed[block] = found
    return fixed


def _check_patterns(kind: str, patterns: Sequence[str], names: Collection[str]) -> None:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            what = "tensor or layer" if kind == "arena" else "layer with weights"
            hint = suggestion(pattern, sorted(names), "names")
            raise UsageError(f"--place {kind}.{pattern}: there is no such {what}", hint)


def moved(choices: Sequence[Choice], layout: Layout) -> dict[str, int]:
    """Bytes that a run reads and writes, by buffer and scratch memory.

    Every tensor is written once. A layer that multiplies reads its operand for each multiplication; where it has
    scratch memory, it does that there, into which it copies the operand once.
    """
    total: dict[str, int] = {}

    def add(block: str, bytes: int) -> None:
        total[block] = total.get(block, 0) + bytes

    for index, choice in enumerate(choices):
        scratch = choice.kernel.scratch(choice.site)
        macs = choice.node.op.macs(choice.site)
        for _, name in runtime_inputs(choice, layout.homes):
            bytes = layout.graph.type(name).nbytes
            add(layout.homes[name].root, bytes if scratch else max(bytes, macs))
        for name in choice.node.outputs:
            add(layout.homes[name].root, layout.graph.type(name).nbytes)
        if scratch:
            add(scratch_name(index), max(2 * scratch, macs))
    return total


def constant_regions(
    constants: Sequence[Constant],
    read: Sequence[tuple[str, int, Collection[str]]],
    places: Places,
    target: Target,
    taken: Mapping[str, int],
) -> dict[str, str]:
    """The region of each constant that does not lie in flash among the code.

    Where several regions may hold weights, those that a run reads most often, byte for byte, take the first.

    Args:
        constants: in order.
        read: of every layer: its name, multiply-accumulates, and names of the constants that it reads.
        places: the regions.
        target: their sizes.
        taken: bytes of regions that arenas and stack take.

    Raises:
        UsageError: a name to place is that of no layer.
        CapacityError: no region has room for a constant.
    """
    regions: dict[str, str] = {}
    heat: dict[str, int] = {}
    _check_patterns("weights", [pattern for pattern, _ in places.weights_of], {name for name, _, n in read if n})
    for layer, macs, names in read:
        own = next((region for pattern, region in places.weights_of if fnmatchcase(layer, pattern)), None)
        for name in names:
            heat[name] = heat.get(name, 0) + macs
            if own is not None:
                regions.setdefault(name, own)
    sizes = {c.name: aligned(c.array.nbytes) for c in constants}
    left = {name: region.size - taken.get(name, 0) for name, region in target.memory.items()}
    for name, region in regions.items():
        left[region] -= sizes[name]
    for name in sorted(sizes, key=lambda n: (-heat.get(n, 0) / max(sizes[n], 1), sizes[n], n)):
        if name in regions:
            continue
        roomy = next((r for r in places.weights if r == HOME["weights"] or left[r] >= sizes[name]), None)
        if roomy is None:
            raise CapacityError(
                f"weights and tables take {sum(sizes.values()):,} bytes, more than "
                f"{' and '.join(places.weights)} can hold of them",
                hint=f"allow flash as well: --place weights={','.join([*places.weights, 'flash'])}",
            )
        regions[name] = roomy
        left[roomy] -= sizes[name]
    return {c.name: regions[c.name] for c in constants if regions[c.name] != HOME["weights"]}


def region_at(shares: Sequence[Share], offset: int) -> Share:
    """The share in which a byte of all arenas lies."""
    return next((share for share in shares if share.base <= offset < share.end), shares[0])
