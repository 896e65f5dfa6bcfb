"""Normalization by the root of the mean square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Sample
from edgeq.ops._int16 import as_int16
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops._real import REALS


@dataclass(frozen=True)
class RMSNorm(NormalizeLast):
    """x / √(mean of x² + epsilon) over the last axes, times a scale, plus a bias, which differ along these axes.

    Zhang, Sennrich: "Root Mean Square Layer Normalization", 2019.

    Attributes: those of `NormalizeLast`.
    """

    centred: ClassVar[bool] = False
    onnx: ClassVar[str] = "RMSNormalization"

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        real = Sample("real", cls(1e-5, axis=2), ((2, 3, 12), (12,)), const=(1,), elements=REALS)
        wide = as_int16(Sample("rows", cls(1e-5, axis=2), ((2, 5, 12), (12,)), const=(1,)))
        return (*super().samples(), real, wide)
