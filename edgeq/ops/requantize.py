"""Another quantization of the same values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import BYTES, Kernel, Param, in_place
from edgeq.ir.op import Arrays, Sample, Site
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.ir.traits import Trait
from edgeq.numerics.fixedpoint import Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.lut import Table, round_half_away
from edgeq.ops._conversion import Conversion
from edgeq.ops._int16 import as_int16, requantize_params
from edgeq.ops._overlap import elementwise
from edgeq.ops._requant import LEVELS


def is_flip(site: Site) -> bool:
    """Input and output are the same bytes except for their sign bits: int8 and uint8, zero-points 128 apart."""
    x, y = site.input(0), site.outputs[0]
    moved = {(DType.INT8, DType.UINT8): 128, (DType.UINT8, DType.INT8): -128}.get((x.dtype, y.dtype))
    return x.qp.s == y.qp.s and y.qp.zp - x.qp.zp == moved


def convert(x: TensorType, y: TensorType, q: Array, rounding: Rounding) -> Array:
    """Elements of type x as elements of type y: clamp(zp_y + (q − zp_x) · s_x / s_y), rounded as a requantization."""
    factor = quantize_multiplier(x.qp.s / y.qp.s, rounding)
    moved = multiply(q.astype(np.int64) - x.qp.zp, factor, rounding) + y.qp.zp
    return np.clip(moved, *LEVELS.get(y.dtype, y.dtype.range)).astype(y.dtype.numpy)


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
    every = np.arange(256, dtype=np.uint8).view(x.dtype.numpy)
    return {"size": y.size, "table": converted(site, every).view(np.int8)}


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
    """The identity over the reals, between two quantizations. Input and output are int8, uint8 or int16 tensors of one
    shape.

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
            elements=BYTES,
            overlap=in_place,
        ),
        _row16("eq_requantize_int16_ref", DType.INT16, DType.INT16),
        _row16("eq_requantize_to_int16_ref", DType.INT8, DType.INT16),
        _row16("eq_requantize_from_int16_ref", DType.INT16, DType.INT8),
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
        )
