"""A window over samples of a signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param, in_place
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.mel import WEIGHT_BITS, hann
from edgeq.numerics.signal import window
from edgeq.ops._whole import WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_signal_window_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, SignalWindow)
    return {
        "rows": frames(x, 1),
        "size": x[-1],
        "shift": op.shift,
        "weights": np.array(op.weights, np.int16),
    }


@dataclass(frozen=True)
class SignalWindow(WholeOp):
    """Input: samples (…, n). Output: samples · weights / 2^shift, rounded down, saturating.

    Attributes:
        weights: n whole numbers of 16 bits.
        shift: from 0 to 31.
    """

    weights: tuple[int, ...]
    shift: int = WEIGHT_BITS

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16,)
    kernels: ClassVar = row("signal_window", lower, {DType.INT16}, in_place)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 1, "a signal")
        if x[-1] != len(self.weights) or not 0 <= self.shift < 32:
            raise ValueError(f"a window of {len(self.weights)} weights and a shift of {self.shift} does not fit {x}")
        return (x,)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return (window(inputs[0], np.array(self.weights, np.int16), self.shift),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT16)
        return (
            Sample("hann", cls(tuple(hann(31).tolist())), ((31,),), elements=types),
            Sample("saturating", cls((32767, -32768, 5, 4096), 10), ((3, 4),), elements=types),
        )
