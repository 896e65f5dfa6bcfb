"""The lesser or greater of two operands, which share one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Op, QuantRule, Rows, Sample, Scale, Shapes, Site, Stripe, row_by_row
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ops._broadcast import (
    broadcast_params,
    broadcast_samples,
    broadcast_shapes,
    operands,
    require_same_scale,
)


def in_output_scale(site: Site, index: int, data: Array) -> Array:
    """An int8 operand in the output's quantization; a constant is converted.

    Raises:
        InternalError: a computed operand has another quantization.
    """
    given, wanted = site.input(index).qp, site.outputs[0].qp
    if given == wanted:
        return data
    if site.const_or_none(index) is None:
        require_same_scale(site, given)
    return wanted.quantize(given.dequantize(data), DType.INT8)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_minimum_ref` and `eq_maximum_ref`."""
    who, params = operands(site), dict(broadcast_params(site))
    if who.constant is not None:
        params["constant"] = np.ravel(in_output_scale(site, who.b, who.constant))
    return params


@dataclass(frozen=True)
class MinMaxOp(Op):
    """Base of Minimum and Maximum."""

    choose: ClassVar[np.ufunc] = np.minimum

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return (broadcast_shapes(shapes),)

    def stripe(self, shapes: Shapes, rows: Rows) -> Stripe | None:
        return row_by_row(self, shapes, rows)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

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
        return broadcast_samples(cls())
