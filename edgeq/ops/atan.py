"""The inverse tangent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Atan(TableOp):
    """atan(x), in radians."""

    kernels: ClassVar = (*TableOp.kernels, function_row("atan"))
    onnx: ClassVar[str] = "Atan"

    def real(self, x: Array) -> Array:
        return np.arctan(x)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(float32.atan, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0)),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
            function_sample(cls(), low=-40.0, high=40.0),
        )
