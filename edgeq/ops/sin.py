"""The sine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.ops._int16 import as_int16
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Sin(TableOp):
    """sin(x), x in radians."""

    onnx: ClassVar[str] = "Sin"

    def real(self, x: Array) -> Array:
        return np.sin(x)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0)),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
        )
