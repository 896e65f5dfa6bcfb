"""Reshape, which includes Squeeze, Unsqueeze and Flatten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Pattern, Tie, Trait, channels
from edgeq.ops._broadcast import require_same_scale
from edgeq.ops._movement import MovementOp


@dataclass(frozen=True)
class Reshape(MovementOp):
    """The same elements in the same order under another shape.

    Attributes:
        shape: the output's, without −1 or 0.
    """

    shape: Shape

    is_view: ClassVar[bool] = True

    pattern: ClassVar[Pattern] = Pattern.REARRANGEMENT
    declines: ClassVar[frozenset[Trait]] = MovementOp.declines | {"commute", "parts"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError("Reshape needs exactly one input")
        if prod(shapes[0]) != prod(self.shape) or min(self.shape, default=1) < 1:
            raise ValueError(f"{prod(shapes[0])} elements of shape {shapes[0]} do not fill shape {self.shape}")
        return (self.shape,)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return replace(self, shape=(self.shape[0] * count, *self.shape[1:])) if self.shape else None

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (inputs[0].reshape(self.shape),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        require_same_scale(site, site.input(0).q)
        return (inputs[0].reshape(self.shape),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    def is_copy(self, site: Site) -> bool:
        return True

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        inner, width = channels(site.input(0).shape), channels(self.shape)
        if max(width, inner) % min(width, inner):
            return None
        every = np.arange(max(width, inner))
        return (Tie(0, 0, np.stack([every % inner, every % width], axis=1)),)

    def with_channels(self, site: Site, counts: Sequence[int]) -> Reshape:
        return replace(self, shape=(*self.shape[:-1], counts[0]))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("flatten", cls((2, 60)), ((2, 3, 4, 5),)),
            Sample("unflatten", cls((3, 1, 4, 5)), ((60,),)),
            Sample("one", cls((1,)), ((1, 1),)),
            Sample("five", cls((1, 3, 2, 2, 5)), ((1, 3, 4, 5),)),
        )
