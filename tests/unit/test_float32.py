"""Float32 arithmetic in a stated order: how near it is to the exact values, and that C gives the same bits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.numerics import float32
from edgeq.resources import folder
from edgeq.toolchain.process import run

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 88.7, 88.73, -87.4, -103.9, -104.1], np.float32)
PROGRAM = """
#include <stdio.h>
#include "eq/float32.h"
int main(void)
{
    float x;
    while (fread(&x, sizeof x, 1, stdin) == 1) {
        const float found[] = {eq_exp(x), eq_sqrt(x), eq_log(x), eq_number(eq_sigmoid(x)), eq_number(eq_tanh(x)),
                               eq_number(eq_expm1(x)), eq_number(eq_erf(x)),
                               eq_number(eq_floor(x)), eq_number(eq_ceil(x)),
                               eq_number(eq_round_even(x)), eq_number(eq_atan(x)),
                               eq_number(eq_wave(x, 0.0f)), eq_number(eq_wave(x, 1.0f))};
        fwrite(found, sizeof found, 1, stdout);
    }
    return 0;
}
"""


FUNCTIONS = (
    float32.exp,
    float32.sqrt,
    float32.log,
    float32.sigmoid,
    float32.tanh,
    float32.expm1,
    float32.erf,
    float32.floor,
    float32.ceil,
    lambda x: float32.number(float32.round_even(x)),
    float32.atan,
    float32.sin,
    float32.cos,
)


def points() -> np.ndarray:
    small = [np.linspace(-105, 90, 300_001), np.linspace(-1, 1, 100_001), np.geomspace(1e-45, 3e38, 20_001)]
    return np.concatenate([*small, SPECIAL]).astype(np.float32)


def test_exp_is_within_one_unit_in_the_last_place() -> None:
    x = points()
    with np.errstate(all="ignore"):
        exact, found = np.exp(x.astype(np.float64)), float32.exp(x)
        finite = np.isfinite(exact.astype(np.float32))
        unit = np.spacing(np.abs(exact[finite]).astype(np.float32)).astype(np.float64)
    assert (np.isfinite(found) == finite).all()
    assert (np.abs(found[finite].astype(np.float64) - exact[finite]) / unit).max() < 1.0


@pytest.mark.parametrize(
    ("function", "exact", "bound"),
    [
        (float32.sqrt, np.sqrt, 0.5),
        (float32.log, np.log, 1.0),
        (float32.tanh, np.tanh, 2.0),
        (float32.sigmoid, lambda x: 1 / (1 + np.exp(-x)), 3.0),
    ],
)
def test_functions_are_close(function: Any, exact: Any, bound: float) -> None:
    x = points()
    x = x[np.isfinite(x) & (x > 0 if exact in (np.sqrt, np.log) else x > -9)]
    expected = exact(x.astype(np.float64))
    unit = np.spacing(np.maximum(np.abs(expected), 2.0**-126).astype(np.float32)).astype(np.float64)
    assert (np.abs(function(x).astype(np.float64) - expected) / unit).max() <= bound


def test_functions_of_special_values() -> None:
    x = np.array([0.0, -1.0, np.inf, np.nan, -0.0], np.float32)
    assert float32.log(x).tolist()[0] == -np.inf and np.isnan(float32.log(x)[[1, 3]]).all()
    np.testing.assert_array_equal(float32.sqrt(x), [0.0, np.nan, np.inf, np.nan, 0.0])
    np.testing.assert_array_equal(float32.tanh(x[:4]), np.tanh(x[:4]))
    np.testing.assert_array_equal(float32.sigmoid(x[2:4]), [1.0, np.nan])


def test_halves_are_rounded_to_even_or_away() -> None:
    x = np.array([0.5, 1.5, -0.5, -2.5, 2.4999998, np.nan, 1e30], np.float32)
    assert float32.quantize(x, 1.0, 3, -128, 127).tolist() == [3, 5, 3, 1, 5, -128, 127]
    assert float32.quantize(x, 1.0, 3, -128, 127, away=True).tolist() == [4, 5, 2, 0, 5, -128, 127]


def test_exp_of_special_values() -> None:
    found = float32.exp(SPECIAL)
    assert found[:4].tolist() == [1.0, 1.0, np.inf, 0.0] and np.isnan(found[4])


@pytest.mark.parametrize("optimize", ["-O0", "-O3"])
def test_c_gives_the_same_bits(optimize: str, tmp_path: Path) -> None:
    source, given, taken = tmp_path / "exp.c", tmp_path / "in", tmp_path / "out"
    source.write_text(PROGRAM)
    points().tofile(given)
    program = tmp_path / "exp"
    include = f"-I{folder('firmware') / 'include'}"
    run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", optimize, include, source, "-o", program])
    run(["sh", "-c", f"'{program}' < '{given}' > '{taken}'"])
    found = np.fromfile(taken, np.float32).reshape(-1, len(FUNCTIONS))
    for column, function in zip(found.T, FUNCTIONS, strict=True):
        expected = function(points())
        assert column.tobytes() == expected.tobytes(), function.__name__


def test_quantize_rounds_halves_to_even_and_saturates() -> None:
    x = np.array([0.5, 1.5, -0.5, -1.5, 2.4, 1e30, -np.inf, np.nan, 126.6, -200.0], np.float32)
    assert float32.quantize(x, 1.0, 0, -128, 127).tolist() == [0, 2, 0, -2, 2, 127, -128, -128, 127, -128]
    assert float32.quantize(x, 0.5, 3, -128, 127).tolist() == [4, 6, 2, 0, 8, 127, -128, -128, 127, -128]


def test_dequantize_rounds_once() -> None:
    q = np.arange(-128, 128)
    exact = (q - 5) * np.float64(np.float32(0.1))
    np.testing.assert_array_equal(float32.dequantize(q, 0.1, 5), exact.astype(np.float32))


def test_the_error_function_is_close() -> None:
    x = np.linspace(-6, 6, 40_001).astype(np.float32)
    exact, found = np.array([math.erf(v) for v in x]), float32.erf(x).astype(np.float64)
    error = np.abs(found - exact)
    assert error.max() < 4e-7
    near = np.abs(x) < 1.0
    assert (error[near] / np.spacing(np.abs(exact[near]).astype(np.float32))).max() < 3.0


def test_exp_less_one_does_not_cancel_near_zero() -> None:
    x = np.concatenate([np.linspace(-9, 9, 40_001), np.geomspace(1e-30, 1, 5001)]).astype(np.float32)
    exact, found = np.expm1(x.astype(np.float64)), float32.expm1(x).astype(np.float64)
    near = np.abs(x) < 0.34
    assert (np.abs(found - exact)[near] / np.spacing(np.abs(exact[near]).astype(np.float32))).max() < 2.0
    assert (np.abs(found - exact)[~near] / (1.0 + np.abs(exact[~near]))).max() < 2.0**-22


@pytest.mark.parametrize(("function", "exact"), [(float32.floor, np.floor), (float32.ceil, np.ceil)])
def test_whole_numbers_are_exact(function: Any, exact: Any) -> None:
    x = np.concatenate([points(), np.array([8388607.5, -8388607.5, 8388608.0, 3e38], np.float32)])
    np.testing.assert_array_equal(function(x), exact(x))


@pytest.mark.parametrize(("function", "exact"), [(float32.sin, np.sin), (float32.cos, np.cos)])
def test_waves_are_close(function: Any, exact: Any) -> None:
    x = np.concatenate([np.linspace(-8192, 8192, 200_001), np.linspace(-8, 8, 50_001)]).astype(np.float32)
    assert np.abs(function(x) - exact(x.astype(np.float64))).max() < 2.0**-23
    assert np.isnan(function(np.array([np.inf, -np.inf, np.nan], np.float32))).all()
    far = function(np.array([3e9, -1e20, 3e38], np.float32))
    assert (np.abs(far) <= 1.0).all()


def test_the_inverse_tangent_is_close() -> None:
    x = np.concatenate([np.linspace(-8, 8, 200_001), np.geomspace(1e-8, 1e8, 50_001)]).astype(np.float32)
    exact = np.arctan(x.astype(np.float64))
    assert (np.abs(float32.atan(x) - exact) / np.spacing(np.abs(exact).astype(np.float32))).max() < 3.0
    np.testing.assert_array_equal(
        float32.atan(np.array([np.inf, -np.inf], np.float32)), np.float32([1.5707964, -1.5707964])
    )


def test_halves_become_even() -> None:
    x = np.concatenate([np.arange(-9, 9, 0.25), [8388609.0, -8388607.5, 1e30, np.inf, 0.49999997]]).astype(np.float32)
    np.testing.assert_array_equal(float32.round_even(x), np.rint(x))
