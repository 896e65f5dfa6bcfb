"""Operators of two operands: how they walk, and what their integers are."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.errors import InternalError, QuantizationError
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops._addsub import fast_sum
from edgeq.ops._broadcast import MAX_RANK, broadcast_shapes, broadcast_strides, collapse, contiguous_strides
from edgeq.ops.add import Add
from edgeq.ops.div import Div, factor, quotient_litert
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.p_relu import PRelu
from edgeq.ops.sub import Sub

ALL = np.arange(-128, 128).astype(np.int8)
A, B = ALL[:, None], ALL[None, :]


def site(
    op: Op, a: QParams, b: QParams, y: QParams, numerics: Numerics = Numerics.FAST, const: Array | None = None
) -> Site:
    """A site of all pairs of int8 values; `const` makes the second operand constant."""
    types = (TensorType(A.shape, DType.INT8, a), TensorType(B.shape, DType.INT8, b))
    return Site("node", op, types, (TensorType((256, 256), DType.INT8, y),), (None, const), numerics)


def quantized(scale: float, zero_point: int) -> QParams:
    return QParams.per_tensor(scale, zero_point)


@st.composite
def broadcasts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast."""
    full = draw(st.lists(st.integers(1, 4), min_size=0, max_size=MAX_RANK))
    a, b = ([n if draw(st.booleans()) else 1 for n in full] for _ in range(2))
    return tuple(a[draw(st.integers(0, len(a))) :] if all(n == 1 for n in a) else a), tuple(b)


@settings(max_examples=200, deadline=None)
@given(broadcasts())
def test_a_collapsed_walk_reads_what_numpy_broadcasts(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    out = broadcast_shapes(shapes)
    shape, strides = collapse(out, [broadcast_strides(s, out) for s in shapes])
    assert len(shape) == MAX_RANK
    for own, stride in zip(shapes, strides, strict=True):
        data = np.arange(int(np.prod(own)), dtype=np.int64)
        indices = sum(
            (np.arange(n) * s).reshape(-1, *(1,) * (MAX_RANK - 1 - d))
            for d, (n, s) in enumerate(zip(shape, stride, strict=True))
        )
        expected = np.broadcast_to(data.reshape(own), out).ravel()
        assert np.array_equal(data[np.broadcast_to(indices, shape).ravel()], expected)


def test_equal_shapes_collapse_to_one_row() -> None:
    strides = contiguous_strides((2, 3, 4, 5))
    assert collapse((2, 3, 4, 5), [strides, strides])[0] == (1, 1, 1, 1, 1, 120)


def test_messages_about_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(4,\) do not broadcast"):
        Add().out_shapes([(2, 3), (4,)])
    with pytest.raises(ValueError, match="7 dimensions are too many"):
        Mul().out_shapes([(1,) * 7, (3,)])
    with pytest.raises(ValueError, match=r"slopes of shape \(2, 3\) do not broadcast to the input's shape \(3,\)"):
        PRelu().out_shapes([(3,), (2, 3)])


@pytest.mark.parametrize("op", [Add(), Sub()])
@pytest.mark.parametrize(("sa", "sb", "sy"), [(0.1, 0.1, 0.2), (0.03, 0.5, 0.4), (0.001, 0.7, 0.01), (1e-4, 2e-4, 1.0)])
def test_fast_sum_is_within_a_rounding(op: Add | Sub, sa: float, sb: float, sy: float) -> None:
    s = site(op, quantized(sa, -128), quantized(sb, 127), quantized(sy, 5))
    real = op.run_float([s.input(0).qp.dequantize(A), s.input(1).qp.dequantize(B)])[0]
    (q,) = op.run_int(s, [A, B])
    exact = np.clip(real.astype(np.float64) / s.outputs[0].qp.s + 5, -128, 127)
    factors = 2 * 255 * 2.0 ** -(fast_sum(s).shift + 1)  # each factor is off by half a unit at most
    assert np.abs(q - exact).max() < 0.51 + factors


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(*(st.floats(1e-6, 1e2) for _ in range(3))),
    st.tuples(*(st.integers(-128, 127) for _ in range(3))),
    st.sampled_from([Add(), Sub()]),
)
def test_fast_sum_never_leaves_32_bits(
    scales: tuple[float, float, float], zeros: tuple[int, int, int], op: Add | Sub
) -> None:
    s = site(op, *(quantized(scale, zero) for scale, zero in zip(scales, zeros, strict=True)))
    try:
        c = fast_sum(s)
    except QuantizationError:
        assert max(scales[:2]) / scales[2] > 32767
        return
    assert max(map(abs, c.factors)) <= 32767
    for a in (-128, 127):
        for b in (-128, 127):
            partial = [a * c.factors[0], b * c.factors[1]]
            sums = [*partial, sum(partial), partial[0] + c.offset, partial[1] + c.offset, sum(partial) + c.offset]
            assert all(-(2**31) <= v < 2**31 for v in sums)


def test_a_sum_whose_output_is_too_fine_is_refused() -> None:
    with pytest.raises(QuantizationError, match="too large for the output's"):
        Add().run_int(site(Add(), quantized(1.0, 0), quantized(1.0, 0), quantized(1e-5, 0)), [A, B])


def test_subtraction_is_not_symmetric() -> None:
    q = quantized(0.5, 0)
    for numerics in Numerics:
        (y,) = Sub().run_int(site(Sub(), q, q, q, numerics), [A, B])
        assert (y[128 + 9, 128 + 4], y[128 + 4, 128 + 9]) == (5, -5)


def test_products_in_both_numerics_differ_by_a_rounding() -> None:
    a, b, y = quantized(0.021, 3), quantized(0.013, -7), quantized(0.05, -90)
    results = [Mul().run_int(site(Mul(), a, b, y, n), [A, B])[0].astype(int) for n in Numerics]
    assert np.abs(results[0] - results[1]).max() == 1
    assert np.array_equal(results[1], results[2])


@pytest.mark.parametrize(
    ("sa", "sb", "sy"), [(0.02, 0.03, 0.04), (1e-6, 1.0, 1e-4), (5.0, 1e-7, 1.0), (1e-9, 1.0, 1.0)]
)
def test_fast_division_is_exact(sa: float, sb: float, sy: float) -> None:
    s = site(Div(), quantized(sa, 7), quantized(sb, -100), quantized(sy, -20))
    (q,) = Div().run_int(s, [A, B])
    mantissa, shift = factor(s)
    for a in (-128, -3, 6, 7, 8, 127):
        for b in (-128, -101, -99, 0, 127):
            exact = Fraction((a - 7) * mantissa, (b + 100) * 2**shift)
            assert q[a + 128, b + 128] == min(max(floor(exact + Fraction(1, 2)) - 20, -128), 127)


@pytest.mark.parametrize("numerics", Numerics)
def test_division_by_zero_saturates(numerics: Numerics) -> None:
    (q,) = Div().run_int(site(Div(), quantized(0.1, 3), quantized(0.1, 9), quantized(0.1, -5), numerics), [A, B])
    column = q[:, 128 + 9]
    assert set(column[: 128 + 3]) == {-128}
    assert column[128 + 3] == -5
    assert set(column[128 + 4 :]) == {127}


def test_litert_division_rounds_to_nearest_where_its_shifts_are_defined() -> None:
    numerator, denominator = np.arange(50, 200), np.arange(200, 50, -1)
    found = quotient_litert(numerator, denominator, 1 << 30, 6)  # times 32
    assert np.abs(found - 32 * numerator / denominator).max() <= 0.51


def test_prelu_uses_two_factors() -> None:
    op = PRelu()
    s = site(op, quantized(0.1, 0), quantized(0.01, 0), quantized(0.1, 0))
    (q,) = op.run_int(s, [A, B])
    assert np.array_equal(q[128:], np.broadcast_to(A[128:], (128, 256)))
    assert q[128 - 100, 128 + 50] == -50  # −10 · 0.5 = −5


@pytest.mark.parametrize(("op", "expected"), [(Minimum(), np.minimum), (Maximum(), np.maximum)])
def test_a_constant_operand_is_brought_to_the_common_scale(op: Op, expected: np.ufunc) -> None:
    common, other = quantized(0.1, 0), quantized(0.05, 20)
    s = site(op, common, other, common, const=B)
    (q,) = op.run_int(s, [A, B])
    assert np.array_equal(q, expected(A, common.quantize(other.dequantize(B), DType.INT8)))
    assert np.array_equal(op.kernels[1].lower(s)["constant"], common.quantize(other.dequantize(B), DType.INT8).ravel())


def test_computed_operands_of_other_scales_are_a_defect() -> None:
    s = site(Minimum(), quantized(0.1, 0), quantized(0.2, 0), quantized(0.1, 0))
    with pytest.raises(InternalError, match="Minimum got an input"):
        Minimum().run_int(s, [A, B])
