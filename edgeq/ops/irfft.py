"""The inverse Fourier transform of a real signal's spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import irfft, super_twiddles, twiddles
from edgeq.ops._whole import WholeOp, frames, of_rank, row
from edgeq.ops.rfft import LENGTHS


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_irfft_ref`."""
    x = site.input(0).shape
    half = x[-2] - 1
    return {
        "rows": frames(x, 2),
        "size": 2 * half,
        "half": half,
        "twiddles": twiddles(half).reshape(-1),
        "super_twiddles": super_twiddles(half).reshape(-1),
    }


def scratch(site: Site) -> int:
    """Half a spectrum, before it is put in the order of the first stage."""
    return 4 * (site.input(0).shape[-2] - 1)


@dataclass(frozen=True)
class Irfft(WholeOp):
    """Input: the values (…, length / 2 + 1, 2) of a spectrum, real and imaginary parts of 16 bits. Output: the signal
    (…, length), divided by length / 2; the length is a power of 2 from 4 to 16384."""

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16,)
    kernels: ClassVar = row("irfft", lower, {DType.INT16}, scratch=scratch)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 2, "a spectrum")
        length = 2 * (x[-2] - 1)
        if x[-1] != 2 or length not in LENGTHS:
            raise ValueError(f"{x} is no spectrum of a length that is a power of 2 from 4 to 16384")
        return ((*x[:-2], length),)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (irfft(inputs[0]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT16)
        return (
            Sample("whole", cls(), ((33, 2),), elements=types),
            Sample("frames", cls(), ((2, 65, 2),), elements=types),
            Sample("short", cls(), ((3, 2),), elements=types),
        )
