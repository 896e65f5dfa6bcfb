"""Rounding of weights that is learned: whether each goes up or down, by gradients (AdaRound, Nagel et al. 2020).

Between the two integers beside it each weight has a place from 0, down, to 1, up. The error of a layer's sums is a
quadratic function of all places; Adam goes down it, and a penalty that grows sharper drives places to 0 or 1. The
paper's rectified sigmoid only bounds the places; here they are clipped, so that nothing is computed but sums,
products, quotients and square roots, which are the same on every CPU. The products with the moments are exact.
"""

from __future__ import annotations

import numpy as np

from edgeq.numerics import exact
from edgeq.quantize.ranges import Levels
from edgeq.quantize.statistics import Floats

STEPS = 300
"""Steps of Adam."""
RATE = 0.02
"""Of a place, the most that a step moves it, or nearly."""
MEMORY, LONG_MEMORY = 0.9, 0.99
"""Weight of the past in Adam's means of gradients and of their squares."""
FREE = 60
"""Steps without a penalty."""
EXPONENTS = (16, 12, 8, 6, 4, 2)
"""Of the penalty 1 − |2·place − 1|ᵉ: at first only places near the ends are drawn to them, at last all."""
PENALTY = 0.03
"""What a place half-way costs, as a part of the mean second moment."""


def _powers(x: Floats, exponent: int) -> Floats:
    """xᵉ by multiplications, e ≥ 1."""
    result = x
    for bit in f"{exponent:b}"[1:]:
        result = result * result * x if bit == "1" else result * result
    return result


def learned(wanted: Floats, second: Floats, levels: Levels, factors: Floats | None = None) -> Floats:
    """Integers with which sums of inputs change little.

    Args:
        wanted: (…, C, K) weights in units of their scales.
        second: (…, K, K) second moments of the inputs.
        levels: the integers that weights may be.
        factors: (…, C, K) multiples of these units that weights are integers times; None: 1.

    Returns:
        (…, C, K) integers; each is one of the two beside the weight, or the end of the range that it is beyond.
    """
    depth, step = wanted.shape[-1], levels.step
    parts = None if factors is None else factors / factors.max(axis=-1, keepdims=True)  # of a channel's greatest step
    wanted = wanted if factors is None else wanted / factors
    below = levels.least + step * np.floor((wanted - levels.least) / step)
    below = np.clip(below, levels.least, levels.greatest - step)
    mean = np.maximum(np.trace(second, axis1=-2, axis2=-1) / depth, np.finfo(np.float64).tiny)
    moments = exact.weights(second / mean[..., None, None], depth, (-2,))
    place = np.clip((wanted - below) / step, 0.0, 1.0)
    slope, square = np.zeros_like(place), np.zeros_like(place)
    for turn in range(STEPS):
        off = below + step * place - wanted
        off = off if parts is None else off * parts
        lost = exact.activations(off.astype(np.float32), depth, (-1,))
        gradient = 2.0 * step * exact.product(lost, moments)
        gradient = gradient if parts is None else gradient * parts
        if turn >= FREE:
            exponent = EXPONENTS[(turn - FREE) * len(EXPONENTS) // (STEPS - FREE)]
            gradient -= PENALTY * 2.0 * exponent * _powers(2.0 * place - 1.0, exponent - 1)
        slope = MEMORY * slope + (1.0 - MEMORY) * gradient
        square = LONG_MEMORY * square + (1.0 - LONG_MEMORY) * gradient * gradient
        place = np.clip(place - RATE * slope / (np.sqrt(square) + 1e-8), 0.0, 1.0)
    return below + step * np.where(place > 0.5, 1.0, 0.0)
