"""One way to say each thing."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.tensor import QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.div import Div
from edgeq.ops.exp import Exp
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.sub import Sub
from edgeq.passes.canonicalize import canonicalize

Q = QParams.per_tensor(0.5, 0)
RELU = (0.0, float("inf"))


@pytest.mark.parametrize(("op", "expected"), [(Sub(RELU), "Add"), (Div(RELU), "Mul")])
def test_arithmetic_with_constants(op: Sub | Div, expected: str) -> None:
    net = Net()
    graph = net.finish(net.add(op, net.input("x", 2, 3), net.const(3)))
    after = canonicalize(graph)
    assert kinds(after) == [expected]
    assert_same_float(graph, after)


def test_constant_minus_tensor_stays() -> None:
    net = Net()
    graph = net.finish(net.add(Sub(), net.const(3), net.input("x", 2, 3)))
    assert canonicalize(graph) is graph


def test_division_by_zero_stays() -> None:
    net = Net()
    graph = net.finish(net.add(Div(), net.input("x", 2), net.data([1.0, 0.0])))
    assert canonicalize(graph) is graph


def test_prescribed_parameters_keep_the_operator() -> None:
    net = Net()
    x = net.input("x", 2, q=Q)
    graph = net.finish(net.add(Sub(), x, net.data(np.array([1, 2], np.int8), Q), q=Q))
    assert canonicalize(graph) is graph


@pytest.mark.parametrize(("op", "value"), [(Add(), 0.0), (Mul(), 1.0)])
def test_neutral_elements(op: Add | Mul, value: float) -> None:
    net = Net()
    x = net.add(Exp(), net.input("x", 2, 3))
    graph = net.finish(net.add(op, net.data([value] * 3), x))
    after = canonicalize(graph)
    assert kinds(after) == ["Exp", "Reshape"]
    assert_same_float(graph, after)


def test_neutral_element_with_clamp() -> None:
    net = Net()
    graph = net.finish(net.add(Add(RELU), net.input("x", 2, 3), net.data([0.0])))
    after = canonicalize(graph)
    assert kinds(after) == ["Clip"]
    assert_same_float(graph, after)


def test_squares() -> None:
    net = Net()
    x = net.input("x", 4)
    graph = net.finish(net.add(Pow(2.0), x), net.add(Mul(), x, x))
    after = canonicalize(graph)
    assert kinds(after) == ["Square", "Square"]
    assert_same_float(graph, after)


def test_constant_matrix() -> None:
    net = Net()
    graph = net.finish(net.add(MatMul(), net.input("x", 2, 3, 4), net.const(4, 5)))
    after = canonicalize(graph)
    assert kinds(after) == ["FullyConnected"]
    assert_same_float(graph, after)


def test_quantized_constant_matrix() -> None:
    net = Net()
    w = net.data(net.rng.integers(-127, 128, (4, 3)).astype(np.int8), QParams.per_channel([1.0, 0.5, 0.25], 0, 1))
    graph = net.finish(net.add(MatMul(), net.input("x", 2, 4), w))
    after = canonicalize(graph)
    assert kinds(after) == ["FullyConnected"]
    assert after.type(str(after.nodes[0].inputs[1])).qp == QParams.per_channel([1.0, 0.5, 0.25], 0, 0)
    assert_same_float(graph, after)


def test_tensorflow_lite_rounds_the_two_products_differently() -> None:
    net = Net()
    net.edit.preferred = Numerics.TFLITE
    graph = net.finish(net.add(MatMul(), net.input("x", 2, 4), net.const(4, 5)))
    assert canonicalize(graph) is graph


@pytest.mark.parametrize(("kernel", "expected"), [((4, 3), "Mean"), ((4, 2), "AveragePool2D")])
def test_global_average(kernel: tuple[int, int], expected: str) -> None:
    net = Net()
    graph = net.finish(net.add(AveragePool2D(kernel), net.input("x", 1, 4, 3, 2)))
    after = canonicalize(graph)
    assert kinds(after) == [expected]
    assert_same_float(graph, after)
