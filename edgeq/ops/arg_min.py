"""Index of the least element along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.tensor import Array
from edgeq.ops._index_of import IndexOf, index_rows


@dataclass(frozen=True)
class ArgMin(IndexOf):
    """Input: x of any rank. Output: int32, the index of the least element along `axis`.

    Attributes: those of `IndexOf`.
    """

    onnx: ClassVar[str] = "ArgMin"
    kernels: ClassVar = index_rows("arg_min")

    def better(self, x: Array, best: Array) -> Array:
        return np.asarray(np.less_equal(x, best) if self.last else np.less(x, best))
