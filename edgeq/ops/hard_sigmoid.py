"""The piecewise linear sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams
from edgeq.numerics import float32
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


def numbers(op: Op) -> tuple[float, float]:
    """Slope, and value at zero."""
    assert isinstance(op, HardSigmoid)
    return op.alpha, op.beta


@dataclass(frozen=True)
class HardSigmoid(TableOp):
    """alpha · x + beta, clamped to [0, 1]; the usual output has scale 1/256 and zero-point −128.

    Attributes:
        alpha, beta: slope, and value at zero.
    """

    alpha: float = 0.2
    beta: float = 0.5

    kernels: ClassVar = (*TableOp.kernels, function_row("hard_sigmoid", numbers))
    onnx: ClassVar[str] = "HardSigmoid"

    def real(self, x: Array) -> Array:
        return np.clip(self.alpha * x + self.beta, 0.0, 1.0)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=QParams.per_tensor(1 / 256, -128))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: float32.within(x * np.float32(self.alpha) + np.float32(self.beta), 0.0, 1.0), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("onnx", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("onnx", cls(), ((1, 3, 5, 2),))),
            Sample("relu6", cls(1 / 6, 0.5), ((1, 33),), low=-5.0, high=9.0),
            function_sample(cls(), low=-9.0, high=9.0),
        )
