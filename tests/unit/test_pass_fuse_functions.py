"""What several nodes make of each element of one tensor becomes one function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.exporters.qdq import to_qdq
from edgeq.ir.tensor import QParams
from edgeq.ops.abs import Abs
from edgeq.ops.add import Add
from edgeq.ops.div import Div
from edgeq.ops.exp import Exp
from edgeq.ops.function import Function, substituted, walk
from edgeq.ops.hard_sigmoid import HardSigmoid
from edgeq.ops.log import Log
from edgeq.ops.mul import Mul
from edgeq.ops.p_relu import PRelu
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.sub import Sub
from edgeq.ops.tanh import Tanh
from edgeq.passes.fuse_functions import fuse_functions
from edgeq.quantize import quantize
from edgeq.simulator import run_int


def silu(net: Net, x: str) -> str:
    return net.add(Mul(), x, net.add(Sigmoid(), x))


def keras_hard_silu(net: Net, x: str) -> str:
    return net.add(Mul(), net.add(HardSigmoid(0.2, 0.5), x), x)


def mish(net: Net, x: str) -> str:
    softplus = net.add(Log(), net.add(Add(), net.add(Exp(), x), net.data(1.0)))
    return net.add(Mul(), x, net.add(Tanh(), softplus))


def softsign(net: Net, x: str) -> str:
    return net.add(Div(), x, net.add(Add(), net.data([1.0]), net.add(Abs(), x)))


def cube(net: Net, x: str) -> str:
    return net.add(Mul(), net.add(Mul(), x, x), x)


def line(net: Net, x: str) -> str:
    return net.add(Add((0.0, float("inf"))), net.add(Mul(), x, net.data(-1.5)), net.data(0.3))


def rectified(net: Net, x: str) -> str:
    return net.add(PRelu(), net.add(Sub(), net.data(1.0), x), net.data(0.1))


@pytest.mark.parametrize(
    "spell", [silu, keras_hard_silu, mish, softsign, cube, line, rectified], ids=lambda s: s.__name__
)
def test_one_function(spell: Callable[[Net, str], str]) -> None:
    net = Net()
    graph = net.finish(spell(net, net.input("x", 1, 5, 4, 3)))
    after = fuse_functions(graph)
    assert kinds(after) == ["Function"]
    assert after.outputs == graph.outputs
    assert_same_float(graph, after)


def test_functions_of_functions_are_one() -> None:
    net = Net()
    x = net.input("x", 7)
    graph = net.finish(net.add(Mul(), net.add(Function("Mul(x, Sigmoid(x))"), net.add(Tanh(), x)), net.data(2.0)))
    after = fuse_functions(graph)
    assert [n.op for n in after.nodes] == [Function("Mul(Mul(Tanh(x), Sigmoid(Tanh(x))), 2.0)")]
    assert_same_float(graph, after)


def test_several_tensors_and_constants_of_several_numbers_stay() -> None:
    net = Net()
    x, z = net.input("x", 2, 3), net.input("z", 2, 3)
    gated = net.add(Mul(), net.add(Tanh(), x), net.add(Sigmoid(), z))
    scaled = net.add(Mul(), net.add(Tanh(), z), net.const(3))
    spread = net.add(Mul(), net.add(Tanh(), net.input("one", 1, 3)), x)
    graph = net.finish(gated, scaled, spread)
    assert fuse_functions(graph) is graph


def test_what_others_read_or_prescribe_stays() -> None:
    net = Net()
    x = net.input("x", 2, 3)
    gate = net.add(Sigmoid(), x)
    held = net.add(Tanh(), net.add(Exp(), x, q=QParams.per_tensor(0.1, 0)))
    graph = net.finish(net.add(Mul(), x, gate), gate, held)
    assert fuse_functions(graph) is graph


def test_a_table_is_exact() -> None:
    """One table entry per integer, each rounded once."""
    net = Net()
    graph = fuse_functions(net.finish(silu(net, net.input("x", 1, 256))))
    x = np.linspace(-8, 8, 256, dtype=np.float32)[None]
    integer = quantize(graph, [{"x": x}])
    (name,) = integer.outputs
    q, p = integer.type("x").qp, integer.type(name).qp
    every = np.arange(-128, 128, dtype=np.int8)[None]
    real = (every.astype(np.float64) - q.zp) * q.s
    expected = np.clip(np.rint(real / (1 + np.exp(-real)) / p.s) + p.zp, -128, 127)
    np.testing.assert_array_equal(run_int(integer, {"x": every})[name], expected)


@pytest.mark.parametrize(
    "expression", ["Mul(x", "Conv2D(x)", "Add(x, y)", "Clip(x, low='a')", "x.real", "Pow(x)", "Nothing(x)"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        Function(expression).out_shapes([(3,)])


def test_expressions() -> None:
    assert substituted("Mul(x, Sigmoid(x))", "Add(x, 1.0)") == "Mul(Add(x, 1.0), Sigmoid(Add(x, 1.0)))"
    op = Function("Clip(Mul(x, -2.0), low=-1.0, high=inf)")
    np.testing.assert_array_equal(op.run_float([np.array([1.0, -3.0], np.float32)])[0], [-1.0, 6.0])
    parts = walk(op.expression, "x", str, lambda part, operands: f"{part.kind}<{','.join(operands)}>")
    assert parts == "Clip<Mul<x,-2.0>>"


def test_in_onnx_it_is_spelled_out_again() -> None:
    net = Net()
    x = net.input("x", 1, 4)
    graph = net.finish(mish(net, x), line(net, x))
    integer = quantize(fuse_functions(graph), [{"x": np.linspace(-3, 3, 4, dtype=np.float32)[None]}])
    found = [n.op_type for n in to_qdq(integer).graph.node if not n.op_type.endswith("Linear")]
    assert sorted(found) == ["Add", "Add", "Clip", "Exp", "Log", "Mul", "Mul", "Tanh"]


def test_beyond_the_overflow_of_a_part() -> None:
    op = Function("Mul(x, Tanh(Log(Add(Exp(x), 1.0))))")
    x = np.array([-200.0, 0.0, 200.0, 1000.0], np.float32)
    np.testing.assert_allclose(op.run_float([x])[0], [0.0, 0.0, 200.0, 1000.0], atol=1e-6)
