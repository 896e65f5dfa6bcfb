"""The lesser of two operands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ops._broadcast import binary_kernels
from edgeq.ops._minmax import MinMaxOp, lower_ref


@dataclass(frozen=True)
class Minimum(MinMaxOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one constant. Output: the lesser of the two."""

    choose: ClassVar[np.ufunc] = np.minimum
    kernels: ClassVar = binary_kernels("eq_minimum", "minmax", "eq_minmax_params", lower_ref)
    onnx: ClassVar[str] = "Min"
