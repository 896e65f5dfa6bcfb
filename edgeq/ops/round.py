"""Rounding to the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.ops._table import BYTE_ROWS, TableOp


@dataclass(frozen=True)
class Round(TableOp):
    """The nearest whole number, halves to even."""

    kernels: ClassVar = BYTE_ROWS
    onnx: ClassVar[str] = "Round"

    def real(self, x: Array) -> Array:
        return np.rint(x)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-40.0, high=40.0),
            Sample("vector", cls(), ((65,),), low=-10.0, high=90.0),
        )
