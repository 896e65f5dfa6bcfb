"""Another origin of the same integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.errors import InternalError
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait

FARTHEST = 2**17
"""Greatest zero-point beside a Shift: beyond it, float32 has less than seven bits for a fraction of a step."""


@dataclass(frozen=True)
class Shift(Op):
    """x − amount, of any shape: the same integers with the same scale, and a zero-point greater by amount / scale.

    It stands beside an input or output of the model whose values are far from zero: outside, the zero-point is beyond
    8 bits; inside it is not. It costs nothing.

    Attributes:
        amount: a whole number of steps, in real units.
    """

    amount: float

    is_view: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)

    def moved(self, q: QParams) -> QParams:
        """The parameters of the output for those of the input."""
        return QParams.per_tensor(q.s, q.zp + round(self.amount / q.s))

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError("Shift needs exactly one input")
        return (shapes[0],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return ((np.asarray(inputs[0], np.float64) - self.amount).astype(np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        if site.outputs[0].q != self.moved(site.input(0).qp):
            raise InternalError("the parameters are not a shift apart", where=site.name)
        return (inputs[0],)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.MOVED)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(0.5), ((1, 5, 3, 7),), low=-1.0, high=2.0),
            Sample("vector", cls(-300.0), ((33,),)),
        )
