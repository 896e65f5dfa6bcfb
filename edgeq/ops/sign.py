"""The sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, TableOp


@dataclass(frozen=True)
class Sign(TableOp):
    """−1, 0 or 1."""

    kernels: ClassVar = (*BYTE_ROWS, function_row("sign"))
    onnx: ClassVar[str] = "Sign"

    def real(self, x: Array) -> Array:
        return np.sign(x)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.where(x > 0, np.float32(1.0), np.where(x < 0, np.float32(-1.0), x)), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-4.0, high=4.0),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
            function_sample(cls()),
        )
