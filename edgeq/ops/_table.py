"""Operators on one tensor, element by element: at run time each of them is a table of 256 bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf as scalar_erf
from math import erfc as scalar_erfc
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param, in_place
from edgeq.ir.op import Arrays, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import Trait
from edgeq.numerics import litert16, lut, lut16
from edgeq.numerics.fixedpoint import (
    FROM_48_BITS,
    Ints,
    Multiplier,
    Numerics,
    Rounding,
    multiply,
    quantize_multiplier,
)
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._elementwise import Elementwise
from edgeq.ops._int16 import DOUBLE, WIDE, check_usual
from edgeq.ops._requant import NO_CLAMP, Clamp, scalar_requant_params


def affine(q: QParams) -> Affine:
    """Per-tensor quantization parameters."""
    return Affine(q.s, q.zp)


def erf(x: Array) -> Array:
    """The error function of float64 values, element by element."""
    return np.fromiter(map(scalar_erf, x.ravel()), np.float64, x.size).reshape(x.shape)


def erfc(x: Array) -> Array:
    """1 − erf(x) of float64 values, element by element, without cancellation."""
    return np.fromiter(map(scalar_erfc, x.ravel()), np.float64, x.size).reshape(x.shape)


def single_ratio(s_in: float, s_out: float) -> Multiplier:
    """s_in / s_out in float32, as LiteRT has it in functions of one element."""
    return quantize_multiplier(float(np.float32(s_in) / np.float32(s_out)), Rounding.DOUBLE)


def rescaled(q: Ints, x: Affine, y: Affine) -> Table:
    """Integers (256) in x's scale, zero-point subtracted, converted to y as LiteRT does."""
    return lut.saturate(multiply(q, single_ratio(x.scale, y.scale), Rounding.DOUBLE) + y.zero_point)


def site_ratio(site: Site) -> Multiplier:
    """s_in / s_out of a site of int16 elements: in float32 as LiteRT has it, but for FAST."""
    s_in, s_out = site.input(0).qp.s, site.outputs[0].qp.s
    return (
        quantize_multiplier(s_in / s_out, site.rounding) if site.rounding in FROM_48_BITS else single_ratio(s_in, s_out)
    )


def ratio_params(site: Site, clamp: Clamp = NO_CLAMP) -> Mapping[str, Param]:
    """Parameters of the kernels that give each int16 element another quantization, within bounds."""
    factor = scalar_requant_params(site, site_ratio(site), clamp)
    return {"size": site.outputs[0].size, "in_zero_point": 0, **factor}


def table_params(size: int, table: Table) -> Mapping[str, Param]:
    """Parameters of `eq_table_ref` for `size` elements."""
    return {"size": size, "table": lut.by_byte(table)}


def lower_table(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_table_ref` for a table operator."""
    assert isinstance(site.op, TableOp)
    return table_params(site.outputs[0].size, site.op.site_table(site))


def lower_table16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_table_int16_ref` for a table operator."""
    assert isinstance(site.op, TableOp)
    return {"size": site.outputs[0].size, "table": site.op.site_table16(site)}


def lower_curve(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_table_int16_ref_double` for a table operator."""
    assert isinstance(site.op, TableOp)
    return {"size": site.outputs[0].size, "table": site.op.litert_curve(site)}


def sigmoid_params(site: Site) -> Mapping[str, Param]:
    """Parameters of the kernels of the logistic function and tanh of int16 elements, whose output is in 2⁻¹⁵."""
    check_usual(site)
    argument = litert16.Argument.of(site.input(0).qp.s)
    return {
        "size": site.outputs[0].size,
        "table": litert16.sigmoid_table(),
        "factor": argument.factor,
        "shift": argument.shift,
    }


def int16_row(function: str, struct: str, lower: Callable[[Site], Mapping[str, Param]]) -> Kernel:
    """A row of int16 elements for the arithmetic of TensorFlow Lite."""
    return Kernel(
        function,
        ("ref/elementwise_double_int16.c",),
        "eq/elementwise_int16.h",
        struct,
        lower,
        elements=INT16,
        fits=DOUBLE,
        overlap=in_place,
    )


BYTE_ROWS = (Kernel("eq_table_ref", ("ref/table.c",), "eq/table.h", "eq_table_params", lower_table, overlap=in_place),)
"""Of 8 bits only: for functions that jump, or fall without end, between whose values nothing can be interpolated."""


WIDE_ROW = Kernel(
    "eq_table_int16_ref",
    ("ref/elementwise_int16.c",),
    "eq/elementwise_int16.h",
    "eq_table_int16_params",
    lower_table16,
    elements=INT16,
    fits=WIDE,
    overlap=in_place,
)
"""Of int16 elements, with the arithmetic of FAST."""
CURVE_ROW = int16_row("eq_table_int16_ref_double", "eq_table_int16_double_params", lower_curve)
"""Of int16 elements, for functions that LiteRT interpolates in a table."""


@dataclass(frozen=True)
class TableOp(Elementwise):
    """Base of the operators on one tensor, element by element. Input and output have the same shape, of any rank.

    An operator defines its function over the reals; one that LiteRT computes in another way also defines that.
    """

    declines: ClassVar[frozenset[Trait]] = Elementwise.declines | {
        *("monotone", "signs", "homogeneous", "fused_clamp", "is_copy")
    }

    undefined: ClassVar[float] = 0.0
    """The real result, in integer arithmetic, where the function is not a number."""

    kernels: ClassVar[tuple[Kernel, ...]] = (*BYTE_ROWS, WIDE_ROW, CURVE_ROW)

    def real(self, x: Array) -> Array:
        """The function over float64 (any shape), with numpy's NaN and infinities outside its domain."""
        raise NotImplementedError

    def litert_table(self, x: Affine, y: Affine) -> Table:
        """The table LiteRT's reference resolver amounts to; the exact one if it has no int8 version."""
        return self.table(x, y)

    def table(self, x: Affine, y: Affine) -> Table:
        """The exact table, each entry rounded once, halves to even."""
        return lut.build(self.real, x, y, self.undefined)

    def site_table(self, site: Site) -> Table:
        """The table of a site, from −128 to 127."""
        fill = self.table if site.numerics is Numerics.FAST else self.litert_table
        return fill(affine(site.input(0).qp), affine(site.outputs[0].qp))

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError(f"{self.kind} needs exactly one input")
        return (shapes[0],)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        with np.errstate(all="ignore"):
            return (np.asarray(self.real(x.astype(np.float64)), np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if site.outputs[0].dtype is DType.INT16:
            if site.numerics is Numerics.FAST:
                return (lut16.interpolate(self.site_table16(site), x),)
            return (np.clip(self.litert16(site, x), *DType.INT16.range).astype(np.int16),)
        return (self.site_table(site)[x.astype(np.int64) + 128],)

    def real16(self, x: Array, site: Site) -> Array:
        """The function over float64 as that table has it: with a value for every x."""
        return self.real(x)

    def litert_curve(self, site: Site) -> litert16.Table:
        """The table between whose values LiteRT interpolates at a site of int16 elements."""
        real = lut.in_float64(lambda x: self.real16(x, site))
        return litert16.function_curve(real, site.input(0).qp.s, site.outputs[0].qp.s)

    def litert16(self, site: Site, x: Array) -> Ints:
        """The outputs of int16 elements in LiteRT; those of the exact function's table where LiteRT has none."""
        return litert16.interpolate(self.litert_curve(site), x)

    def site_table16(self, site: Site) -> lut16.Table:
        """The values of a site of int16 elements between which kernels interpolate."""
        return lut16.build(self.real, site.input(0).qp.s, site.outputs[0].qp.s, self.undefined)
