"""Weights and biases as integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.tensor import LEAST_SCALE, SIGNED, Array, DType, Groups, QParams
from edgeq.numerics.fixedpoint import INT32_MAX, Numerics
from edgeq.quantize.config import QuantConfig, Weights, WeightScale
from edgeq.quantize.octaves import MOST_FACTOR, octave_scales
from edgeq.quantize.ranges import (
    NARROWEST,
    Levels,
    channel_rows,
    half_quadratic,
    levels_of,
    max_scales,
    mse_scales,
    rounding_error,
    sane_scales,
    weighted_error,
    weighted_scales,
)
from edgeq.quantize.trellis import first_scales

SMALLEST_FACTOR = 2.0**-20
"""Least s_in·s_w / s_out. Below it the fixed-point multiplier loses digits, while weights that small no longer matter:
the greatest int8 weight of such a channel moves the output by less than 1/16 of a step."""
FACTOR_BITS, LEAST_BITS = 14, 4
"""Fraction bits of s_in·s_w / s_out, if that leaves it at least LEAST_BITS significant bits, else as many as these
need. With more, products come too near to the middle between integers; with fewer, scales move by more than 6 %."""
EMPTY_FACTOR = 2.0**-14
"""The same factor of a channel without weights: its bias keeps 14 bits below an output step, its multiplier 17."""
MOST_BIAS = 2.0**30
"""Greatest bias that raised scales leave, as an integer."""
INPUT_SPAN = 256
"""|q − zero_point| of an int8 input is less, also as kernels bound it: |zero_point| + |q|, each at most 128."""
NEGLIGIBLE = 1 / 16
"""Steps of the output that no change of given integers may exceed."""
SATURATED = 512
"""Steps beyond which a sum is out of the output's range, whatever its zero-point."""
NEAR = (1.0, 0.95, 1.05, 0.9, 1.1, 0.85, 1.15, 0.8)
"""Multiples of a scale that are tried where it is the best one for each weight by itself."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Around:
    """What is around a weight.

    Attributes:
        input, output: scales of the layer's input and of its output.
        wide: both have 16 bits.
        foreign: the arithmetic is that of TensorFlow Lite.
        few: the layer's factors are to be few, but for whole octaves between them.
    """

    input: float
    output: float
    wide: bool = False
    foreign: bool = False
    few: bool = False

    @property
    def exact(self) -> bool:
        """Whether integers that a model brings stay as they are, whatever they come to: biases may have 64 bits."""
        return self.wide and self.foreign

    @property
    def smallest_factor(self) -> float:
        """Least s_in·s_w / s_out: see SMALLEST_FACTOR."""
        return SMALLEST_FACTOR / 256 if self.wide else SMALLEST_FACTOR

    @property
    def span(self) -> int:
        """What an input is at most in sums that have to fit 32 bits; those of wide ones need not."""
        return 0 if self.wide else INPUT_SPAN


@dataclass(frozen=True, eq=False)
class Judge:
    """Which scale of a channel is best, where weights are not rounded one by one.

    Attributes:
        importance: of the weights' shape: how much the squared error of each counts, at first sight.
        error: of scales (C,), or (1,) for all channels: what each really costs.
        near: multiples of a scale that are tried.
    """

    importance: Array
    error: Callable[[Floats], Floats]
    near: tuple[float, ...] = NEAR

    def best(self, scales: Floats) -> Floats:
        """The best ones near scales that are best at first sight."""
        best, least = scales, np.full(scales.shape, np.inf)
        for ratio in self.near:
            error = self.error(scales * ratio)
            best, least = np.where(error < least, scales * ratio, best), np.minimum(error, least)
        return best


def check_finite(data: Array, name: str, where: str, saturates: bool = False) -> None:
    """Refuse NaN and, unless the constant `saturates`, infinite elements.

    Raises:
        QuantizationError: there are some.
    """
    if data.dtype.kind == "f" and (np.isnan(data).any() or not (saturates or np.isfinite(data).all())):
        raise QuantizationError(
            f"constant {name!r} holds NaN or infinite values",
            hint="export the model again from sound weights; an infinite mask is understood where it is added to the "
            "input of a softmax and leaves something of every row",
            where=where,
        )


def quantize_weights(
    weights: Array,
    axis: int | None,
    bias: Array | None,
    around: Around,
    config: QuantConfig,
    where: str,
    dtype: DType = DType.INT8,
    judge: Judge | None = None,
    levels: Levels | None = None,
    groups: Groups | None = None,
) -> QParams:
    """Parameters for float weights (any shape, channels along `axis`), −127 … 127 or all of a narrow type: symmetric,
    but for groups with zero-points.

    `levels` are those of the type, unless a codebook is given. Weights (C, K) may have `groups`. Scales are raised
    where the bias (C,) or the greatest possible accumulator would not fit into 32 bits, and where a channel's weights
    are too small to matter. Without a `judge` the error of each weight counts alike.

    Raises:
        QuantizationError: no scale can hold the bias.
    """
    rows = channel_rows(weights, axis if config.weights is Weights.PER_CHANNEL or groups is not None else None)
    levels, plain = levels or levels_of(dtype), dtype is DType.INT8 and judge is None and groups is None
    weighed = np.ones(rows.shape) if judge is None else channel_rows(judge.importance, axis).reshape(rows.shape)
    factors = None if groups is None else groups.spread(rows.shape)
    zeros = 0.0 if groups is None or not groups.zeros else groups.spread_zeros(rows.shape).astype(np.float64)
    if factors is not None:  # what is rounded is a multiple of the channel's scale
        rows, weighed = rows / factors, weighed * np.square(factors)
    if plain:
        scales = (max_scales if config.weight_scale is WeightScale.MAX else mse_scales)(rows)
    else:
        narrowest = 1.0 if config.weight_scale is WeightScale.MAX else NARROWEST.get(dtype.bits, 0.5)
        spread = levels.trellis and config.weight_scale is not WeightScale.MAX
        scales = first_scales(rows, weighed) if spread else weighted_scales(rows, levels, weighed, narrowest, zeros)
        if judge is not None and config.weight_scale is WeightScale.MSE:
            scales = judge.best(scales)
    scales = sane_scales(scales)
    if config.weight_scale is WeightScale.HQQ:
        scales = half_quadratic(rows, scales, levels, zeros)
    scales = np.maximum(scales, around.smallest_factor * around.output / around.input)

    def error(tried: Floats) -> Floats:
        if judge is not None:
            return judge.error(tried)
        return rounding_error(rows, tried) if plain else weighted_error(rows, tried, levels, weighed, zeros)

    if not around.wide:
        few = around.few and not around.foreign and dtype in MOST_FACTOR and groups is None and len(scales) > 1
        octaves = partial(octave_scales, most=MOST_FACTOR.get(dtype, 0.0))
        method = WeightScale.MAX if levels.trellis else config.weight_scale  # whose errors are those of whole channels
        scales = _best_exact(error, scales, around, method, octaves if few else exact_scales)
    if bias is not None:
        most = levels.greatest - levels.least if isinstance(zeros, np.ndarray) else -levels.least
        scales = _fit_bias(rows, scales, np.asarray(bias, np.float64).ravel(), around, where, most, factors)
    if axis is None:
        return QParams.per_tensor(float(scales[0]), 0)
    count = weights.shape[axis]
    return replace(QParams.per_channel(np.broadcast_to(scales, (count,)), 0, axis), groups=groups)


def quantize_signed(
    weights: Array, axis: int | None, bias: Array | None, around: Around, config: QuantConfig, where: str, dtype: DType
) -> tuple[Array, QParams] | None:
    """Integers nearest to float weights and their parameters, channels with the sign whose error is less.

    None: scales are not negative with this type, arithmetic or configuration (docs/adr/0036). Arguments are those of
    `quantize_weights`, which says what it raises.
    """
    if (
        dtype not in SIGNED
        or axis is None
        or around.wide
        or around.foreign
        or config.weights is not Weights.PER_CHANNEL
    ):
        return None
    levels = levels_of(dtype)
    rows = channel_rows(weights, axis)
    found = [quantize_weights(sign * weights, axis, bias, around, config, where, dtype) for sign in (1.0, -1.0)]
    scales = np.array([q.scale for q in found])
    plain, opposite = (
        weighted_error(sign * rows, s, levels, np.ones(1)) for sign, s in zip((1.0, -1.0), scales, strict=True)
    )
    less = opposite < plain
    q = replace(found[0], scale=tuple(np.where(less, scales[1], scales[0]).tolist()))
    signs = np.where(less, -1.0, 1.0).reshape(q.entries(weights.shape))
    return signs * levels.nearest(q.in_steps(signs * weights)), q


def exact_scales(scales: Floats, input: float, output: float, rise: bool) -> Floats:
    """Scales (C,), near those given, with which a layer's integers do not depend on how a factor is computed.

    s_in·s_w / s_out becomes a number of few bits, k / 2ᵉ, plus the least that float32 can express. So an accumulator
    times the factor is hardly ever so near to the middle between two integers that FAST's fixed-point multiplier and a
    runtime that multiplies in float32 could round differently. Where no float32 scale yields that factor, it stays.

    Args:
        scales: (C,) the desired scales.
        input, output: scales of the layer's input and of its output.
        rise: whether to go to the next greater (else the next smaller) factor of few bits.
    """
    s_in, s_out = np.float32(input), np.float32(output)
    start = input * scales / output
    bits = np.maximum(FACTOR_BITS, LEAST_BITS + 1 - np.frexp(start)[1])
    short = (np.ceil if rise else np.floor)(start * 2.0**bits) * 2.0**-bits
    target = (short + np.maximum(np.spacing(short.astype(np.float32)), 2.0**-31)).astype(np.float32)
    base = (target.astype(np.float64) * output / input).astype(np.float32)
    exact = scales.copy()
    for ulps in (3, -3, 2, -2, 1, -1, 0):
        scale = base + np.float32(ulps) * np.spacing(base)
        exact = np.where(s_in * scale / s_out == target, scale.astype(np.float64), exact)
    return np.where((start < 0.5) & np.isfinite(exact) & (exact > 0.0), exact, scales)


def _best_exact(
    error: Callable[[Floats], Floats],
    scales: Floats,
    around: Around,
    method: WeightScale,
    near: Callable[[Floats, float, float, bool], Floats],
) -> Floats:
    """The better ones of the scales that `near` gives above those given, and below."""
    above = near(scales, around.input, around.output, True)
    if method is WeightScale.MAX:
        return above
    below = near(scales, around.input, around.output, False)
    return np.where(error(below) < error(above), below, above)


def _fit_bias(
    rows: Floats,
    scales: Floats,
    bias: Floats,
    around: Around,
    where: str,
    most: int,
    factors: Array | None = None,
) -> Floats:
    """Raise scales until |bias / (s_in·s_w)| plus the greatest sum of products, times `factors`, is an int32; `most` is
    what weights are at most."""
    magnitude = np.abs(bias) if len(rows) == len(bias) else np.abs(bias).max(keepdims=True)
    for _ in range(8):
        q = np.minimum(np.rint(np.abs(rows) / scales[:, None]), most) * (1 if factors is None else factors)
        # The rest is for bias correction.
        room = np.full(len(rows), MOST_BIAS) if around.wide else INT32_MAX - 1 - 2.0 * around.span * q.sum(axis=1)
        need = magnitude / (around.input * scales)
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


def fit_given(
    weights: Array, q: QParams, axis: int, bias: Array, around: Around, numerics: Numerics, where: str
) -> tuple[Array, QParams]:
    """Integer weights and parameters that a model brings, such that its bias fits into 32 bits beside all sums.

    A channel without weights may have any scale. That of another is raised, and its integers lowered, where this moves
    no output by more than `NEGLIGIBLE` steps; where the bias fits, all stays as it is given.

    Args:
        weights: integers, any shape.
        q: their parameters, one entry or one per index of `axis`.
        axis: the dimension of the output channels.
        bias: (C,) real values.
        around: scales of the layer's input and output.
        numerics: FAST's factors also need scales that are not too small.
        where: the layer, for messages.

    Returns:
        Weights and parameters, those given or others.

    Raises:
        QuantizationError: a bias fits at no scale that keeps the results.
    """
    count = weights.shape[axis]
    scales = np.broadcast_to(np.asarray(q.scale, np.float64), (count,))
    zeros = np.broadcast_to(np.asarray(q.zero_point, np.float64), (count,))
    rows = channel_rows(weights, axis) - zeros[:, None]
    magnitude = np.broadcast_to(np.abs(np.asarray(bias, np.float64).ravel()), (count,))
    reach = around.span * np.abs(rows).sum(axis=1)
    fits = magnitude / (around.input * scales) + reach <= INT32_MAX - 1
    fine = fits & ((numerics is not Numerics.FAST) | (around.input * scales / around.output >= around.smallest_factor))
    if fine.all():
        return weights, q
    empty = ~np.abs(rows).any(axis=1)
    least = np.where(empty, EMPTY_FACTOR, around.smallest_factor) * around.output / around.input
    raised = np.maximum(np.maximum(magnitude / (around.input * MOST_BIAS), least), scales)
    raised = raised.astype(np.float32).astype(np.float64)  # as they will be stored
    lower = np.rint(rows * (scales / raised)[:, None])
    moved = np.abs(lower * raised[:, None] - rows * scales[:, None]).sum(axis=1) * around.span * around.input
    sums = np.maximum(reach * scales, around.span * np.abs(lower).sum(axis=1) * raised) * around.input
    saturated = magnitude - sums > SATURATED * around.output  # the channel is at its bound whatever the input
    same = (moved <= NEGLIGIBLE * around.output) | saturated
    if not np.all(same | fits):
        channel = int(np.argmin(same | fits))
        raise QuantizationError(
            f"the bias of channel {channel}, {np.asarray(bias).ravel()[channel]:g}, does not fit into 32 bits at the "
            f"scale that the model gives for the channel's weights, {scales[channel]:g}",
            hint=f"quantize the model again with a scale of at least {raised[channel]:.2g} for these weights",
            where=where,
        )
    change = ~fine & same
    shape = [-1 if k == axis else 1 for k in range(weights.ndim)]
    integers = np.moveaxis(lower.reshape(np.moveaxis(weights, axis, 0).shape), 0, axis) + zeros.reshape(shape)
    data = np.where(change.reshape(shape), integers, weights).astype(weights.dtype)
    return data, QParams.per_channel(np.where(change, raised, scales), zeros.astype(np.int64), axis)


def quantize_bias(
    bias: Array, given: QParams | None, s_in: float, weight: QParams, exact: bool = False
) -> tuple[Array, QParams]:
    """A bias (C,) as int32 with scale s_in · s_w; integers that have this scale already stay untouched.

    Args:
        bias: float values, or int32 or int64 with `given` parameters.
        given: parameters of an integer bias.
        s_in: scale of the layer's input.
        weight: parameters of the layer's weights.
        exact: whether an int64 bias stays one where it does not fit 32 bits.

    Raises:
        QuantizationError: the scale of the bias is not a number, or the bias does not fit into 32 bits.
    """
    scales = np.float64(s_in) * np.asarray(weight.scale, np.float64)
    if given is not None:
        scales = np.maximum(scales, LEAST_SCALE)
    if not np.all((scales <= np.finfo(np.float32).max) & (scales.astype(np.float32) > 0.0)):
        raise QuantizationError(
            "the scales of its input and weights have a product beyond float32",
            hint="look for weights, or calibration data, that are far too large or too small",
        )
    target = (
        QParams.per_tensor(float(scales[0]), 0) if len(scales) == 1 else QParams.per_channel(scales, 0, bias.ndim - 1)
    )
    if given is not None:
        if bias.dtype.kind == "i" and np.allclose(given.scale, scales, rtol=1e-5, atol=LEAST_SCALE):
            fits = bias.dtype == np.int32 or bool(np.all(np.abs(bias) <= INT32_MAX))
            if fits or exact:
                return bias.astype(np.int32 if fits else np.int64, copy=False), target
        bias = (bias.astype(np.float64) - np.asarray(given.zero_point)) * np.asarray(given.scale)
    # With the unrounded product: the accumulator is in exactly these units.
    q = np.rint(np.asarray(bias, np.float64) / scales)
    if np.any(np.abs(q) > INT32_MAX):
        raise QuantizationError(
            "a bias does not fit into 32 bits at the scales of the layer's input and weights",
            hint="quantize the model again with larger scales of the layer's weights",
        )
    return q.astype(np.int32), target
