"""The natural logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, CURVE_ROW, TableOp


@dataclass(frozen=True)
class Log(TableOp):
    """ln(x). In integer arithmetic every x up to zero gives the least output."""

    kernels: ClassVar = (*BYTE_ROWS, CURVE_ROW, function_row("log"))
    undefined: ClassVar[float] = -float("inf")

    onnx: ClassVar[str] = "Log"

    def real(self, x: Array) -> Array:
        return np.log(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        low = np.float32(-128 - y.zero_point) * np.float32(y.scale)
        ln = lut.in_float64(np.log)
        return lut.build_litert(lambda v: np.where(v <= 0, low, ln(np.maximum(v, np.float32(1e-38)))), x, y)

    def real16(self, x: Array, site: Site) -> Array:
        least = float(np.float32(-32768) * np.float32(site.outputs[0].qp.s))
        return np.where(x <= 0, least, np.log(np.maximum(x, np.finfo(np.float64).tiny)))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(float32.log, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=0.01, high=4.0),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),), low=0.5, high=4.0)),
            Sample("from_zero", cls(), ((1, 40),), low=0.0, high=100.0),
            function_sample(cls(), low=0.0, high=90.0),
        )
