"""Whether a buffer of frames holds enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.quant_rule import Index
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import count_frames
from edgeq.ops._whole import WholeOp, row

HELD = Index(limit=1 << 16)
"""How many frames a buffer holds, and one more."""


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_signal_count_ref`."""
    assert isinstance(site.op, SignalCount)
    return {"first": site.op.first, "need": site.op.need, "step": site.op.step}


@dataclass(frozen=True)
class SignalCount(WholeOp):
    """Input: how many frames a buffer holds (1), and one more; 0: there has been none. Outputs: 1 if it holds enough
    with the one that is added, else 0; the count for the next one.

    Attributes:
        first: as how many the first frame counts.
        need: how many are enough.
        step: how many of them are taken away then, at most all.
    """

    first: int
    need: int
    step: int

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT32, DType.INT32)
    takes: ClassVar = (HELD,)
    kernels: ClassVar = row("signal_count", lower, {DType.INT32})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if shapes[0] != (1,) or not (1 <= self.first <= self.need < HELD.limit and 1 <= self.step <= self.need):
            raise ValueError(f"{self.need} frames, of which {self.step} are taken, cannot be counted in {shapes[0]}")
        return (1,), (1,)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return count_frames(inputs[0], self.first, self.need, self.step)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT32, DType.INT32)
        return (
            Sample("enough", cls(1, 2, 2), ((1,),), elements=types),
            Sample("rarely", cls(2, 60000, 3), ((1,),), elements=types),
        )
