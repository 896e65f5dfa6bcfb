"""The exponential function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param, in_place
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.numerics import float32, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._table import TableOp

REAL = frozenset({DType.FLOAT32})


def lower_float32(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_exp_ref_float32`."""
    return {"size": site.outputs[0].size}


@dataclass(frozen=True)
class Exp(TableOp):
    """exp(x)."""

    kernels: ClassVar = (
        *TableOp.kernels,
        Kernel(
            "eq_exp_ref_float32",
            ("ref/exp.c",),
            "eq/exp.h",
            "eq_exp_params",
            lower_float32,
            elements=REAL,
            overlap=in_place,
        ),
    )
    onnx: ClassVar[str] = "Exp"

    def real(self, x: Array) -> Array:
        return np.exp(x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        return lut.build_litert(lut.in_float64(np.exp), x, y)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (float32.exp(inputs[0]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),), low=-3.0, high=1.0),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),), low=-3.0, high=1.0)),
            Sample("vector", cls(), ((33,),), low=-8.0, high=0.0),
            Sample("float32", cls(), ((1, 3, 5, 7),), low=-100.0, high=90.0, elements=(DType.FLOAT32, DType.FLOAT32)),
        )
