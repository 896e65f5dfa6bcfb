"""Observers and histograms: ranges that are known, and properties that hold for all data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.ir.tensor import DType
from edgeq.quantize.calibrate import TensorRecorder
from edgeq.quantize.config import Activations, ObserverKind, QuantConfig
from edgeq.quantize.histogram import Histogram
from edgeq.quantize.observers import divergence, entropy_range, mse_range, percentile_range, range_of
from edgeq.quantize.ranges import (
    SMALLEST_SCALE,
    activation_params,
    channel_rows,
    half_quadratic,
    levels_of,
    max_scales,
    mse_scales,
    sane_scales,
)

RNG = np.random.default_rng(7)
KINDS = list(ObserverKind)


def histogram(*arrays: np.ndarray, bins: int = 2048) -> Histogram:
    made = Histogram(bins)
    for array in arrays:
        made.add(array)
    return made


def observed(config: QuantConfig, *samples: np.ndarray) -> tuple[float, float]:
    """The range of a tensor of which every array is one sample."""
    recorder = TensorRecorder(config.bins)
    for sample in samples:
        recorder.add(sample.astype(np.float32)[None])
    return range_of(recorder.statistics(), config)


def quantization_error(x: np.ndarray, low: float, high: float, symmetric: bool = False) -> float:
    q = activation_params(low, high, symmetric)
    return float(np.square(x - q.dequantize(q.quantize(x, DType.INT8))).sum())


# Histogram


def test_histogram_counts_everything_in_the_right_bin() -> None:
    x = RNG.normal(size=5000).astype(np.float32)
    h = histogram(x[:100], x[100:3000] * 50, x[3000:])
    together = np.concatenate([x[:100], x[100:3000] * np.float32(50), x[3000:]]).astype(np.float64)
    index = np.floor(together / h.width).astype(int) - h.first
    assert np.array_equal(h.counts, np.bincount(index, minlength=len(h.counts)))
    assert h.low == together.min() and h.high == together.max()


@given(st.permutations(range(6)))
def test_histogram_does_not_depend_on_order(order: list[int]) -> None:
    rng = np.random.default_rng(3)
    parts = [rng.normal(size=50) * 10.0**k for k in range(-3, 3)]
    a, b = histogram(*parts), histogram(*[parts[k] for k in order])
    assert (a.first, a.exponent) == (b.first, b.exponent)
    assert np.array_equal(a.counts, b.counts)


def test_histogram_keeps_at_least_the_resolution_asked_for() -> None:
    for scale in (1e-6, 1.0, 12345.0):
        h = histogram(RNG.uniform(-1, 1, 1000) * scale, bins=512)
        assert 512 <= len(h.counts) <= 1026


def test_histogram_counts_zeros_apart() -> None:
    h = histogram(np.array([0.0, 0.0, 1.0, -0.0]))
    assert h.zeros == 3 and h.counts.sum() == 1


@pytest.mark.parametrize("scales", [(1.0, 1.0), (1e-3, 50.0), (70.0, 0.2), (0.0, 3.0), (2.0, 0.0)])
def test_merged_histograms_are_the_histogram_of_both(scales: tuple[float, float]) -> None:
    a, b = (RNG.normal(size=700).astype(np.float32) * np.float32(scale) for scale in scales)
    merged, both = histogram(a, bins=300).merged(histogram(b, bins=300)), histogram(a, b, bins=300)
    assert (merged.exponent, merged.first, merged.zeros) == (both.exponent, both.first, both.zeros)
    assert (merged.low, merged.high) == (both.low, both.high)
    assert np.array_equal(merged.counts, both.counts)


def test_folding_adds_magnitudes() -> None:
    x = RNG.normal(size=4000)
    a, b = histogram(x).folded(), histogram(np.abs(x))
    assert a.first == b.first == 0 and a.high == b.high
    n = min(len(a.counts), len(b.counts))
    assert a.exponent >= b.exponent
    if a.exponent == b.exponent:
        assert np.array_equal(a.counts[:n], b.counts[:n])


# Percentile


def test_percentile_of_uniform_values() -> None:
    h = histogram(np.linspace(-1.0, 3.0, 400_001))
    low, high = percentile_range(h, 99.0)
    assert low == pytest.approx(-0.96, abs=0.005) and high == pytest.approx(2.96, abs=0.005)


def test_percentile_100_is_min_max() -> None:
    x = RNG.normal(size=1000)
    assert percentile_range(histogram(x), 100.0) == (x.min(), x.max())


def test_percentile_counts_zeros() -> None:
    x = np.concatenate([np.zeros(990), np.linspace(0.01, 1.0, 10)])
    low, high = percentile_range(histogram(x), 99.5)
    assert low == 0.0 and high == pytest.approx(np.percentile(x, 99.5), abs=0.12)


def test_percentile_drops_a_lone_outlier() -> None:
    x = np.concatenate([RNG.uniform(0, 1, 100_000), [1000.0]])
    assert percentile_range(histogram(x), 99.99)[1] < 1.2


# MSE


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("make", [RNG.normal, RNG.laplace], ids=["normal", "laplace"])
def test_mse_is_better_than_min_max_and_near_the_best(make, symmetric: bool) -> None:  # type: ignore[no-untyped-def]
    x = make(size=100_000)
    low, high = mse_range(histogram(x), symmetric)
    found = quantization_error(x, low, high, symmetric)
    assert found <= quantization_error(x, x.min(), x.max(), symmetric)
    best = min(quantization_error(x, x.min() * t, x.max() * t, symmetric) for t in np.linspace(0.3, 1.0, 71))
    assert found <= 1.03 * best


def test_mse_keeps_a_uniform_range() -> None:
    low, high = mse_range(histogram(RNG.uniform(0, 5, 100_000)), False)
    assert low == 0.0 and high == pytest.approx(5.0, rel=0.01)


# Entropy


def test_divergence_is_zero_when_every_bin_has_its_level() -> None:
    counts = RNG.integers(1, 50, 256)
    assert divergence(counts, 0, 256, 256) == pytest.approx(0.0, abs=1e-12)


def test_divergence_by_hand() -> None:
    # Four bins in two levels: 6 spread over the 2 bins that are not empty, 2 over one.
    counts = np.array([2, 4, 0, 2])
    p, q = np.array([2, 4, 2]) / 8, np.array([3, 3, 2]) / 8
    assert divergence(counts, 0, 4, 2) == pytest.approx(float(np.sum(p * np.log(p / q))))
    # Clipped to three bins, the last takes what is outside in the reference only.
    p, q = np.array([2, 4, 2]) / 8, np.array([3, 3, 0.5]) / 6.5
    assert divergence(counts, 0, 3, 2) == pytest.approx(float(np.sum(p * np.log(p / q))))


def test_entropy_clips_long_tails_and_keeps_uniform_ranges() -> None:
    tail = np.concatenate([np.abs(RNG.normal(size=200_000)), RNG.uniform(4, 60, 40)])
    assert 3.0 < entropy_range(histogram(tail), False)[1] < 40.0
    assert entropy_range(histogram(RNG.uniform(-2, 5, 200_000)), False) == pytest.approx((-2, 5), rel=0.05)
    low, high = entropy_range(histogram(tail), True)
    assert low == -high and high < 40.0


# Observers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activations", list(Activations))
@pytest.mark.parametrize(
    "data",
    [np.zeros(100), np.full(100, 3.5), np.full(7, -2.0), np.array([1e-30]), np.array([-1e30, 1e30]), np.ones(1)],
    ids=["zeros", "constant", "negative", "tiny", "huge", "one"],
)
def test_degenerate_data_gives_a_usable_range(kind: ObserverKind, activations: Activations, data: np.ndarray) -> None:
    low, high = observed(QuantConfig(observer=kind, activations=activations), data)
    assert low <= 0.0 <= high and np.isfinite([low, high]).all()
    q = activation_params(low, high, activations is Activations.SYMMETRIC)
    assert q.s >= SMALLEST_SCALE and np.float32(q.s) == q.s


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not ObserverKind.MOVING_AVERAGE])
def test_ranges_do_not_depend_on_order(kind: ObserverKind) -> None:
    parts = [RNG.normal(size=300).astype(np.float32) * s for s in (0.1, 3, 1)]
    assert observed(QuantConfig(observer=kind), *parts) == observed(QuantConfig(observer=kind), *parts[::-1])


def test_min_max_and_moving_average() -> None:
    samples = np.array([1.0, 4.0]), np.array([-2.0, 8.0])
    assert observed(QuantConfig(observer=ObserverKind.MIN_MAX), *samples) == (-2.0, 8.0)
    average = QuantConfig(observer=ObserverKind.MOVING_AVERAGE, momentum=0.75)
    assert observed(average, *samples) == (0.0, 5.0)  # least: 0.75·1 − 0.25·2 = 0.25, widened to zero


# Parameters


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.booleans())
def test_zero_is_exact_and_the_range_is_covered(a: float, b: float, symmetric: bool) -> None:
    q = activation_params(min(a, b), max(a, b), symmetric)
    assert -128 <= q.zp <= 127 and (not symmetric or q.zp == 0)
    assert q.dequantize(np.int8(q.zp)) == 0.0
    ends = np.array([min(a, b, 0.0), max(a, b, 0.0)])
    if max(-ends[0], ends[1]) > 255 * SMALLEST_SCALE:
        assert np.all(np.abs(q.dequantize(q.quantize(ends, DType.INT8)) - ends) <= q.s * 1.001)


def test_known_parameters() -> None:
    assert activation_params(0.0, 255.0, False).zp == -128
    assert activation_params(0.0, 255.0, False).s == 1.0
    assert activation_params(-255.0, 0.0, False).zp == 127
    assert activation_params(-127.0, 30.0, True) == activation_params(0.0, 127.0, True)
    assert activation_params(0.0, 0.0, False).s == 1.0


def test_weight_scales() -> None:
    rows = np.array([[1.27, -0.3], [0.0, 0.0], [-2.54, 2.0]])
    assert max_scales(rows) == pytest.approx([0.01, 0.0, 0.02])
    assert sane_scales(max_scales(rows)) == pytest.approx([0.01, 0.02, 0.02])
    assert sane_scales(np.zeros(2)) == pytest.approx([1 / 127, 1 / 127])


def test_mse_weight_scales_have_less_error() -> None:
    rows = np.concatenate([RNG.normal(size=(2, 100_000)), [[9.0], [2.0]]], axis=1)

    def error(scales: np.ndarray) -> np.ndarray:
        q = np.clip(np.rint(rows / scales[:, None]), -127, 127)
        return np.square(rows - q * scales[:, None]).sum(axis=1)

    assert np.all(error(mse_scales(rows)) <= error(max_scales(rows)))
    assert error(mse_scales(rows))[0] < 0.7 * error(max_scales(rows))[0]


def test_half_quadratic_scales_fit_most_weights() -> None:
    levels = levels_of(DType.INT4)
    rows = 0.1 * RNG.integers(-7, 8, (3, 400)) + RNG.normal(0.0, 0.004, (3, 400))
    rows[:, ::20] += 0.05 * np.sign(RNG.normal(size=(3, 20)))  # half a step off
    found = half_quadratic(rows, np.array([0.097, 0.1, 0.104]), levels)
    assert np.allclose(found, 0.1, rtol=2e-3)
    assert half_quadratic(np.zeros((1, 4)), np.ones(1), levels) == 1.0


def test_channel_rows() -> None:
    w = np.arange(24).reshape(2, 3, 4)
    assert channel_rows(w, 2).shape == (4, 6) and channel_rows(w, None).shape == (1, 24)
    assert np.array_equal(channel_rows(w, 2)[1], [1, 5, 9, 13, 17, 21])
