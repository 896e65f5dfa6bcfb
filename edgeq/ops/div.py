"""Division."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Trait
from edgeq.numerics import float32
from edgeq.numerics.fixedpoint import (
    INT32_MAX,
    Ints,
    Numerics,
    Rounding,
    doubling_high_multiply,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgeq.numerics.gemmlowp import reciprocal
from edgeq.ops._broadcast import binary_kernels, broadcast_params, broadcast_samples, operands
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._real import of_pairs, pair_rows, pair_samples
from edgeq.ops._requant import NO_CLAMP, Clamp, clamp_float, output_range

MAX_SHIFT = 54
"""Fraction bits of the factor for which denominator · 2^shift fits 64 bits."""


def factor(site: Site) -> tuple[int, int]:
    """FAST's s_a / (s_b · s_out) as (M, s): M · 2^−s with 0 ≤ M < 2³¹ and 1 ≤ s ≤ 54.

    A factor too small for that gives 0 for every quotient; one too large saturates for every numerator other than 0.
    """
    a, b, y = site.input(0).qp.s, site.input(1).qp.s, site.outputs[0].qp.s
    m = quantize_multiplier(min(a / b / y, 2.0**30), Rounding.SINGLE)
    mantissa, shift = int(m.mantissa[0]), 31 - int(m.shift[0])
    if shift < 1:
        return INT32_MAX, 1
    return (mantissa, shift) if shift <= MAX_SHIFT else (0, 1)


def factor_litert(site: Site) -> tuple[int, int]:
    """The same as LiteRT computes it: in float32, normalized, and a shift to the left."""
    a, b, y = (np.float32(q.s) for q in (site.input(0).qp, site.input(1).qp, site.outputs[0].qp))
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        m = quantize_multiplier(float(a / (b * y)), Rounding.DOUBLE)
    return int(m.mantissa[0]), int(m.shift[0])


def sign_bits(x: Ints) -> Ints:
    """How many bits below the sign bit of 32-bit values are copies of it."""
    magnitude = np.where(x >= 0, x, -2 * x - 1).astype(np.float64)
    return np.where(x >= 0, 31, 32) - np.frexp(magnitude)[1].astype(np.int64)


def quotient_fast(numerator: Ints, denominator: Ints, mantissa: int, shift: int) -> Ints:
    """n / d · M · 2^−s for d > 0, halves up."""
    return (numerator * mantissa + (denominator << (shift - 1))) // (denominator << shift)


def quotient_litert(numerator: Ints, denominator: Ints, mantissa: int, shift: int) -> Ints:
    """LiteRT's n / d · M · 2^(s−31) for d > 0.

    It shifts by up to 31 bits more than the 31 that C defines: then by the excess over 32, as common processors do,
    with one added except to negative values.
    """
    inverse, above_one = reciprocal(denominator, 31)
    headroom = sign_bits(numerator)
    x = doubling_high_multiply(doubling_high_multiply(numerator << headroom, inverse), np.asarray(mantissa))
    right = np.maximum(above_one + headroom - shift, 0)
    beyond = (x >> (right & 31)) + (x > np.where(x < 0, 0, -1))
    return np.where(right > 31, beyond, rounding_divide_by_pot(x, np.minimum(right, 31)))


def is_litert(site: Site) -> bool:
    """The site divides as LiteRT does 8-bit tensors."""
    assert isinstance(site.op, Div)
    return site.op.stored and site.numerics is not Numerics.FAST


def is_exact(site: Site) -> bool:
    """The site rounds the exact quotient."""
    return not is_litert(site)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_div_ref_fast` and `eq_div_ref_double`."""
    assert isinstance(site.op, Div)
    pair, q = operands(site), site.outputs[0].qp
    mantissa, shift = factor_litert(site) if is_litert(site) else factor(site)
    qmin, qmax = output_range(q, site.op.clamp)
    return {
        **broadcast_params(site),
        "swapped": int(pair.a == 1),
        "a_zero_point": site.input(pair.a).qp.zp,
        "b_zero_point": site.input(pair.b).qp.zp,
        "mantissa": mantissa,
        "shift": shift,
        "zero_point": q.zp,
        "qmin": qmin,
        "qmax": qmax,
    }


@dataclass(frozen=True)
class Div(BinaryOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one of them constant. Output: a / b.

    FAST: with n = a − zp_a, d = b − zp_b, both negated if d < 0, and M · 2^−s = s_a / (s_b · s_out):
    `q = clamp(zp_out + floor((n·M + d·2^(s−1)) / (d·2^s)))`, that is, halves up. For d = 0 the result saturates with
    the sign of n; 0 / 0 gives the zero-point. TFLITE and TFLM do the same except if `stored`: then it is n times a
    fixed-point reciprocal of d, as in LiteRT, with all its deviations for small quotients; LiteRT refuses a zero
    divisor, for which they do what FAST does.

    Attributes:
        clamp: bounds of a fused activation.
        stored: the layer comes from a .tflite that divides 8-bit tensors, not real numbers.
    """

    clamp: Clamp = NO_CLAMP
    stored: bool = False

    kernels: ClassVar = (
        *binary_kernels("eq_div", "div", "eq_div_params", lower_ref, suffix="_fast", fits=is_exact),
        *binary_kernels("eq_div", "div", "eq_div_params", lower_ref, suffix="_double", fits=is_litert),
        *pair_rows("div"),
    )

    declines: ClassVar[frozenset[Trait]] = BinaryOp.declines | {"monotone", "signs", "homogeneous"}
    onnx: ClassVar[str] = "Div"

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(float32.quotient, inputs, self.clamp)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            return (clamp_float(np.divide(a, b), self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        q = site.outputs[0].qp
        numerator, denominator = np.broadcast_arrays(
            a.astype(np.int64) - site.input(0).qp.zp, b.astype(np.int64) - site.input(1).qp.zp
        )
        numerator, denominator = np.where(denominator < 0, -numerator, numerator), np.abs(denominator)
        safe = np.maximum(denominator, 1)
        if is_litert(site):
            quotient = quotient_litert(numerator, safe, *factor_litert(site))
        else:
            quotient = quotient_fast(numerator, safe, *factor(site))
        quotient = np.where(denominator == 0, np.sign(numerator) << 30, quotient)
        return (np.clip(quotient + q.zp, *output_range(q, self.clamp)).astype(np.int8),)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> Div:
        return replace(self, clamp=clamp)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 4, 3, 5)
        return (
            *broadcast_samples(cls(), low=0.5, high=4.0),
            Sample("stored", cls(stored=True), (image, image), low=0.5, high=4.0),
            Sample("stored_constant", cls(stored=True), (image, (5,)), const=(1,), low=0.5, high=4.0),
            Sample("through_zero", cls(), (image, image), low=-3.0, high=3.0),
            Sample("negative", cls(clamp=(0.0, 6.0)), (image, (5,)), const=(1,), low=-4.0, high=-0.25),
            *pair_samples(cls()),
        )
