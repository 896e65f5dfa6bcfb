"""Bands without their noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import spectral_subtraction
from edgeq.ops._whole import WORDS, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_spectral_subtraction_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, SpectralSubtraction)
    return {
        "rows": frames(x, 1),
        "bands": x[-1],
        "smoothing": op.smoothing,
        "kept": op.kept,
        "least": op.least,
        "smoothing_bits": op.smoothing_bits,
        "bits": op.bits,
        "clamping": int(op.clamping),
    }


@dataclass(frozen=True)
class SpectralSubtraction(WholeOp):
    """Inputs: bands (…, bands), uint32; estimates of their noise. Outputs: bands less their noise; the new estimates.

    Estimates, of the same shape, have `smoothing_bits` fractional bits. Leading indices are channels, not frames.

    Attributes:
        smoothing: the share of new bands in the estimates, of bands of even and of odd index.
        kept: the share of the old estimates, likewise.
        least: the share of a band that always remains.
        smoothing_bits: see above.
        bits: fractional bits of all shares.
        clamping: whether an estimate above the band becomes the band.
    """

    smoothing: tuple[int, int]
    kept: tuple[int, int]
    least: int
    smoothing_bits: int = 10
    bits: int = 14
    clamping: bool = False

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT32, DType.INT32)
    takes: ClassVar = (WORDS, WORDS)
    kernels: ClassVar = row("spectral_subtraction", lower, {DType.INT32})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 1, "bands")
        if shapes[1] != x:
            raise ValueError(f"bands {x} and estimates of their noise {shapes[1]} have different shapes")
        shares = (*self.smoothing, *self.kept, self.least)
        if not (0 <= self.smoothing_bits < 32 and 0 <= self.bits < 32 and min(shares) >= 0 and max(shares) < 1 << 31):
            raise ValueError(
                f"shares {shares} of {self.bits} and estimates of {self.smoothing_bits} bits are impossible"
            )
        return x, x

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        x, noise = inputs
        return spectral_subtraction(
            x, noise, self.smoothing, self.kept, self.least, self.smoothing_bits, self.bits, self.clamping
        )

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT32, DType.INT32)
        return (
            Sample("usual", cls((409, 983), (15975, 15401), 819), ((40,), (40,)), elements=types),
            Sample("clamping", cls((9, 3), (7, 13), 2, 3, 4, True), ((2, 7), (2, 7)), elements=types),
        )
