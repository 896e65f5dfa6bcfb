"""Activations and padding vanish into the operators beside them."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import IntNet, Net, assert_same_float, assert_same_int, kinds

from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.exp import Exp
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.neg import Neg
from edgeq.ops.pad import Pad
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.softmax import Softmax
from edgeq.ops.sub import Sub
from edgeq.passes.fuse_activations import both, fuse_activations
from edgeq.passes.fuse_pad import fuse_pad

INF = float("inf")
RELU = Clip(0.0, INF)
Q, OTHER = QParams.per_tensor(0.1, -128), QParams.per_tensor(0.2, -128)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((-INF, INF), (0.0, 6.0), (0.0, 6.0)),
        ((0.0, INF), (-INF, 6.0), (0.0, 6.0)),
        ((-1.0, 1.0), (2.0, 3.0), (2.0, 2.0)),
        ((5.0, 9.0), (0.0, 6.0), (5.0, 6.0)),
    ],
)
def test_clamps_compose(first: tuple[float, float], second: tuple[float, float], expected: tuple[float, float]) -> None:
    assert both(first, second) == expected


def test_clips_fuse_upwards() -> None:
    net = Net()
    y = net.add(Conv2D(), net.input("x", 1, 3, 3, 2), net.const(4, 1, 1, 2), name="conv")
    graph = net.finish(net.add(Clip(-1.0, 6.0), net.add(RELU, y), name="y"))
    after = fuse_activations(graph)
    assert kinds(after) == ["Conv2D"] and after.nodes[0].op == Conv2D(clamp=(0.0, 6.0))
    assert (after.nodes[0].name, after.nodes[0].outputs) == ("conv", ("y",))
    assert_same_float(graph, after)


def test_clip_of_clip() -> None:
    net = Net()
    graph = net.finish(net.add(Clip(-1.0, 6.0), net.add(RELU, net.input("x", 4))))
    after = fuse_activations(graph)
    assert [n.op for n in after.nodes] == [Clip(0.0, 6.0)]
    assert_same_float(graph, after)


@pytest.mark.parametrize(
    ("mid", "out", "fused"), [(None, Q, True), (Q, None, True), (Q, Q, True), (Q, OTHER, False), (None, None, True)]
)
def test_only_where_parameters_allow(mid: QParams | None, out: QParams | None, fused: bool) -> None:
    net = Net()
    x = net.input("x", 1, 3, 3, 2)
    graph = net.finish(net.add(RELU, net.add(Add(), x, x, q=mid), q=out))
    after = fuse_activations(graph)
    assert kinds(after) == (["Add"] if fused else ["Add", "Clip"])
    if fused:
        assert after.type(after.outputs[0]).q == (mid or out)


def test_not_under_two_readers_and_not_into_every_operator() -> None:
    net = Net()
    x = net.input("x", 1, 3, 3, 2)
    y = net.add(Add(), x, x)
    graph = net.finish(net.add(RELU, y), y, net.add(RELU, net.add(Exp(), x)))
    assert fuse_activations(graph) is graph


def test_a_clip_of_joined_tensors_is_one_of_each() -> None:
    net = Net()
    x = net.input("x", 1, 3, 3, 2)
    parts = [net.add(Conv2D(), x, net.const(c, 1, 1, 2), None) for c in (2, 3)]
    graph = net.finish(net.add(RELU, net.add(Concat(3), *parts)))
    after = fuse_activations(graph)
    assert kinds(after) == ["Conv2D", "Conv2D", "Concat"]
    assert {n.op.fused_clamp for n in after.nodes[:2]} == {(0.0, INF)}
    assert_same_float(graph, after)


def test_a_clip_stays_where_a_part_cannot_clamp_or_is_read_elsewhere() -> None:
    net = Net()
    x = net.input("x", 1, 3, 3, 2)
    conv, other = (net.add(Conv2D(), x, net.const(2, 1, 1, 2), None) for _ in range(2))
    graph = net.finish(
        net.add(RELU, net.add(Concat(3), conv, net.add(Exp(), x))),
        net.add(RELU, net.add(Concat(3), other, other)),
        net.add(Exp(), conv),
    )
    assert fuse_activations(graph) is graph


def test_integers_stay_the_same() -> None:
    net = IntNet()
    x = net.input("x", 1, 4, 4, 3)
    w = net.weights((5, 3, 3, 3))
    y = net.add(Conv2D(), x, w, net.bias(x, w, range(5)), scale=0.02, zero=-7)
    y = net.add(Clip(-0.31, 0.77), y, scale=0.02, zero=-7)
    graph = net.finish(net.add(Clip(0.111, 6.0), y, scale=0.02, zero=-7))
    after = fuse_activations(graph)
    assert kinds(after) == ["Conv2D"]
    assert_same_int(graph, after)


def pad(value: float = 0.0, mode: str = "constant", channels: int = 0) -> Pad:
    return Pad((0, 1, 2, channels), (0, 2, 0, 0), mode, value)  # type: ignore[arg-type]


def windowed(net: Net, op: Op, source: str) -> str:
    if isinstance(op, Conv2D):
        return net.add(op, source, net.const(4, 3, 3, 2), None)
    if isinstance(op, DepthwiseConv2D):
        return net.add(op, source, net.const(3, 3, 2), None)
    return net.add(op, source)


@pytest.mark.parametrize(
    ("op", "value", "fused"),
    [
        (Conv2D(padding=(0, 1, 1, 0)), 0.0, True),
        (Conv2D(), 1.0, False),
        (DepthwiseConv2D(), 0.0, True),
        (AveragePool2D((3, 3)), 0.0, True),
        (AveragePool2D((3, 3), padding=(1, 0, 0, 0)), 0.0, False),
        (AveragePool2D((3, 3), padding=(0, 0, 0, 1), count_include_pad=True), 0.0, True),
        (AveragePool2D((2, 2)), 0.0, False),
        (MaxPool2D((3, 3)), -INF, True),
        (MaxPool2D((3, 3)), 0.0, False),
        (MaxPool2D((3, 3)), float(np.finfo(np.float32).min), True),
        (MaxPool2D((2, 2)), -3e38, False),
        (Softmax(3), 0.0, False),
    ],
)
def test_padding(op: Op, value: float, fused: bool) -> None:
    net = Net()
    graph = net.finish(windowed(net, op, net.add(pad(value), net.input("x", 1, 5, 4, 2))))
    after = fuse_pad(graph)
    assert kinds(after) == ([op.kind] if fused else ["Pad", op.kind])
    assert_same_float(graph, after)


def test_zeros_are_no_maximum_beside_a_rectifier() -> None:
    net = Net()
    y = net.add(pad(), net.add(RELU, net.input("x", 1, 5, 4, 2)))
    graph = net.finish(net.add(MaxPool2D((3, 3), (2, 2)), y))
    after = fuse_pad(graph)
    assert kinds(after) == ["Clip", "MaxPool2D"]
    assert_same_float(graph, after)


@pytest.mark.parametrize(
    ("between", "fused"),
    [
        ((Concat(3), 2), True),
        ((Add(), 2), True),
        ((Mean((1,), True), 1), True),
        ((pad(3.0), 1), True),
        ((pad(-3.0), 1), False),
        ((Sub(), 2), False),
        ((Neg(), 1), False),
    ],
    ids=lambda v: None if isinstance(v, bool) else v[0].kind,
)
def test_what_cannot_become_negative_behind_a_rectifier(between: tuple[Op, int], fused: bool) -> None:
    op, count = between
    net = Net()
    rectified = [net.add(RELU, net.input(f"x{k}", 1, 5, 4, 2)) for k in range(count)]
    graph = net.finish(net.add(MaxPool2D((3, 3), (2, 2)), net.add(pad(), net.add(op, *rectified))))
    after = fuse_pad(graph)
    assert kinds(after).count("Pad") == kinds(graph).count("Pad") - fused
    assert_same_float(graph, after)


@pytest.mark.parametrize(("value", "fused"), [(-1.0, True), (-1.5, True), (-0.9, False)])
def test_any_bound_of_what_is_padded(value: float, fused: bool) -> None:
    net = Net()
    y = net.add(pad(value), net.add(Reshape((1, 5, 4, 2)), net.add(Clip(-1.0, 1.0), net.input("x", 1, 5, 8))))
    graph = net.finish(net.add(MaxPool2D((3, 3), (2, 2)), y))
    after = fuse_pad(graph)
    assert ("Pad" not in kinds(after)) == fused
    assert_same_float(graph, after)


@pytest.mark.parametrize(("value", "fused"), [(-1e9, True), (-12.8, True), (-12.7, False), (0.0, False)])
def test_in_integers_what_saturates_is_never_a_maximum(value: float, fused: bool) -> None:
    net = IntNet()
    x = net.input("x", 1, 5, 4, 2, scale=0.1, zero=0)
    y = net.add(pad(value), x, scale=0.1, zero=0)
    graph = net.finish(net.add(MaxPool2D((3, 3), (2, 2)), y, scale=0.1, zero=0))
    after = fuse_pad(graph)
    assert kinds(after) == (["MaxPool2D"] if fused else ["Pad", "MaxPool2D"])
    assert_same_int(graph, after)


def test_integers_have_no_bound_but_zero() -> None:
    """The bound -1 may be rounded to an integer that stands for less."""
    for low, fused in ((-1.0, False), (0.0, True)):
        net = IntNet()
        x = net.add(Clip(low, 1.0), net.input("x", 1, 5, 4, 2, scale=0.3, zero=0), scale=0.3, zero=0)
        y = net.add(pad(low), net.add(Requantize(), x, scale=0.09, zero=0), scale=0.09, zero=0)
        graph = net.finish(net.add(MaxPool2D((3, 3), (2, 2)), y, scale=0.09, zero=0))
        after = fuse_pad(graph)
        assert ("Pad" not in kinds(after)) == fused
        assert_same_int(graph, after)


def test_functions_of_one_element_move_above_padding() -> None:
    net = Net()
    y = net.add(Conv2D(), net.input("x", 1, 4, 4, 2), net.const(3, 1, 1, 2), None)
    graph = net.finish(net.add(MaxPool2D((3, 3), (2, 2)), net.add(RELU, net.add(pad(-INF), y))))
    after = fuse_activations(fuse_pad(graph))
    assert kinds(after) == ["Conv2D", "MaxPool2D"] and after.nodes[0].op.fused_clamp == (0.0, INF)
    assert_same_float(graph, after)


def test_functions_do_not_move_where_others_read_the_padding() -> None:
    net = Net()
    y = net.add(pad(), net.input("x", 1, 4, 4, 2))
    graph = net.finish(net.add(Exp(), y), net.add(RELU, y))
    assert fuse_pad(graph) is graph


def test_constant_borders_are_padding() -> None:
    net = Net()
    x = net.input("x", 1, 4, 4, 2)
    y = net.add(Concat(1), net.data(np.full((1, 1, 4, 2), -INF)), x, net.data(np.full((1, 2, 4, 2), -INF)))
    y = net.add(Concat(2), y, net.data(np.full((1, 7, 2, 2), -INF)))
    graph = net.finish(net.add(MaxPool2D((3, 3)), y))
    after = fuse_pad(graph)
    assert [n.op for n in after.nodes] == [MaxPool2D((3, 3), padding=(1, 0, 2, 2))]
    assert_same_float(graph, after)


def test_borders_of_several_values_or_tensors_are_none() -> None:
    net = Net()
    x, z = net.input("x", 1, 4, 4, 2), net.input("z", 1, 4, 4, 2)
    one, two = net.data(np.ones((1, 4, 1, 2))), net.data(np.full((1, 4, 1, 2), 2.0))
    graph = net.finish(net.add(Concat(2), one, x, two), net.add(Concat(2), one, x, z))
    assert fuse_pad(graph) is graph


def test_padding_of_a_line_reaches_its_pool() -> None:
    net = Net()
    y = net.add(Reshape((1, 9, 3)), net.add(RELU, net.input("x", 1, 1, 9, 3)))
    y = net.add(Reshape((1, 1, 12, 3)), net.add(Pad((0, 2, 0), (0, 1, 0)), y))
    graph = net.finish(net.add(MaxPool2D((1, 3)), y))
    after = fuse_pad(graph)
    assert "Pad" not in kinds(after)
    assert after.nodes[-1].op == MaxPool2D((1, 3), padding=(0, 2, 0, 1))
    assert_same_float(graph, after)


def test_a_constant_below_zero_beside_a_rectifier() -> None:
    for least, fused in ((0.5, True), (-0.5, False)):
        net = Net()
        y = net.add(Add(), net.add(RELU, net.input("x", 1, 5, 4, 2)), net.data([1.0, least]))
        after = fuse_pad(net.finish(net.add(MaxPool2D((3, 3), (2, 2)), net.add(pad(), y))))
        assert ("Pad" not in kinds(after)) == fused


@pytest.mark.parametrize("op", [pad(mode="edge"), pad(mode="reflect"), pad(channels=1)])
def test_other_padding_stays(op: Pad) -> None:
    net = Net()
    padded = net.add(op, net.input("x", 1, 5, 4, 2 - op.before[3]))
    graph = net.finish(windowed(net, Conv2D(), padded))
    assert fuse_pad(graph) is graph


@pytest.mark.parametrize(
    ("inner", "outer", "fused"), [(Q, Q, True), (None, Q, True), (Q, None, True), (Q, OTHER, False)]
)
def test_padding_needs_equal_parameters(inner: QParams | None, outer: QParams | None, fused: bool) -> None:
    net = Net()
    y = net.add(pad(), net.add(Exp(), net.input("x", 1, 5, 4, 2), q=inner), q=outer)
    after = fuse_pad(net.finish(windowed(net, Conv2D(), y)))
    assert kinds(after) == (["Exp", "Conv2D"] if fused else ["Exp", "Pad", "Conv2D"])
    if fused:
        assert after.type(after.nodes[0].outputs[0]).q == Q
