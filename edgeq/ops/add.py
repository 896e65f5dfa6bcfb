"""Addition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.traits import Monotone
from edgeq.ops._addsub import Signs, SumOp


@dataclass(frozen=True)
class Add(SumOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one of them constant. Output: a + b.

    Attributes:
        clamp: bounds of a fused activation.
    """

    signs: ClassVar[Signs] = (1, 1)
    monotone: ClassVar[Monotone] = Monotone.RISING
    onnx: ClassVar[str] = "Add"
