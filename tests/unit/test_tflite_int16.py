"""Files with activations of 16 bits: what is taken, what is refused, and that types go with parameters."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams
from edgeq.ir.text import parse_graph, print_graph
from edgeq.numerics.fixedpoint import Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.litert16 import interpolate, reciprocal_curve, sigmoid_table
from edgeq.quantize import quantize
from edgeq.simulator import IntExecutor

RNG = np.random.default_rng(168)
SCALES = (4 / 32768, 0.01, 12 / 32768)
"""Of input, weights and output."""
WEIGHTS = RNG.integers(-127, 128, (5, 30)).astype(np.int8)


def layer(bias_type: str = "INT64", bias: int = 5000, zero: int = 0) -> bytes:
    """A fully connected layer."""
    x = Tensor("x", (2, 30), "INT16", scale=SCALES[0], zero=zero)
    w = Tensor("w", (5, 30), "INT8", WEIGHTS, SCALES[1])
    b = Tensor("b", (5,), bias_type, np.full(5, bias), SCALES[0] * SCALES[1])
    y = Tensor("y", (2, 5), "INT16", scale=SCALES[2])
    op = Operator("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", {"FusedActivationFunction": 1})
    return build([x, w, b, y], [op], [0], [3])


def integers(content: bytes, numerics: Numerics) -> Graph:
    return quantize(import_bytes(content, "net"), None, numerics=numerics)


def test_the_multiplier_of_16_bits_is_that_of_31_with_zeros_below() -> None:
    factors = np.array([0.9999999, 0.5, 0.3, 2.0**-20, 1e-12, 77.7, 0.0])
    reduced = quantize_multiplier(factors, Rounding.REDUCED)
    assert (reduced.mantissa & 0xFFFF == 0).all()
    acc = RNG.integers(-(2**40), 2**40, (1000, len(factors)))
    upper = reduced.mantissa.astype(np.int64) >> 16
    total = 15 - reduced.shift.astype(np.int64)
    expected = np.array(
        [
            [(int(a) * int(m) + (1 << (int(s) - 1))) >> int(s) for a, m, s in zip(row, upper, total, strict=True)]
            for row in acc
        ]
    )
    np.testing.assert_array_equal(multiply(acc, reduced, Rounding.REDUCED), expected)


def test_the_same_file_in_each_arithmetic() -> None:
    x = RNG.integers(-32768, 32768, (2, 30)).astype(np.int16)
    real = np.maximum(SCALES[0] * x @ (SCALES[1] * WEIGHTS.T) + 5000 * SCALES[0] * SCALES[1], 0.0)
    exact = np.minimum(real / SCALES[2], 32767)
    for numerics, steps in ((Numerics.FAST, 0.51), (Numerics.TFLITE, 0.51), (Numerics.TFLM, 1.6)):
        graph = integers(layer(), numerics)
        assert graph.type("x").dtype is graph.type("y").dtype is DType.INT16
        assert graph.type("y").q == QParams.per_tensor(SCALES[2], 0)
        y = IntExecutor(graph).run({"x": x})["y"]
        assert y.dtype == np.int16 and np.abs(y - exact).max() <= steps
    assert import_bytes(layer(), "net").preferred is Numerics.TFLITE


def test_a_bias_beyond_32_bits_stays_what_it_is() -> None:
    long, short = (integers(layer(bias=b), Numerics.TFLITE) for b in (3 * 2**31, 5000))
    assert [g.type(str(g.nodes[0].inputs[2])).dtype for g in (long, short)] == [DType.INT64, DType.INT32]
    y = IntExecutor(long).run({"x": np.zeros((2, 30), np.int16)})["y"]
    assert (y == round(min(3 * 2**31 * SCALES[0] * SCALES[1] / SCALES[2], 32767))).all()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (layer("INT32"), "its bias 'b' is INT32, not int64"),
        (layer(zero=5), "tensor 'x' is INT16 with scale 0.0001220703125 and zero-point 5"),
    ],
)
def test_what_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        import_bytes(content, "net")


@pytest.mark.parametrize("by_shifts", [True, False])
def test_sums_of_powers_of_two(by_shifts: bool) -> None:
    tensors = [Tensor(name, (4,), "INT16", scale=2.0**-k) for name, k in (("a", 10), ("b", 12), ("y", 10))]
    op = Operator("ADD", [0, 1], [2], "AddOptions", {"FusedActivationFunction": 0, "PotScaleInt16": by_shifts})
    content = build(tensors, [op], [0, 1], [2])
    if by_shifts:
        with pytest.raises(ModelError, match="whose scales are powers of two by shifts"):
            import_bytes(content, "net")
        return
    a = np.array([1, -2, 300, 32767], np.int16)
    y = IntExecutor(integers(content, Numerics.TFLITE)).run({"a": a, "b": np.full(4, 6, np.int16)})["y"]
    np.testing.assert_array_equal(y, [3, -1, 302, 32767])


def test_types_go_with_parameters_as_text() -> None:
    graph = import_bytes(layer(), "net")
    q = graph.type("y").q
    assert q is not None and q.integers is DType.INT16 and q.bare.stored is None
    text = print_graph(graph)
    assert "q(0.0001220703125, 0, int16)" in text
    constants = {name: value.data for name, value in graph.values.items() if value.data is not None}
    assert print_graph(parse_graph(text, constants)) == text


def test_tables_of_litert() -> None:
    table = sigmoid_table()
    assert (table[0], table[1], table[-1]) == (32768, 33451, 65535) and (np.diff(table.astype(int)) >= 0).all()
    halves = interpolate(reciprocal_curve(), np.arange(-32768, 32768))
    exact = 32767.5 / (1 + np.arange(65536) / 65535)
    assert np.abs(halves - exact).max() < 2.0
