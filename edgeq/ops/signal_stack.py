"""Frames behind those before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ops._whole import SAMPLES, WholeOp, of_rank, row
from edgeq.ops.signal_count import HELD


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_signal_stack_ref`."""
    return {"kept": site.input(0).shape[0], "size": site.input(1).shape[0]}


@dataclass(frozen=True)
class SignalStack(WholeOp):
    """Inputs: kept frames (k · n); a new one (n); a count (1). Output: both ((k + 1) · n). Where the count is 0 there
    has been no frame before, and the new one stands for all that are kept."""

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16,)
    takes: ClassVar = (SAMPLES, SAMPLES, HELD)
    kernels: ClassVar = row("signal_stack", lower, {DType.INT16})

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        kept, x = of_rank(shapes, 0, 1, "kept frames"), of_rank(shapes, 1, 1, "a frame")
        if len(kept) != 1 or len(x) != 1 or kept[0] % x[0] or shapes[2] != (1,):
            raise ValueError(f"kept frames {kept}, a frame {x} and a count {shapes[2]} do not fit each other")
        return ((kept[0] + x[0],),)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        kept, x, count = inputs
        before = kept if int(count[0]) else np.tile(x, kept.size // x.size)
        return (np.concatenate([before, x]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT16, DType.INT16)
        return (
            Sample("three", cls(), ((14,), (7,), (1,)), elements=types),
            Sample("two", cls(), ((10,), (5,), (1,)), elements=types),
        )
