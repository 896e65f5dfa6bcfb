"""Rounding to the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, TableOp


@dataclass(frozen=True)
class Round(TableOp):
    """The nearest whole number, halves to even."""

    kernels: ClassVar = (*BYTE_ROWS, function_row("round"))
    onnx: ClassVar[str] = "Round"

    def real(self, x: Array) -> Array:
        return np.rint(x)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(float32.round_even, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-40.0, high=40.0),
            Sample("vector", cls(), ((65,),), low=-10.0, high=90.0),
            function_sample(cls(), low=-40.0, high=40.0),
        )
