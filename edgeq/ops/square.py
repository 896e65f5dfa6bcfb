"""The square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Square(TableOp):
    """x²."""

    kernels: ClassVar = (*TableOp.kernels, function_row("square"))

    def real(self, x: Array) -> Array:
        return x * x

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(np.square, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),))),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
            function_sample(cls()),
        )
