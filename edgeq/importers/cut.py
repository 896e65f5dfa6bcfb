"""Which part of a model is wanted: from some of its tensors to some of its tensors."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from edgeq.errors import UsageError

T = TypeVar("T", bound=Hashable)
SHOWN = 6
"""So many names are suggested at most."""


@dataclass(frozen=True)
class Cut:
    """The part between tensors, by the names that the format has for them, or for what computes them.

    Attributes:
        inputs: what becomes an input; inputs of the model that are needed besides stay inputs. Empty: the model's.
        outputs: what becomes an output. Empty: the model's.
        kept: inputs that stay such where the file stores a value for them, which an ONNX file may: what they are if
            nothing else is given.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs)


def unknown(name: str, option: str, known: Iterable[str], where: str) -> UsageError:
    """The error that a model has nothing of this name, with the names that are most like it."""
    names = list(dict.fromkeys(known))
    within = [n for n in names if name.lower() in n.lower()]
    close = list(dict.fromkeys([*get_close_matches(name, names, SHOWN, 0.5), *within]))[:SHOWN]
    some = ", ".join(map(repr, close or names[-SHOWN:]))
    hint = f"did you mean {some}?" if close else f"the last tensors of the model are {some}"
    return UsageError(f"{option}: the model has no tensor or node {name!r}", hint=hint, where=where)


def part(
    nodes: Sequence[tuple[Sequence[T], Sequence[T]]], inputs: Collection[T], outputs: Iterable[T]
) -> tuple[set[int], set[T]]:
    """The nodes, each as what it reads and what it computes, that outputs need beyond the inputs.

    Returns:
        Indices of the nodes, and everything that they read or that is an output.
    """
    producers = {out: index for index, (_, computed) in enumerate(nodes) for out in computed}
    kept: set[int] = set()
    read: set[T] = set()
    stack = list(outputs)
    while stack:
        tensor = stack.pop()
        if tensor in read:
            continue
        read.add(tensor)
        index = None if tensor in inputs else producers.get(tensor)
        if index is not None and index not in kept:
            kept.add(index)
            stack.extend(nodes[index][0])
    return kept, read


def unneeded(names: Sequence[str], where: str) -> UsageError:
    """The error that no output depends on inputs of a cut."""
    return UsageError(
        f"--inputs: no output depends on {', '.join(map(repr, names))}",
        hint="name tensors before the outputs, or other outputs with --outputs",
        where=where,
    )
