"""The logistic function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import QuantRule, Sample, Shapes
from edgeq.ir.tensor import Array, QParams
from edgeq.numerics import lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Sigmoid(TableOp):
    """1 / (1 + exp(−x)); TensorFlow Lite's output has scale 1/256 and zero-point −128."""

    onnx: ClassVar[str] = "Sigmoid"

    def real(self, x: Array) -> Array:
        return 1.0 / (1.0 + np.exp(-x))

    def litert_table(self, x: Affine, y: Affine) -> Table:
        exp, one = lut.in_float64(np.exp), np.float32(1)
        return lut.build_litert(lambda v: one / (one + exp(-v)), x, y)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=QParams.per_tensor(1 / 256, -128))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),)),
            Sample("wide", cls(), ((1, 130),), low=-20.0, high=20.0),
            Sample("vector", cls(), ((9,),)),
        )
