"""The clamp: Relu, Relu6 and the like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param, in_place
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import NO_CLAMP, Clamp, Trait, is_homogeneous
from edgeq.numerics import float32, lut
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import WIDE, as_int16
from edgeq.ops._real import bounds, function_row, function_sample, of_single
from edgeq.ops._requant import clamp_float, finish, output_range
from edgeq.ops._table import BYTE_ROWS, TableOp, int16_row, ratio_params, rescaled, site_ratio


def its_bounds(op: Op) -> tuple[float, float]:
    """The bounds."""
    assert isinstance(op, Clip)
    return bounds((op.low, op.high))


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_requantize_int16_ref`."""
    assert isinstance(site.op, Clip)
    return ratio_params(site, (site.op.low, site.op.high))


@dataclass(frozen=True)
class Clip(TableOp):
    """x, clamped to [low, high].

    Attributes:
        low, high: bounds, infinite if there is none.
    """

    low: float = -float("inf")
    high: float = float("inf")

    kernels: ClassVar = (
        *BYTE_ROWS,
        Kernel(
            "eq_requantize_int16_ref",
            ("ref/elementwise_int16.c",),
            "eq/elementwise_int16.h",
            "eq_requantize_int16_params",
            lower_int16,
            elements=INT16,
            fits=WIDE,
            overlap=in_place,
        ),
        int16_row("eq_requantize_int16_ref_double", "eq_requantize_int16_params", lower_int16),
        function_row("clip", its_bounds),
    )
    declines: ClassVar[frozenset[Trait]] = TableOp.declines - {"homogeneous", "fused_clamp", "is_copy"}

    def real(self, x: Array) -> Array:
        return np.clip(x, self.low, self.high)

    def table(self, x: Affine, y: Affine) -> Table:
        """Bounds become integers as those of a fused activation do, so that fusing changes no result."""
        low, high = output_range(QParams.per_tensor(y.scale, y.zero_point), (self.low, self.high))
        return lut.build(lambda real: real, x, y, low=low, high=high)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        low, high = output_range(QParams.per_tensor(y.scale, y.zero_point), (self.low, self.high))
        return np.clip(rescaled(lut.inputs() - x.zero_point, x, y), low, high).astype(np.int8)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if self.low > self.high:
            raise ValueError(f"the lower bound {self.low} is above the upper bound {self.high}")
        return super().out_shapes(shapes)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (clamp_float(x, (self.low, self.high)),)

    @property
    def homogeneous(self) -> bool:
        return is_homogeneous((self.low, self.high))

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.low, self.high

    def with_clamp(self, clamp: Clamp) -> Clip:
        return Clip(*clamp)

    def is_copy(self, site: Site) -> bool:
        return (self.low, self.high) == NO_CLAMP

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if site.outputs[0].dtype is DType.INT16:
            return (finish(site, x, site_ratio(site), (self.low, self.high)),)
        return super().run_int(site, inputs)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: float32.within(x, self.low, self.high), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("relu", cls(low=0.0), ((1, 3, 5, 2),)),
            Sample("relu6", cls(0.0, 6.0), ((65,),), low=-2.0, high=9.0),
            Sample("upper", cls(high=1.0), ((1, 35),)),
            Sample("both", cls(-1.0, 1.0), ((2, 3, 4, 5, 3),)),
            as_int16(Sample("relu6", cls(0.0, 6.0), ((65,),), low=-2.0, high=9.0)),
            function_sample(cls(-1.0, float("inf"))),
        )
