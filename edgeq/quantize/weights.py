"""Weights and biases as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.numerics.fixedpoint import INT32_MAX
from edgeq.quantize.config import QuantConfig, Weights, WeightScale
from edgeq.quantize.ranges import WEIGHT_MAX, channel_rows, max_scales, mse_scales, rounding_error, sane_scales

SMALLEST_FACTOR = 2.0**-20
"""Least s_in·s_w / s_out. Below it the fixed-point multiplier loses digits, while weights that small no longer matter:
the greatest int8 weight of such a channel moves the output by less than 1/16 of a step."""
FACTOR_BITS, LEAST_BITS = 14, 4
"""Fraction bits of s_in·s_w / s_out, if that leaves it at least LEAST_BITS significant bits, else as many as these
need. With more, products come too near to the middle between integers; with fewer, scales move by more than 6 %."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Around:
    """Scales around a weight: of the layer's input and of its output."""

    input: float
    output: float


def check_finite(data: Array, name: str, where: str) -> None:
    """Refuse NaN and infinite constants.

    Raises:
        QuantizationError: there are some.
    """
    if data.dtype.kind == "f" and not np.isfinite(data).all():
        raise QuantizationError(
            f"constant {name!r} holds NaN or infinite values",
            hint="export the model again from sound weights",
            where=where,
        )


def quantize_weights(
    weights: Array, axis: int | None, bias: Array | None, around: Around, config: QuantConfig, where: str
) -> QParams:
    """Parameters for float weights (any shape, channels along `axis`): symmetric, −127 … 127.

    Scales are raised where the bias (C,) or the greatest possible accumulator would not fit into 32 bits, and where a
    channel's weights are too small to matter.

    Raises:
        QuantizationError: no scale can hold the bias.
    """
    rows = channel_rows(weights, axis if config.weights is Weights.PER_CHANNEL else None)
    scales = (mse_scales if config.weight_scale is WeightScale.MSE else max_scales)(rows)
    scales = sane_scales(scales)
    scales = np.maximum(scales, SMALLEST_FACTOR * around.output / around.input)
    scales = _best_exact(rows, scales, around, config.weight_scale)
    if bias is not None:
        scales = _fit_bias(rows, scales, np.asarray(bias, np.float64).ravel(), around.input, where)
    if axis is None:
        return QParams.per_tensor(float(scales[0]), 0)
    count = weights.shape[axis]
    return QParams.per_channel(np.broadcast_to(scales, (count,)), 0, axis)


def exact_scales(scales: Floats, around: Around, rise: bool) -> Floats:
    """Scales (C,), near those given, with which a layer's integers do not depend on how a factor is computed.

    s_in·s_w / s_out becomes a number of few bits, k / 2ᵉ, plus the least that float32 can express. So an accumulator
    times the factor is hardly ever so near to the middle between two integers that FAST's fixed-point multiplier and a
    runtime that multiplies in float32 could round differently. Where no float32 scale yields that factor, it stays.

    Args:
        scales: (C,) the desired scales.
        around: scales of input and output.
        rise: whether to go to the next greater (else the next smaller) factor of few bits.
    """
    s_in, s_out = np.float32(around.input), np.float32(around.output)
    start = around.input * scales / around.output
    bits = np.maximum(FACTOR_BITS, LEAST_BITS + 1 - np.frexp(start)[1])
    short = (np.ceil if rise else np.floor)(start * 2.0**bits) * 2.0**-bits
    target = (short + np.maximum(np.spacing(short.astype(np.float32)), 2.0**-31)).astype(np.float32)
    base = (target.astype(np.float64) * around.output / around.input).astype(np.float32)
    exact = scales.copy()
    for ulps in (3, -3, 2, -2, 1, -1, 0):
        scale = base + np.float32(ulps) * np.spacing(base)
        exact = np.where(s_in * scale / s_out == target, scale.astype(np.float64), exact)
    return np.where((start < 0.5) & np.isfinite(exact) & (exact > 0.0), exact, scales)


def _best_exact(rows: Floats, scales: Floats, around: Around, method: WeightScale) -> Floats:
    above = exact_scales(scales, around, rise=True)
    if method is WeightScale.MAX:
        return above
    below = exact_scales(scales, around, rise=False)
    return np.where(rounding_error(rows, below) < rounding_error(rows, above), below, above)


def _fit_bias(rows: Floats, scales: Floats, bias: Floats, s_in: float, where: str) -> Floats:
    """Raise scales until |bias / (s_in·s_w)| plus the greatest sum of products is an int32."""
    magnitude = np.abs(bias) if len(rows) == len(bias) else np.abs(bias).max(keepdims=True)
    for _ in range(8):
        q = np.minimum(np.rint(np.abs(rows) / scales[:, None]), WEIGHT_MAX)
        room = INT32_MAX - 1 - 512.0 * q.sum(axis=1)  # |q − zero_point| ≤ 255; the rest is for bias correction
        need = magnitude / (s_in * scales)
        if np.all(room > 0) and np.all(need <= room):
            return scales
        # Slightly more than needed, to allow for float32 rounding.
        factor = np.where(room > 0, need / np.maximum(room, 1.0), 2.0)
        scales = np.where((room > 0) & (need <= room), scales, scales * np.maximum(factor, 1.0) * 1.0001)
    raise QuantizationError(
        "the bias does not fit into 32 bits at any scale of the weights",
        hint="the layer sums too many products for an int32 accumulator, or its bias is out of all proportion",
        where=where,
    )


def quantize_bias(bias: Array, given: QParams | None, s_in: float, weight: QParams) -> tuple[Array, QParams]:
    """A bias (C,) as int32 with scale s_in · s_w; integers that have this scale already stay untouched.

    Args:
        bias: float values, or int32 with `given` parameters.
        given: parameters of an integer bias.
        s_in: scale of the layer's input.
        weight: parameters of the layer's weights.

    Raises:
        QuantizationError: the scale of the bias is not a number.
    """
    scales = np.float64(s_in) * np.asarray(weight.scale, np.float64)
    if not np.all((scales <= np.finfo(np.float32).max) & (scales.astype(np.float32) > 0.0)):
        raise QuantizationError(
            "the scales of its input and weights have a product beyond float32",
            hint="look for weights, or calibration data, that are far too large or too small",
        )
    target = (
        QParams.per_tensor(float(scales[0]), 0) if len(scales) == 1 else QParams.per_channel(scales, 0, bias.ndim - 1)
    )
    if given is not None:
        if bias.dtype == np.int32 and np.allclose(given.scale, scales, rtol=1e-5, atol=0.0):
            return bias, target
        bias = (bias.astype(np.float64) - np.asarray(given.zero_point)) * np.asarray(given.scale)
    # With the unrounded product: the accumulator is in exactly these units.
    q = np.clip(np.rint(np.asarray(bias, np.float64) / scales), *DType.INT32.range)
    return q.astype(np.int32), target
