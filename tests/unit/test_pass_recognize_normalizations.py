"""Normalizations spelled out in arithmetic are found again, however they are spelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.graph import Graph
from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops._normalize import Normalize
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.div import Div
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.instance_norm import InstanceNorm
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.maximum import Maximum
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reshape import Reshape
from edgeq.ops.rms_norm import RMSNorm
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.ops.transpose import Transpose
from edgeq.passes.pipeline import optimize_float
from edgeq.passes.recognize_normalizations import recognize_normalizations

Axes = tuple[int, ...]
EPS = 1e-5


def variance(net: Net, deviation: str, axes: Axes) -> str:
    return net.add(Add(), net.add(Mean(axes, True), net.add(Square(), deviation)), net.data(EPS))


def pytorch(net: Net, x: str, axes: Axes, *affine: str) -> str:
    """ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, Mul, Add."""
    d = net.add(Sub(), x, net.add(Mean(axes, True), x))
    y = net.add(Div(), d, net.add(Sqrt(), variance(net, d, axes)))
    return scaled(net, y, *affine)


def scaled(net: Net, y: str, *affine: str) -> str:
    for op, name in zip((Mul(), Add()), affine, strict=False):
        y = net.add(op, y, name)
    return y


def products(net: Net, x: str, axes: Axes, *affine: str) -> str:
    """With d · d, a sum, a reciprocal and constants first."""
    d = net.add(Sub(), x, net.add(Mean(axes, True), x))
    count = int(np.prod([net.edit.values[x].type.shape[a] for a in axes]))
    total = net.add(Mul(), net.add(Sum(axes, True), net.add(Mul(), d, d)), net.data(1.0 / count))
    root = net.add(Sqrt(), net.add(Add(), net.data([EPS]), total))
    y = net.add(Mul(), net.add(Pow(-1.0), root), d)
    for op, name in zip((Mul(), Add()), affine, strict=False):
        y = net.add(op, name, y)
    return y


def power(net: Net, x: str, axes: Axes, *affine: str) -> str:
    """With the exponent −1/2; deviations are computed twice."""
    d, again = (net.add(Sub(), x, net.add(Mean(axes, True), x)) for _ in range(2))
    return scaled(net, net.add(Mul(), again, net.add(Pow(-0.5), variance(net, d, axes))), *affine)


def tensorflow(net: Net, x: str, axes: Axes, *affine: str) -> str:
    """As `tf.nn.batch_normalization`: x · (γ / σ) + (β − mean · γ / σ)."""
    mean = net.add(Mean(axes, True), x)
    inverse = net.add(Rsqrt(), variance(net, net.add(Sub(), x, mean), axes))
    if affine:
        inverse = net.add(Mul(), inverse, affine[0])
    shift = net.add(Mul(), mean, inverse)
    offset = net.add(Sub(), affine[1] if len(affine) > 1 else net.data(0.0), shift)
    return net.add(Add(), net.add(Mul(), x, inverse), offset)


def moments(net: Net, x: str, axes: Axes, *affine: str) -> str:
    """The mean of squares less the square of the mean."""
    mean = net.add(Mean(axes, True), x)
    v = net.add(Sub(), net.add(Mean(axes, True), net.add(Square(), x)), net.add(Square(), mean))
    y = net.add(Mul(), net.add(Sub(), x, mean), net.add(Rsqrt(), net.add(Add(), v, net.data(EPS))))
    return scaled(net, y, *affine)


Spelling = Callable[..., str]
CENTRED: list[Spelling] = [pytorch, products, power, tensorflow, moments]


def normalizations(graph: Graph) -> list[Normalize]:
    return [n.op for n in graph.nodes if isinstance(n.op, Normalize)]


def epsilon_of(graph: Graph) -> float:
    (op,) = normalizations(graph)
    return op.epsilon


@pytest.mark.parametrize("spell", CENTRED)
@pytest.mark.parametrize("affine", [0, 1, 2])
def test_layer_norm(spell: Spelling, affine: int) -> None:
    net = Net()
    constants = [net.const(12) for _ in range(affine)]
    graph = net.finish(spell(net, net.input("x", 2, 5, 12), (2,), *constants))
    after = recognize_normalizations(graph)
    assert kinds(after) == ["LayerNorm"] and epsilon_of(after) == EPS
    assert after.nodes[0].op == LayerNorm(EPS, axis=2)
    assert [None if i is None else after.type(i).shape for i in after.nodes[0].inputs[1:]] in (
        [(12,)] * affine + [None] * (2 - affine),
        [(12,)] * affine,
    )
    assert_same_float(graph, after, 2e-4)


@pytest.mark.parametrize("spell", CENTRED)
def test_several_axes_with_an_element_wise_scale(spell: Spelling) -> None:
    net = Net()
    graph = net.finish(spell(net, net.input("x", 2, 3, 4, 5), (1, 2, 3), net.const(3, 4, 5), net.const(3, 4, 5)))
    after = recognize_normalizations(graph)
    assert [n.op for n in after.nodes] == [LayerNorm(EPS, axis=1)]
    assert_same_float(graph, after, 2e-4)


@pytest.mark.parametrize("spell", CENTRED)
@pytest.mark.parametrize(
    ("shape", "axes", "constants", "expected"),
    [
        ((2, 5, 4, 6), (1, 2), (6,), [InstanceNorm(EPS)]),
        ((2, 5, 4, 3, 6), (1, 2, 4), (1, 1, 1, 3, 6), [GroupNorm(EPS, groups=3)]),
        ((2, 6, 5, 4), (2, 3), (6, 1, 1), [InstanceNorm(EPS)]),
        ((2, 3, 2, 5, 4), (2, 3, 4), (3, 2, 1, 1), [GroupNorm(EPS, groups=3)]),
        ((1, 6, 5, 4), (1, 2, 3), (6, 1, 1), [GroupNorm(EPS, groups=1)]),
        ((1, 6, 5, 4), (1, 2, 3), (4,), [LayerNorm(EPS, axis=1)]),
        ((2, 6, 5, 4), (1,), (6, 1, 1), [LayerNorm(EPS, axis=3)]),
        ((2, 3, 8), (2,), (3, 8), [GroupNorm(EPS, groups=3)]),
        ((1, 7, 8, 1), (0, 2, 3), (8, 1), [LayerNorm(EPS, axis=2)]),
    ],
)
def test_of_channels(spell: Spelling, shape: Axes, axes: Axes, constants: Axes, expected: list[Op]) -> None:
    net = Net()
    graph = net.finish(spell(net, net.input("x", *shape), axes, net.const(*constants), net.const(*constants)))
    after = recognize_normalizations(graph)
    assert normalizations(after) == expected
    assert set(kinds(after)) <= {expected[0].kind, "Transpose", "Reshape"}
    assert_same_float(graph, after, 2e-4)


def test_a_scale_along_other_axes_stays_apart() -> None:
    net = Net()
    graph = net.finish(pytorch(net, net.input("x", 2, 5, 12), (2,), net.const(2, 1, 1), net.const(12)))
    after = recognize_normalizations(graph)
    assert kinds(after) == ["LayerNorm", "Mul", "Add"]
    assert_same_float(graph, after, 2e-4)


def rms(net: Net, x: str, *affine: str) -> str:
    square = net.add(Add(), net.add(Mean((2,), True), net.add(Square(), x)), net.data(EPS))
    return scaled(net, net.add(Mul(), x, net.add(Rsqrt(), square)), *affine)


def rms_divided(net: Net, x: str, *affine: str) -> str:
    square = net.add(Add(), net.add(Mean((2,), True), net.add(Mul(), x, x)), net.data(EPS))
    return scaled(net, net.add(Div(), x, net.add(Sqrt(), square)), *affine)


@pytest.mark.parametrize("spell", [rms, rms_divided])
def test_rms_norm(spell: Spelling) -> None:
    net = Net()
    graph = net.finish(spell(net, net.input("x", 2, 5, 12), net.const(12)))
    after = recognize_normalizations(graph)
    assert [n.op for n in after.nodes] == [RMSNorm(EPS, axis=2)]
    assert_same_float(graph, after, 2e-4)


def length_bounded(net: Net, x: str) -> str:
    """As PyTorch's `normalize`."""
    length = net.add(Sqrt(), net.add(Sum((2,), True), net.add(Square(), x)))
    return net.add(Div(), x, net.add(Clip(low=1e-3), length))


def square_bounded(net: Net, x: str) -> str:
    """As TensorFlow's `l2_normalize`."""
    total = net.add(Sum((2,), True), net.add(Square(), x))
    return net.add(Mul(), x, net.add(Rsqrt(), net.add(Maximum(), total, net.data(1e-6))))


@pytest.mark.parametrize("spell", [length_bounded, square_bounded])
def test_l2_norm(spell: Spelling) -> None:
    net = Net()
    graph = net.finish(spell(net, net.input("x", 2, 5, 12)))
    after = recognize_normalizations(graph)
    (op,) = normalizations(after)
    assert kinds(after) == ["L2Norm"] and isinstance(op, L2Norm)
    assert op.epsilon == pytest.approx(1e-3, rel=1e-6)
    assert_same_float(graph, after, 2e-4)


def test_an_addend_to_the_sum_of_squares() -> None:
    """√(Σx² + ε) = √n · √(mean + ε/n)."""
    net = Net()
    x = net.input("x", 2, 5, 16)
    total = net.add(Add(), net.add(Sum((2,), True), net.add(Square(), x)), net.data(1.6e-2))
    graph = net.finish(net.add(Div(), x, net.add(Sqrt(), total)))
    after = recognize_normalizations(graph)
    (op,) = normalizations(after)
    assert isinstance(op, RMSNorm) and op.epsilon == pytest.approx(1e-3)
    assert np.asarray(after.data(after.nodes[0].inputs[1])).item() == pytest.approx(1 / sqrt(16))
    assert_same_float(graph, after, 2e-4)


def test_a_standard_deviation_of_samples_with_its_epsilon_outside() -> None:
    """As `x.std()`: divided by n − 1."""
    net = Net()
    x = net.input("x", 2, 5, 16)
    d = net.add(Sub(), x, net.add(Mean((2,), True), x))
    square = net.add(Mul(), net.add(Mean((2,), True), net.add(Mul(), d, d)), net.data(16 / 15))
    size = net.add(Add(), net.add(Sqrt(), square), net.data(1e-6))
    graph = net.finish(scaled(net, net.add(Div(), net.add(Mul(), net.const(16), d), size), net.const(1), net.const(16)))
    after = recognize_normalizations(graph)
    assert [n.op for n in after.nodes] == [LayerNorm(1e-12, axis=2)]
    assert_same_float(graph, after, 2e-4)


def test_statistics_that_are_repeated() -> None:
    net = Net()
    x = net.input("x", 2, 5, 4)
    length = net.add(Clip(low=1e-12), net.add(Sqrt(), net.add(Sum((2,), True), net.add(Square(), x))))
    graph = net.finish(net.add(Div(), x, net.add(Concat(2), *[length] * 4)))
    after = recognize_normalizations(graph)
    assert [n.op for n in after.nodes] == [L2Norm(1e-12, axis=2)]
    assert_same_float(graph, after, 2e-4)


def test_the_statistics_may_be_read_elsewhere() -> None:
    net = Net()
    x = net.input("x", 2, 5, 12)
    mean = net.add(Mean((2,), True), x)
    d = net.add(Sub(), x, mean)
    y = net.add(Div(), d, net.add(Sqrt(), variance(net, d, (2,))))
    graph = net.finish(y, mean)
    after = recognize_normalizations(graph)
    assert sorted(kinds(after)) == ["LayerNorm", "Mean"]
    assert_same_float(graph, after, 2e-4)


def test_what_surrounds_it_stays() -> None:
    """A residual connection around, and an activation after it."""
    net = Net()
    x = net.input("x", 2, 5, 12)
    y = pytorch(net, net.add(Square(), x), (2,), net.const(12), net.const(12))
    graph = net.finish(net.add(Add(), net.add(Clip(0.0, 6.0), y), x))
    after = recognize_normalizations(graph)
    assert kinds(after) == ["Square", "LayerNorm", "Add"] and after.nodes[1].op.fused_clamp == (0.0, 6.0)
    assert_same_float(graph, after, 2e-4)


def test_a_scale_of_every_element_does_not_hide_an_activation() -> None:
    """With one set, any two results have a scale and a bias that fit them."""
    net = Net()
    y = pytorch(net, net.input("x", 1, 3, 4, 5), (1, 2, 3), net.const(3, 4, 5), net.const(3, 4, 5))
    graph = net.finish(net.add(Clip(0.0), y))
    after = recognize_normalizations(graph)
    assert [n.op for n in after.nodes] == [LayerNorm(EPS, (0.0, float("inf")), 1)]
    assert_same_float(graph, after, 2e-4)


@pytest.mark.parametrize("spell", [pytorch, tensorflow])
def test_a_fused_activation(spell: Spelling) -> None:
    """As TensorFlow Lite fuses it into the last addition; that may stay apart."""
    for along in ((12,), (2, 1, 1)):
        net = Net()
        spell(net, net.input("x", 2, 5, 12), (2,), net.const(12), net.const(*along))
        node = list(net.edit.nodes.values())[-1]
        net.edit.replace_node(node.name, replace(node, op=node.op.with_clamp((0.0, 1.5))))
        graph = net.finish(node.outputs[0])
        after = recognize_normalizations(graph)
        assert kinds(after) == (["LayerNorm"] if along == (12,) else ["LayerNorm", "Add"]), along
        assert after.nodes[-1].op.fused_clamp == (0.0, 1.5)
        assert_same_float(graph, after, 2e-4)


def test_pixels_that_were_moved_to_the_front() -> None:
    """As tf.keras writes layer normalization, by its fused batch normalization."""
    net = Net()
    x = net.add(Transpose((0, 2, 3, 1)), net.input("x", 1, 5, 12, 1))
    y = scaled(net, tensorflow(net, x, (0, 1, 2)), net.const(12, 1, 1), net.const(12, 1, 1))
    graph = net.finish(net.add(Transpose((0, 3, 1, 2)), y))
    after = optimize_float(graph)
    (op,) = normalizations(after)
    assert isinstance(op, LayerNorm) and set(kinds(after)) <= {"LayerNorm", "Reshape"}
    assert_same_float(graph, after, 2e-4)


def test_two_in_a_row() -> None:
    net = Net()
    x = net.input("x", 2, 5, 12)
    middle = net.add(Add(), pytorch(net, x, (2,), net.const(12), net.const(12)), x)
    graph = net.finish(tensorflow(net, middle, (2,), net.const(12), net.const(12)))
    after = recognize_normalizations(graph)
    assert kinds(after) == ["LayerNorm", "Add", "LayerNorm"]
    assert_same_float(graph, after, 2e-4)


def other_axes(net: Net, x: str) -> str:
    d = net.add(Sub(), x, net.add(Mean((1,), True), x))
    return net.add(Div(), d, net.add(Sqrt(), variance(net, d, (2,))))


def other_power(net: Net, x: str) -> str:
    d = net.add(Sub(), x, net.add(Mean((2,), True), x))
    return net.add(Div(), d, net.add(Sqrt(), net.add(Sqrt(), variance(net, d, (2,)))))


def other_divisor(net: Net, x: str) -> str:
    """The epsilon is outside of the root."""
    d = net.add(Sub(), x, net.add(Mean((2,), True), x))
    root = net.add(Sqrt(), net.add(Mean((2,), True), net.add(Square(), d)))
    return net.add(Div(), d, net.add(Add(), root, net.data(0.5)))


def prescribed(net: Net, x: str) -> str:
    """Inner values are held in 8 bits: the file says what is computed."""
    d = net.add(Sub(), x, net.add(Mean((2,), True), x), q=QParams.per_tensor(0.05, 0))
    return net.add(Div(), d, net.add(Sqrt(), variance(net, d, (2,))))


def with_other(net: Net, x: str) -> str:
    d = net.add(Sub(), x, net.add(Mean((2,), True), net.input("other", 2, 5, 12)))
    return net.add(Mul(), net.add(Rsqrt(), variance(net, net.add(Clip(-1.0, 1.0), d), (2,))), d)


@pytest.mark.parametrize("spell", [other_axes, other_power, other_divisor, with_other])
def test_other_arithmetic_stays(spell: Spelling) -> None:
    net = Net()
    graph = net.finish(spell(net, net.input("x", 2, 5, 12)))
    assert not any(
        isinstance(op, (LayerNorm, InstanceNorm, GroupNorm)) for op in normalizations(recognize_normalizations(graph))
    )


def test_what_a_file_prescribes_stays() -> None:
    net = Net()
    graph = net.finish(prescribed(net, net.input("x", 2, 5, 12)))
    after = recognize_normalizations(graph)
    assert kinds(after)[:2] == ["Mean", "Sub"] and after.type(after.nodes[1].outputs[0]).q is not None


@pytest.mark.parametrize("op", [Add(), Sub(), Mul(), Div()])
@pytest.mark.parametrize("first", [False, True])
def test_constants_after_it_become_its_own(op: Op, first: bool) -> None:
    net = Net()
    y = net.add(LayerNorm(EPS, axis=2), net.input("x", 2, 5, 12), net.const(12), net.const(12))
    operands = (net.const(12), y) if first else (y, net.const(1, 1, 12))
    graph = net.finish(net.add(op, *operands))
    after = recognize_normalizations(graph)
    assert kinds(after) == (["LayerNorm", "Div"] if first and isinstance(op, Div) else ["LayerNorm"])
    assert_same_float(graph, after)


def test_constants_behind_a_transpose_become_its_own() -> None:
    net = Net()
    x = net.add(Transpose((0, 2, 3, 1)), net.input("x", 2, 6, 5, 4))
    y = net.add(Transpose((0, 3, 1, 2)), net.add(GroupNorm(EPS, groups=2), x))
    graph = net.finish(net.add(Add(), net.add(Mul(), y, net.const(6, 1, 1)), net.const(1, 6, 1, 1)))
    after = recognize_normalizations(graph)
    assert kinds(after) == ["Transpose", "GroupNorm", "Transpose"]
    assert_same_float(graph, after)


def test_constants_of_other_axes_or_after_a_clamp_stay() -> None:
    for op, shape in ((LayerNorm(EPS, axis=2), (5, 1)), (LayerNorm(EPS, (0.0, 1.0), 2), (12,))):
        net = Net()
        y = net.add(op, net.input("x", 2, 5, 12))
        after = recognize_normalizations(net.finish(net.add(Mul(), y, net.const(*shape))))
        assert kinds(after) == ["LayerNorm", "Mul"]


def test_all_passes_leave_one_operator() -> None:
    """Group normalization of an image between convolutions' layouts: nothing but it, its activation fused."""
    net = Net()
    x = net.add(Transpose((0, 3, 1, 2)), net.input("x", 1, 5, 4, 6))
    grouped = net.add(Reshape((1, 3, 2, 5, 4)), x)
    y = pytorch(net, grouped, (2, 3, 4))
    y = net.add(Reshape((1, 6, 5, 4)), y)
    y = net.add(Clip(0.0), scaled(net, y, net.const(6, 1, 1), net.const(6, 1, 1)))
    graph = net.finish(net.add(Transpose((0, 2, 3, 1)), y))
    after = optimize_float(graph)
    assert [n.op for n in after.nodes if not isinstance(n.op, Reshape)] == [
        GroupNorm(EPS, (0.0, float("inf")), groups=3)
    ]
    assert_same_float(graph, after, 2e-4)
