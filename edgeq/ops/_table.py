"""Operators on one tensor, element by element: at run time each of them is a table of 256 bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf as scalar_erf
from math import erfc as scalar_erfc
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param, in_place
from edgeq.ir.op import Arrays, Shapes, Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import Trait
from edgeq.numerics import lut, lut16
from edgeq.numerics.fixedpoint import Ints, Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.lut import Affine, Table
from edgeq.ops._elementwise import Elementwise
from edgeq.ops._int16 import WIDE


def affine(q: QParams) -> Affine:
    """Per-tensor quantization parameters."""
    return Affine(q.s, q.zp)


def erf(x: Array) -> Array:
    """The error function of float64 values, element by element."""
    return np.fromiter(map(scalar_erf, x.ravel()), np.float64, x.size).reshape(x.shape)


def erfc(x: Array) -> Array:
    """1 − erf(x) of float64 values, element by element, without cancellation."""
    return np.fromiter(map(scalar_erfc, x.ravel()), np.float64, x.size).reshape(x.shape)


def rescaled(q: Ints, x: Affine, y: Affine) -> Table:
    """Integers (256) in x's scale, zero-point subtracted, converted to y as LiteRT does."""
    factor = quantize_multiplier(float(np.float32(x.scale) / np.float32(y.scale)), Rounding.DOUBLE)
    return lut.saturate(multiply(q, factor, Rounding.DOUBLE) + y.zero_point)


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


BYTE_ROWS = (Kernel("eq_table_ref", ("ref/table.c",), "eq/table.h", "eq_table_params", lower_table, overlap=in_place),)
"""Of 8 bits only: for functions that jump, or fall without end, between whose values nothing can be interpolated."""


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

    kernels: ClassVar[tuple[Kernel, ...]] = (
        *BYTE_ROWS,
        Kernel(
            "eq_table_int16_ref",
            ("ref/elementwise_int16.c",),
            "eq/elementwise_int16.h",
            "eq_table_int16_params",
            lower_table16,
            elements=INT16,
            fits=WIDE,
            overlap=in_place,
        ),
    )

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
            return (lut16.interpolate(self.site_table16(site), x),)
        return (self.site_table(site)[x.astype(np.int64) + 128],)

    def site_table16(self, site: Site) -> lut16.Table:
        """The values of a site of int16 elements between which kernels interpolate."""
        return lut16.build(self.real, site.input(0).qp.s, site.outputs[0].qp.s, self.undefined)
