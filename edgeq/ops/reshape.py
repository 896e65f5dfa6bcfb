"""Reshape, and everything that is one: Squeeze, Unsqueeze, Flatten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from edgeq.ir.op import Arrays, Op, QuantRule, Sample, Scale, Shapes, Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._broadcast import require_same_scale


@dataclass(frozen=True)
class Reshape(Op):
    """The same elements in the same order under another shape.

    Attributes:
        shape: the output's, without −1 or 0.
    """

    shape: Shape

    is_view: ClassVar[bool] = True

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
        require_same_scale(site, site.input(0).qp)
        return (inputs[0].reshape(self.shape),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("flatten", cls((2, 60)), ((2, 3, 4, 5),)),
            Sample("unflatten", cls((3, 1, 4, 5)), ((60,),)),
            Sample("one", cls((1,)), ((1, 1),)),
            Sample("five", cls((1, 3, 2, 2, 5)), ((1, 3, 4, 5),)),
        )
