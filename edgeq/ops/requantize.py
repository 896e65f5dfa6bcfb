"""Another quantization of the same values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param, always, in_place
from edgeq.ir.op import Arrays, Op, Rows, Sample, Shapes, Site, Stripe, row_by_row
from edgeq.ir.tensor import Array, DType, Shape, TensorType
from edgeq.numerics.fixedpoint import Rounding, multiply, quantize_multiplier
from edgeq.numerics.lut import Table
from edgeq.ops._elementwise_mve import mve_row


def is_flip(site: Site) -> bool:
    """Input and output are the same bytes up to their sign bits: int8 against uint8, zero-points 128 apart."""
    x, y = site.input(0), site.outputs[0]
    moved = {(DType.INT8, DType.UINT8): 128, (DType.UINT8, DType.INT8): -128}.get((x.dtype, y.dtype))
    return x.qp.s == y.qp.s and y.qp.zp - x.qp.zp == moved


def convert(x: TensorType, y: TensorType, q: Array, rounding: Rounding) -> Array:
    """Elements of type x as elements of type y: clamp(zp_y + (q − zp_x) · s_x / s_y), rounded as a requantization."""
    factor = quantize_multiplier(x.qp.s / y.qp.s, rounding)
    moved = multiply(q.astype(np.int64) - x.qp.zp, factor, rounding) + y.qp.zp
    return np.clip(moved, *y.dtype.range).astype(y.dtype.numpy)


def byte_table(x: TensorType, y: TensorType, rounding: Rounding) -> Table:
    """The bytes of `convert` for all bytes 0 … 255 of its input."""
    every = np.arange(256, dtype=np.uint8).view(x.dtype.numpy)
    return convert(x, y, every, rounding).view(np.int8)


def lower_flip(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_flip_ref`."""
    return {"size": site.outputs[0].size}


def lower_table(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_table_ref`."""
    return {"size": site.outputs[0].size, "table": byte_table(site.input(0), site.outputs[0], site.rounding)}


@dataclass(frozen=True)
class Requantize(Op):
    """The identity over the reals, between two quantizations. Input and output are int8 or uint8, of the same shape."""

    kernels: ClassVar = (
        Kernel(
            "eq_flip_ref",
            ("ref/flip.c",),
            "eq/flip.h",
            "eq_flip_params",
            lower_flip,
            fits=is_flip,
            overlap=in_place,
        ),
        mve_row("table", "eq_table_params", lower_table, always, in_place),
        Kernel("eq_table_ref", ("ref/table.c",), "eq/table.h", "eq_table_params", lower_table, overlap=in_place),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError("Requantize needs exactly one input")
        return (shapes[0],)

    def stripe(self, shapes: Shapes, rows: Rows) -> Stripe | None:
        return row_by_row(self, shapes, rows)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (inputs[0],)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (convert(site.input(0), site.outputs[0], inputs[0], site.rounding),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (Sample("image", cls(), ((1, 5, 3, 7),)), Sample("vector", cls(), ((33,),), low=-0.1, high=9.0))
