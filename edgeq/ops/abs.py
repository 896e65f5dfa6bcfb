"""The absolute value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample, Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Trait
from edgeq.numerics import lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp, rescaled


@dataclass(frozen=True)
class Abs(TableOp):
    """|x|."""

    kernels: ClassVar = (*TableOp.kernels, function_row("abs"))
    declines: ClassVar[frozenset[Trait]] = TableOp.declines - {"homogeneous"}
    onnx: ClassVar[str] = "Abs"

    def real(self, x: Array) -> Array:
        return np.abs(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return rescaled(np.abs(lut.inputs() - x.zero_point), x, y)

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
