"""The greater of two operands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ops._broadcast import binary_kernels
from edgeq.ops._minmax import MinMaxOp, lower_ref


@dataclass(frozen=True)
class Maximum(MinMaxOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one constant. Output: the greater of the two."""

    choose: ClassVar[np.ufunc] = np.maximum
    kernels: ClassVar = binary_kernels("eq_maximum", "minmax", "eq_minmax_params", lower_ref)
    onnx: ClassVar[str] = "Max"
