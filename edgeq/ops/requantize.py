"""Another quantization of the same values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import BYTES, Kernel, Param, in_place
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.ir.traits import Trait
from edgeq.numerics.fixedpoint import Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.lut import Table, round_half_away
from edgeq.ops._conversion import Conversion
from edgeq.ops._int16 import as_int16, requantize_params
from edgeq.ops._overlap import elementwise


def is_flip(site: Site) -> bool:
    """Input and output are the same bytes except for their sign bits: int8 and uint8, zero-points 128 apart."""
    x, y = site.input(0), site.outputs[0]
    moved = {(DType.INT8, DType.UINT8): 128, (DType.UINT8, DType.INT8): -128}.get((x.dtype, y.dtype))
    return x.qp.s == y.qp.s and y.qp.zp - x.qp.zp == moved


def convert(x: TensorType, y: TensorType, q: Array, rounding: Rounding) -> Array:
    """Elements of type x as elements of type y: clamp(zp_y + (q − zp_x) · s_x / s_y), rounded as a requantization."""
    factor = quantize_multiplier(x.qp.s / y.qp.s, rounding)
    moved = multiply(q.astype(np.int64) - x.qp.zp, factor, rounding) + y.qp.zp
    return np.clip(moved, *y.dtype.range).astype(y.dtype.numpy)


def convert_legacy(x: TensorType, y: TensorType, q: Array) -> Array:
    """The same as LiteRT converts operands of CONCATENATION in uint8 files: in float32, on unsigned integers."""
    unsigned = q.astype(np.int64) - x.dtype.range[0]
    scale = np.float32(x.qp.s) * (np.float32(1) / np.float32(y.qp.s))
    offset = np.float32(x.dtype.range[0] - x.qp.zp) * scale
    moved = round_half_away(unsigned.astype(np.float32) * scale + offset) + y.qp.zp
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
    x, y = site.input(0), site.outputs[0]
    every = np.arange(256, dtype=np.uint8).view(x.dtype.numpy) if x.dtype in BYTES else np.arange(256) != 0
    return {"size": y.size, "table": converted(site, every).view(np.int8)}


WIDE: tuple[tuple[DType, DType], ...] = (
    (DType.INT16, DType.INT8),
    (DType.INT8, DType.INT16),
    (DType.INT16, DType.INT16),
    (DType.INT8, DType.INT32),
    (DType.INT16, DType.INT32),
    (DType.INT32, DType.INT8),
)
"""Pairs of element types of which at least one is wider than a byte."""


def lower_wide(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_requantize_<from>_<to>_ref`."""
    x, y = site.input(0), site.outputs[0]
    factor = quantize_multiplier(x.qp.s / y.qp.s, site.rounding)
    return {
        "size": y.size,
        "mantissa": int(factor.mantissa[0]),
        "shift": int(factor.shift[0]),
        "from_zero_point": x.qp.zp,
        "to_zero_point": y.qp.zp,
    }


def wide_row(source: DType, target: DType) -> Kernel:
    """The row between two types of which at least one is wider than a byte."""

    limit = ", a zero-point of int32 being 0" if DType.INT32 in (source, target) else ", not with the arithmetic `fast`"

    def between(site: Site) -> bool:
        x, y = site.input(0), site.outputs[0]
        right = (x.dtype, y.dtype) == (source, target) and (x.dtype is not DType.INT32 or x.qp.zp == 0)
        return right and (DType.INT32 in (source, target) or site.numerics is not Numerics.FAST)

    return Kernel(
        f"eq_requantize_{source.value}_{target.value}_ref",
        ("ref/requantize.c",),
        "eq/requantize.h",
        "eq_requantize_params",
        lower_wide,
        elements=frozenset({source, target}),
        fits=Condition(f"It is from {source.value} to {target.value}{limit}", between),
        overlap=elementwise,
        rounded=True,
    )


def converted(site: Site, q: Array) -> Array:
    """Elements of a site's input as elements of its output."""
    assert isinstance(site.op, Requantize)
    x, y = site.input(0), site.outputs[0]
    if site.op.legacy and site.numerics is not Numerics.FAST:
        return convert_legacy(x, y, q)
    return convert(x, y, q, site.rounding)


def _row16(function: str, source: DType, target: DType) -> Kernel:
    """A row of elements of which some have 16 bits."""

    def holds(site: Site) -> bool:
        return (site.input(0).dtype, site.outputs[0].dtype, site.numerics) == (source, target, Numerics.FAST)

    return Kernel(
        function,
        ("ref/elementwise_int16.c",),
        "eq/elementwise_int16.h",
        "eq_requantize_int16_params",
        requantize_params,
        elements=frozenset({source, target}),
        fits=Condition(f"It is from {source.value} to {target.value}, with the arithmetic `fast`", holds),
        overlap=elementwise,
    )


@dataclass(frozen=True)
class Requantize(Conversion):
    """The identity over the reals, between two quantizations. Input and output have the same shape.

    Between int8, uint8 and int16; or truth values, which are integers 0 and 1 of scale 1, and int32 at the ports of a
    model, with the same arithmetic.

    Attributes:
        legacy: the conversion is that of an operand of CONCATENATION in an older, uint8 .tflite.
    """

    legacy: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_flip_ref",
            ("ref/flip.c",),
            "eq/flip.h",
            "eq_flip_params",
            lower_flip,
            elements=BYTES,
            fits=is_flip,
            overlap=in_place,
        ),
        Kernel(
            "eq_table_ref",
            ("ref/table.c",),
            "eq/table.h",
            "eq_table_params",
            lower_table,
            elements=BYTES | {DType.BOOL},
            overlap=in_place,
        ),
        _row16("eq_requantize_int16_ref", DType.INT16, DType.INT16),
        _row16("eq_requantize_to_int16_ref", DType.INT8, DType.INT16),
        _row16("eq_requantize_from_int16_ref", DType.INT16, DType.INT8),
        *(wide_row(*pair) for pair in WIDE),
    )

    declines: ClassVar[frozenset[Trait]] = Conversion.declines - {"is_copy"}

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (converted(site, inputs[0]),)

    def is_copy(self, site: Site) -> bool:
        return site.input(0) == site.outputs[0]

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),)),
            Sample("vector", cls(), ((33,),), low=-0.1, high=9.0),
            as_int16(Sample("image", cls(), ((1, 5, 3, 7),))),
            Sample("to_int16", cls(), ((1, 5, 3, 7),), elements=(DType.INT8, DType.INT16)),
            Sample("from_int16", cls(), ((1, 5, 3, 7),), elements=(DType.INT16, DType.INT8)),
            Sample("legacy", cls(legacy=True), ((65,),)),
            *(
                Sample(f"{a.value}_to_{b.value}", cls(), ((1, 5, 3, 7),), elements=(a, b))
                for a, b in WIDE
                if DType.INT32 in (a, b)
            ),
        )
