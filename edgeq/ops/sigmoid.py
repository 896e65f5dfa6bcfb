"""The logistic function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams
from edgeq.numerics import float32, litert16, lut
from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import Q15, as_int16, check_usual
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, WIDE_ROW, TableOp, int16_row, sigmoid_params


@dataclass(frozen=True)
class Sigmoid(TableOp):
    """1 / (1 + exp(−x)); TensorFlow Lite's output has scale 1/256 and zero-point −128."""

    kernels: ClassVar = (
        *BYTE_ROWS,
        WIDE_ROW,
        int16_row("eq_sigmoid_int16_ref_double", "eq_sigmoid_int16_params", sigmoid_params),
        function_row("sigmoid"),
    )
    onnx: ClassVar[str] = "Sigmoid"

    def real(self, x: Array) -> Array:
        return 1.0 / (1.0 + np.exp(-x))

    def litert_table(self, x: Affine, y: Affine) -> Table:
        exp, one = lut.in_float64(np.exp), np.float32(1)
        return lut.build_litert(lambda v: one / (one + exp(-v)), x, y)

    def litert16(self, site: Site, x: Array) -> Ints:
        check_usual(site)
        return litert16.logistic(litert16.Argument.of(site.input(0).qp.s), x)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=QParams.per_tensor(1 / 256, -128), usual16=Q15)

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
