"""Zero-points of groups of weights: integers of the weights' own type, with scales that suit them."""

from __future__ import annotations

import numpy as np

from edgeq.quantize.ranges import (
    SHARPER,
    SHARPNESS,
    SPLITTINGS,
    STEPS,
    Floats,
    Levels,
    half_quadratic,
    shrunk,
    weighted_error,
)

BESIDE = (0, -1, 1, -2, 2)
"""How far from the zero-point of the whole range others are tried."""
WIDER = 1.1
"""From how many times the scale of the whole range on others are tried: the zero-point is no integer there."""


def asymmetric(rows: Floats, levels: Levels, importance: Floats, narrowest: float) -> tuple[Floats, Floats]:
    """Scales and zero-points (C,) with the least `weighted_error` of every row (C, K).

    Args:
        rows: real weights.
        levels: what integers may be, without a table.
        importance: (C or 1, K) of each squared error.
        narrowest: the least scale that is tried, as a part of the one that holds the whole range; 1: only that one.
    """
    low, high = rows.min(axis=1, initial=0.0), rows.max(axis=1, initial=0.0)
    full = np.maximum((high - low) / (levels.greatest - levels.least), np.finfo(np.float64).tiny)
    middle = np.rint(levels.least - low / full)
    clips = narrowest < 1.0
    best, zeros, least = full.copy(), np.clip(middle, levels.least, levels.greatest), np.full(full.shape, np.inf)
    for step in range(STEPS + 1 if clips else 1):
        scale = full * (WIDER - (WIDER - narrowest) * step / STEPS if clips else 1.0)
        for beside in BESIDE if clips else BESIDE[:1]:
            zero = np.clip(middle + beside, levels.least, levels.greatest)
            error = weighted_error(rows, scale, levels, importance, zero[:, None])
            better = error < least
            best, zeros = np.where(better, scale, best), np.where(better, zero, zeros)
            least = np.minimum(error, least)
    return np.where(high > low, best, 0.0), np.where(high > low, zeros, 0.0)


def half_quadratic_zeros(
    rows: Floats, scales: Floats, zeros: Floats, levels: Levels, counted: Floats
) -> tuple[Floats, Floats]:
    """Scales and zero-points (C,) that fit most weights of every row (C, K) well and the rest not at all.

    Half-quadratic splitting as in `half_quadratic`: what is left of the weights is a line over their integers, whose
    slope and whose zero are those of least squares. (Badri and Shaji find zero-points alone.) Zero-points are rounded
    last, and scales then found for them.

    Args:
        rows: real weights.
        scales, zeros: (C,) from which on.
        levels: what integers may be.
        counted: (C or 1, K), 0 where a row is only filled up.
    """
    here = np.broadcast_to(counted > 0.0, rows.shape).astype(np.float64)
    count, start = np.maximum(np.cumsum(here, axis=1)[:, -1], 1.0), scales
    sharpness, scales = SHARPNESS, np.where(scales > 0.0, scales, 1.0)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.cumsum(values * here, axis=1)[:, -1] / count)

    for _ in range(SPLITTINGS):
        x = rows / scales[:, None]
        q = levels.nearest(x + zeros[:, None])
        left = x - shrunk(x - (q - zeros[:, None]), sharpness)
        of_q, of_left = mean(q), mean(left)
        spread, both = mean(np.square(q - of_q[:, None])), mean((q - of_q[:, None]) * (left - of_left[:, None]))
        fits = (spread > 0.0) & (both > 0.0)
        slope = np.where(fits, both / np.where(fits, spread, 1.0), 1.0)
        zeros = np.clip(of_q - of_left / slope, levels.least, levels.greatest)
        scales = scales * slope
        sharpness *= SHARPER
    zeros = np.where(start > 0.0, np.rint(zeros), 0.0)
    return np.where(start > 0.0, half_quadratic(rows, scales, levels, zeros[:, None]), start), zeros
