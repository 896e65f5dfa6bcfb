"""Frames of a signal as the signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.signal import overlap_add
from edgeq.ops._whole import SAMPLES, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_overlap_add_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, OverlapAdd)
    return {"rows": frames(x, 2), "frames": x[-2], "size": x[-1], "step": op.step}


@dataclass(frozen=True)
class OverlapAdd(WholeOp):
    """Inputs: frames (…, n, size); what those before have left (…, size). Outputs: samples (…, n · step), in which
    frames that follow each other by `step` samples are added, saturating; what is left."""

    step: int

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16, DType.INT16)
    takes: ClassVar = (SAMPLES, SAMPLES)
    kernels: ClassVar = row("overlap_add", lower, {DType.INT16})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, before = of_rank(shapes, 0, 2, "frames"), of_rank(shapes, 1, 1, "what is left")
        if before != (*x[:-2], x[-1]) or not 1 <= self.step <= x[-1]:
            raise ValueError(f"frames {x} every {self.step} samples do not fit what is left of others, {before}")
        return (*x[:-2], x[-2] * self.step), before

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        return overlap_add(inputs[0], inputs[1], self.step)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT16)
        return (
            Sample("one", cls(5), ((1, 16), (16,)), elements=types),
            Sample("frames", cls(3), ((2, 4, 7), (2, 7)), elements=types),
            Sample("apart", cls(6), ((2, 6), (6,)), elements=types),
        )
