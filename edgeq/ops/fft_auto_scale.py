"""A factor for a frame that fills 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import fft_auto_scale
from edgeq.ops._whole import WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fft_auto_scale_ref`."""
    x = site.input(0).shape
    return {"rows": frames(x, 1), "size": x[-1]}


@dataclass(frozen=True)
class FftAutoScale(WholeOp):
    """Input: samples (…, n). Outputs: samples · 2^k, so that the greatest has 15 bits; k (…), whole numbers."""

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16, DType.INT32)
    kernels: ClassVar = row("fft_auto_scale", lower, {DType.INT16, DType.INT32})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 1, "a signal")
        return x, x[:-1]

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return fft_auto_scale(inputs[0])

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT16)
        return (Sample("frame", cls(), ((33,),), elements=types), Sample("frames", cls(), ((7, 2),), elements=types))
