"""The square of a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Trait
from edgeq.numerics.fixedpoint import Ints, Multiplier, multiply, quantize_multiplier
from edgeq.ops._broadcast import binary_kernels, broadcast_params, broadcast_samples, operands
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._real import of_pairs, pair_rows, pair_samples
from edgeq.ops._requant import NO_CLAMP, finish, scalar_requant_params

LEFT_SHIFT = 7
"""Extra bits of the operands: the square of their difference then fits 31 bits."""


def input_factor(site: Site, index: int) -> Multiplier:
    """From an operand's steps, LEFT_SHIFT bits finer, to those of the difference: of twice the larger scale."""
    common = 2.0 * max(site.input(0).qp.s, site.input(1).qp.s)
    return quantize_multiplier(site.input(index).qp.s / common, site.rounding)


def output_factor(site: Site) -> Multiplier:
    """From the square of the difference to steps of the output."""
    common = 2.0 * max(site.input(0).qp.s, site.input(1).qp.s)
    return quantize_multiplier(common * common / (2.0 ** (2 * LEFT_SHIFT) * site.outputs[0].qp.s), site.rounding)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_squared_difference_ref`."""
    pair, params = operands(site), dict(broadcast_params(site))
    for letter, index in (("a", pair.a), ("b", pair.b)):
        factor = input_factor(site, index)
        params[f"{letter}_zero_point"] = site.input(index).qp.zp
        params[f"{letter}_mantissa"] = int(factor.mantissa[0])
        params[f"{letter}_shift"] = int(factor.shift[0])
    return {**params, **scalar_requant_params(site, output_factor(site), NO_CLAMP)}


@dataclass(frozen=True)
class SquaredDifference(BinaryOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one of them constant. Output: (a − b)².

    In integers both operands, 7 bits finer, are brought to twice the larger of their scales, subtracted and squared,
    and the square is brought to the output's scale, each step rounded as a requantization. So does LiteRT.
    """

    kernels: ClassVar = (
        *binary_kernels(
            "eq_squared_difference", "squared_difference", "eq_squared_difference_params", lower_ref, rounded=True
        ),
        *pair_rows("squared_difference_float32", ""),
    )

    declines: ClassVar[frozenset[Trait]] = BinaryOp.declines | {"monotone", "signs", "homogeneous", "fused_clamp"}

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        difference = a - b
        return (difference * difference,)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(lambda a, b: (a - b) * (a - b), inputs, NO_CLAMP)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        scaled: list[Ints] = []
        for index, x in enumerate(inputs[:2]):
            assert x is not None
            fine = (x.astype(np.int64) - site.input(index).qp.zp) << LEFT_SHIFT
            scaled.append(multiply(fine, input_factor(site, index), site.rounding))
        difference = scaled[0] - scaled[1]
        return (finish(site, difference * difference, output_factor(site), NO_CLAMP),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 4, 3, 5)
        return (
            *broadcast_samples(cls()),
            Sample("small", cls(), (image, image), low=-0.01, high=0.02),
            Sample("wide", cls(), (image, (5,)), const=(1,), low=-300.0, high=200.0),
            *pair_samples(cls()),
        )
