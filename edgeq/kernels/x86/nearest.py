"""Requantization by one float32 multiplication, where it can be proved to give the integers that rounding prescribes.

An output is a step function of a sum x. Its steps are where x·m, in DOUBLE moved a little away from zero, passes
halves of whole numbers; between two sums there is room for other factors that have their steps between the same sums.
The vectors compute, with x' = x − centre,

    nearest: round((x' + nudge)·factor)              away: round((x' + nudge·sign(x'))·factor)

in float32 with one rounding (an FMA), halves to even; adding 3·2²² does the rounding. For every channel factors and
nudges beside the ideal ones are tried at every step, on both of its sides and exactly as the instructions compute it:
as both functions never decrease, they are the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edgeq.numerics.fixedpoint import Multiplier, Rounding

Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

FORMS = ("nearest", "away")
"""Cheapest first."""
GREATEST_SHIFT = 22
"""To the right, with which all steps times mantissas stay within 64 bits."""
ROOM = 1 << 22
"""What products stay below: beyond, adding 3·2²² does not make whole numbers."""
_NEIGHBOURS = sorted(range(-8, 9), key=abs)
_ASIDE = (0, *(sign * aside for aside in range(3, 31, 3) for sign in (1, -1)))
"""How far from the middle the centre may be: elsewhere the sums of other channels are rounded in favour."""
_FAR = 2.0**10
"""The greatest nudge: that of sums that reach no step is free."""
_FEW = 2
"""Channels, or one in twenty, without factors around one centre that are worth trying another."""
_LEAST = 2.0**-20
"""Factors with which no centre is too far from zero for 32 bits."""
_PLACES = (0.5, 0.25, 0.75, 0.375, 0.625, 0.125, 0.875, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Factors:
    """What a form needs: per channel `factor` and `nudge`, and `centre`, the sum whose output is `level`."""

    factor: Singles
    nudge: Singles
    centre: npt.NDArray[np.int32]
    level: int


@dataclass(frozen=True, eq=False)
class _Steps:
    """Of channels (C, N): the least sums that reach each of the levels, between −reach and reach + 1.

    Attributes:
        sums: relative to the centre.
        levels: (N,) relative to the level of the centre.
        above, below: whether the sum itself, and the one before it, can occur.
    """

    sums: Ints
    levels: Ints
    above: npt.NDArray[np.bool_]
    below: npt.NDArray[np.bool_]

    def of(self, channels: npt.NDArray[np.intp]) -> _Steps:
        """Those of some channels."""
        return _Steps(self.sums[channels], self.levels, self.above[channels], self.below[channels])


def steps_of(multiplier: Multiplier, rounding: Rounding, levels: Ints) -> Ints:
    """(C, N): the least x with multiply(x) ≥ level, for factors that do not shift to the left and are not 0."""
    mantissa, right = multiplier.mantissa.astype(np.int64)[:, None], -multiplier.shift.astype(np.int64)[:, None]
    if rounding is Rounding.DOUBLE:
        halves = (levels << right) - ((np.int64(1) << right) >> 1)
        reached = ((halves + ((levels <= 0) & (right > 0))) << 31) - (1 << 30)
    else:
        reached = (levels << (31 + right)) - (np.int64(1) << (30 + right))
    return np.asarray(-(-reached // mantissa), np.int64)


def nearest_factors(
    multiplier: Multiplier, rounding: Rounding, bounds: tuple[int, int], reach: Ints, form: str
) -> Factors | None:
    """Factors with which a form gives the same outputs as `multiply` for every sum up to ±reach; None if not found.

    Args:
        multiplier: per channel.
        rounding: of `multiply`.
        bounds: least and greatest output, relative to the output's zero-point.
        reach: (C,): the greatest absolute value of a channel's sums.
        form: of FORMS.
    """
    key = (multiplier.mantissa.tobytes(), multiplier.shift.tobytes(), rounding, bounds, reach.tobytes(), form)
    return _found(*key)


@lru_cache(maxsize=64)
def _found(
    mantissa: bytes, shift: bytes, rounding: Rounding, bounds: tuple[int, int], reach: bytes, form: str
) -> Factors | None:
    multiplier = Multiplier(np.frombuffer(mantissa, np.int32), np.frombuffer(shift, np.int32))
    most = np.frombuffer(reach, np.int64)[:, None]
    right, real = -multiplier.shift, np.ldexp(multiplier.mantissa.astype(np.float64), multiplier.shift - 31)
    if (multiplier.mantissa <= 0).any() or right.min() < 0 or right.max() > GREATEST_SHIFT:
        return None
    if bounds[0] >= bounds[1] or (most[:, 0] * real).max() + 2 * max(map(abs, bounds)) + _FAR >= ROOM:
        return None
    levels = np.arange(bounds[0] + 1, bounds[1] + 1, dtype=np.int64)
    sums = np.clip(steps_of(multiplier, rounding, levels), -most, most + 1)
    middle = (bounds[0] + bounds[1]) // 2
    if form == "nearest" and ((rounding is Rounding.DOUBLE and bounds[0] < 0) or real.min() < _LEAST):
        return None
    for level in [middle + aside for aside in _ASIDE] if form == "nearest" else [0]:
        centre = np.round(level / real).astype(np.int64)
        steps = _Steps(sums - centre[:, None], levels - level, sums <= most, sums > -most)
        found = _search(steps, real, centre, level, away=form == "away")
        if isinstance(found, Factors):
            return found
        if found > max(_FEW, len(real) // 20):
            break
    return None


def _search(steps: _Steps, real: npt.NDArray[np.float64], centre: Ints, level: int, away: bool) -> Factors | int:
    """Tries the neighbours of the real factors, and for each what nudges the steps leave room for.

    Returns: for how many channels none was found, unless one was for all.
    """
    ideal, left = real.astype(np.float32), np.arange(len(real))
    factor, nudge = np.zeros_like(ideal), np.zeros_like(ideal)
    least_nudge = -0.5 if away else -np.inf  # with less, outputs would decrease at 0
    for neighbour in _NEIGHBOURS:
        tried, here = (ideal[left].view(np.int32) + neighbour).view(np.float32), steps.of(left)
        least, greatest = _nudges(here, tried, away)
        for place in _PLACES:
            within = np.where((least <= 0) & (greatest > 0) & (place == 0.5), 0, least + (greatest - least) * place)
            nudges = within.astype(np.float32)
            good = (factor[left] == 0) & (nudges >= least_nudge) & _same(here, tried, nudges, away)
            factor[left[good]], nudge[left[good]] = tried[good], nudges[good]
        left = np.flatnonzero(factor == 0)
        if not left.size:
            return Factors(factor, nudge, centre.astype(np.int32), level)
    return left.size


def _nudges(steps: _Steps, factor: Singles, away: bool) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Per channel, between what nudges every step would come between the right sums, were they not rounded."""
    missing = (steps.levels - 0.5) / factor.astype(np.float64)[:, None] - steps.sums
    least, greatest = np.where(steps.above, missing, -np.inf), np.where(steps.below, missing + 1, np.inf)
    if away:
        negative = steps.levels <= 0
        least, greatest = np.where(negative, -greatest, least), np.where(negative, -least, greatest)
    return np.maximum(least.max(axis=1), -_FAR), np.minimum(greatest.min(axis=1), _FAR)


def _same(steps: _Steps, factor: Singles, nudge: Singles, away: bool) -> npt.NDArray[np.bool_]:
    """Per channel, whether both sides of every step are on the right side of it."""

    def output(sums: Ints) -> npt.NDArray[np.float64]:
        nudges = nudge[:, None] * np.where(sums < 0, np.float32(-1), np.float32(1)) if away else nudge[:, None]
        moved = sums.astype(np.float32) + nudges
        return np.asarray(np.rint(moved.astype(np.float64) * factor.astype(np.float64)[:, None]))

    reached = ~steps.above | (output(steps.sums) >= steps.levels)
    return np.asarray((reached & (~steps.below | (output(steps.sums - 1) < steps.levels))).all(axis=1))


def float_bits(values: Singles) -> npt.NDArray[np.int32]:
    """The same bits as integers, as the kernels' arrays have them."""
    return np.ascontiguousarray(values).view(np.int32)
