"""Normalization to length one."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ops._normalize import Floats
from edgeq.ops._normalize_last import NormalizeLast


@dataclass(frozen=True)
class L2Norm(NormalizeLast):
    """x / max(√(sum of x²), epsilon) over the last axes, times a scale, plus a bias, which differ along these axes.

    Attributes: those of `NormalizeLast`; epsilon is a lower bound of the length.
    """

    centred: ClassVar[bool] = False
    onnx: ClassVar[str] = "LpNormalization"

    def divided(self, x: Floats, squares: Floats, count: int) -> Floats:
        measure = np.maximum(np.sqrt(squares), self.epsilon)
        return np.divide(x, measure, out=np.zeros_like(x), where=measure > 0.0)

    def integer_form(self, count: int) -> tuple[float, float, bool]:
        return 1.0 / sqrt(count), self.epsilon * self.epsilon * count, True

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            *super().samples(),
            Sample("short", cls(2.0, axis=1), ((9, 12),), low=-1.0, high=1.0),
        )
