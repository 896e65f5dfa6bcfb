"""Scales of weights of which a layer has few, but for whole octaves between them.

A fully connected layer of one row multiplies by each weight once. What else a channel takes, a bias and a factor, is
then a part of the flash that is worth a thought, and factors of few digits can be stored as such
(edgeq/kernels/dsp/octaves.py).
"""

from __future__ import annotations

import numpy as np

from edgeq.ir.tensor import DType, Shape
from edgeq.quantize.ranges import Floats

PER_OCTAVE = 8
"""Factors in an octave, at equal distances. On ad 4 cost 0.2 dB, 8 none, 16 and 32 no less than 8."""
FEWEST = 64
"""Channels from which on a layer has such factors: with fewer there is little to be stored."""
MOST_FACTOR = {DType.INT8: 0.5, DType.INT4: 16.0}
"""Types of weights for which there are such kernels, and what factors are below there."""
LEAST_STEP = 2.0**-31
"""Of the multiplier, see edgeq/numerics/fixedpoint.py."""
MOST_OVER = 2.0**-19
"""By how much, in proportion, a factor is at most above its few digits."""


def has_few(shape: Shape, axis: int | None, output: Shape, products: int) -> bool:
    """Whether a layer gets such scales: it makes one row of many channels, each the sum of one product with a matrix.

    Args:
        shape: of the weights.
        axis: their output channels.
        output: the shape of the layer's output.
        products: how many the layer has.
    """
    if axis is None or len(shape) != 2 or products != 1:
        return False
    return shape[axis] >= FEWEST and int(np.prod(output)) == shape[axis]


def octave_scales(scales: Floats, input: float, output: float, rise: bool, most: float = 0.5) -> Floats:
    """Scales (C,) near those given, with factors s_in·s_w / s_out of few digits.

    A factor becomes k / 2ᵉ, PER_OCTAVE ≤ k < 2·PER_OCTAVE, and slightly more, as those of
    `edgeq.quantize.weights.exact_scales` are, for the same reason. Of channels with the same k the factors are exactly
    whole octaves apart.

    Args:
        scales: the desired scales.
        input, output: scales of the layer's input and of its output.
        rise: whether to go to the next greater (else the next smaller) factor.
        most: from which factor on scales stay what they are.
    """
    start = input * scales / output
    small = start < most
    if not small.any():
        return scales
    fractions, exponents = np.frexp(start[small])
    digits = (np.ceil if rise else np.floor)(fractions * 2 * PER_OCTAVE)
    whole = digits == 2 * PER_OCTAVE
    digits, exponents = np.where(whole, PER_OCTAVE, digits), exponents + whole
    top, least = int(exponents.max()), int(exponents.min())
    result = scales[small]
    for k in np.unique(digits):
        short = np.float32(k / (2 * PER_OCTAVE) * 2.0**top)
        over = min(LEAST_STEP * 2.0 ** (top - least), float(short) * MOST_OVER)  # of the least factor a whole step
        target = short + np.float32(max(float(np.spacing(short)), over))
        result = np.where(digits == k, _reaching(target, input, output) * 2.0 ** (exponents - top), result)
    found = scales.copy()
    found[small] = np.where(np.isfinite(result) & (result > 0.0), result, scales[small])
    return found


def _reaching(factor: np.float32, input: float, output: float) -> float:
    """The scale nearest to the right one with which float32 computes at least a factor."""
    s_in, s_out = np.float32(input), np.float32(output)
    base = np.float32(np.float64(factor) * output / input)
    tried = (base + np.float32(ulps) * np.spacing(base) for ulps in (0, -1, 1, -2, 2, -3, 3))
    return next((float(scale) for scale in tried if s_in * scale / s_out >= factor), float(base))
