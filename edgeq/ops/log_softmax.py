"""The logarithm of softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams
from edgeq.numerics import float32
from edgeq.numerics.fixedpoint import (
    INT32_MIN,
    Ints,
    Multiplier,
    Rounding,
    multiply,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgeq.numerics.float32 import Floats
from edgeq.numerics.gemmlowp import log_from_one
from edgeq.ops._requant import QMAX, QMIN
from edgeq.ops._softmax import (
    EXP_BITS,
    INTEGER_BITS,
    SUM_BITS,
    RowOp,
    fast_exponentials,
    fixed_differences,
    portable_rows,
    real_row,
    row_params,
    uses_fast,
)

OUTPUT = QParams.per_tensor(16 / 256, 127)
FRACTION_BITS = 15
"""Fraction bits of FAST's results, in steps of the output."""
LOG_BITS = 6
"""FAST's table of logarithms has two to the power of this many intervals."""


@dataclass(frozen=True, eq=False)
class FastConstants:
    """FAST's constants, all in 2⁻¹⁵ steps of the output.

    Attributes:
        step: one step of the input, at most 256 steps of the output.
        octave: ln 2.
        logarithms: ln(1 + i/64) for i = 0 … 64.
    """

    step: int
    octave: int
    logarithms: npt.NDArray[np.int32]


def fast_constants(site: Site) -> FastConstants:
    """The constants of FAST.

    Raises:
        QuantizationError: the output's scale is too small for 32-bit arithmetic.
    """
    s_in, s_out = site.input(0).qp.s, site.outputs[0].qp.s
    unit = 2.0**FRACTION_BITS / s_out
    if unit * 17 * np.log(2) >= 2.0**31:
        raise QuantizationError(
            f"the scale {s_out:g} of a log-softmax's output is too small",
            hint="use 1/16 with zero-point 127",
            where=site.name,
        )
    grid = np.log1p(np.arange(2**LOG_BITS + 1) / 2.0**LOG_BITS)
    return FastConstants(
        step=min(round(s_in * unit), 256 << FRACTION_BITS),
        octave=round(float(np.log(2)) * unit),
        logarithms=np.rint(grid * unit).astype(np.int32),
    )


def fast_log(total: Ints, c: FastConstants) -> Ints:
    """ln(total / 2¹⁵) in 2⁻¹⁵ steps of the output, total in [2¹⁵, 2³¹): octaves, then interpolated in a table."""
    octave = np.frexp(total.astype(np.float64))[1].astype(np.int64) - 1
    mantissa = (total << (31 - octave)) - (1 << 31)
    index, rest = mantissa >> (31 - LOG_BITS), (mantissa >> (15 - LOG_BITS)) & 0xFFFF
    table = c.logarithms.astype(np.int64)
    line = table[index] + (((table[index + 1] - table[index]) * rest) >> 16)
    return (octave - EXP_BITS) * c.octave + line


def reverse_factor(factor: Multiplier) -> Multiplier:
    """From a value with 5 integer bits back to a difference of inputs, as TensorFlow Lite computes it."""
    return quantize_multiplier(2.0 ** (31 - int(factor.shift[0])) / int(factor.mantissa[0]), Rounding.DOUBLE)


def lower_fast(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_log_softmax_ref_fast`."""
    c = fast_constants(site)
    return {
        **row_params(site, fast_exponentials(site)),
        "step": c.step,
        "octave": c.octave,
        "logarithms": c.logarithms,
        "zero_point": site.outputs[0].qp.zp,
    }


def lower_double(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_log_softmax_ref_double`."""
    d = fixed_differences(site)
    reverse = reverse_factor(d.factor)
    return {
        **row_params(site, d.exponentials),
        "mantissa": int(d.factor.mantissa[0]),
        "shift": int(d.factor.shift[0]),
        "reverse_mantissa": int(reverse.mantissa[0]),
        "reverse_shift": int(reverse.shift[0]),
        "least": d.least,
    }


@dataclass(frozen=True)
class LogSoftmax(RowOp):
    """x − ln Σ exp(x) along an axis; TensorFlow Lite's output has scale 1/16 and zero-point 127.

    FAST: `q = clamp(zp − ((d·A + L + 2¹⁴) >> 15))`, d the difference from the row's maximum, A = s_in / s_out · 2¹⁵,
    and L the logarithm of the sum of exponentials (15 fraction bits) in the same unit, interpolated in a table of 64
    intervals; within one step of the exact value. TFLITE and TFLM: gemmlowp's fixed-point logarithm.

    Attributes:
        axis: not negative; kernels need the last one.
    """

    output: ClassVar = OUTPUT
    onnx: ClassVar[str] = "LogSoftmax"
    kernels: ClassVar = (*portable_rows("log_softmax", lower_fast, lower_double), real_row("log_softmax"))

    def real_rows(self, rows: Floats) -> Array:
        x = rows - float32.greatest(rows, (rows.ndim - 1,), True)
        return np.asarray(x - float32.log(float32.in_order(float32.exp(x), (x.ndim - 1,), True)))

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        y = (x - x.max(axis=self.axis, keepdims=True)).astype(np.float64)
        return ((y - np.log(np.exp(y).sum(axis=self.axis, keepdims=True))).astype(np.float32),)

    def quantized_rows(self, site: Site, differences: Ints) -> Ints:
        if uses_fast(site):
            c = fast_constants(site)
            total = fast_exponentials(site).astype(np.int64)[differences].sum(axis=-1, keepdims=True)
            below = (differences * c.step + fast_log(total, c) + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS
            return np.clip(site.outputs[0].qp.zp - below, QMIN, QMAX)
        d = fixed_differences(site)
        e = d.exponentials.astype(np.int64)[differences]
        total = rounding_divide_by_pot(e, np.asarray(SUM_BITS)).sum(axis=-1, keepdims=True)
        log = log_from_one(total, SUM_BITS, INTEGER_BITS)
        least = np.maximum(d.least - 1, multiply(log + INT32_MIN, reverse_factor(d.factor), Rounding.DOUBLE))
        scaled = multiply(-np.minimum(differences, -d.least), d.factor, Rounding.DOUBLE) - log
        q = rounding_divide_by_pot(scaled, np.asarray(31 - INTEGER_BITS - 4)) + QMAX
        return np.where(-differences > least, np.clip(q, QMIN, QMAX), QMIN)
