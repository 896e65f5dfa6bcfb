"""Rows of element-wise operators and reductions on Helium."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.ir.kernel import Kernel, Param, disjoint
from edgeq.ir.op import Site
from edgeq.ops._overlap import elementwise

ISA = frozenset({"mve"})
Lower = Callable[[Site], Mapping[str, Param]]
Fits = Callable[[Site], bool]
Overlap = Callable[[Site], tuple[int | None, ...]]


def mve_row(
    name: str, struct: str, lower: Lower, fits: Fits, overlap: Overlap = disjoint, rounded: bool = False
) -> Kernel:
    """The row `eq_<name>_mve`, in a file of that name.

    Args:
        name: of the operator.
        struct: C type of the parameters.
        lower: their members.
        fits, overlap, rounded: see Kernel.
    """
    return Kernel(
        f"eq_{name}_mve",
        (f"mve/{name}.c",),
        f"eq/{name}_mve.h",
        struct,
        lower,
        ISA,
        fits,
        overlap=overlap,
        rounded=rounded,
    )


def binary_mve_rows(
    name: str, struct: str, lower: Lower, computed: Fits, constant: Fits, suffix: str = "", rounded: bool = False
) -> tuple[Kernel, Kernel]:
    """The rows `eq_<name>_mve<suffix>` with two computed operands and `eq_<name>_const_mve<suffix>` with one.

    Args:
        name: of the operator and its file.
        struct: C type of the parameters.
        lower: their members.
        computed, constant: conditions of either row.
        suffix: end of the C names.
        rounded: see Kernel.
    """

    def row(function: str, fits: Fits) -> Kernel:
        return Kernel(
            f"{function}{suffix}",
            (f"mve/{name}.c",),
            f"eq/{name}_mve.h",
            struct,
            lower,
            ISA,
            fits,
            overlap=elementwise,
            rounded=rounded,
        )

    return row(f"eq_{name}_mve", computed), row(f"eq_{name}_const_mve", constant)
