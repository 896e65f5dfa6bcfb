"""Multiplication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Monotone, Trait
from edgeq.numerics.fixedpoint import Multiplier, Numerics, quantize_multiplier
from edgeq.ops._broadcast import (
    binary_kernels,
    broadcast_params,
    broadcast_samples,
    operands,
)
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._int16 import DOUBLE, WIDE, pair_samples16
from edgeq.ops._real import of_pairs, pair_rows, pair_samples
from edgeq.ops._requant import NO_CLAMP, Clamp, clamp_float, finish, output_range, type_range


def factor(site: Site) -> Multiplier:
    """s_a · s_b / s_out; TensorFlow Lite computes it in float32."""
    a, b, y = site.input(0).qp.s, site.input(1).qp.s, site.outputs[0].qp.s
    if site.numerics is Numerics.FAST:
        return quantize_multiplier(a * b / y, site.rounding)
    with np.errstate(over="ignore", under="ignore"):
        return quantize_multiplier(float(np.float32(a) * np.float32(b) / np.float32(y)), site.rounding)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mul_ref`."""
    assert isinstance(site.op, Mul)
    pair, q, m = operands(site), site.outputs[0].qp, factor(site)
    qmin, qmax = output_range(q, site.op.clamp)
    return {
        **broadcast_params(site),
        "a_zero_point": site.input(pair.a).qp.zp,
        "b_zero_point": site.input(pair.b).qp.zp,
        "mantissa": int(m.mantissa[0]),
        "shift": int(m.shift[0]),
        "zero_point": q.zp,
        "qmin": qmin,
        "qmax": qmax,
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mul_int16_ref`."""
    assert isinstance(site.op, Mul)
    qmin, qmax = type_range(site.outputs[0], site.op.clamp)
    m = factor(site)
    return {
        **broadcast_params(site),
        "mantissa": int(m.mantissa[0]),
        "shift": int(m.shift[0]),
        "qmin": qmin,
        "qmax": qmax,
    }


@dataclass(frozen=True)
class Mul(BinaryOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one of them constant. Output: a · b.

    Attributes:
        clamp: bounds of a fused activation.
    """

    clamp: Clamp = NO_CLAMP

    kernels: ClassVar = (
        *binary_kernels("eq_mul", "mul", "eq_mul_params", lower_ref, rounded=True),
        *binary_kernels("eq_mul_int16", "pair_int16", "eq_mul_int16_params", lower_int16, fits=WIDE, elements=INT16),
        *binary_kernels(
            "eq_mul_int16",
            "pair_int16",
            "eq_mul_int16_params",
            lower_int16,
            suffix="_double",
            fits=DOUBLE,
            elements=INT16,
        ),
        *pair_rows("mul"),
    )

    monotone: ClassVar[Monotone] = Monotone.PER_OPERAND
    declines: ClassVar[frozenset[Trait]] = BinaryOp.declines | {"signs", "homogeneous"}
    onnx: ClassVar[str] = "Mul"

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(np.multiply, inputs, self.clamp)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        return (clamp_float(a * b, self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        acc = (a.astype(np.int64) - site.input(0).qp.zp) * (b.astype(np.int64) - site.input(1).qp.zp)
        return (finish(site, acc, factor(site), self.clamp),)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> Mul:
        return replace(self, clamp=clamp)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 4, 3, 5)
        return (
            *broadcast_samples(cls()),
            Sample("relu", cls(clamp=(0.0, float("inf"))), (image, image)),
            Sample("relu6", cls(clamp=(0.0, 6.0)), (image, (5,)), const=(1,)),
            Sample("small", cls(), (image, image), low=-0.01, high=0.02),
            *pair_samples16(cls()),
            *pair_samples(cls(clamp=(0.0, float("inf")))),
        )
