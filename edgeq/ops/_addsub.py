"""Weighted sums of two operands: Add and Sub.

FAST: `q = clamp((a·Ma + b·Mb + C) >> s)` in one 32-bit accumulator; the M are the ratios of scales in s fraction bits
and fit 16 bits, C holds the zero-points and the rounding. TFLITE and TFLM: both operands are rescaled to twice the
larger scale with 20 extra bits, added, and rescaled to the output's scale, each step with two roundings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import is_homogeneous
from edgeq.numerics.fixedpoint import (
    Multiplier,
    Numerics,
    Rounding,
    multiply,
    quantize_multiplier,
    round_half_away,
)
from edgeq.ops._broadcast import (
    binary_kernels,
    broadcast_params,
    broadcast_samples,
    operands,
)
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._int16 import pair_samples16
from edgeq.ops._real import of_pairs, pair_samples
from edgeq.ops._requant import NO_CLAMP, Clamp, clamp_float, type_range

Signs = tuple[int, int]
MAX_SHIFT = 22
MAX_SHIFT16 = 16
"""With int16 operands, so that the sum of two products fits 32 bits with its rounding."""
LEFT_SHIFT, LEFT_SHIFT16 = 20, 15
"""Extra bits of the operands in TensorFlow Lite's addition, of 8 bits and of 16."""


@dataclass(frozen=True)
class FastSum:
    """(x0 · factors[0] + x1 · factors[1] + offset) >> shift for the inputs in the node's order."""

    factors: tuple[int, int]
    offset: int
    shift: int


def signs_of(site: Site) -> Signs:
    """Signs of the two inputs in the sum."""
    assert isinstance(site.op, SumOp)
    return site.op.signs


def range_of(site: Site) -> tuple[int, int]:
    """Least and greatest output."""
    assert isinstance(site.op, SumOp)
    return type_range(site.outputs[0], site.op.clamp)


def fast_sum(site: Site) -> FastSum:
    """The constants of FAST.

    Raises:
        QuantizationError: an input's scale is more than 32767 times the output's.
    """
    x0, x1, y = site.input(0).qp, site.input(1).qp, site.outputs[0].qp
    ratios, signs = (x0.s / y.s, x1.s / y.s), signs_of(site)
    for shift in range(MAX_SHIFT if site.outputs[0].dtype is DType.INT8 else MAX_SHIFT16, -1, -1):
        m0, m1 = (signs[i] * round_half_away(ratios[i] * 2.0**shift) for i in (0, 1))
        if max(abs(m0), abs(m1)) <= 32767:
            half = (1 << shift) >> 1
            return FastSum((m0, m1), (y.zp << shift) - x0.zp * m0 - x1.zp * m1 + half, shift)
    raise QuantizationError(
        f"the inputs' scales {x0.s:g} and {x1.s:g} are too large for the output's {y.s:g}",
        hint="calibrate with data in which this tensor is not almost constant",
        where=site.name,
    )


@dataclass(frozen=True, eq=False)
class DoubleSum:
    """The three factors of TensorFlow Lite: of each input in the node's order, and of their sum."""

    inputs: tuple[Multiplier, Multiplier]
    output: Multiplier


def left_shift(site: Site) -> int:
    """Extra bits of the operands in TFLITE and TFLM."""
    return LEFT_SHIFT16 if site.outputs[0].dtype is DType.INT16 else LEFT_SHIFT


def double_sum(site: Site) -> DoubleSum:
    """The factors of TFLITE and TFLM."""
    s0, s1, s_out = site.input(0).qp.s, site.input(1).qp.s, site.outputs[0].qp.s
    common = 2.0 * max(s0, s1)
    # LiteRT multiplies the output's scale, a float32, by a power of two: exact in any precision.
    real = s0 / common, s1 / common, common / (2 ** left_shift(site) * s_out)
    factors = [quantize_multiplier(m, Rounding.DOUBLE) for m in real]
    return DoubleSum((factors[0], factors[1]), factors[2])


def has_small_factors(site: Site) -> bool:
    """All factors of TFLITE and TFLM are below one, so that accumulators are never shifted left."""
    d = double_sum(site)
    return all(m.shift[0] <= 0 for m in (*d.inputs, d.output))


def has_whole_mantissas(site: Site) -> bool:
    """No factor of TFLITE and TFLM is so small that it is 0."""
    d = double_sum(site)
    return all(m.mantissa[0] >= 2**30 for m in (*d.inputs, d.output))


def lower_fast(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_add_ref_fast`."""
    pair, c = operands(site), fast_sum(site)
    qmin, qmax = range_of(site)
    return {
        **broadcast_params(site),
        "a_factor": c.factors[pair.a],
        "b_factor": c.factors[pair.b],
        "offset": c.offset,
        "right_shift": c.shift,
        "qmin": qmin,
        "qmax": qmax,
    }


def lower_double(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_add_ref_double`."""
    pair, d, q = operands(site), double_sum(site), site.outputs[0].qp
    qmin, qmax = range_of(site)
    params: dict[str, Param] = dict(broadcast_params(site))
    for letter, index in (("a", pair.a), ("b", pair.b)):
        params[f"{letter}_zero_point"] = site.input(index).qp.zp
        params[f"{letter}_sign"] = signs_of(site)[index]
        params[f"{letter}_mantissa"] = int(d.inputs[index].mantissa[0])
        params[f"{letter}_shift"] = int(d.inputs[index].shift[0])
    return {
        **params,
        "mantissa": int(d.output.mantissa[0]),
        "shift": int(d.output.shift[0]),
        "zero_point": q.zp,
        "qmin": qmin,
        "qmax": qmax,
    }


def lower_double16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_add_int16_ref_double`."""
    return {key: value for key, value in lower_double(site).items() if not key.endswith("zero_point")}


@dataclass(frozen=True)
class SumOp(BinaryOp):
    """Base of Add and Sub."""

    clamp: Clamp = NO_CLAMP

    signs: ClassVar[Signs] = (1, 1)
    kernels: ClassVar[tuple[Kernel, ...]] = (
        *binary_kernels("eq_add", "add", "eq_add_fast_params", lower_fast, suffix="_fast", fits=is_fast),
        *binary_kernels("eq_add", "add", "eq_add_double_params", lower_double, suffix="_double", fits=is_double),
        *binary_kernels("eq_add_int16", "pair_int16", "eq_add_int16_params", lower_fast, fits=is_fast, elements=INT16),
        *binary_kernels(
            "eq_add_int16",
            "pair_int16",
            "eq_add_int16_double_params",
            lower_double16,
            suffix="_double",
            fits=is_double,
            elements=INT16,
        ),
    )

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(np.add if self.signs[1] > 0 else np.subtract, inputs, self.clamp)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        return (clamp_float(a + b if self.signs[1] > 0 else a - b, self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        q = site.outputs[0].qp
        x0, x1 = a.astype(np.int64), b.astype(np.int64)
        if site.numerics is Numerics.FAST:
            c = fast_sum(site)
            acc = (x0 * c.factors[0] + x1 * c.factors[1] + c.offset) >> c.shift
        else:
            d = double_sum(site)
            scaled = [
                sign * multiply((x - site.input(i).qp.zp) << left_shift(site), d.inputs[i], Rounding.DOUBLE)
                for i, (x, sign) in enumerate(zip((x0, x1), self.signs, strict=True))
            ]
            acc = multiply(scaled[0] + scaled[1], d.output, Rounding.DOUBLE) + q.zp
        return (np.clip(acc, *range_of(site)).astype(site.outputs[0].dtype.numpy),)

    @property
    def homogeneous(self) -> bool:
        return is_homogeneous(self.clamp)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> SumOp:
        return replace(self, clamp=clamp)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 4, 3, 5)
        return (
            *broadcast_samples(cls()),
            Sample("relu", cls(clamp=(0.0, float("inf"))), (image, image)),
            Sample("relu6", cls(clamp=(0.0, 6.0)), (image, (5,)), const=(1,), low=-9.0, high=9.0),
            *pair_samples16(cls()),
            *pair_samples(cls(clamp=(-float("inf"), 6.0))),
        )
