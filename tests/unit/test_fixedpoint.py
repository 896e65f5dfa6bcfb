"""The normative arithmetic against exact rationals, and its C twin against it."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.codegen.literals import Constant, array_definition
from edgeq.errors import QuantizationError
from edgeq.numerics.fixedpoint import (
    INT32_MAX,
    INT32_MIN,
    Multiplier,
    Requantization,
    Rounding,
    doubling_high_multiply,
    multiply,
    quantize_multiplier,
    requantize,
    round_half_away,
    rounding_divide_by_pot,
    saturating_shift_left,
)
from edgeq.resources import folder
from edgeq.toolchain.process import run

accumulators = st.one_of(
    st.integers(INT32_MIN, INT32_MAX),
    st.integers(-300, 300),
    st.sampled_from([INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX]),
)
factors = st.one_of(
    st.floats(2.0**-33, 16.0),
    st.integers(-33, 6).map(lambda e: 2.0**e),
    st.integers(-33, 6).map(lambda e: math.nextafter(2.0**e, 0.0)),
)


def half_away(x: Fraction) -> int:
    """The nearest integer, halves away from zero, exactly."""
    return math.floor(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1)


def half_up(x: Fraction) -> int:
    """The nearest integer, halves upwards, exactly."""
    return math.floor(x + Fraction(1, 2))


def saturate(x: int) -> int:
    return min(max(x, INT32_MIN), INT32_MAX)


def exact(acc: int, m: Multiplier, rounding: Rounding) -> int:
    """acc · m as the definitions of the roundings have it, in rational numbers."""
    mantissa, shift = int(m.mantissa[0]), int(m.shift[0])
    if rounding is Rounding.FAST:
        return half_up(Fraction(saturate(acc << shift) * mantissa, 2**31))
    if rounding in (Rounding.SINGLE, Rounding.WIDE, Rounding.REDUCED):
        return half_up(acc * mantissa * Fraction(2) ** (shift - 31))
    high = saturate(half_up(Fraction(saturate(acc << max(shift, 0)) * mantissa, 2**31)))
    return half_away(Fraction(high, 2 ** max(-shift, 0)))


@given(accumulators, factors, st.sampled_from(Rounding))
def test_multiply_is_its_definition(acc: int, factor: float, rounding: Rounding) -> None:
    m = quantize_multiplier(factor, rounding)
    assert multiply(np.array([acc]), m, rounding).tolist() == [exact(acc, m, rounding)]


@given(st.integers(-(2**24), 2**24), st.floats(2.0**-20, 1.0), st.sampled_from(Rounding))
def test_multiply_is_near_the_real_product(acc: int, factor: float, rounding: Rounding) -> None:
    """Half a step, the multiplier's own error, and half a step more where a result is rounded twice."""
    found = int(multiply(np.array([acc]), quantize_multiplier(factor, rounding), rounding)[0])
    slack = 0.5 + abs(acc) * 2.0**-31 + (0.5 if rounding is Rounding.DOUBLE else 0.0)
    slack += abs(acc * factor) * 2.0**-15 if rounding is Rounding.REDUCED else 0.0
    assert abs(found - acc * factor) <= slack + 1e-9


@given(factors, st.sampled_from([Rounding.SINGLE, Rounding.DOUBLE]))
def test_normalized_multipliers(factor: float, rounding: Rounding) -> None:
    m = quantize_multiplier(factor, rounding)
    mantissa, shift = int(m.mantissa[0]), int(m.shift[0])
    if mantissa:
        assert 2**30 <= mantissa < 2**31
        assert abs(mantissa * 2.0 ** (shift - 31) / factor - 1) <= 2.0**-30
    else:
        assert factor < 2.0**-31


@given(st.floats(0.0, 2.0**30))
def test_fast_multipliers(factor: float) -> None:
    m = quantize_multiplier(factor, Rounding.FAST)
    mantissa, shift = int(m.mantissa[0]), int(m.shift[0])
    assert 0 <= mantissa <= INT32_MAX
    assert (shift == 0) == (round_half_away(factor * 2.0**31) <= INT32_MAX)
    assert abs(mantissa * 2.0 ** (shift - 31) - factor) <= 2.0 ** (shift - 32)


@pytest.mark.parametrize(
    ("factor", "rounding", "mantissa", "shift"),
    [
        (0.5, Rounding.FAST, 2**30, 0),
        (1.0, Rounding.FAST, 2**30, 1),
        (1.0 - 2.0**-33, Rounding.FAST, 2**30, 1),
        (0.0, Rounding.FAST, 0, 0),
        (2.0**-40, Rounding.FAST, 0, 0),
        (0.5, Rounding.DOUBLE, 2**30, 0),
        (1.0, Rounding.DOUBLE, 2**30, 1),
        (1.0 - 2.0**-40, Rounding.SINGLE, 2**30, 1),
        (0.0, Rounding.SINGLE, 0, 0),
        (2.0**-33, Rounding.DOUBLE, 0, 0),
        (2.0**30.5, Rounding.DOUBLE, INT32_MAX, 30),
    ],
)
def test_multipliers_at_the_edges(factor: float, rounding: Rounding, mantissa: int, shift: int) -> None:
    m = quantize_multiplier(factor, rounding)
    assert (m.mantissa.tolist(), m.shift.tolist()) == ([mantissa], [shift])


def test_several_factors() -> None:
    m = quantize_multiplier(np.array([0.25, 0.5, 2.0]), Rounding.FAST)
    assert m.mantissa.tolist() == [2**29, 2**30, 2**30]
    assert m.shift.tolist() == [0, 0, 2]
    assert multiply(np.array([[8, 8, 8], [-6, -6, -6]]), m, Rounding.FAST).tolist() == [[2, 4, 16], [-1, -3, -12]]


@pytest.mark.parametrize("factor", [2.0**31, 1e30, math.inf])
@pytest.mark.parametrize("rounding", Rounding)
def test_factors_beyond_every_bound(factor: float, rounding: Rounding) -> None:
    m = quantize_multiplier(factor, rounding)
    assert requantize(np.array([-1, 0, 1]), m, 5, -128, 127, rounding).tolist() == [-128, 5, 127]


@pytest.mark.parametrize("factor", [math.nan, -math.inf])
@pytest.mark.parametrize("rounding", Rounding)
def test_impossible_factors(factor: float, rounding: Rounding) -> None:
    with pytest.raises(QuantizationError, match="out of all proportion"):
        quantize_multiplier(factor, rounding)


def test_halves() -> None:
    """The roundings differ where a product lies halfway between two integers."""
    acc = np.array([-10, -6, -2, 2, 6, 10])
    half = {r: multiply(acc, quantize_multiplier(0.25, r), r).tolist() for r in Rounding}
    assert half[Rounding.FAST] == half[Rounding.SINGLE] == [-2, -1, 0, 1, 2, 3]
    assert half[Rounding.DOUBLE] == [-3, -2, -1, 1, 2, 3]
    assert [round_half_away(x) for x in (-2.5, -0.5, 0.4, 0.5, 2.5)] == [-3, -1, 0, 1, 3]


@given(accumulators, st.one_of(accumulators, st.integers(0, 30).map(lambda e: 2**e)))
def test_doubling_high_multiply(a: int, b: int) -> None:
    found = doubling_high_multiply(np.array([a]), np.array([b]))
    assert found.tolist() == [saturate(half_up(Fraction(a * b, 2**31)))]


@given(accumulators, st.integers(0, 31))
def test_rounding_divide_by_pot(x: int, exponent: int) -> None:
    found = rounding_divide_by_pot(np.array([x]), np.array([exponent]))
    assert found.tolist() == [half_away(Fraction(x, 2**exponent))]


@given(accumulators, st.integers(0, 31))
def test_saturating_shift_left(x: int, shift: int) -> None:
    assert saturating_shift_left(np.array([x]), np.array([shift])).tolist() == [saturate(x << shift)]


def test_requantize_clamps() -> None:
    m = quantize_multiplier(0.5, Rounding.FAST)
    found = requantize(np.array([-1000, -10, 0, 10, 1000]), m, 3, -5, 7, Rounding.FAST)
    assert found.dtype == np.int8
    assert found.tolist() == [-5, -2, 3, 7, 7]


PROGRAM = """
#include "eq/align.h"
#include "eq/requant.h"
{arrays}
int main(void)
{{
    for (int i = 0; i < {count}; i++) {{
        const int8_t found = eq_requantize(acc[i], mantissa[i], shift[i], zero[i], -128, 127, (eq_rounding)rounding[i]);
        if (found != expected[i]) {{
            return 1;
        }}
    }}
    return 0;
}}
"""


def test_c_gives_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    edges = [INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX]
    rows: list[tuple[int, ...]] = []
    for index, rounding in enumerate((Rounding.FAST, Rounding.SINGLE, Rounding.DOUBLE)):
        for exponent in range(-34, 7):
            factor = float(rng.uniform(0.5, 1.0)) * 2.0**exponent
            m = quantize_multiplier(factor, rounding)
            near = rng.integers(-200, 200, 40) / factor  # results that are not all saturated
            accs = [*edges, *np.clip(near, INT32_MIN, INT32_MAX).astype(np.int64).tolist()]
            zero = int(rng.integers(-128, 128))
            expected = requantize(np.array(accs), m, zero, -128, 127, rounding).tolist()
            rows += [
                (a, int(m.mantissa[0]), int(m.shift[0]), zero, index, e) for a, e in zip(accs, expected, strict=True)
            ]
    names = ("acc", "mantissa", "shift", "zero", "rounding", "expected")
    columns = {n: np.array(c, np.int32) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    arrays = "".join(array_definition(Constant(name, column)) for name, column in columns.items())
    (tmp_path / "bits.c").write_text(PROGRAM.format(arrays=arrays, count=len(rows)), "utf-8")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    include = f"-I{folder('firmware') / 'include'}"
    run(["gcc", *flags, include, tmp_path / "bits.c", "-o", tmp_path / "bits"])
    assert run([tmp_path / "bits"], check=False).code == 0


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("shape", [(3, 8), (5, 7, 6, 12), (2000, 20), (1, 9000)])
def test_a_prepared_requantization_is_exact_for_all_of_an_array_and_for_groups(
    rounding: Rounding, shape: tuple[int, ...]
) -> None:
    """Rows of several channels side by side, a rest of them, blocks, and halves of the channels by themselves."""
    rng = np.random.default_rng(shape[-1])
    channels, most = shape[-1], 2**23
    factors = rng.uniform(2.0**-14, 2.0**-9, channels)
    factors[: channels // 2] = rng.choice([0.5, 0.24, 2.0**-9], channels // 2)
    m = quantize_multiplier(factors, rounding)
    acc = rng.integers(-most, most, shape)
    acc[..., 0] = rng.integers(-600, 600, shape[:-1])
    bias = rng.integers(-most, most, channels)
    whole = Requantization(m, 3, -100, 90, rounding, bias)
    found = whole(acc.astype(np.float32))
    wanted = np.clip(multiply(acc + bias, m, rounding) + 3, -100, 90)
    np.testing.assert_array_equal(found, wanted)
    halves = [part(acc[..., k * channels // 2 :][..., : channels // 2]) for k, part in enumerate(whole.split(2))]
    if channels % 2 == 0:
        np.testing.assert_array_equal(np.concatenate(halves, axis=-1), wanted)
