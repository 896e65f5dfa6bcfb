"""What normalizations over all pixels of an image share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from edgeq.ir.op import Op, Shapes
from edgeq.ir.tensor import Shape
from edgeq.ir.traits import Commuted, Perm
from edgeq.ops._normalize import Normalize, Sets


@dataclass(frozen=True)
class NormalizeChannels(Normalize):
    """Base of normalizations of (N, …, C) over all pixels, each group of neighbouring channels by itself. Scale and
    bias have one element per channel."""

    def groups_of(self, channels: int) -> int:
        """How many groups there are."""
        raise NotImplementedError

    def arrange(self, shape: Shape) -> Sets:
        if len(shape) < 2:
            raise ValueError(f"{self.kind} needs an input (N, …, C), not {shape}")
        groups = self.groups_of(shape[-1])
        if groups < 1 or shape[-1] % groups:
            raise ValueError(f"{shape[-1]} channels cannot be split into {groups} groups")
        return Sets(shape[0], prod(shape[1:-1]), groups, shape[-1] // groups)

    def constant_rank(self, x: Shape) -> int:
        return 1

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def commute(self, perm: Perm) -> Commuted | None:
        """Pixels may come in any order."""
        last = len(perm) - 1
        return Commuted(replace(self), perm) if last > 0 and (perm[0], perm[last]) == (0, last) else None
