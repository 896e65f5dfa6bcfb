"""Channels that cannot matter go, and no output changes for any input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pass_graphs import IntNet, assert_same_int

from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.leaky_relu import LeakyRelu
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.slice import Slice
from edgeq.ops.softmax import Softmax
from edgeq.ops.split import Split
from edgeq.ops.sub import Sub
from edgeq.ops.transpose import Transpose
from edgeq.passes._ranges import reachable
from edgeq.passes.eliminate_constant_channels import eliminate_constant_channels
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import QuantConfig, quantize
from edgeq.simulator import IntExecutor

RELU = (0.0, float("inf"))
SAME = (1, 1, 1, 1)
LOW = -(10**6)
NUMERICS = list(Numerics)


class Dying(IntNet):
    """Writes convolutions some of whose channels a rectifier keeps at zero, or a saturation at its end."""

    def conv(self, source: str, channels: int, dead: dict[int, int], kernel: int = 3, zero: int = -128) -> str:
        """A 3×3 convolution; `dead` gives the bias of channels whose bias decides."""
        inner = self.edit.values[source].type.shape[-1]
        w = self.weights((channels, kernel, kernel, inner), dead=list(dead))
        bias = [dead.get(c, 50 * c) for c in range(channels)]
        pad = kernel // 2
        op = Conv2D(padding=(pad, pad, pad, pad), clamp=RELU)
        return self.add(op, source, w, self.bias(source, w, bias), zero=zero, scale=0.1)

    def depthwise(self, source: str, per: int = 1, padding: tuple[int, int, int, int] = SAME) -> str:
        """A 3×3 depthwise convolution."""
        channels = self.edit.values[source].type.shape[-1] * per
        q = QParams.per_channel(self.rng.uniform(0.001, 0.003, channels), 0, 2)
        w = self.edit.constant("w", self.rng.integers(1, 128, (3, 3, channels)).astype(np.int8), q)
        op = DepthwiseConv2D(padding=padding, clamp=RELU)
        return self.add(op, source, w, self.bias(source, w, [20] * channels), zero=-128, scale=0.1)

    def dense(self, source: str, units: int = 3) -> str:
        """A fully connected layer that keeps all its channels."""
        w = self.weights((units, self.edit.values[source].type.shape[-1]))
        return self.add(FullyConnected(), source, w, self.bias(source, w, [7] * units), scale=0.5)

    def like(self, op: Op, *sources: str) -> str:
        """An operator that keeps the scale of its first operand."""
        q = self.edit.values[sources[0]].type.qp
        return self.add(op, *sources, scale=q.s, zero=q.zp)


def widths(graph: Graph) -> dict[str, int]:
    return {n.name: graph.type(n.outputs[0]).shape[-1] for n in graph.nodes}


def check(graph: Graph, expected: list[int]) -> Graph:
    """The widths of all results after the pass, which changed no output."""
    after = eliminate_constant_channels(graph)
    assert list(widths(after).values()) == expected
    assert_same_int(graph, after)
    assert eliminate_constant_channels(after) is after
    return after


@pytest.mark.parametrize("numerics", NUMERICS)
def test_zero_channels_pass_padding(numerics: Numerics) -> None:
    net = Dying(numerics)
    y = net.conv(net.input("x", 1, 6, 5, 3), 8, {1: LOW, 4: LOW, 7: -1})
    graph = net.finish(net.conv(y, 4, {}))
    after = check(graph, [5, 4])
    assert [after.type(str(n.inputs[1])).shape for n in after.nodes] == [(5, 3, 3, 3), (4, 3, 3, 5)]


@pytest.mark.parametrize("numerics", NUMERICS)
def test_constants_that_are_not_zero_go_into_the_bias(numerics: Numerics) -> None:
    net = Dying(numerics)
    y = net.conv(net.input("x", 1, 6, 5, 3), 8, {1: 5000, 4: -LOW, 6: LOW})
    graph = net.finish(net.conv(y, 4, {}, kernel=1))
    check(graph, [5, 4])


def test_narrow_weights_remain_narrow() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 6, 5, 3), 8, {1: LOW, 4: LOW})
    w = net.edit.constant("w4", net.rng.integers(-8, 8, (4, 3, 3, 8)).astype(np.int8), QParams.per_tensor(0.01, 0))
    net.edit.set_type(w, net.edit.values[w].type.quantized(DType.INT4, net.edit.values[w].type.qp))
    after = check(net.finish(net.add(Conv2D(padding=SAME), y, w, None, scale=0.5)), [6, 4])
    assert after.type(str(after.nodes[1].inputs[1])).dtype is DType.INT4


def test_a_bias_appears_where_there_was_none() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 6, 5, 3), 4, {2: 5000})
    w = net.weights((2, 2, 3, 4))
    after = check(net.finish(net.add(Conv2D(), y, w, None, scale=0.5)), [3, 2])
    assert after.nodes[1].inputs[2] is not None


def test_constants_that_are_not_zero_stay_beside_padding() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 6, 5, 3), 8, {1: 5000, 4: LOW})
    check(net.finish(net.conv(y, 4, {})), [7, 4])


@pytest.mark.parametrize("numerics", NUMERICS)
def test_depthwise_channels_go_with_their_inputs(numerics: Numerics) -> None:
    net = Dying(numerics)
    y = net.conv(net.input("x", 1, 6, 5, 3), 8, {1: LOW, 2: 5000, 4: LOW})
    check(net.finish(net.conv(net.depthwise(y), 4, {}, kernel=1)), [6, 6, 4])
    net = Dying(numerics)
    y = net.conv(net.input("x", 1, 6, 5, 3), 8, {1: LOW, 2: 5000, 4: LOW})
    check(net.finish(net.conv(net.depthwise(y, 1, (0, 0, 0, 0)), 4, {}, kernel=1)), [5, 5, 4])


def test_depthwise_multipliers_go_together() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 6, 5, 3), 4, {1: LOW})
    check(net.finish(net.conv(net.depthwise(y, 2), 4, {}, kernel=1)), [3, 6, 4])


def test_what_a_dead_channel_was_computed_from_goes_too() -> None:
    net = Dying()
    x = net.input("x", 1, 6, 5, 3)
    y = net.depthwise(net.conv(x, 4, {}))
    w = net.weights((3, 1, 1, 4))
    value = net.edit.values[w]
    data = np.array(value.data)
    data[..., 2] = 0
    w = net.edit.constant("v", data, value.type.q)
    check(net.finish(net.add(Conv2D(), y, w, scale=0.5)), [3, 3, 3])


def test_sums_need_all_operands_constant() -> None:
    net = Dying()
    x = net.input("x", 1, 6, 5, 3)
    a, b = net.conv(x, 6, {1: LOW, 2: LOW, 3: 999}), net.conv(x, 6, {2: LOW, 3: LOW, 4: LOW})
    y = net.add(Add(), a, b, scale=0.2, zero=-100)
    check(net.finish(net.conv(y, 4, {}, kernel=1)), [4, 4, 4, 4])


@pytest.mark.parametrize(
    "op",
    [
        LeakyRelu(0.5),
        Clip(0.1, 2.0),
        MaxPool2D((2, 2), padding=(0, 0, 1, 1)),
        AveragePool2D((3, 3), padding=SAME),
        AveragePool2D((3, 3), padding=SAME, count_include_pad=True),
        Resize((7, 9), "bilinear"),
        Pad((0, 1, 0, 0), (0, 0, 1, 0)),
        Slice((0, 1, 0, 0), (1, 3, 5, 6), (1, 1, 2, 1)),
        Transpose((0, 2, 1, 3)),
        Mean((1,), True),
        Reshape((1, 30, 6)),
    ],
    ids=lambda op: op.kind,
)
def test_channelwise_operators(op: Op) -> None:
    net = Dying()
    y = net.like(op, net.conv(net.input("x", 1, 6, 5, 3), 6, {1: LOW, 4: LOW}))
    check(net.finish(net.dense(y)), [4, 4, 3])


def test_flattening_spreads_channels() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 2, 3, 3), 4, {0: LOW, 2: 5000})
    check(net.finish(net.dense(net.like(Reshape((1, 24)), y))), [2, 12, 3])


def test_splitting_the_last_dimension() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 2, 3, 3), 6, {0: LOW, 2: LOW, 4: LOW})
    check(net.finish(net.dense(net.like(Reshape((1, 2, 3, 3, 2)), y))), [3, 1, 3])


def test_joined_channels() -> None:
    net = Dying()
    x = net.input("x", 1, 4, 5, 3)
    a, b = net.conv(x, 3, {1: LOW}), net.conv(x, 4, {0: LOW, 3: LOW})
    check(net.finish(net.conv(net.like(Concat(3), a, b), 2, {})), [2, 2, 4, 2])
    net = Dying()
    x = net.input("x", 1, 4, 5, 3)
    a, b = net.conv(x, 4, {1: LOW}), net.conv(x, 4, {1: LOW, 3: LOW})
    check(net.finish(net.conv(net.like(Concat(1), a, b), 2, {})), [3, 3, 3, 2])


def test_split_channels() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 5, 3), 7, {0: LOW, 4: LOW, 5: LOW})
    q = net.edit.values[y].type
    parts = [q.reshaped((1, 4, 5, 3)), q.reshaped((1, 4, 5, 4))]
    left, right = net.edit.add(Split(3, (3, 4)), [y], "parts", types=parts)
    graph = net.finish(net.conv(left, 2, {}), net.conv(right, 2, {}))
    check(graph, [4, 2, 2, 2])


def test_constant_operands_are_cut() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 5, 3), 5, {1: LOW, 2: LOW})
    for op, shape in ((Mul(), (5,)), (Sub(), (1, 1, 1)), (Add(), (1, 1, 1, 5)), (Mul(), ())):
        data = net.rng.integers(-20, 20, shape).astype(np.int8)
        c = net.edit.constant("c", data, net.edit.values[y].type.q)
        y = net.add(op, y, c, scale=0.4)
    check(net.finish(net.conv(y, 2, {}, kernel=1)), [3, 3, 3, 3, 3, 2])


def test_interfaces_and_other_operators_keep_their_channels() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 5, 3), 4, {1: LOW})
    graph = net.finish(y, net.add(Softmax(3), y, scale=1 / 256, zero=-128))
    assert eliminate_constant_channels(graph) is graph
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 5, 3), 4, {1: LOW})
    w = net.weights((4, 1, 1, 2))
    graph = net.finish(net.add(Conv2D(groups=2), y, w, scale=0.4))
    assert eliminate_constant_channels(graph) is graph


def test_one_channel_is_left() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 5, 3), 4, dict.fromkeys(range(4), LOW))
    check(net.finish(net.conv(net.add(Sigmoid(), y, scale=1 / 256, zero=-128), 2, {}, kernel=1)), [1, 1, 2])


def test_transposed_convolution() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 3, 3), 5, {1: LOW, 2: 5000})
    w = net.weights((4, 3, 3, 5), dead=[2])
    op = ConvTranspose2D((2, 2), padding=SAME, clamp=RELU)
    y = net.add(op, y, w, net.bias(y, w, [3, 4, LOW, 5]), scale=0.3, zero=-128)
    check(net.finish(net.conv(y, 2, {})), [4, 3, 2])


def test_asymmetric_weights() -> None:
    net = Dying()
    y = net.conv(net.input("x", 1, 4, 3, 3), 5, {1: LOW, 2: 5000})
    data = net.rng.integers(-128, 128, (3, 1, 1, 5)).astype(np.int8)
    weights = net.edit.constant("w", data, QParams.per_tensor(0.002, 17))
    check(net.finish(net.add(Conv2D(), y, weights, scale=0.3)), [3, 3])


def test_a_float_graph_is_returned_unchanged() -> None:
    net = IntNet()
    graph = net.finish(net.add(Clip(0.0, 1.0), net.input("x", 3)))
    object.__setattr__(graph, "numerics", None)
    assert eliminate_constant_channels(graph) is graph


@pytest.mark.parametrize("numerics", NUMERICS)
def test_reachable_is_tight_for_a_layer_and_never_too_narrow(numerics: Numerics) -> None:
    net = Dying(numerics)
    x = net.input("x", 1, 5, 4, 3)
    y = net.conv(x, 6, {2: LOW}, zero=-20)
    graph = net.finish(net.add(Mul(), y, net.depthwise(y), scale=0.4))
    bounds = reachable(graph)
    executor = IntExecutor(graph)
    w = graph.data(graph.nodes[0].inputs[1])
    assert w is not None
    # the centre pixel reaches its bounds with inputs of the weights' signs
    for channel in range(6):
        signs = np.where(w[channel] > 0, 127, -128).astype(np.int8)
        image = np.zeros((1, 5, 4, 3), np.int8)
        image[0, 1:4, 0:3] = signs
        assert executor.run({"x": image})[y][0, 2, 1, channel] == bounds[y][1][0, 2, 1, channel]
        image[0, 1:4, 0:3] = np.where(w[channel] > 0, -128, 127)
        assert executor.run({"x": image})[y][0, 2, 1, channel] == bounds[y][0][0, 2, 1, channel]
    rng = np.random.default_rng(3)
    for _ in range(20):
        found = executor.run({"x": rng.choice(np.array([-128, 0, 127], np.int8), (1, 5, 4, 3))})
        for name, array in found.items():
            low, high = bounds[name]
            assert np.all(low <= array) and np.all(array <= high)


@pytest.mark.shared
def test_half_of_the_vww_network_goes(shared_models: Path, shared_data: Path) -> None:
    float_graph = optimize_float(load(shared_models / "vww_int8.tflite"))
    before = quantize(float_graph, None, QuantConfig(), float_graph.preferred)
    after = optimize_integer(before)
    weights = [after.type(str(n.inputs[1])).size for n in after.nodes if len(n.inputs) > 1]
    assert sum(n.op.macs(after.site(n)) for n in after.nodes) <= 3_750_000
    assert sum(weights) <= 30_000
    (name,), (out,) = before.inputs, before.outputs
    type = before.type(name)
    first, second = IntExecutor(before), IntExecutor(after)
    for x in np.load(shared_data / "vww_eval.npz")["x"][:12]:
        sample = {name: type.qp.quantize(x.reshape(type.shape), type.dtype)}
        np.testing.assert_array_equal(first.run(sample)[out], second.run(sample)[out])
