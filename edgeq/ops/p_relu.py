"""The rectifier with learned slopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir.kernel import INT16, Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Trait
from edgeq.numerics.fixedpoint import Multiplier, Numerics, multiply, quantize_multiplier
from edgeq.ops._broadcast import binary_kernels, broadcast_params
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._int16 import DOUBLE, WIDE, as_int16
from edgeq.ops._real import REALS, of_pairs, pair_rows
from edgeq.ops._requant import NO_CLAMP


def factors(site: Site) -> tuple[Multiplier, Multiplier]:
    """s_x / s_out for x ≥ 0 and s_x · s_alpha / s_out below; TensorFlow Lite computes them in float32."""
    kind = np.float64 if site.numerics is Numerics.FAST else np.float32
    x, alpha, y = (kind(q) for q in (site.input(0).qp.s, site.input(1).qp.s, site.outputs[0].qp.s))
    return quantize_multiplier(float(x / y), site.rounding), quantize_multiplier(float(x * alpha / y), site.rounding)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_p_relu_ref`.

    Raises:
        ModelError: x is constant.
    """
    if site.const_or_none(0) is not None:
        raise ModelError("the input of PRelu is a constant", hint="fold constants first", where=site.name)
    above, below = factors(site)
    return {
        **broadcast_params(site),
        "a_zero_point": site.input(0).qp.zp,
        "b_zero_point": site.input(1).qp.zp,
        "above_mantissa": int(above.mantissa[0]),
        "above_shift": int(above.shift[0]),
        "below_mantissa": int(below.mantissa[0]),
        "below_shift": int(below.shift[0]),
        "zero_point": site.outputs[0].qp.zp,
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_p_relu_int16_ref`.

    Raises:
        ModelError: x is constant.
    """
    return {key: value for key, value in lower_ref(site).items() if not key.endswith("zero_point")}


@dataclass(frozen=True)
class PRelu(BinaryOp):
    """Inputs: x, alpha (usually constant) of a shape that broadcasts to x's. Output: x, or alpha · x where x < 0."""

    kernels: ClassVar = (
        *binary_kernels("eq_p_relu", "p_relu", "eq_p_relu_params", lower_ref, rounded=True),
        *(
            row
            for suffix, fits in (("", WIDE), ("_double", DOUBLE))
            for row in binary_kernels(
                "eq_p_relu_int16",
                "p_relu_int16",
                "eq_p_relu_int16_params",
                lower_int16,
                suffix=suffix,
                fits=fits,
                elements=INT16,
            )
        ),
        *pair_rows("p_relu_float32", ""),
    )

    declines: ClassVar[frozenset[Trait]] = BinaryOp.declines | {"monotone", "signs", "homogeneous", "fused_clamp"}
    onnx: ClassVar[str] = "PRelu"

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        (shape,) = super().out_shapes(shapes)
        if shape != shapes[0]:
            raise ValueError(f"slopes of shape {shapes[1]} do not broadcast to the input's shape {shapes[0]}")
        return (shape,)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(lambda x, alpha: np.where(x >= 0, x, x * alpha), inputs, NO_CLAMP)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, alpha = inputs[:2]
        assert x is not None and alpha is not None
        return (np.where(x < 0, x * alpha, x).astype(np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, alpha = inputs[:2]
        assert x is not None and alpha is not None
        above, below = factors(site)
        value = x.astype(np.int64) - site.input(0).qp.zp
        slope = alpha.astype(np.int64) - site.input(1).qp.zp
        scaled = np.where(
            value >= 0, multiply(value, above, site.rounding), multiply(value * slope, below, site.rounding)
        )
        dtype = site.outputs[0].dtype
        return (np.clip(scaled + site.outputs[0].qp.zp, *dtype.range).astype(dtype.numpy),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 5, 3, 7)
        return (
            Sample("channels", cls(), (image, (7,)), const=(1,)),
            Sample("one", cls(), (image, (1,)), const=(1,)),
            Sample("full", cls(), ((2, 5, 3), (5, 3)), const=(1,), low=-0.5, high=0.5),
            Sample("shared_axes", cls(), (image, (1, 1, 7)), const=(1,), low=0.1, high=0.3),
            Sample("computed", cls(), (image, (5, 1, 7))),
            Sample("vector", cls(), ((19,), (19,)), const=(1,), low=-9.0, high=1.0),
            as_int16(Sample("channels", cls(), (image, (7,)), const=(1,), low=-1.0, high=1.0)),
            as_int16(Sample("computed", cls(), (image, (5, 1, 7)))),
            Sample("real", cls(), (image, (7,)), const=(1,), elements=REALS),
            Sample("real_computed", cls(), (image, (5, 1, 7)), elements=REALS),
        )
