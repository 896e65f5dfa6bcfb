"""Nodes that do nothing go; chains of data movement become one."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import IntNet, Net, assert_same_float, assert_same_int, kinds

from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.exp import Exp
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.pad import Pad
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.transpose import Transpose
from edgeq.passes.simplify import simplify

Q, OTHER = QParams.per_tensor(0.5, 3), QParams.per_tensor(0.25, 3)
SHAPE = (1, 4, 3, 2)
IDENTITIES = [
    Reshape(SHAPE),
    Transpose((0, 1, 2, 3)),
    Concat(1),
    Split(3, (2,)),
    Slice((0, 0, 0, 0), SHAPE, (1, 1, 1, 1)),
    Pad((0, 0, 0, 0), (0, 0, 0, 0)),
    Clip(),
    Resize((4, 3), "nearest"),
    MaxPool2D((1, 1)),
    AveragePool2D((1, 1)),
]


@pytest.mark.parametrize("op", IDENTITIES, ids=lambda op: op.kind)
@pytest.mark.parametrize("q", [None, Q])
def test_identity_goes(op: Op, q: QParams | None) -> None:
    net = Net()
    x = net.input("x", *SHAPE)
    first = net.add(Exp(), x, q=q)
    graph = net.finish(net.add(Exp(), net.add(op, first, q=q)))
    after = simplify(graph)
    assert kinds(after) == ["Exp", "Exp"]
    assert after.type(after.nodes[0].outputs[0]).q == q
    assert_same_float(graph, after)


def test_a_reversing_slice_is_no_identity() -> None:
    net = Net()
    x = net.input("x", 1, 4)
    graph = net.finish(net.add(Slice((0, 3), (1, -1), (1, -1)), x))
    assert simplify(graph) is graph


def test_outputs_keep_their_names() -> None:
    net = Net()
    x = net.input("x", 2, 3)
    graph = net.finish(net.add(Reshape((2, 3)), net.add(Exp(), x, name="inner"), name="outer"))
    after = simplify(graph)
    assert [(n.name, n.outputs) for n in after.nodes] == [("inner", ("outer",))]
    assert_same_float(graph, after)


def test_an_identity_between_input_and_output_stays() -> None:
    net = Net()
    graph = net.finish(net.add(Reshape((2, 3)), net.input("x", 2, 3)))
    assert simplify(graph) is graph


def test_prescribed_parameters_move_to_what_replaces_the_tensor() -> None:
    net = Net()
    x = net.input("x", *SHAPE)
    graph = net.finish(net.add(Exp(), net.add(Reshape(SHAPE), net.add(Exp(), x), q=Q)))
    after = simplify(graph)
    assert kinds(after) == ["Exp", "Exp"]
    assert after.type(after.nodes[0].outputs[0]).q == Q


def test_parameters_never_change_under_another_reader() -> None:
    net = Net()
    first = net.add(Exp(), net.input("x", *SHAPE))
    graph = net.finish(net.add(Exp(), net.add(Reshape(SHAPE), first, q=Q)), net.add(Exp(), first))
    assert simplify(graph) is graph


def test_requantize_goes_only_between_equal_parameters() -> None:
    for second, expected in ((Q, ["Exp", "Exp"]), (OTHER, ["Exp", "Requantize", "Exp"])):
        net = Net()
        first = net.add(Exp(), net.input("x", 2, 3), q=Q)
        graph = net.finish(net.add(Exp(), net.add(Requantize(), first, q=second)))
        assert kinds(simplify(graph)) == expected


def test_integer_requantize() -> None:
    net = IntNet()
    x = net.input("x", 2, 5, scale=0.5, zero=3)
    same = net.add(Requantize(), net.add(Exp(), x, scale=0.1), scale=0.1)
    graph = net.finish(net.add(Requantize(), same, scale=0.2))
    after = simplify(graph)
    assert kinds(after) == ["Exp", "Requantize"]
    assert_same_int(graph, after)


def test_chains_become_one() -> None:
    net = Net()
    x = net.input("x", 2, 3, 4)
    r = net.add(Reshape((4, 6)), net.add(Reshape((24,)), x))
    t = net.add(Transpose((2, 0, 1)), net.add(Transpose((1, 2, 0)), x))
    u = net.add(Transpose((2, 0, 1)), net.add(Transpose((0, 2, 1)), x))
    graph = net.finish(r, net.add(Exp(), t), u)
    after = simplify(graph)
    assert sorted(kinds(after)) == ["Exp", "Reshape", "Transpose"]
    assert_same_float(graph, after)


def test_moving_ones_is_reshaping() -> None:
    net = Net()
    graph = net.finish(net.add(Transpose((0, 3, 1, 2)), net.input("x", 1, 5, 4, 1)))
    after = simplify(graph)
    assert kinds(after) == ["Reshape"]
    assert_same_float(graph, after)


def test_reducing_ones_is_reshaping() -> None:
    net = Net()
    x = net.input("x", 1, 1, 4)
    graph = net.finish(net.add(Mean((0, 1), False), x), net.add(Mean((2,), True), x))
    after = simplify(graph)
    assert kinds(after) == ["Reshape", "Mean"]
    assert_same_float(graph, after)


@pytest.mark.parametrize("op", [Slice((0, 0), (2, 3), (1, 1)), Concat(1), Pad((0, 0), (0, 0)), Clip()])
def test_copying_an_input_to_an_output_is_reshaping(op: Op) -> None:
    net = Net()
    graph = net.finish(net.add(op, net.input("x", 2, 3)))
    after = simplify(graph)
    assert [n.op for n in after.nodes] == [Reshape((2, 3))]
    assert_same_float(graph, after)


def test_copying_into_other_parameters_stays() -> None:
    net = Net()
    graph = net.finish(net.add(Concat(1), net.input("x", 2, 3, q=Q), q=OTHER))
    assert kinds(simplify(graph)) == ["Concat"]


def test_types_of_constants_stay_what_they_are() -> None:
    net = Net()
    c = net.data(np.array([[1, 2]], np.int8), Q)
    graph = net.finish(net.add(Reshape((2,)), c))
    assert simplify(graph).values[c].type.q == Q
