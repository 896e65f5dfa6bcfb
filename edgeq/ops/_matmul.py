"""Exact integer matrix products through floating-point BLAS."""

from __future__ import annotations

from typing import cast

import numpy as np

from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Ints


def int_matmul(a: Array, b: Array) -> Ints:
    """a (…, K) times b (K, N) for int8-ranged integers, exact, as int64.

    Sums of integers below 2²⁴ (2⁵³) are exact in float32 (float64) in any order, and BLAS is ten times faster
    than numpy's integer product.
    """
    bound = a.shape[-1] * (int(np.abs(a).max(initial=1)) + 1) * (int(np.abs(b).max(initial=1)) + 1)
    kind = np.float32 if bound < 2**24 else np.float64
    return cast(Ints, (a.astype(kind) @ b.astype(kind)).astype(np.int64))
