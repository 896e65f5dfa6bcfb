"""Rows of operators with two operands by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import add_params, mul_params, of_one_shape
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.ops._addsub import has_small_factors
from edgeq.ops._broadcast import both_computed
from edgeq.ops.mul import factor

MOST_PRODUCT_SHIFT = 14
"""The largest left shift of a product of two operands."""


def _add(site: Site, variant: Variant) -> Mapping[str, Param]:
    return add_params(site)


def _mul(site: Site, variant: Variant) -> Mapping[str, Param]:
    return mul_params(site)


def add_rows() -> tuple[Kernel, ...]:
    """The rows of Add; the library does not subtract."""
    fits = everywhere(both_computed, of_one_shape, has_small_factors)
    return library_rows("add", "elementwise", "eq_add_cmsis_nn_params", _add, fits)


def _is_shifted_little(site: Site) -> bool:
    """The product is shifted left by at most 14."""
    return int(factor(site).shift[0]) <= MOST_PRODUCT_SHIFT


def mul_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    fits = everywhere(both_computed, of_one_shape, _is_shifted_little)
    return library_rows("mul", "elementwise", "eq_mul_cmsis_nn_params", _mul, fits)
