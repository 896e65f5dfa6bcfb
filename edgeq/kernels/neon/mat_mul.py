"""Rows of matrix products of two tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, disjoint
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import padded
from edgeq.kernels.neon.isa import DOTPROD, NEON
from edgeq.kernels.neon.pack import HALF, takes_multiplier
from edgeq.ops.mat_mul import OPERANDS, lower_ref, multiplier

COLUMNS = 16
"""Columns that are computed together."""


@dataclass(frozen=True)
class Products:
    """How one instruction set multiplies.

    Attributes:
        name: the C names end in it, before the rounding.
        isa: features that it needs.
        scratch: bytes.
    """

    name: str
    isa: frozenset[str]
    scratch: Callable[[Site], int]


def _dotprod_scratch(site: Site) -> int:
    """Sums of rows and columns, a block of columns packed, and rows filled up to whole steps."""
    rows, depth = site.input(0).shape[-2:]
    run = padded(depth, HALF)
    return 4 * (rows + COLUMNS) + COLUMNS * run + (rows * run if run > depth else 0)


def _neon_scratch(site: Site) -> int:
    """Rows of a narrow matrix, filled up."""
    depth, columns = site.input(1).shape[-2:]
    return COLUMNS * depth if columns < COLUMNS else 0


def has_vector_factor(site: Site) -> bool:
    """Vectors can take the factor of requantization."""
    return takes_multiplier(multiplier(site), site.rounding)


def mat_mul_rows() -> tuple[Kernel, ...]:
    """The rows of MatMul, fastest first."""
    sets = Products("dotprod", DOTPROD, _dotprod_scratch), Products("neon", NEON, _neon_scratch)
    return tuple(_row(by, constant) for by in sets for constant in OPERANDS)


def _row(by: Products, constant: str) -> Kernel:
    return Kernel(
        f"eq_mat_mul_{constant}{by.name}",
        (f"neon/mat_mul_{by.name}.c",),
        "eq/mat_mul_neon.h",
        "eq_mat_mul_params",
        lower_ref,
        by.isa,
        all_of(OPERANDS[constant], has_vector_factor),
        by.scratch,
        disjoint,
        rounded=True,
    )
