"""Index of the greatest element along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.tensor import Array
from edgeq.ops._index_of import IndexOf, index_rows


@dataclass(frozen=True)
class ArgMax(IndexOf):
    """Input: x of any rank. Output: int32, the index of the greatest element along `axis`.

    Attributes: those of `IndexOf`.
    """

    onnx: ClassVar[str] = "ArgMax"
    kernels: ClassVar = index_rows("arg_max")

    def better(self, x: Array, best: Array) -> Array:
        return np.asarray(np.greater_equal(x, best) if self.last else np.greater(x, best))
