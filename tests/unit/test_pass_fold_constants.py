"""What depends on constants alone is computed when the model is compiled."""

from __future__ import annotations

import numpy as np
from pass_graphs import IntNet, Net, assert_same_float, assert_same_int, kinds

from edgeq.ir.tensor import DType, QParams
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.exp import Exp
from edgeq.ops.reshape import Reshape
from edgeq.ops.split import Split
from edgeq.ops.transpose import Transpose
from edgeq.passes.fold_constants import fold_constants

CHANNELS = QParams.per_channel([0.5, 0.25, 2.0], [0, 1, -1], 1)


def test_chains_of_constants() -> None:
    net = Net()
    x = net.input("x", 2, 3)
    c = net.add(Exp(), net.add(Add(), net.const(2, 3), net.const(3)))
    left, right = net.split(Split(1, (1, 2)), c)
    graph = net.finish(net.add(Add(), x, net.add(Concat(1), right, left)))
    after = fold_constants(graph)
    assert kinds(after) == ["Add"]
    assert_same_float(graph, after)


def test_an_output_that_is_constant_keeps_its_name() -> None:
    net = Net()
    net.input("x", 1)
    graph = net.finish(net.add(Exp(), net.const(2), name="y"))
    after = fold_constants(graph)
    assert after.nodes == () and after.outputs == ("y",) and after.values["y"].data is not None


def test_moved_integers_stay_integers() -> None:
    net = Net()
    data = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    moved = net.add(Transpose((2, 0, 1)), net.data(data, CHANNELS))
    shaped = net.add(Reshape((4, 2, 1, 3)), moved)
    after = fold_constants(net.finish(shaped))
    value = after.values[shaped]
    assert value.type.dtype is DType.INT8 and value.type.q == QParams(CHANNELS.scale, CHANNELS.zero_point, 3)
    np.testing.assert_array_equal(value.data, data.transpose(2, 0, 1).reshape(4, 2, 1, 3))


def test_parameters_that_lie_along_no_axis_any_more_dissolve() -> None:
    net = Net()
    graph = net.finish(net.add(Reshape((6,)), net.data(np.ones((2, 3), np.int8), CHANNELS)))
    after = fold_constants(graph)
    (name,) = after.outputs
    assert after.type(name).dtype is DType.FLOAT32 and after.type(name).q is None
    np.testing.assert_array_equal(after.data(name), [0.5, 0.0, 4.0] * 2)


def test_a_prescribed_result_is_held_in_its_parameters() -> None:
    net = Net()
    q = QParams.per_tensor(0.5, 1)
    out = net.add(Add(), net.data([1.0, 2.0]), net.data([0.5, 100.0]), q=q)
    after = fold_constants(net.finish(out))
    assert after.type(out).q == q
    np.testing.assert_array_equal(after.data(out), np.array([4, 127], np.int8))


def test_integer_graph() -> None:
    net = IntNet()
    x = net.input("x", 4)
    c = net.edit.constant("c", np.array([1, -3, 100, -128], np.int8), QParams.per_tensor(0.05, 0))
    graph = net.finish(net.add(Add(), x, net.add(Exp(), c, scale=0.5)))
    after = fold_constants(graph)
    assert kinds(after) == ["Add"]
    assert_same_int(graph, after)


def test_nothing_to_fold() -> None:
    net = Net()
    graph = net.finish(net.add(Add(), net.input("x", 2), net.const(2)))
    assert fold_constants(graph) is graph
