"""The hyperbolic tangent."""

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
class Tanh(TableOp):
    """tanh(x); TensorFlow Lite's output has scale 1/128 and zero-point 0."""

    kernels: ClassVar = (
        *BYTE_ROWS,
        WIDE_ROW,
        int16_row("eq_tanh_int16_ref_double", "eq_sigmoid_int16_params", sigmoid_params),
        function_row("tanh"),
    )
    onnx: ClassVar[str] = "Tanh"

    def real(self, x: Array) -> Array:
        return np.tanh(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return lut.build_litert(lut.in_float64(np.tanh), x, y)

    def litert16(self, site: Site, x: Array) -> Ints:
        check_usual(site)
        return litert16.tanh(litert16.Argument.of(site.input(0).qp.s), x)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=QParams.per_tensor(1 / 128, 0), usual16=Q15)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(float32.tanh, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),))),
            Sample("narrow", cls(), ((1, 257),), low=-0.5, high=0.5),
            Sample("sequence", cls(), ((2, 3, 11),)),
            function_sample(cls()),
        )
