"""Fixed-point functions against the real functions, and pinned values that the C++ templates give."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.numerics.fixedpoint import INT32_MAX, Rounding, multiply, quantize_multiplier
from edgeq.numerics.gemmlowp import (
    exp_on_negative_values,
    inverse_sqrt_multiplier,
    log_from_one,
    one_over_one_plus_x,
    reciprocal,
    rescale,
    rounding_half_sum,
)

RNG = np.random.default_rng(7)


def test_exponential() -> None:
    raw = -RNG.integers(0, 2**31, 20000)
    exact = np.exp(raw / 2.0**26)
    assert np.abs(exp_on_negative_values(raw) / 2.0**31 - exact).max() < 3e-7


def test_exponential_of_zero_is_the_greatest_value() -> None:
    assert exp_on_negative_values(np.array([0])).tolist() == [INT32_MAX]


def test_reciprocal_of_one_plus_x() -> None:
    raw = RNG.integers(0, 2**31, 20000)
    exact = 1 / (1 + raw / 2.0**31)
    assert np.abs(one_over_one_plus_x(raw) / 2.0**31 - exact).max() < 2e-8


def test_reciprocal() -> None:
    raw = RNG.integers(1, 2**31, 20000)
    mantissa, above_one = reciprocal(raw, 12)
    found = mantissa * 2.0 ** (-31 - above_one.astype(np.float64))
    assert np.abs(found * (raw / 2.0**19) - 1).max() < 1e-7


@pytest.mark.parametrize("power", range(31))
def test_reciprocal_of_powers_of_two(power: int) -> None:
    mantissa, above_one = reciprocal(np.array([1 << power]), 31)
    assert above_one[0] == power
    assert abs(int(mantissa[0]) - 2**31) <= 8


def test_logarithm() -> None:
    raw = RNG.integers(2**19, 2**31, 20000)
    exact = np.log(raw / 2.0**19)
    assert np.abs(log_from_one(raw) / 2.0**26 - exact).max() < 1e-6


def test_inverse_square_root() -> None:
    for value in (1, 2, 3, 7, 100, 255, 4095, 2**20 + 1, 2**30):
        mantissa, shift = inverse_sqrt_multiplier(value)
        assert mantissa * 2.0 ** (shift - 31) * np.sqrt(value) == pytest.approx(1.0, abs=2e-6)


def test_rounding_half_sum_rounds_away_from_zero() -> None:
    a, b = np.array([3, -3, 2, -2]), np.array([2, -2, 2, -2])
    assert rounding_half_sum(a, b).tolist() == [3, -3, 2, -2]


def test_rescale_rounds_and_saturates() -> None:
    assert rescale(np.array([3, -3, 5]), 0, 1).tolist() == [2, -2, 3]
    assert rescale(np.array([2**30, -(2**30), 5]), 2, 0).tolist() == [INT32_MAX, -(2**31), 20]


def test_exponentials_that_a_softmax_needs() -> None:
    """The differences 0 … 5 at an input scale of 0.1, as the table of a softmax has them."""
    factor = quantize_multiplier(0.1 * 2.0**26, Rounding.DOUBLE)
    raw = multiply(-np.arange(6), factor, Rounding.DOUBLE)
    expected = np.exp(-0.1 * np.arange(6)) * 2.0**31
    assert np.abs(exp_on_negative_values(raw) - expected).max() < 3e-7 * 2**31
