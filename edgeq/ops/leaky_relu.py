"""The leaky rectifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Op, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Trait
from edgeq.numerics import lut
from edgeq.numerics.fixedpoint import Ints, Multiplier, Rounding, multiply, quantize_multiplier
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import function_row, function_sample, of_single
from edgeq.ops._table import BYTE_ROWS, WIDE_ROW, TableOp, int16_row, rescaled, single_ratio


def slope(op: Op) -> tuple[float, float]:
    """The slope below zero."""
    assert isinstance(op, LeakyRelu)
    return op.alpha, 0.0


def factors16(site: Site) -> tuple[Multiplier, Multiplier, int]:
    """LiteRT's factors of int16 elements: above zero, below it without its sign, and that sign."""
    assert isinstance(site.op, LeakyRelu)
    s_in, s_out = site.input(0).qp.s, site.outputs[0].qp.s
    below = float(np.float32(s_in) * np.float32(site.op.alpha) / np.float32(s_out))
    return single_ratio(s_in, s_out), quantize_multiplier(abs(below), Rounding.DOUBLE), 1 if below >= 0 else -1


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_leaky_relu_int16_ref_double`."""
    above, below, sign = factors16(site)
    return {
        "size": site.outputs[0].size,
        "mantissa": int(above.mantissa[0]),
        "shift": int(above.shift[0]),
        "sign_below": sign,
        "mantissa_below": int(below.mantissa[0]),
        "shift_below": int(below.shift[0]),
    }


@dataclass(frozen=True)
class LeakyRelu(TableOp):
    """x for x ≥ 0, alpha · x below.

    Attributes:
        alpha: the slope below zero.
    """

    alpha: float = 0.01

    kernels: ClassVar = (
        *BYTE_ROWS,
        WIDE_ROW,
        int16_row("eq_leaky_relu_int16_ref_double", "eq_leaky_relu_int16_params", lower_int16),
        function_row("leaky_relu", slope),
    )
    declines: ClassVar[frozenset[Trait]] = TableOp.declines - {"homogeneous"}
    onnx: ClassVar[str] = "LeakyRelu"

    def real(self, x: Array) -> Array:
        return np.where(x < 0, self.alpha * x, x)

    def litert_table(self, x: Affine, y: Affine) -> Table:
        q = lut.inputs() - x.zero_point
        slope = float(np.float32(x.scale) * np.float32(self.alpha) / np.float32(y.scale))
        below = multiply(np.minimum(q, 0), quantize_multiplier(abs(slope), Rounding.DOUBLE), Rounding.DOUBLE)
        below = below if slope >= 0 else -below
        return np.where(q >= 0, rescaled(q, x, y), lut.saturate(below + y.zero_point))

    def litert16(self, site: Site, x: Array) -> Ints:
        above, below, sign = factors16(site)
        lower = sign * multiply(x, below, Rounding.DOUBLE)
        return np.where(x >= 0, multiply(x, above, Rounding.DOUBLE), lower)

    @property
    def homogeneous(self) -> bool:
        return True

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.where(x > 0, x, x * np.float32(self.alpha)), inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(0.1), ((1, 3, 5, 2),)),
            as_int16(Sample("image", cls(0.1), ((1, 3, 5, 2),))),
            Sample("steep", cls(1.5), ((65,),), low=-2.0, high=9.0),
            Sample("negative", cls(-0.3), ((1, 35),)),
            function_sample(cls(0.3)),
        )
