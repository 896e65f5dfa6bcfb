"""The square root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample, Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import TableOp


@dataclass(frozen=True)
class Sqrt(TableOp):
    """√x. In integer arithmetic a negative input gives 0."""

    kernels: ClassVar = (*TableOp.kernels, function_row("sqrt"))
    onnx: ClassVar[str] = "Sqrt"

    def real(self, x: Array) -> Array:
        return np.sqrt(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        """LiteRT truncates instead of rounding; it refuses negative inputs."""
        real = np.float32(x.scale) * np.maximum(lut.inputs() - x.zero_point, 0).astype(np.float32)
        return lut.saturate(np.trunc(np.sqrt(real) / np.float32(y.scale)).astype(np.int64) + y.zero_point)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(float32.sqrt, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=0.0, high=4.0),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),), low=0.0, high=4.0)),
            Sample("vector", cls(), ((40,),), low=0.0, high=0.01),
            function_sample(cls(), low=0.0, high=9.0),
        )
