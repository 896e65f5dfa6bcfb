"""Weights of 2 bits and of 1: which types are stored so, and for which goals."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ir.goals import Goal
from edgeq.ir.kernel import GOALS
from edgeq.ir.tensor import DType

FAST: frozenset[Goal] = frozenset({"speed", "balanced"})


@dataclass(frozen=True)
class Fields:
    """How weights are stored.

    Attributes:
        name: in the kernels' names.
        bits: of a weight.
        types: of which each integer is stored so.
        goals: for which that is the choice.
    """

    name: str
    bits: int
    types: frozenset[DType]
    goals: frozenset[Goal] = frozenset(GOALS)


KINDS = (
    Fields("int2", 2, frozenset({DType.INT2})),
    Fields("int2", 2, frozenset({DType.TERNARY}), FAST),
    Fields("binary", 1, frozenset({DType.BINARY})),
)
"""Ternary weights take 2 bits here and 1.6 in portable kernels, which `size` wants."""
