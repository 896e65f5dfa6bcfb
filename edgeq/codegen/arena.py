"""What fills the arena of a program: at which layer it is fullest, what it holds then, and how to say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgeq.codegen.program import Occupant, Program


@dataclass(frozen=True)
class Peak:
    """The moment at which the most bytes are in use.

    Attributes:
        layer: index of the call; -1 is before the first one, and the number of calls is after the last one.
        bytes: how many are in use.
        occupants: what uses them, the largest first.
    """

    layer: int
    bytes: int
    occupants: tuple[Occupant, ...]


def covered(occupants: Iterable[Occupant]) -> int:
    """Bytes that belong to any of them; those that two share count once."""
    total = end = 0
    for offset, bytes in sorted((o.offset, o.bytes) for o in occupants):
        total += max(offset + bytes - max(offset, end), 0)
        end = max(end, offset + bytes)
    return total


def present(arena: Sequence[Occupant], layer: int) -> tuple[Occupant, ...]:
    """What is in the arena during a call. Neighbouring parts of a tensor are joined."""
    occupants: list[Occupant] = []
    before: dict[str, int] = {}  # value → where its last part is in the list
    for o in arena:
        if o.first <= layer <= o.last:
            index = before.get(o.value) if o.kind != "scratch" else None
            if index is not None and occupants[index].offset + occupants[index].bytes == o.offset:
                first, last = min(occupants[index].first, o.first), max(occupants[index].last, o.last)
                occupants[index] = replace(
                    occupants[index], bytes=occupants[index].bytes + o.bytes, first=first, last=last
                )
            else:
                before[o.value] = len(occupants)
                occupants.append(o)
    return tuple(occupants)


def peak(arena: Sequence[Occupant]) -> Peak:
    """The first moment at which the most bytes are in use."""
    layers = sorted({o.first for o in arena})  # usage only grows where an occupant begins
    totals = [(covered(present(arena, layer)), layer) for layer in layers]
    bytes, layer = max(totals, key=lambda f: (f[0], -f[1]), default=(0, -1))
    occupants = sorted(present(arena, layer), key=lambda o: (-o.bytes, o.offset))
    return Peak(layer, bytes, tuple(o for o in occupants if o.bytes))


def describe(occupant: Occupant) -> str:
    """An occupant in a sentence."""
    if occupant.kind == "scratch":
        return f"scratch memory of the layer ({occupant.bytes:,} bytes)"
    return f"{occupant.kind} {occupant.value!r} ({occupant.bytes:,} bytes)"


def explain_peak(program: Program) -> tuple[str, str]:
    """What makes a program's arena as large as it is, as a clause, and what would help, as the beginning of a hint."""
    fullest = peak(program.arena)
    if 0 <= fullest.layer < len(program.calls):
        moment = f"in layer {program.calls[fullest.layer].name!r}"
    else:
        moment = "before the first layer" if fullest.layer < 0 else "after the last layer"
    listed = ", ".join(describe(o) for o in fullest.occupants) or "nothing"
    if sum(o.bytes for o in fullest.occupants) > fullest.bytes:
        listed += f", which share bytes: {fullest.bytes:,} in all"
    tensors = [o.value for o in fullest.occupants if o.kind != "scratch"]
    cure = f"a lower resolution or fewer channels of {tensors[0]!r} help most" if tensors else "take a smaller model"
    return f"it is fullest {moment}, with {listed}", cure


def try_budget(room: int) -> str:
    """The end of a hint about an arena that is too large: the option that may make it fit into `room` bytes."""
    return f", or try --ram-budget {room}, which computes layers in stripes if need be" if room > 0 else ""
