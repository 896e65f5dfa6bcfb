"""The square root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32, lut
from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, WIDE_ROW, TableOp, int16_row


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_sqrt_int16_ref_double`."""
    x, y = site.input(0), site.outputs[0]
    return {"size": y.size, "in_scale": x.qp.s, "out_scale": y.qp.s}


@dataclass(frozen=True)
class Sqrt(TableOp):
    """√x. In integer arithmetic a negative input gives 0."""

    kernels: ClassVar = (
        *BYTE_ROWS,
        WIDE_ROW,
        replace(
            int16_row("eq_sqrt_int16_ref_double", "eq_sqrt_int16_params", lower_int16),
            sources=("ref/sqrt_int16.c",),
            header="eq/sqrt_int16.h",
        ),
        function_row("sqrt"),
    )
    onnx: ClassVar[str] = "Sqrt"

    def real(self, x: Array) -> Array:
        return np.sqrt(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        """LiteRT truncates instead of rounding; it refuses negative inputs."""
        real = np.float32(x.scale) * np.maximum(lut.inputs() - x.zero_point, 0).astype(np.float32)
        return lut.saturate(np.trunc(np.sqrt(real) / np.float32(y.scale)).astype(np.int64) + y.zero_point)

    def litert16(self, site: Site, x: Array) -> Ints:
        """In float32, and cut off, too."""
        real = np.float32(site.input(0).qp.s) * np.maximum(x, 0).astype(np.float32)
        return np.trunc(np.sqrt(real) / np.float32(site.outputs[0].qp.s)).astype(np.int64)

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
