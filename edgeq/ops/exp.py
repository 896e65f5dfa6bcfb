"""The exponential function."""

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
class Exp(TableOp):
    """exp(x)."""

    onnx: ClassVar[str] = "Exp"

    def real(self, x: Array) -> Array:
        return np.exp(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return lut.build_litert(lut.in_float64(np.exp), x, y)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-3.0, high=1.0),
            Sample("vector", cls(), ((33,),), low=-8.0, high=0.0),
        )
