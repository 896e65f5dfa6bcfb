"""Square roots of the sums over bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import filter_bank_square_root
from edgeq.ops._overlap import Overlaps, indices, of_elements
from edgeq.ops._whole import BITS, WORDS, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_filter_bank_square_root_ref`."""
    x = site.input(0).shape
    return {"rows": frames(x, 2), "bands": x[-2]}


def overlap(site: Site) -> Overlaps:
    """One element after another, each from two words and the bits of its frame."""
    x, bits = site.input(0).shape, site.input(1).shape
    return of_elements(site, [indices(x)[..., 0], indices(bits)[..., None]])


@dataclass(frozen=True)
class FilterBankSquareRoot(WholeOp):
    """Inputs: sums (…, bands, 2), the words of uint64, the lower first; k (…). Output: √sum / 2^k (…, bands), uint32.

    Roots are rounded to nearest, those of sums below 2³² up to 65535; the quotient is rounded down. k counts modulo 32.
    """

    takes: ClassVar = (WORDS, BITS)
    kernels: ClassVar = row("filter_bank_square_root", lower, {DType.INT32}, overlap)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, bits = of_rank(shapes, 0, 2, "sums over bands"), shapes[1]
        if x[-1] != 2 or bits != x[:-2]:
            raise ValueError(f"sums of shape {x}, two words each, and shifts of shape {bits} do not fit each other")
        return (x[:-1],)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (filter_bank_square_root(inputs[0], inputs[1] & 31),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT32, DType.INT32)
        return (
            Sample("few", cls(), ((5, 11, 2), (5,)), elements=types),
            Sample("frame", cls(), ((40, 2), ()), elements=types),
            Sample("frames", cls(), ((3, 9, 2), (3,)), elements=types),
        )
