"""The integer references of convolutions and fully connected layers against loops over Python integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.errors import QuantizationError
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.numerics.fixedpoint import INT32_MAX, INT32_MIN, Numerics, Rounding
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected

Draw = Callable[[st.SearchStrategy[Any]], Any]
channels = st.integers(1, 17)
small = st.integers(1, 3)
pads = st.tuples(*[st.integers(0, 2)] * 4)
zero_points = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))


def scaled(acc: int, factor: float, rounding: Rounding) -> int:
    """acc · factor, the factor as the rounding keeps it."""

    def half_away(x: Fraction) -> int:
        return math.floor(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1)

    def saturate(x: int) -> int:
        return min(max(x, INT32_MIN), INT32_MAX)

    if rounding is Rounding.FAST:
        shift = 0
        while half_away(Fraction(factor) * 2**31 / 2**shift) > INT32_MAX:
            shift += 1
        mantissa = half_away(Fraction(factor) * 2**31 / 2**shift)
        return math.floor(Fraction(saturate(acc << shift) * mantissa, 2**31) + Fraction(1, 2))
    exponent = math.frexp(factor)[1]
    mantissa = half_away(Fraction(factor) * 2**31 / Fraction(2) ** exponent)
    if mantissa == 2**31:
        mantissa, exponent = 2**30, exponent + 1
    if rounding is Rounding.SINGLE:
        return math.floor(acc * mantissa * Fraction(2) ** (exponent - 31) + Fraction(1, 2))
    high = saturate(math.floor(Fraction(saturate(acc << max(exponent, 0)) * mantissa, 2**31) + Fraction(1, 2)))
    return half_away(Fraction(high) / 2 ** max(-exponent, 0))


def make_site(draw: Draw, op: Op, x: Shape, w: Shape, axis: int) -> tuple[Site, Array]:
    """A site of an operator with weights and bias, and an input; all parameters drawn."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = w[axis]
    s_in, zp_in, zp_out = draw(st.sampled_from([0.5, 0.0123, 1e-3])), draw(zero_points), draw(zero_points)
    legacy = draw(st.booleans())
    data = rng.integers(-128 if legacy else -127, 128, w).astype(np.int8)
    if legacy:
        q_w = QParams.per_tensor(0.011, draw(zero_points))
    else:
        q_w = QParams.per_channel(rng.uniform(1e-3, 0.02, count), 0, axis)
    # The bias is small, or as large as 32 bits let it be.
    taps = data.size // count
    room = INT32_MAX - 2 * 128 * 256 * taps
    bias = rng.integers(-room, room, count) if draw(st.booleans()) else rng.integers(-3000, 3000, count)
    spread = s_in * float(np.mean(q_w.scale)) * 128 * 64 * math.sqrt(taps)
    s_out = spread / draw(st.sampled_from([20.0, 100.0, 1e4, 1e-3]))
    y = op.out_shapes([x, w, (count,)])[0]
    site = Site(
        "node",
        op,
        (
            TensorType(x, DType.INT8, QParams.per_tensor(s_in, zp_in)),
            TensorType(w, DType.INT8, q_w),
            TensorType((count,), DType.INT32, QParams.per_tensor(1.0, 0)),
        ),
        (TensorType(y, DType.INT8, QParams.per_tensor(s_out, zp_out)),),
        (None, data, bias.astype(np.int32)),
        draw(st.sampled_from(Numerics)),
    )
    return site, rng.integers(-128, 128, x).astype(np.int8)


def expected_output(site: Site, total: Callable[[tuple[int, ...]], int]) -> Array:
    """Requantized `total(index of the output)` plus bias, element by element."""
    q_x, q_w, q_y = site.input(0).qp, site.input(1).qp, site.outputs[0].qp
    # TensorFlow Lite multiplies scales of uint8 convolutions in float32, and Micro those of fully connected layers.
    layer, one = isinstance(site.op, FullyConnected), len(q_w.scale) == 1
    micro = site.numerics is Numerics.TFLM
    single_precision = one and (micro if layer else site.numerics is not Numerics.FAST and q_w.zp != 0)
    found = np.zeros(site.outputs[0].shape, np.int8)
    for index in np.ndindex(found.shape):
        s_w = q_w.scale[index[-1] if len(q_w.scale) > 1 else 0]
        joint = float(np.float32(q_x.s) * np.float32(s_w)) if single_precision else q_x.s * s_w
        acc = int(site.const(2)[index[-1]]) + total(index)
        found[index] = min(max(scaled(acc, joint / q_y.s, site.rounding) + q_y.zp, -128), 127)
    return found


def centred(site: Site, x: Array) -> tuple[list[Any], list[Any]]:
    """Input and weights with their zero-points subtracted, as nested lists of Python integers."""
    weights = site.const(1).astype(np.int64) - np.asarray(site.input(1).qp.zero_point)[0]
    return (x.astype(np.int64) - site.input(0).qp.zp).tolist(), weights.tolist()


@st.composite
def convolutions(draw: Draw) -> tuple[Site, Array]:
    groups, kernel = draw(small), (draw(small), draw(small))
    op = Conv2D((draw(small), draw(small)), (draw(small), draw(small)), draw(pads), groups)
    size = [draw(st.integers(0, 4)) + op.dilation[i] * (kernel[i] - 1) + 1 for i in range(2)]
    per_in, per_out = draw(st.integers(1, 17 // groups)), draw(st.integers(1, 17 // groups))
    x = (draw(st.integers(1, 2)), *size, per_in * groups)
    return make_site(draw, op, x, (per_out * groups, *kernel, per_in), 0)


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_conv2d(drawn: tuple[Site, Array]) -> None:
    site, x = drawn
    op, (pixels, w) = site.op, centred(*drawn)
    assert isinstance(op, Conv2D)
    _, height, width, _ = x.shape
    oc, kh, kw, per_in = site.const(1).shape

    def total(index: tuple[int, ...]) -> int:
        n, oy, ox, c = index
        first, acc = c // (oc // op.groups) * per_in, 0
        for ky, kx in product(range(kh), range(kw)):
            iy = oy * op.stride[0] - op.padding[0] + ky * op.dilation[0]
            ix = ox * op.stride[1] - op.padding[1] + kx * op.dilation[1]
            if 0 <= iy < height and 0 <= ix < width:
                acc += sum(pixels[n][iy][ix][first + k] * w[c][ky][kx][k] for k in range(per_in))
        return acc

    np.testing.assert_array_equal(op.run_int(site, [x, *site.consts[1:]])[0], expected_output(site, total))


@st.composite
def depthwise(draw: Draw) -> tuple[Site, Array]:
    kernel = (draw(small), draw(small))
    op = DepthwiseConv2D((draw(small), draw(small)), (draw(small), draw(small)), draw(pads))
    size = [draw(st.integers(0, 4)) + op.dilation[i] * (kernel[i] - 1) + 1 for i in range(2)]
    count = draw(channels)
    x = (draw(st.integers(1, 2)), *size, count)
    return make_site(draw, op, x, (*kernel, count * draw(st.integers(1, 3))), 2)


@given(depthwise())
@settings(max_examples=60, deadline=None)
def test_depthwise_conv2d(drawn: tuple[Site, Array]) -> None:
    site, x = drawn
    op, (pixels, w) = site.op, centred(*drawn)
    assert isinstance(op, DepthwiseConv2D)
    _, height, width, count = x.shape
    kh, kw, made = site.const(1).shape

    def total(index: tuple[int, ...]) -> int:
        n, oy, ox, c = index
        acc = 0
        for ky, kx in product(range(kh), range(kw)):
            iy = oy * op.stride[0] - op.padding[0] + ky * op.dilation[0]
            ix = ox * op.stride[1] - op.padding[1] + kx * op.dilation[1]
            if 0 <= iy < height and 0 <= ix < width:
                acc += pixels[n][iy][ix][c // (made // count)] * w[ky][kx][c]
        return acc

    np.testing.assert_array_equal(op.run_int(site, [x, *site.consts[1:]])[0], expected_output(site, total))


@st.composite
def transposed(draw: Draw) -> tuple[Site, Array]:
    groups, kernel, stride = draw(st.integers(1, 2)), (draw(small), draw(small)), (draw(small), draw(small))
    # Cut off no more than one pixel's reach, so that an output is left.
    cut = tuple(draw(st.integers(0, (kernel[i % 2] - 1) // 2)) for i in range(4))
    op = ConvTranspose2D(stride, (draw(small), draw(small)), cut, (draw(small) - 1, draw(small) - 1), groups)
    per_in, per_out = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    x = (draw(st.integers(1, 2)), draw(small), draw(small), per_in * groups)
    return make_site(draw, op, x, (per_out * groups, *kernel, per_in), 0)


@given(transposed())
@settings(max_examples=60, deadline=None)
def test_conv_transpose2d(drawn: tuple[Site, Array]) -> None:
    site, x = drawn
    op, (pixels, w) = site.op, centred(*drawn)
    assert isinstance(op, ConvTranspose2D)
    oc, kh, kw, per_in = site.const(1).shape
    _, oh, ow, _ = site.outputs[0].shape
    sums: dict[tuple[int, ...], int] = {}
    for n, iy, ix in np.ndindex(x.shape[:3]):
        for c, ky, kx in product(range(oc), range(kh), range(kw)):
            oy = iy * op.stride[0] + ky * op.dilation[0] - op.padding[0]
            ox = ix * op.stride[1] + kx * op.dilation[1] - op.padding[1]
            if 0 <= oy < oh and 0 <= ox < ow:
                first = c // (oc // op.groups) * per_in
                part = sum(pixels[n][iy][ix][first + k] * w[c][ky][kx][k] for k in range(per_in))
                sums[n, oy, ox, c] = sums.get((n, oy, ox, c), 0) + part

    found = op.run_int(site, [x, *site.consts[1:]])[0]
    np.testing.assert_array_equal(found, expected_output(site, lambda index: sums.get(index, 0)))


@st.composite
def layers(draw: Draw) -> tuple[Site, Array]:
    depth = draw(st.one_of(st.integers(1, 17), st.integers(1020, 1030)))
    rows = draw(st.sampled_from([(1,), (3,), (2, 2), ()]))
    return make_site(draw, FullyConnected(), (*rows, depth), (draw(channels), depth), 0)


@given(layers())
@settings(max_examples=60, deadline=None)
def test_fully_connected(drawn: tuple[Site, Array]) -> None:
    site, x = drawn
    op, (rows, w) = site.op, centred(*drawn)

    def total(index: tuple[int, ...]) -> int:
        row = rows
        for i in index[:-1]:
            row = row[i]
        return sum(a * b for a, b in zip(row, w[index[-1]], strict=True))

    np.testing.assert_array_equal(op.run_int(site, [x, *site.consts[1:]])[0], expected_output(site, total))


@pytest.mark.parametrize("op", [Conv2D(), ConvTranspose2D()])
def test_accumulators_that_could_overflow_are_refused(op: Op) -> None:
    x = TensorType((1, 1, 1, 1), DType.INT8, QParams.per_tensor(0.1, -100))
    w = TensorType((1, 1, 1, 1), DType.INT8, QParams.per_channel([0.1], 0, 0))
    b = TensorType((1,), DType.INT32, QParams.per_tensor(0.01, 0))
    consts = (None, np.full((1, 1, 1, 1), 127, np.int8), np.array([INT32_MAX - 127 * 200], np.int32))
    site = Site("layer", op, (x, w, b), (x,), consts)
    with pytest.raises(QuantizationError, match="layer: an accumulator can exceed 32 bits"):
        op.run_int(site, [np.zeros((1, 1, 1, 1), np.int8), *consts[1:]])
    with pytest.raises(QuantizationError, match="layer: an accumulator can exceed 32 bits"):
        [kernel for kernel in op.kernels if kernel.takes(site)][-1].lower(site)
