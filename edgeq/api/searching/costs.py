"""What assignments of bits to layers cost, predicted from builds in which all layers have the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from edgeq.search.assign import Choice, Front, best_of, front
from edgeq.search.space import Bits

TOGETHER = 3
"""Kinds of layers that a program has at once where nothing says which are worth their kernels' code."""
Noises = Mapping[str, Mapping[Bits, float]]
"""By layer and what it may be the noise that it adds at the output."""


@dataclass(frozen=True, eq=False)
class Costs:
    """Costs of one goal's programs.

    Attributes:
        offered: by layer what it may be; the first of them is what it is in the base.
        builds: by what all layers are what `edgeq.api.searching.problem.built` says; the first one is the base.
        sizes: by layer and number of bits what its weights take, in bits. None: bytes of flash count.
    """

    offered: Mapping[str, tuple[Bits, ...]]
    builds: Mapping[Bits, Mapping[str, Any]]
    sizes: Mapping[str, Mapping[int | str, int]] | None = None

    @property
    def kinds(self) -> tuple[Bits, ...]:
        """All that layers may be; a layer's setting is the index of one."""
        return tuple(self.builds)

    @property
    def base(self) -> Mapping[str, Any]:
        """The build of the base."""
        return next(iter(self.builds.values()))

    def bytes_of(self, layer: str, kind: Bits) -> int:
        """What a layer's constants take."""
        if self.sizes is not None:
            return self.sizes.get(layer, {}).get(kind.weight_bits, 0)
        return int(self.builds[kind]["constants"].get(layer, 0))

    def time_of(self, layer: str, kind: Bits) -> int:
        """Instructions of a layer; 0 where they are not counted."""
        values = self.builds[kind]["values"]
        return 0 if values is None else int(values.get(layer, 0))

    def besides(self, kinds: Sequence[Bits]) -> int:
        """Bytes of a program with layers of these kinds besides these layers' constants."""
        if self.sizes is not None:
            return 0
        code: dict[str, int] = {}
        for kind in kinds:
            build = self.builds[kind]
            for layer, function in build["functions"].items():
                if layer not in self.offered or kind in self.offered[layer]:
                    code.update(build["code"].get(function, {}))
        others = sum(size for name, size in self.base["constants"].items() if name not in self.offered)
        return others + sum(code.values()) + max(_rest(self.builds[kind]) for kind in kinds)

    def choices(self, noises: Noises, kinds: Sequence[Bits]) -> list[list[Choice]]:
        """What each layer may be if the program has layers of these kinds."""
        numbers = {kind: k for k, kind in enumerate(self.kinds)}
        return [
            [
                Choice(numbers[kind], self.bytes_of(layer, kind), noises[layer][kind], self.time_of(layer, kind))
                for kind in _those(offered, kinds)
            ]
            for layer, offered in self.offered.items()
        ]

    def front(self, noises: Noises, time: int | None = None) -> Front:
        """The front of all programs: of those with few kinds of kernels, and of those with all of them.

        Args:
            noises: what layers add at the output.
            time: the most instructions, or None.
        """
        few = range(1, min(TOGETHER, len(self.kinds)) + 1)
        subsets = [subset for count in few for subset in combinations(self.kinds, count)]
        if len(self.kinds) > TOGETHER:
            subsets.append(self.kinds)
        rest = None if time is None else time - self.other_time
        fronts = [front(self.choices(noises, subset), time=rest) for subset in subsets]
        return best_of(fronts, [self.besides(subset) for subset in subsets])

    @property
    def other_time(self) -> int:
        """Instructions of the calls that nothing is decided for."""
        values = self.base["values"] or {}
        return sum(value for name, value in values.items() if name not in self.offered)

    def instructions(self, bits: Mapping[str, Bits]) -> int | None:
        """The instructions of an assignment; None where those of uniform settings are not counted."""
        if any(build["values"] is None for build in self.builds.values()):
            return None
        return self.other_time + sum(self.time_of(layer, kind) for layer, kind in bits.items())


def _those(offered: Sequence[Bits], kinds: Sequence[Bits]) -> list[Bits]:
    """What a layer may be among these kinds; where it can be none of them, it is what it is in the base."""
    return [kind for kind in offered if kind in kinds] or [offered[0]]


def _rest(build: Mapping[str, Any]) -> int:
    """Bytes of a build that are neither constants nor kernels."""
    used = set(build["functions"].values())
    code: dict[str, int] = {}
    for function in used:
        code.update(build["code"].get(function, {}))
    return int(build["flash_bytes"]) - sum(build["constants"].values()) - sum(code.values())
