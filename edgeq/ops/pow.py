"""Powers with a constant exponent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.ops._int16 import as_int16
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Pow(TableOp):
    """x ** exponent. In integer arithmetic a power that is not a real number gives 0.

    Attributes:
        exponent: any real number.
    """

    exponent: float

    def real(self, x: Array) -> Array:
        return np.power(x, np.float64(self.exponent))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("cube", cls(3.0), ((1, 3, 5, 2),), low=-2.0, high=2.0),
            as_int16(Sample("cube", cls(3.0), ((1, 3, 5, 2),), low=-2.0, high=2.0)),
            Sample("square", cls(2.0), ((7,),)),
            Sample("root", cls(0.5), ((1, 33),), low=0.0, high=5.0),
            Sample("inverse", cls(-1.0), ((1, 33),), low=0.5, high=5.0),
        )
