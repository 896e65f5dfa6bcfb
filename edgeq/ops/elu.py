"""The exponential linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.numerics import lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Elu(TableOp):
    """x for x ≥ 0, alpha · (exp(x) − 1) below.

    Attributes:
        alpha: minus the limit for x → −∞.
    """

    alpha: float = 1.0

    onnx: ClassVar[str] = "Elu"

    def real(self, x: Array) -> Array:
        return np.where(x < 0, self.alpha * np.expm1(np.minimum(x, 0)), x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        if self.alpha != 1.0:  # LiteRT supports no other
            return self.table(x, y)
        expm1 = lut.in_float64(np.expm1)
        return lut.build_litert(lambda v: np.where(v < 0, expm1(np.minimum(v, 0)), v), x, y)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            Sample("alpha", cls(0.3), ((65,),), low=-2.0, high=1.0),
        )
