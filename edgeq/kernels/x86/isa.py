"""The vectors of x86: what rows need of the processor, and how their kernels lay out what they read."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ir.goals import GOALS, Goal


@dataclass(frozen=True)
class Vectors:
    """One instruction set's vectors of 32-bit sums.

    Attributes:
        name: at the end of the C names and in the names of files.
        feature: what a processor must have.
        lanes: sums of a vector, one for each output channel.
        step: products that an instruction adds to every sum.
        unsigned: whether activations are multiplied as unsigned bytes, 128 above their values.
    """

    name: str
    feature: str
    lanes: int
    step: int
    unsigned: bool

    @property
    def isa(self) -> frozenset[str]:
        """Features that rows need."""
        return frozenset({self.feature})

    @property
    def activation_bytes(self) -> int:
        """Bytes of an activation in a collected window."""
        return 1 if self.unsigned else 2


VECTORS = (
    Vectors("avx512_vnni", "avx512-vnni", lanes=16, step=4, unsigned=True),
    Vectors("avx_vnni", "avx-vnni", lanes=8, step=4, unsigned=True),
    Vectors("avx2", "avx2", lanes=8, step=2, unsigned=False),
)
"""Fastest first."""
BYTES = Vectors("avx2_bytes", "avx2", lanes=8, step=4, unsigned=True)
"""AVX2 with steps of bytes, where weights must be small or in two parts: see `pack_parts`."""
AVX2 = VECTORS[-1].isa
"""What rows need whose kernels are compiled once, for vectors that all of these processors have."""
FAST_GOALS: frozenset[Goal] = frozenset({"speed", "balanced"})
"""For which rows are offered that some sites need a proof for: for size all layers share the others."""


def goals_of(form: str | None) -> frozenset[Goal]:
    """The goals for which a row of a form of `nearest` is offered, or one without."""
    return FAST_GOALS if form else frozenset(GOALS)
