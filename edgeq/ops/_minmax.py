"""The lesser or greater of two operands, which share one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Monotone, Trait
from edgeq.ops._broadcast import (
    broadcast_params,
    broadcast_samples,
    operands,
    require_same_scale,
)
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._int16 import pair_samples16
from edgeq.ops._real import pair_samples


def in_output_scale(site: Site, index: int, data: Array) -> Array:
    """An operand in the output's quantization; a constant is converted.

    Raises:
        InternalError: a computed operand has another quantization.
    """
    q, target = site.input(index).qp, site.outputs[0].qp
    if q == target:
        return data
    if site.const_or_none(index) is None:
        require_same_scale(site, q)
    return target.quantize(q.dequantize(data), site.outputs[0].dtype)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_minimum_ref` and `eq_maximum_ref`."""
    pair, params = operands(site), dict(broadcast_params(site))
    if pair.constant is not None:
        params["constant"] = np.ravel(in_output_scale(site, pair.b, pair.constant))
    return params


@dataclass(frozen=True)
class MinMaxOp(BinaryOp):
    """Base of Minimum and Maximum."""

    choose: ClassVar[np.ufunc] = np.minimum

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = BinaryOp.declines | {"signs", "fused_clamp"}

    @property
    def homogeneous(self) -> bool:
        return True

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        return (self.choose(inputs[0], inputs[1]),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[:2]
        assert a is not None and b is not None
        return (self.choose(in_output_scale(site, 0, a), in_output_scale(site, 1, b)),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (*broadcast_samples(cls()), *pair_samples16(cls()), *pair_samples(cls()))
