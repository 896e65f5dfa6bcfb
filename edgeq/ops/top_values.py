"""The greatest elements along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import TRAITS, Monotone, Trait
from edgeq.ops._broadcast import require_same_scale
from edgeq.ops._int16 import INTS16
from edgeq.ops._real import REALS
from edgeq.ops._top import Top, top_row


@dataclass(frozen=True)
class TopValues(Top):
    """Input: x of any rank. Output: the first elements along `axis` in order, in x's scale.

    Attributes: those of `Top`.
    """

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS) - {"commute", "monotone", "homogeneous"}
    kernels: ClassVar = (
        top_row("top_values", DType.INT8),
        top_row("top_values_int16", DType.INT16),
        top_row("top_values_float32", DType.FLOAT32),
    )

    @property
    def homogeneous(self) -> bool:
        return True

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.take_along_axis(x, self.indices(inputs), self.axis),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        require_same_scale(site, site.input(0).qp)
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("classes", cls(1, 5), ((3, 33),)),
            Sample("smallest", cls(1, 4, True), ((2, 300, 3),)),
            Sample("all", cls(0, 20), ((20,),)),
            Sample("int16", cls(1, 3), ((2, 9, 4),), elements=INTS16),
            Sample("real", cls(1, 4), ((2, 7, 3),), elements=REALS),
        )
