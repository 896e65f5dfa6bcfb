"""What operators that only move elements share."""

from __future__ import annotations

from typing import ClassVar

from edgeq.ir.op import Op
from edgeq.ir.traits import Monotone, Pattern, Trait


class MovementOp(Op):
    """Base of operators whose every result is an element of an input, or a constant."""

    pattern: ClassVar[Pattern] = Pattern.MOVEMENT
    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset({"linear", "signs", "fused_clamp", "affine", "with_padding"})

    @property
    def homogeneous(self) -> bool:
        return True
