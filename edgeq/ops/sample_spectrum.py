"""Spectra of samples of sound, in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Real
from edgeq.ir.tensor import DType
from edgeq.ops._spectrum import SpectrumOp, row
from edgeq.ops._whole import SAMPLES


@dataclass(frozen=True)
class SampleSpectrum(SpectrumOp):
    """As `SpectrumOp`, of whole samples of 16 bits; what it gives stays real in a quantized graph."""

    gives_real: ClassVar[bool | None] = True
    kernels: ClassVar = (row("eq_sample_spectrum_ref"),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(SAMPLES, Real(), Real()))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: SampleSpectrum, *shapes: tuple[int, ...]) -> Sample:
            const = tuple(range(1, len(shapes)))
            return Sample(name, op, shapes, const, elements=(DType.INT16, DType.FLOAT32))

        return (
            case("complex", cls(16, 8, 0), (2, 31), (15,)),
            case("magnitudes", cls(64, 20), (1, 100), (50,)),
            case("squares", cls(8, 8, 2), (8,), (8,)),
            case("bands", cls(32, 10, 1, (1, 3, 0, 9), (4, 3, 0, 8)), (1, 45), (25,), (15,)),
            case("axes", cls(16, 8, 2, axes=3), (2, 72), (16,)),
            case("bands_of_squares", cls(128, 1, 2, (64, 0), (1, 40)), (1, 99), (99,), (41,)),
        )
