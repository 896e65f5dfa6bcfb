"""Statistics of samples in float32, with a stated order of operations (`firmware/kernels/ref/sample_statistics.c`).

Sums of samples are whole numbers, all others float32, one term after the other; each operation rounds by itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats

STATISTICS = ("mean", "minimum", "maximum", "rms", "deviation", "skewness", "kurtosis")
"""By their numbers. Deviations are those of a whole population, the kurtosis of a normal distribution is 0."""


@np.errstate(all="ignore")
def statistics(x: npt.NDArray[np.int16], scale: float) -> Floats:
    """The statistics (…, 7) of samples (…, n).

    Args:
        x: whole samples, up to 16384.
        scale: what a sample of 1 stands for. Skewness and kurtosis have no unit; without any deviation they are 0 and
            −3.
    """
    real, count = x.astype(np.float32), F(x.shape[-1])
    mean = x.sum(axis=-1, dtype=np.int32).astype(np.float32) / count
    away = real - mean[..., None]
    squares = away * away
    second, third, fourth = (_mean(terms, count) for terms in (squares, squares * away, squares * squares))
    deviation, flat = float32.sqrt(second), second == 0
    one = np.where(flat, F(1), second).astype(np.float32)
    skewness = np.where(flat, F(0), third / (one * np.where(flat, F(1), deviation).astype(np.float32)))
    kurtosis = fourth / (one * one) - F(3)
    lengths = (mean, real.min(axis=-1), real.max(axis=-1), float32.sqrt(_mean(real * real, count)), deviation)
    return float32.number(np.stack([*(length * F(scale) for length in lengths), skewness, kurtosis], axis=-1))


def _mean(terms: Floats, count: np.float32) -> Floats:
    return np.asarray(float32.in_order(terms, (terms.ndim - 1,), False) / count)
