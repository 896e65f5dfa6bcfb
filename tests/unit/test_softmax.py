"""Softmax and its logarithm."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import QuantizationError
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.kernels.choice import Wanted
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops import log_softmax, softmax
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.softmax import Softmax, output_factor


def site(
    op: Softmax | LogSoftmax,
    shape: tuple[int, ...],
    scale: float,
    q: QParams | None = None,
    numerics: Numerics = Numerics.FAST,
) -> Site:
    """A site of an operator whose input has zero-point 3."""
    default = softmax.OUTPUT if isinstance(op, Softmax) else log_softmax.OUTPUT
    x = TensorType(shape, DType.INT8, QParams.per_tensor(scale, 3))
    return Site("node", op, (x,), (TensorType(shape, DType.INT8, q or default),), (None,), numerics)


def error(s: Site, x: Array) -> float:
    """Greatest distance from the exact result, in steps of the output."""
    (q,) = s.op.run_int(s, [x])
    (real,) = s.op.run_float([s.input(0).qp.dequantize(x).astype(np.float64)])
    y = s.outputs[0].qp
    return float(np.abs(q - np.clip(real / y.s + y.zp, -128, 127)).max())


def rows(columns: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(-128, 128, (50, columns)).astype(np.int8)


@pytest.mark.parametrize("op", [Softmax(1), LogSoftmax(1)])
@pytest.mark.parametrize("scale", [0.001, 0.02, 0.1, 0.7, 3.0, 200.0])
@pytest.mark.parametrize("columns", [1, 2, 10, 333])
@pytest.mark.parametrize("numerics", Numerics)
def test_error(op: Softmax | LogSoftmax, scale: float, columns: int, numerics: Numerics) -> None:
    """FAST is within a rounding; TensorFlow Lite's own arithmetic, which the vectors pin down, within a step."""
    s = site(op, (50, columns), scale, numerics=numerics)
    if numerics is Numerics.FAST:
        assert error(s, rows(columns)) < 0.51
    elif scale < 30:  # beyond, its 5 integer bits hold no difference but 0
        assert error(s, rows(columns)) <= 1.0


@pytest.mark.parametrize("columns", [5000, 65535])
def test_long_rows(columns: int) -> None:
    """Fifteen fraction bits make small exponentials coarse; the quotient stays within two steps."""
    assert error(site(Softmax(1), (50, columns), 0.01), rows(columns)) < 0.6


@pytest.mark.parametrize(("columns", "numerics"), [(65536, Numerics.FAST), (4096, Numerics.TFLITE)])
@pytest.mark.parametrize("op", [Softmax(1), LogSoftmax(1)])
def test_too_long_rows_are_refused(op: Softmax | LogSoftmax, columns: int, numerics: Numerics) -> None:
    with pytest.raises(QuantizationError, match=f"over {columns} values is too long"):
        op.run_int(site(op, (1, columns), 0.1, numerics=numerics), [np.zeros((1, columns), np.int8)])


def test_the_usual_output_has_the_plain_factor() -> None:
    assert output_factor(site(Softmax(1), (1, 1000), 0.1)) == (256, 0)


@pytest.mark.parametrize(
    "q", [QParams.per_tensor(1 / 255, -128), QParams.per_tensor(0.0041, -10), QParams.per_tensor(0.5, 0)]
)
@pytest.mark.parametrize("columns", [1, 10, 1001])
@pytest.mark.parametrize("numerics", Numerics)
def test_softmax_into_another_scale(q: QParams, columns: int, numerics: Numerics) -> None:
    s = site(Softmax(1), (50, columns), 0.1, q, numerics)
    factor, shift = output_factor(s)
    assert factor <= 2**16 and columns * 2 ** (15 + shift) <= 2**31
    assert error(s, rows(columns)) < 0.52


@pytest.mark.parametrize(
    "q", [QParams.per_tensor(0.05, 127), QParams.per_tensor(0.3, 0), QParams.per_tensor(1 / 64, 127)]
)
@pytest.mark.parametrize("numerics", Numerics)
def test_log_softmax_into_another_scale(q: QParams, numerics: Numerics) -> None:
    assert error(site(LogSoftmax(1), (50, 10), 0.1, q, numerics), rows(10)) < 0.52


@pytest.mark.parametrize(("columns", "scale"), [(300, 2.0**-16), (1000, 6e-6), (20000, 2e-7)])
def test_softmax_of_nearly_equal_values_is_not_coarse(columns: int, scale: float) -> None:
    s = site(Softmax(1), (50, columns), 0.002, QParams.per_tensor(scale, -128))
    x = rows(columns)
    (q,) = s.op.run_int(s, [x])
    assert len(np.unique(q)) > 50
    assert softmax.exponential_bits(s) < 15 or scale == 2.0**-16
    assert output_factor(s)[0] <= 2 ** (31 - softmax.exponential_bits(s))
    assert error(s, x) < 0.52 + 0.6 * 2.0 ** (8 - softmax.exponential_bits(s))  # exponentials are rounded, too


@pytest.mark.parametrize("op", [Softmax(1), LogSoftmax(1)])
def test_an_output_scale_beyond_32_bits_is_refused(op: Softmax | LogSoftmax) -> None:
    with pytest.raises(QuantizationError, match="output is too small"):
        op.run_int(site(op, (1, 4), 0.1, QParams.per_tensor(1e-8, 0)), [np.zeros((1, 4), np.int8)])


@pytest.mark.parametrize("numerics", Numerics)
def test_any_axis(numerics: Numerics) -> None:
    x = np.random.default_rng(1).integers(-128, 128, (2, 3, 5)).astype(np.int8)
    (moved,) = Softmax(1).run_int(site(Softmax(1), x.shape, 0.1, numerics=numerics), [x])
    turned = x.transpose(0, 2, 1)
    (last,) = Softmax(2).run_int(site(Softmax(2), turned.shape, 0.1, numerics=numerics), [turned])
    assert np.array_equal(moved, last.transpose(0, 2, 1))
    assert Wanted(library="cmsis-nn").choose(site(Softmax(1), x.shape, 0.1)) is None


def test_messages() -> None:
    with pytest.raises(ValueError, match=r"axis 2 does not exist in shape \(3, 4\)"):
        Softmax(2).out_shapes([(3, 4)])
