"""The base of operators from whole numbers to whole numbers, such as those on samples of a signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from edgeq.ir.kernel import Kernel, Param, disjoint, no_scratch
from edgeq.ir.op import Arrays, Op, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait

SAMPLES = Index(limit=2**15, least=-(2**15), dtype=DType.INT16)
"""16-bit samples of a signal, or of its spectrum."""
WORDS = Index(limit=2**31, least=-(2**31))
"""32 bits, mostly of a uint32."""
BITS = Index(limit=16)
"""By how many bits something is shifted."""


@dataclass(frozen=True)
class WholeOp(Op):
    """Base of operators whose operands and results are whole numbers: one arithmetic, before and after quantization.

    Operands have any leading dimensions, unless an operator says otherwise; each of their indices is a frame.
    """

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    takes: ClassVar[tuple[Index, ...]] = (SAMPLES,)
    """What each operand holds."""

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        """The results, of the elements of all operands."""
        raise NotImplementedError

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        made = self.compute([x for x in inputs if x is not None])
        return tuple(y.astype(self.whole_type(k).numpy) for k, y in enumerate(made))

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=self.takes)


def of_rank(shapes: Shapes, index: int, rank: int, what: str) -> Shape:
    """The shape of an operand, which must have at least so many dimensions.

    Raises:
        ValueError: it has not.
    """
    shape = shapes[index] if index < len(shapes) else None
    if shape is None or len(shape) < rank:
        raise ValueError(f"{what} needs at least {rank} dimensions, not {shape}")
    return shape


def frames(shape: Shape, rank: int) -> int:
    """How many frames an operand has whose last `rank` dimensions are one."""
    return prod(shape[: len(shape) - rank])


def row(
    name: str,
    lower: Callable[[Site], Mapping[str, Param]],
    elements: set[DType],
    overlap: Callable[[Site], tuple[int | None, ...]] = disjoint,
    scratch: Callable[[Site], int] = no_scratch,
) -> tuple[Kernel]:
    """The portable row of an operator, whose file has its name; `elements`: of the results."""
    function, source, struct = f"eq_{name}_ref", (f"ref/{name}.c",), f"eq_{name}_params"
    types = frozenset(elements)
    return (Kernel(function, source, "eq/signal.h", struct, lower, elements=types, overlap=overlap, scratch=scratch),)
