"""Requantization by one multiplication of floats: every sum gives what its rounding prescribes."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.tensor import Array
from edgeq.kernels.x86.nearest import FORMS, Factors, nearest_factors, steps_of
from edgeq.numerics.fixedpoint import Multiplier, Rounding, multiply, quantize_multiplier

ROUNDINGS = pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.name)
REACH = 70_000


def real_factors(count: int) -> Array:
    return np.random.default_rng(count).uniform(0.002, 0.2, count)


def computed(found: Factors, sums: Array, channel: int, away: bool) -> Array:
    """As the vectors compute it; products of floats are exact in float64."""
    moved = (sums - found.centre[channel]).astype(np.float32)
    nudge = found.nudge[channel] * np.where(moved < 0, np.float32(-1), np.float32(1)) if away else found.nudge[channel]
    product = (moved + nudge).astype(np.float64) * np.float64(found.factor[channel])
    return np.rint(product).astype(np.int64) + found.level


@ROUNDINGS
@pytest.mark.parametrize(("bounds", "form"), [((0, 255), "nearest"), ((-120, 135), "away"), ((-6, 40), "away")])
def test_every_sum(rounding: Rounding, bounds: tuple[int, int], form: str) -> None:
    multiplier = quantize_multiplier(real_factors(6), rounding)
    found = nearest_factors(multiplier, rounding, bounds, np.full(6, REACH, np.int64), form)
    assert found is not None
    sums = np.arange(-REACH, REACH + 1)
    for channel in range(6):
        one = Multiplier(multiplier.mantissa[[channel]], multiplier.shift[[channel]])
        expected = np.clip(multiply(sums, one, rounding), *bounds)
        np.testing.assert_array_equal(np.clip(computed(found, sums, channel, form == "away"), *bounds), expected)


@pytest.mark.parametrize(
    ("bounds", "form"), [((0, 1), "away"), ((0, 1), "nearest"), ((-1, 0), "away"), ((-9, 9), "away")]
)
def test_sums_that_reach_no_step(bounds: tuple[int, int], form: str) -> None:
    multiplier = quantize_multiplier(np.array([1.2950232e-5]), Rounding.DOUBLE)
    found = nearest_factors(multiplier, Rounding.DOUBLE, bounds, np.array([38209]), form)
    sums = np.arange(-38209, 38210)
    expected = np.clip(multiply(sums, multiplier, Rounding.DOUBLE), *bounds)
    assert found is not None and abs(found.nudge[0]) <= 1024
    np.testing.assert_array_equal(np.clip(computed(found, sums, 0, form == "away"), *bounds), expected)


@ROUNDINGS
def test_steps(rounding: Rounding) -> None:
    multiplier, levels = quantize_multiplier(real_factors(5), rounding), np.arange(-9, 10)
    sums = steps_of(multiplier, rounding, levels)
    for at, level in enumerate(levels):
        assert (multiply(sums[:, at], multiplier, rounding) >= level).all()
        assert (multiply(sums[:, at] - 1, multiplier, rounding) < level).all()


def test_two_roundings_are_not_one_on_both_sides_of_zero() -> None:
    """DOUBLE moves negative products the other way: only the form that does so too gives all outputs."""
    multiplier, reach = quantize_multiplier(real_factors(4), Rounding.DOUBLE), np.full(4, REACH, np.int64)
    assert nearest_factors(multiplier, Rounding.DOUBLE, (-128, 127), reach, "nearest") is None
    assert nearest_factors(multiplier, Rounding.DOUBLE, (-128, 127), reach, "away") is not None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("real", "reach"),
    [
        (0.0, 1000),  # no step anywhere
        (2.0**-26, 1000),  # steps times mantissas leave 64 bits
        (0.4, 1 << 25),  # products that adding a constant does not round
    ],
)
def test_refused(real: float, reach: int, form: str) -> None:
    multiplier = quantize_multiplier(np.array([real]), Rounding.SINGLE)
    assert nearest_factors(multiplier, Rounding.SINGLE, (0, 255), np.array([reach]), form) is None


def test_too_fine_for_floats() -> None:
    """With 255 steps of thousands of sums each there are some that no float32 factor has in the right place."""
    multiplier = quantize_multiplier(np.random.default_rng(0).uniform(2e-5, 3e-5, 64), Rounding.FAST)
    assert nearest_factors(multiplier, Rounding.FAST, (0, 255), np.full(64, 1 << 24), "nearest") is None
