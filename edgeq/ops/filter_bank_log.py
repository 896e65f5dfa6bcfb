"""Logarithms of bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param, in_place
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import filter_bank_log, log_table
from edgeq.ops._whole import WORDS, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_filter_bank_log_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, FilterBankLog)
    return {
        "count": frames(x, 0),
        "scale": op.scale,
        "left": max(op.correction_bits, 0),
        "right": max(-op.correction_bits, 0),
        "table": log_table().astype(np.int16),
    }


@dataclass(frozen=True)
class FilterBankLog(WholeOp):
    """Input: bands (…, bands), uint32. Output: scale · ln(band · 2^correction_bits), from 0 to 32767.

    Attributes:
        scale: see above, not negative.
        correction_bits: from −31 to 31.
    """

    scale: int = 64
    correction_bits: int = 3

    takes: ClassVar = (WORDS,)
    kernels: ClassVar = row("filter_bank_log", lower, {DType.INT32}, in_place)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if self.scale < 0 or not -32 < self.correction_bits < 32:
            raise ValueError(
                f"a logarithm with a scale of {self.scale} and {self.correction_bits} more bits is impossible"
            )
        return (of_rank(shapes, 0, 1, "bands"),)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (filter_bank_log(inputs[0], self.scale, self.correction_bits),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT32, DType.INT32)
        return (
            Sample("usual", cls(), ((40,),), elements=types),
            Sample("right", cls(4096, -20), ((2, 33),), elements=types),
        )
