"""What every operator that ends in a requantization shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.ir.traits import NO_CLAMP as NO_CLAMP
from edgeq.ir.traits import Clamp as Clamp
from edgeq.numerics.fixedpoint import (
    INT32_MAX,
    Multiplier,
    Numerics,
    Requantization,
    quantize_multiplier,
    round_half_away,
)

QMIN, QMAX = -128, 127
FAR = 2.0**20
"""Steps from zero that are beyond every range."""


def clamp_float(x: Array, clamp: Clamp) -> Array:
    """Apply a fused activation to float32 values."""
    return x if clamp == NO_CLAMP else np.clip(x, np.float32(clamp[0]), np.float32(clamp[1]))


def finish_float(sums: Array, inputs: Arrays, clamp: Clamp) -> Array:
    """Add the bias, input 2 if present, and apply the fused activation."""
    y = sums if len(inputs) < 3 or inputs[2] is None else sums + inputs[2]
    return clamp_float(y, clamp).astype(np.float32)


def type_range(type: TensorType, clamp: Clamp) -> tuple[int, int]:
    """Least and greatest output of a type under a fused activation."""
    return output_range(type.qp, clamp, type.dtype)


def output_range(q: QParams, clamp: Clamp, dtype: DType = DType.INT8) -> tuple[int, int]:
    """Least and greatest output under a fused activation."""
    least, most = dtype.range

    def quantized(bound: float) -> int:
        with np.errstate(over="ignore"):
            steps = np.float32(bound) / np.float32(q.s)
        return q.zp + round_half_away(float(np.clip(steps, -FAR, FAR)))

    low = max(least, quantized(clamp[0])) if np.isfinite(clamp[0]) else least
    high = min(most, quantized(clamp[1])) if np.isfinite(clamp[1]) else most
    return min(low, most), max(high, least)


def weight_zero_points(site: Site, channels: int) -> npt.NDArray[np.int64]:
    """The weights' zero-point per output channel; all zero unless the model came with asymmetric weights."""
    return np.broadcast_to(np.asarray(site.input(1).qp.zero_point, np.int64), (channels,))


def weight_params(site: Site, channels: int) -> Mapping[str, Param]:
    """The members of kernels that take the weights as they are: `weights` and, if there is one, their zero-point."""
    zeros = weight_zero_points(site, channels)
    return {"weights": site.const(1), "weight_zero_point": zeros.astype(np.int16) if zeros.any() else 0}


def effective_multiplier(site: Site, channels: int, single_precision: bool | None = None) -> Multiplier:
    """s_in · s_w[c] / s_out for each of `channels` output channels.

    Args:
        site: input 0 is the activation, input 1 the weights.
        channels: output channels.
        single_precision: whether TensorFlow Lite multiplies s_in and a single s_w in float32. By default as its
            convolutions do: where the weights have a zero-point, that is in uint8 models. FAST never does.
    """
    s_in, w, s_out = site.input(0).qp.s, site.input(1).qp, site.outputs[0].qp.s
    single = any(w.zero_point) if single_precision is None else single_precision
    kind = np.float32 if single and len(w.scale) == 1 and site.numerics is not Numerics.FAST else np.float64
    with np.errstate(over="ignore", under="ignore"):
        product = (np.asarray(s_in, kind) * np.asarray(w.scale, kind)).astype(np.float64)
    return quantize_multiplier(np.broadcast_to(product / s_out, (channels,)), site.rounding)


def folded_bias(site: Site, weights: Array, channels: int) -> Array:
    """bias[c] − zp_in · Σ w[c]: the bias with the input's zero-point folded in; int32.

    Sums of int16 inputs may need more than 32 bits; these have no zero-point, and their bias may be int64.

    Args:
        site: a site whose input 2 is the bias, or absent.
        weights: int64, zero-point already subtracted, (channels, taps).
        channels: output channels.

    Raises:
        QuantizationError: an accumulator could leave 32 bits.
    """
    bias = site.const_or_none(2)
    base = np.zeros(channels, np.int64) if bias is None else bias.astype(np.int64)
    folded = base - site.input(0).qp.zp * weights.sum(axis=1)
    if site.input(0).dtype is DType.INT16:
        return folded.astype(np.int64 if bias is not None and bias.dtype == np.int64 else np.int32)
    if np.any(np.abs(folded) + 128 * np.abs(weights).sum(axis=1) > INT32_MAX):
        raise QuantizationError(
            "an accumulator can exceed 32 bits: the bias is too large for the scales of input and weights",
            hint="quantize the model again with larger scales of this layer's weights, or split the layer",
            where=site.name,
        )
    return folded.astype(np.int32)


def finish(site: Site, acc: Array, multiplier: Multiplier, clamp: Clamp, bias: Array | None = None) -> Array:
    """Requantize accumulators (…, C), whole numbers, plus a bias (C,) into the site's output."""
    return requantization(site, multiplier, clamp, bias)(acc)


def requantization(site: Site, multiplier: Multiplier, clamp: Clamp, bias: Array | None = None) -> Requantization:
    """From accumulators, whole numbers without their bias (C,), to the site's output."""
    y = site.outputs[0]
    wide = y.dtype is DType.INT16
    return Requantization(multiplier, y.qp.zp, *type_range(y, clamp), site.rounding, bias, wide)


def requant_params(site: Site, multiplier: Multiplier, clamp: Clamp) -> Mapping[str, Param]:
    """The members `mantissa, shift, zero_point, qmin, qmax` that kernels with a requantization share."""
    qmin, qmax = type_range(site.outputs[0], clamp)
    return {
        "mantissa": multiplier.mantissa,
        "shift": multiplier.shift.astype(np.int8),
        "zero_point": site.outputs[0].qp.zp,
        "qmin": qmin,
        "qmax": qmax,
    }


def scalar_requant_params(site: Site, multiplier: Multiplier, clamp: Clamp) -> Mapping[str, Param]:
    """The same members for a kernel with one multiplier, as scalars."""
    scalars = {"mantissa": int(multiplier.mantissa[0]), "shift": int(multiplier.shift[0])}
    return {**requant_params(site, multiplier, clamp), **scalars}
