"""Rows of operators with two operands by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.site import op_of, output_params
from edgeq.kernels.cmsis_nn.library import Variant, library_rows
from edgeq.ops._addsub import LEFT_SHIFT, double_sum, has_small_factors
from edgeq.ops._broadcast import both_computed
from edgeq.ops.add import Add
from edgeq.ops.mul import Mul, factor

MOST_PRODUCT_SHIFT = 14
"""The largest left shift of a product of two operands."""


def _of_one_shape(site: Site) -> bool:
    return both_computed(site) and site.input(0).shape == site.input(1).shape


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


def _fits_add(site: Site, variant: Variant) -> bool:
    return _of_one_shape(site) and has_small_factors(site)


def add_rows() -> tuple[Kernel, ...]:
    """The rows of Add; the library does not subtract."""
    return library_rows("add", "elementwise", "eq_add_cmsis_nn_params", _lower_add, _fits_add)


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


def _fits_mul(site: Site, variant: Variant) -> bool:
    return _of_one_shape(site) and int(factor(site).shift[0]) <= MOST_PRODUCT_SHIFT


def mul_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    return library_rows("mul", "elementwise", "eq_mul_cmsis_nn_params", _lower_mul, _fits_mul)
