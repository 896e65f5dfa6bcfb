"""The lesser of two operands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16
from edgeq.ir.op import Arrays
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import NO_CLAMP
from edgeq.ops._broadcast import binary_kernels
from edgeq.ops._minmax import MinMaxOp, lower_ref
from edgeq.ops._real import of_pairs, pair_rows


@dataclass(frozen=True)
class Minimum(MinMaxOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one constant. Output: the lesser of the two."""

    choose: ClassVar[np.ufunc] = np.minimum
    kernels: ClassVar = (
        *binary_kernels("eq_minimum", "minmax", "eq_minmax_params", lower_ref),
        *binary_kernels("eq_minimum_int16", "pair_int16", "eq_minmax_int16_params", lower_ref, elements=INT16),
        *pair_rows("minimum"),
    )
    onnx: ClassVar[str] = "Min"

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(lambda a, b: np.where(a < b, a, b), inputs, NO_CLAMP)
