"""Softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, frexp, log, log2
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT16, Kernel, Param, in_place
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.numerics import float32, litert16
from edgeq.numerics.fixedpoint import (
    Ints,
    Multiplier,
    Rounding,
    doubling_high_multiply,
    multiply,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgeq.numerics.float32 import Floats
from edgeq.numerics.gemmlowp import reciprocal
from edgeq.ops._int16 import DOUBLE, FINE, Q15, WIDE, as_int16, check_usual
from edgeq.ops._overlap import elementwise
from edgeq.ops._requant import QMAX, QMIN
from edgeq.ops._softmax import (
    EXP_BITS,
    SUM_BITS,
    RowOp,
    columns,
    fast_exponentials,
    fixed_differences,
    input_step,
    portable_rows,
    real_row,
    row_params,
    rows_are_last,
    uses_fast,
)

OUTPUT = QParams.per_tensor(1 / 256, -128)
WIDE_OUTPUT = QParams.per_tensor(2.0**-16, -(2**15))


FINEST = 2.0**10
"""A whole row of exponentials below one part in so many is nothing in 8 bits."""
LEAST_BITS = 8
"""Fraction bits that exponentials need: with fewer, they are coarser than the output."""


def exponential_bits(site: Site) -> int:
    """Fraction bits of FAST's exponentials: e / s_out has 31 bits at most.

    Raises:
        QuantizationError: the output's scale is too small.
    """
    inverse = 1.0 / site.outputs[0].qp.s
    bits = min(EXP_BITS, 31 - ceil(log2(inverse)))
    if bits < LEAST_BITS:
        raise QuantizationError(
            f"the scale {site.outputs[0].qp.s:g} of a softmax's output is too small",
            hint="use 1/256 with zero-point -128",
            where=site.name,
        )
    return bits


def output_factor(site: Site) -> tuple[int, int]:
    """1 / s_out as (K, f): K · 2^−f, exact with f = 0 for the usual 1/256, else as precise as 32 bits allow.

    Raises:
        QuantizationError: the output's scale is too small.
    """
    inverse, most = 1.0 / site.outputs[0].qp.s, 2 ** (31 - exponential_bits(site))
    bits = 16 - (columns(site) - 1).bit_length()  # the sum, shifted left by these, stays below 2³¹
    while bits > 0 and round(inverse * 2.0**bits) > most:
        bits -= 1
    factor = round(inverse * 2.0**bits)
    while bits > 0 and factor % 2 == 0:
        factor, bits = factor // 2, bits - 1
    return factor, bits


def lower_fast(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_softmax_ref_fast`."""
    factor, shift = output_factor(site)
    return {
        **row_params(site, fast_exponentials(site, exponential_bits(site))),
        "factor": factor,
        "shift": shift,
        "zero_point": site.outputs[0].qp.zp,
    }


def lower_double(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_softmax_ref_double`."""
    return row_params(site, fixed_differences(site).exponentials)


def exponentials16(site: Site) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """exp(−beta·s_in·d) as products of two: of d / 256, with 16 fraction bits, and of d % 256, with 15."""
    if columns(site) >= 2**24:
        raise QuantizationError(f"Softmax over {columns(site)} values is too long", where=site.name)
    step, every = input_step(site), np.arange(256)
    coarse, fine = np.exp(-step * 256 * every) * 2.0**16, np.exp(-step * every) * 2.0**15
    return np.rint(coarse).astype(np.uint32), np.rint(fine).astype(np.uint32)


def output_factor16(site: Site) -> tuple[int, int]:
    """1 / s_out as (K, f): K · 2^(31 − f), K with 30 bits."""
    fraction, exponent = frexp(1.0 / site.outputs[0].qp.s)
    bits = 61 - exponent
    if not 1 <= bits <= 62:
        raise QuantizationError(
            f"the scale {site.outputs[0].qp.s:g} of a softmax's output is out of all proportion", where=site.name
        )
    return min(round(fraction * 2.0**30), 2**30 - 1), bits


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_softmax_int16_ref`."""
    coarse, fine = exponentials16(site)
    factor, bits = output_factor16(site)
    return {
        "rows": site.outputs[0].size // columns(site),
        "columns": columns(site),
        "coarse": coarse,
        "fine": fine,
        "less": columns(site).bit_length() - 1,
        "factor": factor,
        "bits": bits,
    }


def argument16(site: Site) -> Multiplier:
    """From a difference of int16 inputs to the argument of LiteRT's exponential, of which 65535 are 10."""
    assert isinstance(site.op, Softmax)
    beta = float(np.float32(site.op.beta))
    return quantize_multiplier(site.input(0).qp.s * beta / (10.0 / 65535.0), Rounding.DOUBLE)


def lower_double16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_softmax_int16_ref_double`."""
    check_usual(site)
    argument = argument16(site)
    return {
        "rows": site.outputs[0].size // columns(site),
        "columns": columns(site),
        "exponentials": litert16.exp_curve(),
        "reciprocals": litert16.reciprocal_curve(),
        "mantissa": int(argument.mantissa[0]),
        "shift": int(argument.shift[0]),
    }


def int16_double_row() -> Kernel:
    """The portable kernel for int16 elements with the arithmetic of TensorFlow Lite."""
    return replace(
        int16_row(),
        function="eq_softmax_int16_ref_double",
        struct="eq_softmax_int16_double_params",
        lower=lower_double16,
        fits=all_of(rows_are_last, DOUBLE),
    )


def int16_row() -> Kernel:
    """The portable kernel for int16 elements."""
    return Kernel(
        "eq_softmax_int16_ref",
        ("ref/softmax_int16.c",),
        "eq/softmax_int16.h",
        "eq_softmax_int16_params",
        lower_int16,
        elements=INT16,
        fits=all_of(rows_are_last, WIDE),
        overlap=in_place,
    )


def is_wide(site: Site) -> bool:
    """The output has 16 bits, the input 8."""
    return (site.input(0).dtype, site.outputs[0].dtype) == (DType.INT8, DType.INT16)


@dataclass(frozen=True)
class Softmax(RowOp):
    """exp(beta·x) / Σ exp(beta·x) along an axis; TensorFlow Lite's output has scale 1/256 and zero-point −128.

    FAST: `q = clamp(zp + (e·K + D/2) / D)` in unsigned 32-bit integers, e = round(exp(−beta·s_in·d) · 2^b), d the
    difference from the row's maximum, b = 15, or less where s_out is below 2⁻¹⁶ (e·K has 31 bits),
    K · 2^−f = 1 / s_out, D = Σe · 2^f; K = 256 and f = 0 for the usual output.
    With int16 elements: `q = (e·I + 2^(f−1)) >> f`, e with 31 fraction bits less as many as the sum D of a row needs to
    fit 32 bits, I = ⌊K · 2^31 / D⌋, K · 2^(31−f) = 1 / s_out.
    TFLITE and TFLM: gemmlowp's fixed-point reciprocal of the sum, times the exponential, rounded twice.

    Attributes:
        axis: not negative; kernels need the last one.
        beta: positive. A float model multiplies by it in an operator of its own.
        wide: the output has 16 bits, as an int8 .tflite may have it; in the arithmetic of TensorFlow Lite, whatever
            that of the graph.
    """

    beta: float = 1.0
    wide: bool = False

    output: ClassVar = OUTPUT
    headroom: ClassVar = 2.0
    onnx: ClassVar[str] = "Softmax"
    kernels: ClassVar = (
        *portable_rows("softmax", lower_fast, lower_double),
        Kernel(
            "eq_softmax_wide_ref",
            ("ref/softmax.c",),
            "eq/softmax.h",
            "eq_softmax_double_params",
            lower_double,
            fits=all_of(rows_are_last, FINE),
            elements=frozenset({DType.INT8, DType.INT16}),
            overlap=elementwise,
        ),
        int16_row(),
        int16_double_row(),
        real_row("softmax"),
    )

    def real_rows(self, rows: Floats) -> Array:
        top = float32.greatest(rows, (rows.ndim - 1,), True)
        e = float32.exp((rows - top) * np.float32(self.beta))
        return float32.quotient(e, float32.in_order(e, (e.ndim - 1,), True))

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        e = np.exp(self.beta * (x - x.max(axis=self.axis, keepdims=True)).astype(np.float64))
        return ((e / e.sum(axis=self.axis, keepdims=True)).astype(np.float32),)

    @property
    def gain(self) -> float:
        return self.beta

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        x = shapes[0]
        last = x is not None and self.axis == len(x) - 1
        if self.wide:
            return QuantRule(usual=WIDE_OUTPUT, fine=frozenset({0}))
        return replace(
            super().quant_rule(shapes), usual16=Q15, reach=log(FINEST * x[-1]) / self.beta if x and last else None
        )

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            *super().samples(),
            as_int16(Sample("classes", cls(1), ((3, 12),))),
            as_int16(Sample("long", cls(1, beta=0.5), ((1, 1000),), low=-20.0, high=20.0)),
            Sample("beta", cls(1, beta=0.1), ((4, 9),), low=-30.0, high=30.0),
            Sample("wide", cls(1, wide=True), ((4, 9),), elements=(DType.INT8, DType.INT16)),
        )

    def rows16(self, site: Site, differences: Ints) -> Ints:
        if site.rounding is Rounding.DOUBLE:
            return self._double_rows16(site, differences)
        return self.fast_rows16(site, differences)

    def fast_rows16(self, site: Site, differences: Ints) -> Ints:
        """The outputs of edgeq's own arithmetic for int16 elements."""
        coarse, fine = exponentials16(site)
        less, (factor, bits) = columns(site).bit_length() - 1, output_factor16(site)
        e = coarse.astype(np.uint64)[differences >> 8] * fine.astype(np.uint64)[differences & 255] >> np.uint64(less)
        inverse = np.uint64(factor << 31) // e.sum(axis=-1, keepdims=True, dtype=np.uint64)
        q = (e * inverse + np.uint64(1 << (bits - 1))) >> np.uint64(bits)
        return np.minimum(q, np.uint64(32767)).astype(np.int64)

    def _double_rows16(self, site: Site, differences: Ints) -> Ints:
        """The outputs of TensorFlow Lite: exponentials and the reciprocal of their sum with 15 fraction bits."""
        check_usual(site)
        least, most = DType.INT16.range
        argument = most + multiply(-differences, argument16(site), Rounding.DOUBLE)
        e = litert16.interpolate(litert16.exp_curve(), np.clip(argument, least, most))
        total = e.sum(axis=-1, keepdims=True)
        zeros = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)  # leading ones of 32 bits
        shifted = ((total << (zeros - 1)) + (1 << 13)) >> 14
        part = np.clip(shifted - (1 << 15) - (1 << 16), least, most)
        inverse, right = litert16.interpolate(litert16.reciprocal_curve(), part), 31 - zeros
        return np.clip((e * inverse + (np.int64(1) << (right - 1))) >> right, 0, most)

    def quantized_rows(self, site: Site, differences: Ints) -> Ints:
        if self.wide:
            return self._double_rows(site, differences, DType.INT16)
        if uses_fast(site):
            e = fast_exponentials(site, exponential_bits(site)).astype(np.int64)[differences]
            factor, shift = output_factor(site)
            total = e.sum(axis=-1, keepdims=True) << shift
            return np.clip((e * factor + (total >> 1)) // total + site.outputs[0].qp.zp, QMIN, QMAX)
        return self._double_rows(site, differences, DType.INT8)

    def _double_rows(self, site: Site, differences: Ints, dtype: DType) -> Ints:
        """The outputs of TensorFlow Lite."""
        least, most = dtype.range
        e = fixed_differences(site).exponentials.astype(np.int64)[differences]
        total = rounding_divide_by_pot(e, np.asarray(SUM_BITS)).sum(axis=-1, keepdims=True)
        scale, above_one = reciprocal(total, SUM_BITS)
        shift_right = np.minimum(above_one + 31 - dtype.bits, 31)
        return np.clip(rounding_divide_by_pot(doubling_high_multiply(scale, e), shift_right) + least, least, most)
