"""Operands whose elements lie side by side, as kernels with vectors need them."""

from __future__ import annotations

from edgeq.ir.site import Site
from edgeq.ops._broadcast import operand_walk


def rows_are_contiguous(site: Site) -> bool:
    """Both operands are contiguous along the last dimension once neighbouring dimensions are joined."""
    _, strides = operand_walk(site)
    return all(steps[-1] == 1 for steps in strides)


def rows_are_contiguous_or_repeated(site: Site) -> bool:
    """Along the last dimension, neighbouring dimensions joined, each operand is contiguous or one element."""
    _, strides = operand_walk(site)
    return all(steps[-1] in (0, 1) for steps in strides)
