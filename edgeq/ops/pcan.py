"""A gain for each band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param, in_place
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.mel import gains
from edgeq.numerics.signal import GAIN_KNOTS, pcan
from edgeq.ops._whole import WORDS, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_pcan_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Pcan)
    return {"count": frames(x, 0), "shift": op.shift, "table": np.array(op.table, np.int16)}


@dataclass(frozen=True)
class Pcan(WholeOp):
    """Inputs: bands (…, bands), uint32; estimates of their noise, of the same shape. Output: amplitudes, uint32.

    Per-channel amplitude normalization: a band times a function of its noise, squeezed (edgeq.numerics.signal.pcan).

    Attributes:
        table: the function, 125 whole numbers of 16 bits (edgeq.numerics.mel.gains).
        shift: what products are divided by, as a power of two, so that they have 12 fractional bits.
    """

    table: tuple[int, ...]
    shift: int = 6

    takes: ClassVar = (WORDS, WORDS)
    kernels: ClassVar = row("pcan", lower, {DType.INT32}, in_place)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 1, "bands")
        if shapes[1] != x:
            raise ValueError(f"bands {x} and estimates of their noise {shapes[1]} have different shapes")
        if len(self.table) != GAIN_KNOTS or not 0 <= self.shift < 64:
            raise ValueError(f"a table of {len(self.table)} gains, not {GAIN_KNOTS}, or a shift of {self.shift}")
        return (x,)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (pcan(inputs[0], inputs[1], np.array(self.table, np.int16), self.shift),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types, usual = (DType.INT32, DType.INT32), tuple(gains(0.95, 80.0, 21, 7).tolist())
        return (
            Sample("usual", cls(usual), ((40,), (40,)), elements=types),
            Sample("negative", cls(tuple(-5 * k for k in range(GAIN_KNOTS)), 3), ((2, 9), (2, 9)), elements=types),
        )
