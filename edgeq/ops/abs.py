"""The absolute value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.numerics import lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._table import TableOp, rescaled


@dataclass(frozen=True)
class Abs(TableOp):
    """|x|."""

    def real(self, x: Array) -> Array:
        return np.abs(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return rescaled(np.abs(lut.inputs() - x.zero_point), x, y)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
        )
