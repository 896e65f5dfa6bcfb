"""From real to quantized values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.numerics import float32
from edgeq.ops._conversion import Border, check_types
from edgeq.ops._overlap import Overlaps, elementwise

FROM_FLOAT = (DType.FLOAT32, DType.INT8)
FROM_FLOAT16 = (DType.FLOAT32, DType.INT16)
"""To 16 bits."""


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


def to_int16(site: Site) -> bool:
    """It is from float32 to int16."""
    return (site.input(0).dtype, site.outputs[0].dtype) == FROM_FLOAT16


def to_integers(site: Site) -> bool:
    """Whether it is from float32 to integers that it knows."""
    return to_int8(site) or to_int16(site)


def to_away(site: Site) -> bool:
    """Halves are rounded away from zero."""
    assert isinstance(site.op, Quantize)
    return site.op.away


def to_even(site: Site) -> bool:
    """Halves are rounded to even."""
    return not to_away(site)


def _row(function: str, kind: Callable[[Site], bool], halves: Callable[[Site], bool]) -> Kernel:
    return Kernel(
        function,
        ("ref/quantize.c",),
        "eq/quantize.h",
        "eq_quantize_params",
        lower_ref,
        elements=frozenset(FROM_FLOAT if kind is to_int8 else FROM_FLOAT16),
        fits=all_of(kind, halves),
        overlap=overlap,
    )


@dataclass(frozen=True)
class Quantize(Border):
    """From float32 to int8 or int16, of the same shape: `q = clamp(round(x / scale) + zero_point)`.

    The quotient is rounded to float32, as ONNX's QuantizeLinear and TensorFlow Lite do. NaN becomes the least integer.

    Attributes:
        away: halves are rounded away from zero, as TensorFlow Lite does; else to even.
    """

    away: bool = False

    gives_real: ClassVar[bool | None] = False
    kernels: ClassVar = (
        _row("eq_quantize_ref", to_int8, to_even),
        _row("eq_quantize_ref_away", to_int8, to_away),
        _row("eq_quantize_int16_ref", to_int16, to_even),
        _row("eq_quantize_int16_ref_away", to_int16, to_away),
    )

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        check_types(site, to_integers)
        y = site.outputs[0]
        return (float32.quantize(inputs[0], y.qp.s, y.qp.zp, *y.dtype.range, self.away).astype(y.dtype.numpy),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),), elements=FROM_FLOAT),
            Sample("vector", cls(), ((33,),), low=-0.1, high=9.0, elements=FROM_FLOAT),
            Sample("one", cls(), ((1,),), elements=FROM_FLOAT),
            Sample("away", cls(True), ((1, 5, 3, 7),), elements=FROM_FLOAT),
            Sample("int16", cls(), ((1, 5, 3, 7),), elements=FROM_FLOAT16),
            Sample("int16_away", cls(True), ((33,),), elements=FROM_FLOAT16),
            Sample("one_away", cls(True), ((1,),), elements=FROM_FLOAT),
        )
