"""The Fourier transform of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import rfft, super_twiddles, twiddles
from edgeq.ops._whole import WholeOp, frames, of_rank, row

LENGTHS = tuple(1 << k for k in range(2, 15))
"""Lengths of transforms."""


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_rfft_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Rfft)
    half = op.length // 2
    return {
        "rows": frames(x, 1),
        "size": x[-1],
        "half": half,
        "twiddles": twiddles(half).reshape(-1),
        "super_twiddles": super_twiddles(half).reshape(-1),
    }


@dataclass(frozen=True)
class Rfft(WholeOp):
    """Input: samples (…, n). Output: the first length / 2 + 1 values of their transform, followed by zeros up to the
    length, divided by it: (…, length / 2 + 1, 2), real and imaginary parts of 16 bits.

    Attributes:
        length: a power of 2 from 4 to 16384.
    """

    length: int

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16,)
    kernels: ClassVar = row("rfft", lower, {DType.INT16})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 1, "a signal")
        if self.length not in LENGTHS or x[-1] > self.length:
            raise ValueError(
                f"a transform of length {self.length} does not fit {x}; it is a power of 2 from 4 to 16384"
            )
        return ((*x[:-1], self.length // 2 + 1, 2),)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (rfft(inputs[0], self.length),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT16)
        return (
            Sample("whole", cls(64), ((64,),), elements=types),
            Sample("padded", cls(128), ((2, 99),), elements=types),
            Sample("short", cls(4), ((3,),), elements=types),
            Sample("eight", cls(8), ((1, 8),), elements=types),
        )
