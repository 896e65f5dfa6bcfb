"""The rectifier with a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class ThresholdedRelu(TableOp):
    """x where it is above alpha, else 0.

    Attributes:
        alpha: the threshold.
    """

    alpha: float = 1.0

    onnx: ClassVar[str] = "ThresholdedRelu"

    def real(self, x: Array) -> Array:
        return np.where(x > self.alpha, x, 0.0)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0),
            Sample("low", cls(-0.5), ((65,),), low=-1.0, high=3.0),
        )
