"""The logistic function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, QuantRule, Sample, Shapes, Site
from edgeq.ir.tensor import Array, QParams
from edgeq.numerics import float32, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Sigmoid(TableOp):
    """1 / (1 + exp(−x)); TensorFlow Lite's output has scale 1/256 and zero-point −128."""

    kernels: ClassVar = (*TableOp.kernels, function_row("sigmoid"))
    onnx: ClassVar[str] = "Sigmoid"

    def real(self, x: Array) -> Array:
        return 1.0 / (1.0 + np.exp(-x))

    def litert_table(self, x: Affine, y: Affine) -> Table:
        exp, one = lut.in_float64(np.exp), np.float32(1)
        return lut.build_litert(lambda v: one / (one + exp(-v)), x, y)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=QParams.per_tensor(1 / 256, -128))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(float32.sigmoid, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),)),
            Sample("wide", cls(), ((1, 130),), low=-20.0, high=20.0),
            Sample("vector", cls(), ((9,),)),
            as_int16(Sample("image", cls(), ((1, 5, 3, 7),), low=-9.0, high=9.0)),
            function_sample(cls(), low=-20.0, high=20.0),
        )
