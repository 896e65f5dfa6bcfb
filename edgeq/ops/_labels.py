"""What operators share that give labels: whole numbers of whole numbers, by one portable kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import TRAITS, Trait
from edgeq.ops._overlap import Overlaps

WHOLES = (DType.INT32, DType.INT32)
"""Element types of a sample."""


class LabelOp(Op):
    """Base of operators that give labels. What they are called is among their attributes."""

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)


def label_row(
    name: str, lower: Callable[[Site], Mapping[str, Param]], overlap: Callable[[Site], Overlaps]
) -> tuple[Kernel]:
    """The portable row of an operator.

    Args:
        name: of its C files.
        lower: gives its parameters.
        overlap: how far labels may lie over what is read.
    """
    source, header, struct = (f"ref/{name}.c",), f"eq/{name}.h", f"eq_{name}_params"
    elements = frozenset({DType.INT32})
    return (Kernel(f"eq_{name}_ref", source, header, struct, lower, elements=elements, overlap=overlap),)
