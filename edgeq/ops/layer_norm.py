"""Layer normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Sample
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
            Sample("one", cls(1e-5, axis=1), ((3, 1), (1,), (1,)), const=(1, 2)),
            Sample("relu", cls(1e-5, relu, 2), ((1, 5, 12), (12,), (12,)), const=(1, 2)),
            Sample("real", cls(1e-5, relu, 2), ((2, 3, 12), (12,), (12,)), const=(1, 2), elements=REALS),
            Sample("real_plain", cls(0.0, axis=1), ((5, 19),), elements=REALS),
        )
