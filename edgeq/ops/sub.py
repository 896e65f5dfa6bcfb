"""Subtraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Kernel
from edgeq.ir.traits import Monotone
from edgeq.ops._addsub import Signs, SumOp
from edgeq.ops._real import pair_rows


@dataclass(frozen=True)
class Sub(SumOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one of them constant. Output: a − b.

    Attributes:
        clamp: bounds of a fused activation.
    """

    signs: ClassVar[Signs] = (1, -1)
    monotone: ClassVar[Monotone] = Monotone.PER_OPERAND
    kernels: ClassVar[tuple[Kernel, ...]] = (*SumOp.kernels, *pair_rows("sub"))
    onnx: ClassVar[str] = "Sub"
