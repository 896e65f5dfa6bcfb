"""From real to quantized values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample, Site
from edgeq.ir.tensor import Array, DType
from edgeq.numerics import float32
from edgeq.ops._conversion import Border, check_types
from edgeq.ops._overlap import Overlaps, elementwise

FROM_FLOAT = (DType.FLOAT32, DType.INT8)


def scale_params(size: int, scale: float, zero_point: int) -> Mapping[str, Param]:
    """Parameters of `eq_quantize_ref` and `eq_dequantize_ref`."""
    return {"size": size, "scale": scale, "zero_point": zero_point}


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_quantize_ref`."""
    q = site.outputs[0].qp
    return scale_params(site.outputs[0].size, q.s, q.zp)


def overlap(site: Site) -> Overlaps:
    """One element after another."""
    return elementwise(site)


def to_int8(site: Site) -> bool:
    """It is from float32 to int8."""
    return (site.input(0).dtype, site.outputs[0].dtype) == FROM_FLOAT


def to_away(site: Site) -> bool:
    """Halves are rounded away from zero."""
    assert isinstance(site.op, Quantize)
    return site.op.away


def to_even(site: Site) -> bool:
    """Halves are rounded to even."""
    return not to_away(site)


@dataclass(frozen=True)
class Quantize(Border):
    """From float32 to int8, of the same shape: `q = clamp(round(x / scale) + zero_point)`.

    The quotient is rounded to float32, as ONNX's QuantizeLinear and TensorFlow Lite do. NaN becomes the least integer.

    Attributes:
        away: halves are rounded away from zero, as TensorFlow Lite does; else to even.
    """

    away: bool = False

    gives_real: ClassVar[bool | None] = False
    kernels: ClassVar = (
        Kernel(
            "eq_quantize_ref",
            ("ref/quantize.c",),
            "eq/quantize.h",
            "eq_quantize_params",
            lower_ref,
            elements=frozenset(FROM_FLOAT),
            fits=all_of(to_int8, to_even),
            overlap=overlap,
        ),
        Kernel(
            "eq_quantize_ref_away",
            ("ref/quantize.c",),
            "eq/quantize.h",
            "eq_quantize_params",
            lower_ref,
            elements=frozenset(FROM_FLOAT),
            fits=all_of(to_int8, to_away),
            overlap=overlap,
        ),
    )

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        check_types(site, to_int8)
        y = site.outputs[0]
        return (float32.quantize(inputs[0], y.qp.s, y.qp.zp, *y.dtype.range, self.away).astype(y.dtype.numpy),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),), elements=FROM_FLOAT),
            Sample("vector", cls(), ((33,),), low=-0.1, high=9.0, elements=FROM_FLOAT),
            Sample("one", cls(), ((1,),), elements=FROM_FLOAT),
            Sample("away", cls(True), ((1, 5, 3, 7),), elements=FROM_FLOAT),
            Sample("one_away", cls(True), ((1,),), elements=FROM_FLOAT),
        )
