"""Annotations that travel, values that are shared, Reshapes that meet."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import IntNet, Net, assert_same_float, assert_same_int, kinds

from edgeq.errors import EdgeqError, InternalError, ModelError
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.abs import Abs
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.leaky_relu import LeakyRelu
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mul import Mul
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.tanh import Tanh
from edgeq.ops.transpose import Transpose
from edgeq.passes.eliminate_reshapes import eliminate_reshapes
from edgeq.passes.merge_tables import merge_tables
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.passes.propagate_annotations import propagate_annotations
from edgeq.passes.share_values import share_values

Q, OTHER = QParams.per_tensor(0.5, 3), QParams.per_tensor(0.25, 3)


def test_annotations_travel_both_ways() -> None:
    net = Net()
    first = net.add(Tanh(), net.input("x", 2, 3))
    turned = net.add(Transpose((1, 0)), first)
    flat = net.add(Reshape((6,)), turned, q=Q)
    again = net.add(Reshape((3, 2)), flat)
    after = propagate_annotations(net.finish(again))
    assert {after.type(n).q for n in (first, turned, flat, again)} == {Q}


def test_annotations_stay_away_from_other_readers_inputs_and_prescribed_tensors() -> None:
    net = Net()
    x = net.input("x", 2, 3)
    outer = net.add(Reshape((6,)), x, q=Q)
    first = net.add(Tanh(), x)
    second = net.add(Reshape((6,)), first, q=Q)
    third = net.add(Tanh(), x, q=OTHER)
    graph = net.finish(outer, second, net.add(Tanh(), first), net.add(Reshape((6,)), third, q=Q))
    assert propagate_annotations(graph) is graph


def test_equal_values_are_shared() -> None:
    net = Net()
    x = net.input("x", 1, 4, 4, 2)
    branches = [
        net.add(Conv2D(), x, net.data(np.ones((3, 1, 1, 2), np.float32)), net.data([1.0, 2.0, 3.0])) for _ in range(2)
    ]
    graph = net.finish(net.add(Add(), *branches))
    after = share_values(graph)
    assert kinds(after) == ["Conv2D", "Add"]
    assert sum(v.data is not None for v in after.values.values()) == 2
    assert_same_float(graph, after)


def test_different_values_are_not_shared() -> None:
    net = Net()
    x = net.input("x", 3)
    a = net.add(Add(), x, net.data(np.array([1, 2, 3], np.int8), Q))
    b = net.add(Add(), x, net.data(np.array([1, 2, 3], np.int8), OTHER))
    c, d = net.add(Tanh(), x), net.add(Tanh(), x, q=Q)
    graph = net.finish(net.add(Mul(), a, b), net.add(Mul(), c, d), net.add(Tanh(), x, name="out"))
    assert len(share_values(graph).nodes) == len(graph.nodes)


def test_outputs_are_not_merged_away() -> None:
    net = Net()
    x = net.input("x", 3)
    graph = net.finish(net.add(Tanh(), x), net.add(Tanh(), x))
    assert len(share_values(graph).nodes) == 2


def test_reshapes_meet_behind_elementwise_operators() -> None:
    net = Net()
    x = net.add(Tanh(), net.input("x", 1, 1, 30, 4))
    z = net.add(Tanh(), net.input("z", 1, 1, 30, 4))
    y = net.add(Add(), net.add(Reshape((1, 30, 4)), x), net.const(30, 1))
    y = net.add(Mul(), net.add(Clip(-1.0, 1.0), y), net.add(Reshape((1, 30, 4)), z))
    graph = net.finish(net.add(Tanh(), net.add(Reshape((1, 1, 30, 4)), net.add(Add(), y, net.const(4)))))
    after = eliminate_reshapes(graph)
    assert "Reshape" not in kinds(after)
    assert_same_float(graph, after)


@pytest.mark.parametrize("constant", [(2, 1, 5), (6, 5)])
def test_constants_that_do_not_follow_keep_the_reshape(constant: tuple[int, ...]) -> None:
    net = Net()
    x = net.add(Tanh(), net.input("x", 2, 3, 2, 5))
    graph = net.finish(net.add(Tanh(), net.add(Add(), net.add(Reshape((2, 6, 5)), x), net.const(*constant))))
    after = eliminate_reshapes(graph)
    assert kinds(after) == ["Tanh", "Reshape", "Add", "Tanh"]
    assert_same_float(graph, after)


def test_reshapes_of_integers() -> None:
    net = IntNet()
    y = net.add(Clip(-1.0, 1.0), net.add(Reshape((4, 6)), net.input("x", 2, 12)), scale=0.02)
    graph = net.finish(net.add(Clip(0.0, 6.0), net.add(Reshape((2, 12)), y, scale=0.02), scale=0.01))
    after = eliminate_reshapes(graph)
    assert kinds(after) == ["Clip", "Clip"]
    assert_same_int(graph, after)


def test_tables_merge_where_one_operator_has_both() -> None:
    for numerics in Numerics:
        net = IntNet(numerics)
        y = net.add(Clip(0.0, 6.0), net.input("x", 40, scale=0.05), scale=0.05)
        graph = net.finish(net.add(Abs(), net.add(LeakyRelu(0.1), y, scale=0.05), scale=0.05))
        after = merge_tables(graph)
        assert kinds(after) == ["Clip"]
        assert_same_int(graph, after)


def test_tables_do_not_merge_where_none_has() -> None:
    net = IntNet()
    y = net.add(Tanh(), net.input("x", 40, scale=0.05), scale=1 / 128)
    graph = net.finish(net.add(Tanh(), y, scale=1 / 128))
    assert merge_tables(graph) is graph


def test_tables_that_do_nothing_go() -> None:
    net = IntNet()
    y = net.add(Tanh(), net.input("x", 40, scale=0.05), scale=1 / 128)
    graph = net.finish(net.add(Abs(), net.add(Clip(-9.0, 9.0), y, scale=1 / 128), scale=1 / 128))
    after = merge_tables(graph)
    assert kinds(after) == ["Tanh", "Abs"]
    assert_same_int(graph, after)


def test_uint8_stays_at_the_border() -> None:
    net = IntNet()
    flipped = net.edit.input("x", TensorType((1, 3, 4, 5), DType.UINT8, QParams.per_tensor(0.05, 128)))
    y = net.add(Transpose((0, 2, 3, 1)), net.add(Requantize(), flipped))
    y = net.add(Transpose((0, 3, 1, 2)), net.add(MaxPool2D((2, 2)), y))
    (out,) = net.edit.add(Requantize(), [net.add(Reshape((1, 36)), y)], "out")
    net.edit.set_type(out, TensorType((1, 36), DType.UINT8, QParams.per_tensor(0.05, 128)))
    graph = net.finish(out)
    after = optimize_integer(graph)
    assert kinds(after) == ["Requantize", "Transpose", "MaxPool2D", "Transpose", "Reshape", "Requantize"]
    assert_same_int(graph, after)


def test_the_pipeline_refuses_what_is_not_well_formed() -> None:
    net = Net()
    graph = net.finish(net.add(Tanh(), net.input("x", 3)))
    object.__setattr__(graph, "outputs", ("y",))
    cases: list[tuple[object, type[EdgeqError]]] = [(optimize_float, ModelError), (optimize_integer, InternalError)]
    for run, error in cases:
        with pytest.raises(error, match="an input or output of the graph does not exist"):
            run(graph)  # type: ignore[operator]
