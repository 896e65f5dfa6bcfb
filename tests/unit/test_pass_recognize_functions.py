"""Functions spelled out in arithmetic are found again, however they are spelled."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.div import Div
from edgeq.ops.erf import Erf
from edgeq.ops.exp import Exp
from edgeq.ops.gelu import Gelu
from edgeq.ops.hard_sigmoid import HardSigmoid
from edgeq.ops.hard_swish import HardSwish
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.tanh import Tanh
from edgeq.passes.recognize_functions import recognize_functions


def hard_sigmoid(net: Net, x: str) -> str:
    gate = net.add(Clip(0.0, 6.0), net.add(Add(), x, net.data(3.0)))
    return net.add(Div(), gate, net.data(6.0))


def hard_sigmoid_min_max(net: Net, x: str) -> str:
    line = net.add(Add(), net.add(Mul(), x, net.data(0.2)), net.data(0.5))
    return net.add(Maximum(), net.data(0.0), net.add(Minimum(), line, net.data(1.0)))


def hard_swish_outside(net: Net, x: str) -> str:
    gate = net.add(Add((0.0, 6.0)), net.data([3.0]), x)
    return net.add(Mul(), net.add(Mul(), x, gate), net.data(1 / 6))


def hard_swish_inside(net: Net, x: str) -> str:
    return net.add(Mul(), hard_sigmoid(net, x), x)


def hard_swish_gate(net: Net, x: str) -> str:
    return net.add(Mul(), x, net.add(HardSigmoid(1 / 6, 0.5), x))


def gelu_exact(net: Net, x: str) -> str:
    inner = net.add(Erf(), net.add(Div(), x, net.data(sqrt(2))))
    return net.add(Mul(), net.add(Mul(), x, net.add(Add(), inner, net.data(1.0))), net.data(0.5))


def gelu_halved_first(net: Net, x: str) -> str:
    inner = net.add(Erf(), net.add(Mul(), x, net.data(sqrt(0.5))))
    return net.add(Mul(), net.add(Mul(), net.data(0.5), x), net.add(Add(), net.data(1.0), inner))


def gelu_tanh(net: Net, x: str) -> str:
    cubic = net.add(Mul(), net.add(Pow(3.0), x), net.data(0.044715))
    inner = net.add(Tanh(), net.add(Mul(), net.add(Add(), x, cubic), net.data(sqrt(2 / pi))))
    return net.add(Mul(), net.add(Mul(), x, net.data(0.5)), net.add(Add(), inner, net.data(1.0)))


@pytest.mark.parametrize(
    ("spell", "op"),
    [
        (hard_sigmoid, HardSigmoid(1 / 6, 0.5)),
        (hard_sigmoid_min_max, HardSigmoid(0.2, 0.5)),
        (hard_swish_outside, HardSwish()),
        (hard_swish_inside, HardSwish()),
        (hard_swish_gate, HardSwish()),
        (gelu_exact, Gelu(False)),
        (gelu_halved_first, Gelu(False)),
        (gelu_tanh, Gelu(True)),
    ],
)
def test_spelled_functions(spell: Callable[[Net, str], str], op: Op) -> None:
    net = Net()
    x = net.add(Mul(), net.input("x", 1, 5, 3), net.data(2.0))
    graph = net.finish(net.add(Exp(), spell(net, x)))
    after = recognize_functions(graph)
    assert [n.op for n in after.nodes] == [Mul(), op, Exp()]
    assert_same_float(graph, after, 1e-4)


def test_swish_stays_two_operators() -> None:
    net = Net()
    x = net.input("x", 4)
    graph = net.finish(net.add(Mul(), x, net.add(Sigmoid(), x)))
    assert recognize_functions(graph) is graph


def test_a_value_read_elsewhere_stays() -> None:
    net = Net()
    x = net.input("x", 4)
    gate = net.add(HardSigmoid(1 / 6, 0.5), x)
    graph = net.finish(net.add(Mul(), x, gate), gate)
    assert recognize_functions(graph) is graph


def test_prescribed_parameters_stay() -> None:
    net = Net()
    x = net.input("x", 4)
    gate = net.add(HardSigmoid(1 / 6, 0.5), x, q=QParams.per_tensor(1 / 256, -128))
    graph = net.finish(net.add(Mul(), x, gate))
    assert recognize_functions(graph) is graph


def test_two_different_tensors_are_no_function() -> None:
    net = Net()
    graph = net.finish(net.add(Mul(), net.input("x", 4), net.add(HardSigmoid(1 / 6, 0.5), net.input("z", 4))))
    assert kinds(recognize_functions(graph)) == kinds(graph)
