"""Layer normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Sample
from edgeq.ops._int16 import as_int16
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops._real import REALS


@dataclass(frozen=True)
class LayerNorm(NormalizeLast):
    """(x − mean) / √(variance + epsilon) over the last axes, times a scale, plus a bias, which differ along these axes.

    Ba, Kiros, Hinton: "Layer Normalization", 2016.

    Attributes: those of `NormalizeLast`.
    """

    onnx: ClassVar[str] = "LayerNormalization"

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        relu = (0.0, float("inf"))
        return (
            *super().samples(),
            as_int16(Sample("rows", cls(1e-5, axis=2), ((1, 7, 32), (32,), (32,)), const=(1, 2))),
            as_int16(Sample("plain", cls(1e-5, axis=1), ((3, 300),), low=-1.0, high=3.0)),
            as_int16(Sample("columns", cls(1e-5, axis=1), ((2, 6, 5), (5,), (1,)), const=(1, 2), low=-0.1, high=0.1)),
            Sample("one", cls(1e-5, axis=1), ((3, 1), (1,), (1,)), const=(1, 2)),
            Sample("relu", cls(1e-5, relu, 2), ((1, 5, 12), (12,), (12,)), const=(1, 2)),
            Sample("real", cls(1e-5, relu, 2), ((2, 3, 12), (12,), (12,)), const=(1, 2), elements=REALS),
            Sample("real_plain", cls(0.0, axis=1), ((5, 19),), elements=REALS),
        )
