"""The square."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Square(TableOp):
    """x²."""

    def real(self, x: Array) -> Array:
        return x * x

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
        )
