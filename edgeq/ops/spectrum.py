"""Spectra of real samples, in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, QuantRule, Real
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.ops._real import REALS
from edgeq.ops._spectrum import SpectrumOp, row

FROM_INT16 = (DType.INT16, DType.FLOAT32)


def is_centred(site: Site) -> bool:
    """Samples have 16 bits, with the zero-point 0."""
    return site.input(0).dtype is DType.INT16 and site.input(0).qp.zp == 0


def is_real(site: Site) -> bool:
    """Samples are real numbers."""
    return site.input(0).dtype is DType.FLOAT32


@dataclass(frozen=True)
class Spectrum(SpectrumOp):
    """As `SpectrumOp`, of real samples, which have 16 bits in a quantized graph; what it gives stays real there."""

    gives_real: ClassVar[bool | None] = True
    kernels: ClassVar = (
        row("eq_sample_spectrum_ref", frozenset(FROM_INT16), is_centred),
        row("eq_spectrum_ref", fits=is_real),
    )

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(ACTIVATION, Real(), Real()), wide=frozenset({0}))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        complexes, bands = cls(16, 8, 0), cls(32, 10, 2, (1, 3, 0, 9), (4, 3, 0, 8))
        with_bands: tuple[tuple[int, ...], ...] = ((1, 45), (25,), (15,))
        return (
            Sample("int16", complexes, ((2, 31), (15,)), (1,), elements=FROM_INT16),
            Sample("int16_bands", bands, with_bands, (1, 2), elements=FROM_INT16),
            Sample("real", complexes, ((2, 31), (15,)), (1,), elements=REALS),
            Sample("real_bands", bands, with_bands, (1, 2), elements=REALS),
        )
