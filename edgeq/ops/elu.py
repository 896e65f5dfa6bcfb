"""The exponential linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Op, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


def numbers(op: Op) -> tuple[float, float]:
    """The slope."""
    assert isinstance(op, Elu)
    return op.alpha, 0.0


@dataclass(frozen=True)
class Elu(TableOp):
    """x for x ≥ 0, alpha · (exp(x) − 1) below.

    Attributes:
        alpha: minus the limit for x → −∞.
    """

    alpha: float = 1.0

    kernels: ClassVar = (*TableOp.kernels, function_row("elu", numbers))
    onnx: ClassVar[str] = "Elu"

    def real(self, x: Array) -> Array:
        return np.where(x < 0, self.alpha * np.expm1(np.minimum(x, 0)), x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        if self.alpha != 1.0:  # LiteRT supports no other
            return self.table(x, y)
        expm1 = lut.in_float64(np.expm1)
        return lut.build_litert(lambda v: np.where(v < 0, expm1(np.minimum(v, 0)), v), x, y)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.where(x > 0, x, np.float32(self.alpha) * float32.expm1(x)), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),))),
            Sample("alpha", cls(0.3), ((65,),), low=-2.0, high=1.0),
            function_sample(cls()),
        )
