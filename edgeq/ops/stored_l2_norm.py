"""Normalization to length one, as TensorFlow Lite computes it on 8-bit tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param, in_place
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams, Shape
from edgeq.ir.traits import Trait
from edgeq.numerics.fixedpoint import Multiplier, Rounding, multiply, quantize_multiplier
from edgeq.numerics.gemmlowp import inverse_sqrt_multiplier

OUTPUT = QParams.per_tensor(1 / 128, 0)
BITS = 7
"""Fraction bits of the output."""
FINE_BITS = 15
"""Fraction bits where the output has other parameters than LiteRT takes: they are requantized."""
MOST_COLUMNS = (2**31 - 1) // 255**2
"""Elements of a row whose squares are certain to add up to 32 bits."""


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_stored_l2_norm_ref`."""
    columns, (first, then) = site.outputs[0].shape[-1], shifts(site)
    m = None if site.outputs[0].q == OUTPUT else to_output(site)
    return {
        "rows": site.outputs[0].size // columns,
        "columns": columns,
        "zero_point": site.input(0).qp.zp,
        "first": first,
        "then": then,
        "mantissa": 0 if m is None else int(m.mantissa[0]),
        "shift": 0 if m is None else int(m.shift[0]),
        "output_zero_point": site.outputs[0].qp.zp,
    }


def shifts(site: Site) -> tuple[int, int]:
    """Bits by which elements are shifted left before they are multiplied, and with that."""
    assert isinstance(site.op, StoredL2Norm)
    if site.outputs[0].q != OUTPUT:
        return 0, FINE_BITS
    return (BITS, 0) if site.op.legacy else (0, BITS)


def to_output(site: Site) -> Multiplier:
    """From FINE_BITS fraction bits to steps of the output."""
    return quantize_multiplier(1.0 / (2.0**FINE_BITS * site.outputs[0].qp.s), Rounding.DOUBLE)


@dataclass(frozen=True)
class StoredL2Norm(Op):
    """x / √(sum of x²) along the last axis. Input: x of any rank; output: the same shape, scale 1/128, zero-point 0.

    In all three arithmetics what LiteRT's reference resolver computes: (q − zp) times a fixed-point reciprocal root of
    the sum of squares, rounded twice; a row of zeros stays zero. An output of other
    parameters, which LiteRT does not take, is requantized from 15 fraction bits.

    Attributes:
        legacy: the tensors are uint8 in the file: LiteRT shifts them left before it multiplies, int8 ones behind.
    """

    legacy: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_stored_l2_norm_ref",
            ("ref/stored_l2_norm.c",),
            "eq/stored_l2_norm.h",
            "eq_stored_l2_norm_params",
            lower_ref,
            overlap=in_place,
        ),
    )
    declines: ClassVar[frozenset[Trait]] = frozenset(
        {
            *("pattern", "monotone", "linear", "signs", "homogeneous", "fused_clamp", "is_copy", "commute"),
            *("tied_channels", "affine", "with_padding", "parts"),
        }
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or not shapes[0]:
            raise ValueError(f"{self.kind} needs one input with a dimension")
        if shapes[0][-1] > MOST_COLUMNS:
            raise ValueError(f"{self.kind} over {shapes[0][-1]} elements; at most {MOST_COLUMNS} can be")
        return (shapes[0],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if shapes[0] is not None and len(shapes[0]) > 1 else None

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=OUTPUT)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        wide = x.astype(np.float64)
        length = np.sqrt((wide * wide).sum(axis=-1, keepdims=True))
        return (np.divide(wide, length, out=np.zeros_like(wide), where=length > 0).astype(np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        real = x.astype(np.int64) - site.input(0).qp.zp
        rows = real.reshape(-1, real.shape[-1])
        found, (first, then) = np.empty_like(rows), shifts(site)
        for row, squares in enumerate((rows * rows).sum(axis=1)):
            mantissa, shift = inverse_sqrt_multiplier(int(squares))
            factor = Multiplier(np.array([mantissa], np.int32), np.array([shift + then], np.int32))
            found[row] = multiply(rows[row] << first, factor, Rounding.DOUBLE)
        if site.outputs[0].q != OUTPUT:
            found = multiply(found, to_output(site), Rounding.DOUBLE) + site.outputs[0].qp.zp
        return (np.clip(found, -128, 127).astype(np.int8).reshape(x.shape),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("rows", cls(), ((3, 12),)),
            Sample("legacy", cls(True), ((2, 3, 40),), low=-1.0, high=0.5),
            Sample("pixels", cls(), ((1, 4, 3, 5),), low=-0.2, high=3.0),
            Sample("vector", cls(), ((37,),)),
            Sample("one", cls(), ((6, 1),)),
            Sample("long", cls(), ((2, 1500),), low=-1.0, high=1.0),
        )
