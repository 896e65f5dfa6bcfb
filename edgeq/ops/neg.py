"""Negation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Trait
from edgeq.numerics import lut
from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, CURVE_ROW, WIDE_ROW, TableOp, int16_row, ratio_params


def is_stored(site: Site) -> bool:
    """The stored integers are negated."""
    return isinstance(site.op, Neg) and site.op.stored


def is_real(site: Site) -> bool:
    """The real numbers are negated."""
    return not is_stored(site)


STORED = int16_row("eq_neg_int16_ref_double", "eq_requantize_int16_params", ratio_params)
LITERT_ROWS = (
    replace(STORED, fits=all_of(STORED.fits, is_stored)),
    replace(CURVE_ROW, fits=all_of(CURVE_ROW.fits, is_real)),
)


@dataclass(frozen=True)
class Neg(TableOp):
    """−x.

    Attributes:
        stored: TFLITE and TFLM negate the stored integers, as LiteRT does in int8 and int16 files.
    """

    stored: bool = False

    kernels: ClassVar = (
        *BYTE_ROWS,
        WIDE_ROW,
        *LITERT_ROWS,
        function_row("neg"),
    )
    declines: ClassVar[frozenset[Trait]] = TableOp.declines - {"homogeneous"}
    onnx: ClassVar[str] = "Neg"

    def real(self, x: Array) -> Array:
        return -x

    def litert_table(self, x: Affine, y: Affine) -> Table:
        """LiteRT negates the stored bytes and disregards all quantization parameters; −128 stays −128."""
        return (-lut.inputs()).astype(np.int8) if self.stored else self.table(x, y)

    def litert16(self, site: Site, x: Array) -> Ints:
        """The stored integers, negated whatever the scales are; −32768 stays −32768."""
        if not self.stored:
            return super().litert16(site, x)
        return (-x.astype(np.int64)).astype(np.int16).astype(np.int64)

    @property
    def homogeneous(self) -> bool:
        return True

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: -x, inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(), ((1, 3, 5, 2),))),
            as_int16(Sample("stored", cls(stored=True), ((1, 3, 5, 2),))),
            Sample("vector", cls(), ((65,),), low=-1.0, high=9.0),
            Sample("stored", cls(stored=True), ((257,),)),
            function_sample(cls()),
        )
