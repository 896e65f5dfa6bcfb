"""The rectifier with a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Op, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, TableOp


def numbers(op: Op) -> tuple[float, float]:
    """The threshold."""
    assert isinstance(op, ThresholdedRelu)
    return op.alpha, 0.0


@dataclass(frozen=True)
class ThresholdedRelu(TableOp):
    """x where it is above alpha, else 0.

    Attributes:
        alpha: the threshold.
    """

    alpha: float = 1.0

    kernels: ClassVar = (*BYTE_ROWS, function_row("thresholded_relu", numbers))
    onnx: ClassVar[str] = "ThresholdedRelu"

    def real(self, x: Array) -> Array:
        return np.where(x > self.alpha, x, 0.0)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.where(x > np.float32(self.alpha), x, np.float32(0.0)), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0),
            Sample("low", cls(-0.5), ((65,),), low=-1.0, high=3.0),
            function_sample(cls()),
        )
