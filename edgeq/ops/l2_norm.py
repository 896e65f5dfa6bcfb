"""Normalization to length one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import NO_CLAMP
from edgeq.numerics import float32
from edgeq.numerics.float32 import Floats as Floats32
from edgeq.ops._normalize import Floats
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops._real import REALS, of_single, rows_row


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_l2_norm_ref_float32`."""
    assert isinstance(site.op, L2Norm)
    columns = prod(site.outputs[0].shape[site.op.axis :])
    return {"rows": site.outputs[0].size // columns, "columns": columns, "a": float(np.float32(site.op.epsilon))}


def is_plain(site: Site) -> bool:
    """It has no scale, no bias and no activation."""
    assert isinstance(site.op, L2Norm)
    return all(t is None for t in site.inputs[1:]) and site.op.clamp == NO_CLAMP


@dataclass(frozen=True)
class L2Norm(NormalizeLast):
    """x / max(√(sum of x²), epsilon) over the last axes, times a scale, plus a bias, which differ along these axes.

    Attributes: those of `NormalizeLast`; epsilon is a lower bound of the length.
    """

    centred: ClassVar[bool] = False
    onnx: ClassVar[str] = "LpNormalization"

    kernels: ClassVar = (NormalizeLast.kernels[0], rows_row("l2_norm", lower_real, is_plain))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        def normalized(x: Floats32) -> Array:
            axes = tuple(range(self.axis, x.ndim))
            root = float32.sqrt(float32.in_order(x * x, axes, True))
            least = np.float32(self.epsilon)
            return float32.quotient(x, np.where(root > least, root, least))

        return of_single(normalized, inputs)

    def divided(self, x: Floats, squares: Floats, count: int) -> Floats:
        measure = np.maximum(np.sqrt(squares), self.epsilon)
        return np.divide(x, measure, out=np.zeros_like(x), where=measure > 0.0)

    def integer_form(self, count: int) -> tuple[float, float, bool]:
        return 1.0 / sqrt(count), self.epsilon * self.epsilon * count, True

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            *super().samples(),
            Sample("short", cls(2.0, axis=1), ((9, 12),), low=-1.0, high=1.0),
            Sample("real", cls(1e-6, axis=1), ((9, 12),), elements=REALS),
        )
