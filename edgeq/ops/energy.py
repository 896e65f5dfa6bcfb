"""Energies of a spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param, in_place
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import energy
from edgeq.ops._whole import WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_energy_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Energy)
    return {"rows": frames(x, 2), "bins": x[-2], "start": op.start, "end": op.end}


@dataclass(frozen=True)
class Energy(WholeOp):
    """Input: a spectrum (…, bins, 2) of 16 bits. Output: real² + imaginary² (…, bins), as uint32.

    Attributes:
        start, end: bins from start to below end are computed; of the others the output is 0.
    """

    start: int
    end: int

    kernels: ClassVar = row("energy", lower, {DType.INT32}, in_place)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 2, "a spectrum")
        if x[-1] != 2 or not 0 <= self.start <= self.end <= x[-2]:
            raise ValueError(f"bins from {self.start} to below {self.end} are not in a spectrum {x}")
        return (x[:-1],)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (energy(inputs[0], self.start, self.end),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT32)
        return (
            Sample("band", cls(3, 14), ((17, 2),), elements=types),
            Sample("frames", cls(0, 5), ((3, 5, 2),), elements=types),
        )
