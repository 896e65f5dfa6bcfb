"""The absolute value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Trait
from edgeq.numerics import lut
from edgeq.numerics.fixedpoint import Ints, Rounding, multiply
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, WIDE_ROW, TableOp, int16_row, ratio_params, rescaled, site_ratio


@dataclass(frozen=True)
class Abs(TableOp):
    """|x|."""

    kernels: ClassVar = (
        *BYTE_ROWS,
        WIDE_ROW,
        int16_row("eq_abs_int16_ref_double", "eq_requantize_int16_params", ratio_params),
        function_row("abs"),
    )
    declines: ClassVar[frozenset[Trait]] = TableOp.declines - {"homogeneous"}
    onnx: ClassVar[str] = "Abs"

    def real(self, x: Array) -> Array:
        return np.abs(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return rescaled(np.abs(lut.inputs() - x.zero_point), x, y)

    def litert16(self, site: Site, x: Array) -> Ints:
        return multiply(np.abs(x.astype(np.int64)), site_ratio(site), Rounding.DOUBLE)

    @property
    def homogeneous(self) -> bool:
        return True

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.where(x < 0, -x, x), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),))),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
            function_sample(cls()),
        )
