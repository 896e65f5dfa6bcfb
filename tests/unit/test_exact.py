"""Sums that do not depend on the order in which they are added."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.numerics import exact
from edgeq.numerics.exact import activations, bits, product, rounded_product, total, weights
from edgeq.numerics.runs import rows_at_once

RNG = np.random.default_rng(5)


@given(st.integers(1, 1 << 20))
def test_the_greatest_sum_is_exact(depth: int) -> None:
    a, w = bits(depth)
    assert depth * 2 ** (a + w) <= 2**53 and 16 <= w <= a <= 24


@pytest.mark.parametrize("depth", [1, 7, 64, 513, 4096])
def test_products_are_exact_in_any_order(depth: int) -> None:
    spread = np.exp2(RNG.integers(-30, 30, (3, depth)))
    a = activations((RNG.normal(size=(3, depth)) * spread).astype(np.float32), depth, (1,))
    b = weights(RNG.normal(size=(depth, 4)).astype(np.float32), depth, (0,))
    exact_a, exact_b = (np.vectorize(lambda x: Fraction(float(x)), otypes=[object])(m) for m in (a, b))
    expected = (exact_a @ exact_b).astype(np.float64)
    assert np.array_equal(product(a, b), expected)
    order = RNG.permutation(depth)
    assert np.array_equal(product(a[:, order], b[order]), expected)
    assert np.array_equal(rounded_product(a, b), expected.astype(np.float32))


def test_rounding_moves_numbers_by_half_a_step_of_the_greatest() -> None:
    x = RNG.normal(size=(5, 200)).astype(np.float32)
    found = activations(x, 200, (1,))
    step = np.exp2(np.ceil(np.log2(np.abs(x).max(axis=1, keepdims=True))) - bits(200)[0])
    assert np.all(np.abs(found - x) <= step / 2)
    assert np.array_equal(found / step, np.rint(found / step))


def test_every_row_has_a_grid_of_its_own() -> None:
    x = RNG.normal(size=(4, 50)).astype(np.float32) * np.exp2(np.arange(4) * 9)[:, None].astype(np.float32)
    apart = np.concatenate([activations(row[None], 50, (1,)) for row in x])
    assert np.array_equal(activations(x, 50, (1,)), apart)


def test_what_is_not_finite_stays() -> None:
    x = np.array([[np.inf, 1.0], [np.nan, 2.0], [3e38, 1.0], [1e-42, 0.0]], np.float32)
    found = activations(x, 2, (1,))
    assert np.array_equal(found[:3], x[:3], equal_nan=True)
    assert np.array_equal(found[3], [0.0, 0.0])  # so little that it counts as nothing
    assert np.array_equal(weights(x, 2, (1,))[:2], x[:2], equal_nan=True)


def test_total_loses_less_than_float32_does() -> None:
    x = RNG.normal(size=(2, 1000, 3)).astype(np.float32)
    assert np.allclose(total(x, (1,)), x.sum(axis=1, dtype=np.float64), rtol=1e-13, atol=1e-13)
    assert np.array_equal(total(x, (1,)), total(x[:, RNG.permutation(1000)], (1,)))
    assert total(x, (0, 2), keepdims=True).shape == (1, 1000, 1)


@given(st.integers(1, 5000), st.integers(1, 700))
def test_rows_at_once_divide_the_rows(rows: int, channels: int) -> None:
    count = rows_at_once(rows, channels)
    assert rows % count == 0 and (count == 1 or count * channels < 1024)


@pytest.mark.parametrize("room", [0, exact.ROOM])
def test_weights_that_are_kept_are_the_same(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time too, whether there was room for them or not."""
    monkeypatch.setattr(exact, "ROOM", room)
    rng = np.random.default_rng(3)
    w = (rng.normal(size=(5, 64)) * np.float32(2.0) ** rng.integers(-110, 100, (5, 1))).astype(np.float32)
    expected = exact.weights(w, 64, (1,))
    w.flags.writeable = False
    for _ in range(2):
        found = exact.weights(w, 64, (1,))
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, expected)
    assert (id(w), 64, (1,)) in exact._kept if room else (id(w), 64, (1,)) not in exact._kept
