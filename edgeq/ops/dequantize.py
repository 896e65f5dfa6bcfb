"""From quantized to real values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.numerics import float32
from edgeq.ops._conversion import Border, check_types
from edgeq.ops.quantize import overlap, scale_params

TO_FLOAT = (DType.INT8, DType.FLOAT32)
TO_FLOAT16 = (DType.INT16, DType.FLOAT32)
"""From 16 bits."""


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_dequantize_ref`."""
    q = site.input(0).qp
    return scale_params(site.outputs[0].size, q.s, q.zp)


def to_float32(site: Site) -> bool:
    """It is from int8 to float32."""
    return (site.input(0).dtype, site.outputs[0].dtype) == TO_FLOAT


def from_int16(site: Site) -> bool:
    """It is from int16 to float32."""
    return (site.input(0).dtype, site.outputs[0].dtype) == TO_FLOAT16


def from_integers(site: Site) -> bool:
    """Whether it is from integers that it knows to float32."""
    return to_float32(site) or from_int16(site)


def _row(function: str, kind: Callable[[Site], bool], types: tuple[DType, DType]) -> Kernel:
    return Kernel(
        function,
        ("ref/quantize.c",),
        "eq/quantize.h",
        "eq_quantize_params",
        lower_ref,
        elements=frozenset(types),
        fits=kind,
        overlap=overlap,
    )


@dataclass(frozen=True)
class Dequantize(Border):
    """From int8 or int16 to float32, of the same shape: `x = (q − zero_point) · scale`, rounded once."""

    gives_real: ClassVar[bool | None] = True
    kernels: ClassVar = (
        _row("eq_dequantize_ref", to_float32, TO_FLOAT),
        _row("eq_dequantize_int16_ref", from_int16, TO_FLOAT16),
    )

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        check_types(site, from_integers)
        q = site.input(0).qp
        return (float32.dequantize(inputs[0], q.s, q.zp),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),), elements=TO_FLOAT),
            Sample("vector", cls(), ((33,),), low=-0.1, high=9.0, elements=TO_FLOAT),
            Sample("int16", cls(), ((1, 5, 3, 7),), elements=TO_FLOAT16),
            Sample("one", cls(), ((1,),), elements=TO_FLOAT),
        )
