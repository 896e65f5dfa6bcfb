"""Transposes cancel, whatever stands between them, and what is left stands at the graph's border."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import IntNet, Net, assert_same_float, assert_same_int, kinds

from edgeq.ir.graph import Graph
from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.maximum import Maximum
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.p_relu import PRelu
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reshape import Reshape
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.slice import Slice
from edgeq.ops.softmax import Softmax
from edgeq.ops.split import Split
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.ops.tanh import Tanh
from edgeq.ops.transpose import Transpose
from edgeq.passes._layout import through_reshape
from edgeq.passes.eliminate_transposes import eliminate_transposes
from edgeq.passes.pipeline import optimize_float

TO_NHWC, TO_NCHW = Transpose((0, 2, 3, 1)), Transpose((0, 3, 1, 2))
INF = float("inf")


class Nchw(Net):
    """Writes layout-sensitive operators as importers of NCHW models do."""

    def around(self, op: Op, source: str, *rest: str | None) -> str:
        """An NHWC operator between two Transposes."""
        return self.add(TO_NCHW, self.add(op, self.add(TO_NHWC, source), *rest))

    def conv(self, source: str, channels: int, kernel: int = 3, stride: int = 1) -> str:
        """A convolution on an NCHW tensor, padded to keep its size."""
        inner = self.edit.values[source].type.shape[1]
        pad = kernel // 2
        op = Conv2D((stride, stride), padding=(pad, pad, pad, pad))
        return self.around(op, source, self.const(channels, kernel, kernel, inner), self.const(channels))


def transposes(graph: Graph) -> int:
    return kinds(graph).count("Transpose")


SANDWICHES: list[tuple[str, Op]] = [
    ("tanh", Tanh()),
    ("clip", Clip(-1.0, 1.0)),
    ("pad", Pad((0, 1, 2, 0), (0, 0, 1, 3))),
    ("slice", Slice((0, 5, 1, 4), (1, 2, 3, -1), (1, -1, 1, -2))),
    ("mean", Mean((1, 3), True)),
    ("sum", Sum((2,), True)),
    ("max", ReduceMax((1, 2), True)),
]


@pytest.mark.parametrize(("name", "op"), SANDWICHES, ids=[n for n, _ in SANDWICHES])
def test_one_operand(name: str, op: Op) -> None:
    net = Net()
    y = net.add(Tanh(), net.input("x", 1, 3, 5, 7))
    y = net.add(TO_NHWC, net.add(op, net.add(TO_NCHW, y)))
    graph = net.finish(net.add(Tanh(), y))
    after = eliminate_transposes(graph)
    assert transposes(after) == 0
    assert_same_float(graph, after)


@pytest.mark.parametrize("axes", [(1,), (2, 3), (1, 3)])
def test_reductions_that_drop_dimensions(axes: tuple[int, ...]) -> None:
    net = Net()
    y = net.add(Mean(axes, False), net.add(TO_NCHW, net.add(Tanh(), net.input("x", 2, 3, 5, 7))))
    graph = net.finish(net.add(Tanh(), y))
    after = eliminate_transposes(graph)
    assert transposes(after) == 0
    assert_same_float(graph, after)


@pytest.mark.parametrize("op", [Add(), Sub(), Mul(), Maximum(), PRelu()], ids=lambda op: op.kind)
@pytest.mark.parametrize("shape", [(7, 1, 1), (1, 7, 3, 5), (5,), (1,), ()])
def test_constants_are_permuted(op: Op, shape: tuple[int, ...]) -> None:
    net = Net()
    y = net.add(op, net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 3, 5, 7))), net.const(*shape))
    graph = net.finish(net.add(Tanh(), net.add(TO_NHWC, y)))
    after = eliminate_transposes(graph)
    assert transposes(after) == 0
    assert_same_float(graph, after)


def test_parameters_of_constants_move_with_their_axis() -> None:
    net = Net()
    q = QParams.per_channel([0.5, 0.25, 1.0], 0, 0)
    c = net.data(np.array([[[1]], [[2]], [[3]]], np.int8), q)
    y = net.add(Mul(), net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 4, 5, 3))), c)
    graph = net.finish(net.add(Tanh(), net.add(TO_NHWC, y)))
    after = eliminate_transposes(graph)
    (constant,) = (v for v in after.values.values() if v.data is not None)
    assert constant.type.shape == (1, 1, 1, 3) and constant.type.q == QParams(q.scale, q.zero_point, 3)
    assert_same_float(graph, after)


def test_softmax_over_channels() -> None:
    net = Nchw()
    y = net.around(Softmax(3), net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 3, 5, 7))))
    graph = net.finish(net.add(Tanh(), net.add(TO_NHWC, y)))
    after = eliminate_transposes(graph)
    assert kinds(after) == ["Tanh", "Softmax", "Tanh"] and after.nodes[1].op == Softmax(3)
    assert_same_float(graph, after)


def test_softmax_stays_at_the_last_axis() -> None:
    net = Net()
    y = net.add(Softmax(3), net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 3, 5, 7))))
    graph = net.finish(net.add(Tanh(), y))
    after = eliminate_transposes(graph)
    assert next(n.op for n in after.nodes if n.op.kind == "Softmax") == Softmax(3)
    assert transposes(after) == 1
    assert_same_float(graph, after)


def resnet(channels: int) -> Graph:
    net = Nchw()
    x = net.input("x", 1, channels, 9, 8)
    first = net.add(Clip(0.0, INF), net.conv(x, 6))
    y = net.add(Clip(0.0, INF), net.conv(first, 6))
    y = net.add(Add(), net.conv(y, 6), first)
    y = net.add(Clip(0.0, INF), y)
    short = net.conv(y, 8, 1, 2)
    y = net.add(Add(), net.conv(net.add(Clip(0.0, INF), net.conv(y, 8, 3, 2)), 8), short)
    y = net.around(AveragePool2D((2, 2), (2, 2)), net.add(Clip(0.0, INF), y))
    y = net.add(Reshape((1, 32)), y)
    return net.finish(net.add(Softmax(1), net.add(FullyConnected(), y, net.const(5, 32), net.const(5))))


@pytest.mark.parametrize(("channels", "expected"), [(1, 0), (3, 1)])
def test_residual_network(channels: int, expected: int) -> None:
    graph = resnet(channels)
    after = optimize_float(graph)
    assert transposes(after) == expected
    assert all(n.inputs == ("x",) for n in after.nodes if n.op.kind == "Transpose")
    assert "Clip" not in kinds(after)
    assert_same_float(graph, after, 1e-4)


def test_squeeze_and_excite() -> None:
    net = Nchw()
    y = net.conv(net.input("x", 1, 1, 6, 6), 4)
    gate = net.add(Mean((2, 3), True), y)
    gate = net.add(Sigmoid(), net.conv(net.add(Clip(0.0, INF), net.conv(gate, 2, 1)), 4, 1))
    y = net.add(Mul(), y, gate)
    graph = net.finish(net.add(Mean((2, 3), False), net.conv(y, 3)))
    after = optimize_float(graph)
    assert transposes(after) == 0
    assert_same_float(graph, after, 1e-4)


def test_concat_and_split() -> None:
    net = Nchw()
    y = net.conv(net.input("x", 1, 1, 6, 6), 6)
    left, right = net.split(Split(1, (2, 4)), y)
    y = net.add(Concat(1), net.conv(left, 3), right, net.add(Tanh(), left))
    graph = net.finish(net.add(ReduceMax((2, 3), False), net.conv(y, 3)))
    after = optimize_float(graph)
    assert transposes(after) == 0
    assert_same_float(graph, after, 1e-4)


def test_channel_shuffle_keeps_only_itself() -> None:
    net = Nchw()
    y = net.conv(net.input("x", 1, 1, 4, 5), 6)
    y = net.add(Transpose((0, 2, 1, 3, 4)), net.add(Reshape((1, 2, 3, 4, 5)), y))
    y = net.conv(net.add(Reshape((1, 6, 4, 5)), y), 2)
    graph = net.finish(net.add(Mean((2, 3), False), y))
    after = optimize_float(graph)
    assert transposes(after) == 1
    assert_same_float(graph, after, 1e-4)


def test_signals_of_one_dimension() -> None:
    net = Nchw()
    y = net.input("x", 1, 1, 30)
    for channels in (4, 5):
        y = net.conv(net.add(Reshape((*net.edit.values[y].type.shape[:2], 1, 30)), y), channels, 3)
        y = net.add(Reshape((1, channels, 30)), y)
        y = net.add(Mul(), y, net.const(1, channels, 1))
        y = net.add(Clip(0.0, INF), net.add(Add(), y, net.const(1, channels, 1)))
    graph = net.finish(net.add(FullyConnected(), net.add(Reshape((1, 150)), y), net.const(2, 150)))
    after = optimize_float(graph)
    assert [k for k in kinds(after) if k != "Reshape"] == ["Conv2D", "Conv2D", "FullyConnected"]
    assert kinds(after).count("Reshape") == 2
    assert_same_float(graph, after, 1e-4)


def test_flatten_permutes_columns_also_of_integers() -> None:
    net = Nchw()
    y = net.add(Clip(0.0, INF), net.conv(net.input("x", 2, 1, 4, 3), 5))
    w = net.data(net.rng.integers(-127, 128, (4, 60)).astype(np.int8), QParams.per_channel([1.0, 0.5, 0.1, 2.0], 0, 0))
    graph = net.finish(net.add(FullyConnected(), net.add(Reshape((2, 60)), y), w))
    after = optimize_float(graph)
    assert kinds(after) == ["Reshape", "Conv2D", "Reshape", "FullyConnected"]
    assert after.type(str(after.nodes[-1].inputs[1])).q == QParams.per_channel([1.0, 0.5, 0.1, 2.0], 0, 0)
    assert_same_float(graph, after, 1e-4)


@pytest.mark.parametrize("annotated", [False, True])
def test_a_decoder_permutes_rows(annotated: bool) -> None:
    net = Nchw()
    q = QParams.per_tensor(0.1, 0) if annotated else None
    scales = QParams.per_channel(net.rng.uniform(0.1, 1.0, 60), 0, 0)
    w = net.data(net.rng.integers(-127, 128, (60, 4)).astype(np.int8), scales)
    y = net.add(FullyConnected(), net.input("x", 2, 4), w, net.const(60), q=q)
    y = net.add(Reshape((2, 5, 4, 3)), net.add(Clip(0.0, INF), y, q=q), q=q)
    graph = net.finish(net.add(Mean((2, 3), False), net.conv(y, 3)))
    after = optimize_float(graph)
    assert transposes(after) == 0
    assert_same_float(graph, after, 1e-4)


def test_an_output_in_the_models_layout_takes_one() -> None:
    net = Nchw()
    graph = net.finish(net.add(Clip(0.0, INF), net.conv(net.input("x", 1, 1, 4, 3), 5), name="y"))
    after = optimize_float(graph)
    assert kinds(after) == ["Reshape", "Conv2D", "Transpose"]
    assert_same_float(graph, after)


def test_preprocessing_in_the_models_layout_folds() -> None:
    net = Nchw()
    y = net.add(Sub(), net.input("x", 1, 3, 6, 6), net.const(3, 1, 1))
    y = net.add(Pad((0, 0, 0, 0), (0, 0, 1, 1)), net.add(Mul(), y, net.const(3, 1, 1)))
    graph = net.finish(net.around(Conv2D(), y, net.const(4, 3, 3, 3)))
    after = optimize_float(graph)
    assert kinds(after)[0] == "Transpose" and after.nodes[0].inputs == ("x",)
    assert "Sub" not in kinds(after) and "Mul" not in kinds(after)
    assert_same_float(graph, after)


def test_mixed_layouts_only_where_it_pays() -> None:
    net = Net()
    small = net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 5, 7, 3)))
    big = net.add(Concat(1), *[net.add(Tanh(), net.input("z", 1, 9, 5, 7))])
    graph = net.finish(net.add(Tanh(), net.add(Concat(1), small, big)))
    after = eliminate_transposes(graph)
    assert transposes(after) == 1
    assert after.type(next(n for n in after.nodes if n.op.kind == "Transpose").outputs[0]).size == 105
    assert_same_float(graph, after)


def test_prescribed_parameters_travel() -> None:
    q, p = QParams.per_tensor(0.5, 3), QParams.per_tensor(0.25, -1)
    net = Net()
    y = net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 3, 5, 7), q=q), q=q)
    y = net.add(TO_NHWC, net.add(Sigmoid(), y, q=p), q=p)
    graph = net.finish(net.add(Tanh(), y))
    after = eliminate_transposes(graph)
    assert kinds(after) == ["Tanh", "Sigmoid", "Tanh"]
    assert [after.type(n.outputs[0]).q for n in after.nodes] == [q, p, None]


def test_integer_graph() -> None:
    net = IntNet()
    x = net.input("x", 1, 4, 5, 3, scale=0.05, zero=4)
    y = net.add(Clip(-1.0, 1.0), net.add(TO_NCHW, x, scale=0.05, zero=4), scale=0.02)
    y = net.add(TO_NHWC, net.add(Add(), y, y, scale=0.06), scale=0.06)
    w = net.weights((2, 1, 1, 3))
    graph = net.finish(net.add(Conv2D(), y, w, scale=0.5))
    after = eliminate_transposes(graph)
    assert kinds(after) == ["Clip", "Add", "Conv2D"]
    assert_same_int(graph, after)


@pytest.mark.parametrize(
    ("shape", "perm", "new", "expected"),
    [
        ((1, 5, 7, 3), (0, 3, 1, 2), (1, 3, 35), ((1, 35, 3), (0, 2, 1))),
        ((1, 5, 7, 3), (0, 3, 1, 2), (1, 105), None),
        ((1, 5, 7, 6), (0, 3, 1, 2), (1, 2, 3, 5, 7), ((1, 5, 7, 2, 3), (0, 3, 4, 1, 2))),
        ((1, 9, 4), (0, 2, 1), (1, 4, 1, 9), ((1, 1, 9, 4), (0, 3, 1, 2))),
        ((9, 1, 4), (2, 1, 0), (4, 9, 1, 1), ((9, 1, 1, 4), (3, 0, 1, 2))),
        ((2, 3), (1, 0), (3, 1, 2), ((1, 2, 3), (2, 0, 1))),
    ],
)
def test_transposes_pass_reshapes(
    shape: tuple[int, ...], perm: tuple[int, ...], new: tuple[int, ...], expected: object
) -> None:
    found = through_reshape(shape, perm, new)
    assert found == expected
    if found is not None:
        x = np.arange(np.prod(shape)).reshape(shape)
        np.testing.assert_array_equal(x.transpose(perm).reshape(new), x.reshape(found[0]).transpose(found[1]))


def test_raising_and_sinking_do_not_undo_each_other() -> None:
    """A Transpose that is raised through a Reshape merges with the one above at once, before it could be sunk again."""
    net = Net()
    image = net.add(TO_NCHW, net.add(Tanh(), net.input("x", 1, 2, 2, 4)))
    turned = net.add(Transpose((1, 0)), net.add(Reshape((8, 2)), image))
    sunk = net.add(Tanh(), image)  # below it the first Transpose has one reader only
    graph = net.finish(net.add(FullyConnected(), turned, net.const(3, 8)), sunk)
    after = eliminate_transposes(graph)
    assert transposes(after) == 2
    assert_same_float(graph, after)
