"""Rows of operators with two operands by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.site import op_of, output_params
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.ops._addsub import LEFT_SHIFT, double_sum, has_small_factors
from edgeq.ops._broadcast import both_computed
from edgeq.ops.add import Add
from edgeq.ops.mul import Mul, factor

MOST_PRODUCT_SHIFT = 14
"""The largest left shift of a product of two operands."""


def _of_one_shape(site: Site) -> bool:
    """Both operands have the same shape."""
    return site.input(0).shape == site.input(1).shape


def _lower_add(site: Site, variant: Variant) -> Mapping[str, Param]:
    factors = double_sum(site)
    (a, b), y = factors.inputs, factors.output
    return {
        "size": site.outputs[0].size,
        "a_offset": -site.input(0).qp.zp,
        "a_multiplier": int(a.mantissa[0]),
        "a_shift": int(a.shift[0]),
        "b_offset": -site.input(1).qp.zp,
        "b_multiplier": int(b.mantissa[0]),
        "b_shift": int(b.shift[0]),
        "left_shift": LEFT_SHIFT,
        "multiplier": int(y.mantissa[0]),
        "shift": int(y.shift[0]),
        **output_params(site, op_of(site, Add).clamp),
    }


def add_rows() -> tuple[Kernel, ...]:
    """The rows of Add; the library does not subtract."""
    fits = everywhere(both_computed, _of_one_shape, has_small_factors)
    return library_rows("add", "elementwise", "eq_add_cmsis_nn_params", _lower_add, fits)


def _lower_mul(site: Site, variant: Variant) -> Mapping[str, Param]:
    y = factor(site)
    return {
        "size": site.outputs[0].size,
        "a_offset": -site.input(0).qp.zp,
        "b_offset": -site.input(1).qp.zp,
        "multiplier": int(y.mantissa[0]),
        "shift": int(y.shift[0]),
        **output_params(site, op_of(site, Mul).clamp),
    }


def _is_shifted_little(site: Site) -> bool:
    """The product is shifted left by at most 14."""
    return int(factor(site).shift[0]) <= MOST_PRODUCT_SHIFT


def mul_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    fits = everywhere(both_computed, _of_one_shape, _is_shifted_little)
    return library_rows("mul", "elementwise", "eq_mul_cmsis_nn_params", _lower_mul, fits)
