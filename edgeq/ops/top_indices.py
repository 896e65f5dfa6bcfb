"""Where the greatest elements along an axis are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import TRAITS, Trait
from edgeq.ops._index_of import FROM_INT8, FROM_REAL
from edgeq.ops._top import Top, top_row


@dataclass(frozen=True)
class TopIndices(Top):
    """Input: x of any rank. Output: int32, where along `axis` the first elements in order are.

    Attributes: those of `Top`.
    """

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS) - {"commute"}
    kernels: ClassVar = (top_row("top_indices", *FROM_INT8), top_row("top_indices_float32", *FROM_REAL))

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        return (self.indices(inputs),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return (self.indices(inputs),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule()

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("classes", cls(1, 5), ((3, 33),), elements=FROM_INT8),
            Sample("smallest", cls(1, 4, True), ((2, 300, 3),), elements=FROM_INT8),
            Sample("all", cls(0, 20), ((20,),), elements=FROM_INT8),
            Sample("real", cls(1, 4), ((2, 7, 3),), elements=FROM_REAL),
            Sample("real_smallest", cls(2, 3, True), ((1, 5, 9),), elements=FROM_REAL),
        )
