"""Rows of sums and products of two operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.contiguous import rows_are_contiguous, rows_are_contiguous_or_repeated
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.x86.isa import AVX2, goals_of
from edgeq.kernels.x86.nearest import FORMS, Factors, float_bits, nearest_factors
from edgeq.kernels.x86.nearest_sum import nearest_sum
from edgeq.kernels.x86.pack import right_shift, takes_multiplier
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops import mul
from edgeq.ops._addsub import has_small_factors, lower_double, lower_fast, range_of
from edgeq.ops._broadcast import both_computed, broadcast_params, one_constant, operands
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._overlap import elementwise
from edgeq.ops._requant import output_range
from edgeq.ops.mul import Mul

GREATEST_PRODUCT = 255 * 255


def sum_rows() -> tuple[Kernel, ...]:
    """The rows of Add and Sub."""
    kinds = (
        ("nearest", _is_proved, _lower_nearest),
        ("fast", is_fast, lower_fast),
        ("double", all_of(is_double, has_small_factors), lower_double),
    )
    return tuple(_row(name, *kind) for kind in kinds for name in ("eq_add_avx2", "eq_add_const_avx2"))


def _is_proved(site: Site) -> bool:
    """Float32 multiplications are proved to give every sum."""
    return nearest_sum(site) is not None


def _lower_nearest(site: Site) -> Mapping[str, Param]:
    found = nearest_sum(site)
    qmin, qmax = range_of(site)
    return {**broadcast_params(site), **(asdict(found) if found else {}), "qmin": qmin, "qmax": qmax}


def _row(name: str, kind: str, takes: Predicate, lower: Callable[[Site], Mapping[str, Param]]) -> Kernel:
    return Kernel(
        f"{name}_{kind}",
        ("x86/add_avx2.c",),
        "eq/add_x86.h",
        f"eq_add_{kind}_params",
        lower,
        AVX2,
        all_of(one_constant if "const" in name else both_computed, rows_are_contiguous, takes),
        overlap=elementwise,
        goals=goals_of("nearest" if kind == "nearest" else None),
    )


def product_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    return tuple(_product_row(name, form) for form in (*FORMS, None) for name in ("eq_mul_avx2", "eq_mul_const_avx2"))


def product_factors(site: Site, form: str) -> Factors | None:
    """What a form of `nearest` multiplies products by; None if that is not proved to give the same."""
    (low, high), zero = output_range(site.outputs[0].qp, op_of(site, Mul).clamp), site.outputs[0].qp.zp
    reach = np.array([GREATEST_PRODUCT], np.int64)
    return nearest_factors(mul.factor(site), site.rounding, (low - zero, high - zero), reach, form)


def _product_row(name: str, form: str | None) -> Kernel:
    taken = (
        Condition("Vectors can take the factor of requantization", _takes_factor)
        if form is None
        else Condition(
            "One float32 multiplication is proved to give every output",
            lambda site: product_factors(site, form) is not None,
        )
    )
    return Kernel(
        name if form is None else f"{name}_{form}",
        ("x86/mul_avx2.c",),
        "eq/mul_x86.h",
        "eq_mul_x86_params",
        lambda site: _lower_product(site, form),
        AVX2,
        all_of(one_constant if "const" in name else both_computed, rows_are_contiguous_or_repeated, taken),
        overlap=elementwise,
        rounded=form is None,
        goals=goals_of(form),
    )


def _takes_factor(site: Site) -> bool:
    return takes_multiplier(mul.factor(site), site.rounding)


def _lower_product(site: Site, form: str | None) -> Mapping[str, Param]:
    pair, y, factor = operands(site), site.outputs[0].qp, mul.factor(site)
    found = product_factors(site, form) if form else None
    qmin, qmax = output_range(y, op_of(site, Mul).clamp)
    if found:
        scale = {
            "bias": -int(found.centre[0]),
            "multiplier": int(float_bits(found.factor)[0]),
            "shift": int(float_bits(found.nudge)[0]),
            "zero_point": y.zp + found.level,
        }
    else:
        fast = site.rounding is Rounding.FAST
        scale = {
            "bias": 0,
            "multiplier": int(factor.mantissa[0]),
            "shift": 1 if fast else int(right_shift(factor, site.rounding)[0]),
            "zero_point": y.zp,
        }
    zeros = {"a_zero_point": site.input(pair.a).qp.zp, "b_zero_point": site.input(pair.b).qp.zp}
    return {**broadcast_params(site), **zeros, **scale, "qmin": qmin, "qmax": qmax}
