"""What operators that only move elements share."""

from __future__ import annotations

from typing import ClassVar

from edgeq.ir.op import Arrays, Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import Monotone, Pattern, Trait

WORDS = frozenset({DType.FLOAT32, DType.INT32})
"""Elements of four bytes, for rows that only move them."""


class MovementOp(Op):
    """Base of operators whose every result is an element of an input, or a constant."""

    pattern: ClassVar[Pattern] = Pattern.MOVEMENT
    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset({"linear", "signs", "fused_clamp", "affine", "with_padding"})

    def run(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        whole = site.outputs[0].is_whole and not self.is_view and self._has_arithmetic(site)
        return self.run_float32(site, inputs) if whole else super().run(site, inputs)

    @property
    def homogeneous(self) -> bool:
        return True
