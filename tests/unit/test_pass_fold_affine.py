"""Scaling and shifting by constants vanish into linear operators."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ir.traits import NO_CLAMP, Clamp
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.exp import Exp
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.transpose import Transpose
from edgeq.passes.fold_affine import fold_affine
from edgeq.passes.fold_constants import fold_constants

RELU = (0.0, float("inf"))
LINEAR: list[tuple[Op, tuple[int, ...], tuple[int, ...], int]] = [
    (Conv2D(), (1, 4, 5, 6), (8, 3, 2, 6), 8),
    (Conv2D(groups=2, stride=(2, 1)), (1, 4, 5, 6), (4, 1, 1, 3), 4),
    (DepthwiseConv2D(), (1, 4, 5, 3), (3, 2, 6), 6),
    (ConvTranspose2D(stride=(2, 2), groups=2), (1, 3, 2, 4), (6, 2, 2, 2), 6),
    (FullyConnected(), (2, 7), (5, 7), 5),
]
IDS = ["conv", "grouped", "depthwise", "transposed", "dense"]


@pytest.mark.parametrize(("op", "x", "w", "channels"), LINEAR, ids=IDS)
@pytest.mark.parametrize("bias", [False, True])
def test_after(op: Op, x: tuple[int, ...], w: tuple[int, ...], channels: int, bias: bool) -> None:
    net = Net()
    y = net.add(op, net.input("x", *x), net.const(*w), net.const(channels) if bias else None, name="linear")
    y = net.add(Mul(), y, net.const(channels))
    y = net.add(Add(), y, net.const(1))
    graph = net.finish(net.add(Add(RELU), y, net.const(*(1,) * (len(x) - 1), channels), name="y"))
    after = fold_affine(graph)
    assert kinds(after) == [op.kind]
    assert (after.nodes[0].name, after.nodes[0].outputs) == ("linear", ("y",))
    assert_same_float(graph, after)


@pytest.mark.parametrize(("op", "x", "w", "channels"), LINEAR, ids=IDS)
@pytest.mark.parametrize("bias", [False, True])
def test_before(op: Op, x: tuple[int, ...], w: tuple[int, ...], channels: int, bias: bool) -> None:
    net = Net()
    y = net.add(Mul(), net.input("x", *x), net.const(x[-1]))
    shifted = not isinstance(op, ConvTranspose2D)
    if shifted:
        y = net.add(Add(), y, net.const(x[-1]))
    graph = net.finish(net.add(op, y, net.const(*w), net.const(channels) if bias else None))
    after = fold_affine(graph)
    assert kinds(after) == [op.kind]
    assert_same_float(graph, after)


def test_an_addend_does_not_pass_padding() -> None:
    net = Net()
    y = net.add(Mul(), net.input("x", 1, 4, 4, 2), net.const(2))
    y = net.add(Add(), y, net.const(2))
    graph = net.finish(net.add(Conv2D(padding=(1, 1, 1, 1)), y, net.const(3, 3, 3, 2)))
    after = fold_affine(graph)
    assert kinds(after) == ["DepthwiseConv2D", "Conv2D"]
    assert_same_float(graph, after)


def test_a_factor_passes_padding() -> None:
    net = Net()
    y = net.add(Mul(), net.input("x", 1, 4, 4, 2), net.const(1))
    graph = net.finish(net.add(Conv2D(padding=(1, 1, 1, 1)), y, net.const(3, 3, 3, 2)))
    after = fold_affine(graph)
    assert kinds(after) == ["Conv2D"]
    assert_same_float(graph, after)


def test_a_clamp_in_between_stays() -> None:
    net = Net()
    y = net.add(Conv2D(clamp=RELU), net.input("x", 1, 4, 4, 2), net.const(3, 1, 1, 2))
    graph = net.finish(net.add(Mul(), y, net.const(3)))
    assert fold_affine(graph) is graph


def test_two_readers() -> None:
    net = Net()
    y = net.add(Conv2D(), net.input("x", 1, 4, 4, 2), net.const(3, 1, 1, 2))
    graph = net.finish(net.add(Mul(), y, net.const(3)), y)
    assert fold_affine(graph) is graph


def test_constants_along_rows_stay() -> None:
    net = Net()
    y = net.add(Conv2D(), net.input("x", 1, 4, 4, 2), net.const(3, 1, 1, 2))
    graph = net.finish(net.add(Mul(), y, net.const(4, 1, 1)))
    assert fold_affine(graph) is graph


def test_prescribed_parameters_in_between_stay() -> None:
    net = Net()
    y = net.add(Conv2D(), net.input("x", 1, 4, 4, 2), net.const(3, 1, 1, 2), q=QParams.per_tensor(0.5, 0))
    graph = net.finish(net.add(Mul(), y, net.const(3)))
    assert fold_affine(graph) is graph


def test_bias_of_a_quantized_product() -> None:
    net = Net()
    w = net.data(net.rng.integers(-127, 128, (3, 4)).astype(np.int8), QParams.per_channel([0.5, 0.25, 1.0], 0, 0))
    b = net.data(np.array([7, -9, 100], np.int32), QParams.per_channel([0.25, 0.125, 0.5], 0, 0))
    y = net.add(FullyConnected(), net.input("x", 2, 4, q=QParams.per_tensor(0.5, 0)), w, b)
    graph = net.finish(net.add(Add(), y, net.const(3), q=QParams.per_tensor(2.0, 0)))
    after = fold_affine(graph)
    assert kinds(after) == ["FullyConnected"]
    assert after.type(after.outputs[0]).q == QParams.per_tensor(2.0, 0)
    assert_same_float(graph, after)


def test_chains_without_anything_linear() -> None:
    net = Net()
    y = net.add(Clip(-1.0, 1.0), net.input("x", 1, 4, 3, 5))
    y = net.add(Add(), y, net.const(5))
    y = net.add(Mul(), y, net.const(5))
    y = net.add(Mul(), y, net.const(1))
    graph = net.finish(net.add(Add(RELU), y, net.const(5)))
    after = fold_affine(graph)
    assert kinds(after) == ["Clip", "DepthwiseConv2D"]
    assert_same_float(graph, after)


def test_scalars_without_anything_linear_stay_arithmetic() -> None:
    net = Net()
    y = net.add(Mul(), net.add(Exp(), net.input("x", 1, 4, 3, 5)), net.const(1))
    graph = net.finish(net.add(Add(), y, net.const(1)))
    assert fold_affine(graph) is graph


def test_constants_do_not_grow() -> None:
    net = Net()
    y = net.add(Mul(), net.input("x", 1, 40, 30, 5), net.const(40, 1, 1))
    graph = net.finish(net.add(Mul(), y, net.const(30, 1)))
    assert fold_affine(graph) is graph


def per_channel(net: Net, x: str, channels: int, positive: bool = True) -> str:
    """Batch normalization: a factor and an addend for every channel."""
    factor = np.linspace(0.5, 2.0, channels) * (1 if positive else np.resize([1, -1], channels))
    return net.add(Add(), net.add(Mul(), x, net.data(factor)), net.data(np.linspace(-1.0, 3.0, channels)))


def rectified(net: Net, *shape: int) -> str:
    return net.add(Clip(0.0, 6.0), net.input("x", *shape))


@pytest.mark.parametrize("axis", [3, 1])
def test_into_the_branches_of_a_concat(axis: int) -> None:
    net = Net()
    x = net.input("x", 1, 4, 5, 2)
    first = net.add(Conv2D(), x, net.const(3, 1, 1, 2), net.const(3))
    inner = net.add(Concat(axis), net.add(Conv2D(), x, net.const(3, 1, 1, 2), None), net.const(1, 4, 5, 3))
    y = per_channel(net, net.add(Concat(axis), first, inner), 9 if axis == 3 else 3)
    graph = net.finish(net.add(Clip(0.0, 6.0), y))
    after = fold_constants(fold_affine(graph))
    assert sorted(kinds(after)) == ["Clip", "Concat", "Concat", "Conv2D", "Conv2D"]
    assert_same_float(graph, after)


def test_branches_without_a_layer_keep_what_is_left() -> None:
    net = Net()
    x = net.input("x", 1, 4, 5, 2)
    y = net.add(Concat(3), net.add(Conv2D(), x, net.const(3, 1, 1, 2), None), net.add(MaxPool2D((1, 1)), x))
    graph = net.finish(per_channel(net, y, 5))
    after = fold_affine(graph)
    assert sorted(kinds(after)) == ["Concat", "Conv2D", "DepthwiseConv2D", "MaxPool2D"]
    assert_same_float(graph, after)


def test_not_into_branches_that_others_read_or_without_any_layer() -> None:
    net = Net()
    x = net.input("x", 1, 4, 5, 2)
    conv = net.add(Conv2D(), x, net.const(3, 1, 1, 2), None)
    read = per_channel(net, net.add(Concat(3), conv, x), 5)
    clamped = net.add(Conv2D(clamp=RELU), x, net.const(3, 1, 1, 2), None)
    graph = net.finish(read, conv, per_channel(net, net.add(Concat(3), clamped, x), 5))
    after = fold_affine(graph)
    assert kinds(after).count("DepthwiseConv2D") == 2
    assert_same_float(graph, after)


POOLS: list[tuple[Op, bool]] = [
    (MaxPool2D((2, 2), (2, 2), padding=(1, 0, 0, 1)), False),
    (AveragePool2D((3, 2), (1, 2), padding=(1, 0, 0, 1)), True),
    (Mean((1, 2), True), True),
    (ReduceMax((1, 2), True), False),
    (Mean((1,)), True),
]


@pytest.mark.parametrize(("pool", "any_sign"), POOLS, ids=lambda v: v.kind if isinstance(v, Op) else None)
def test_behind_pools(pool: Op, any_sign: bool) -> None:
    """As far as a layer that takes it over, or at least to where there is less of it."""
    for positive in (True, False):
        net = Net()
        graph = net.finish(net.add(pool, per_channel(net, rectified(net, 1, 6, 6, 4), 4, positive)))
        after = fold_affine(graph)
        behind = positive or any_sign
        scaled = [n.op.kind for n in after.nodes if n.op.kind not in ("Reshape", "Clip")]
        assert scaled == ([pool.kind, "DepthwiseConv2D"] if behind else ["DepthwiseConv2D", pool.kind])
        assert_same_float(graph, after)


def test_behind_a_pool_into_a_layer() -> None:
    net = Net()
    y = net.add(MaxPool2D((2, 2), (2, 2)), per_channel(net, rectified(net, 1, 6, 6, 4), 4))
    graph = net.finish(net.add(Conv2D(), y, net.const(3, 2, 2, 4), None))
    after = fold_affine(graph)
    assert kinds(after) == ["Clip", "MaxPool2D", "Conv2D"]
    assert_same_float(graph, after)


def test_pools_that_count_zeros_or_clamp_stay_in_front() -> None:
    for pool in (
        AveragePool2D((3, 3), padding=(1, 1, 1, 1), count_include_pad=True),
        MaxPool2D((2, 2), clamp=(0.0, 1.0)),
        Resize((12, 12), "bilinear"),
    ):
        net = Net()
        graph = net.finish(net.add(pool, per_channel(net, rectified(net, 1, 6, 6, 4), 4)))
        after = fold_affine(graph)
        assert kinds(after) == ["Clip", "DepthwiseConv2D", pool.kind]


@pytest.mark.parametrize("shape", [(1, 24), (1, 6, 4), (6, 4), (1, 3, 8)])
def test_behind_a_view_into_a_dense_layer(shape: tuple[int, ...]) -> None:
    net = Net()
    y = net.add(Reshape(shape), per_channel(net, rectified(net, 1, 2, 3, 4), 4))
    graph = net.finish(net.add(FullyConnected(), y, net.const(5, shape[-1]), None))
    after = fold_affine(graph)
    assert kinds(after) == ["Clip", "Reshape", "FullyConnected"]
    assert_same_float(graph, after)


def test_not_behind_a_view_that_cuts_channels() -> None:
    net = Net()
    y = net.add(Reshape((1, 4, 6)), per_channel(net, rectified(net, 1, 2, 3, 4), 4))
    after = fold_affine(net.finish(net.add(FullyConnected(), y, net.const(5, 6), None)))
    assert "DepthwiseConv2D" in kinds(after)


def test_into_all_layers_that_read_it() -> None:
    net = Net()
    y = per_channel(net, rectified(net, 1, 4, 4, 4), 4)
    first = net.add(Conv2D(), y, net.const(3, 1, 1, 4), net.const(3))
    second = net.add(Conv2D(), y, net.const(3, 3, 3, 4), None)
    graph = net.finish(first, second)
    after = fold_affine(graph)
    assert sorted(kinds(after)) == ["Clip", "Conv2D", "Conv2D"]
    assert_same_float(graph, after)


def test_not_if_one_reader_cannot_take_it() -> None:
    net = Net()
    y = per_channel(net, rectified(net, 1, 4, 4, 4), 4)
    graph = net.finish(net.add(Conv2D(), y, net.const(3, 1, 1, 4), None), net.add(Exp(), y))
    assert "DepthwiseConv2D" in kinds(fold_affine(graph))


@pytest.mark.parametrize("shape", [(1, 5), (2, 3, 5), (5,), (1, 2, 2, 3, 5)])
def test_leftovers_of_any_rank(shape: tuple[int, ...]) -> None:
    net = Net()
    graph = net.finish(per_channel(net, rectified(net, *shape), 5))
    after = fold_affine(graph)
    assert kinds(after) == ["Clip", "Reshape", "DepthwiseConv2D", "Reshape"]
    assert_same_float(graph, after)


@pytest.mark.parametrize(("factors", "exact"), [([1.0, 0.01, -3.0], True), ([1.0, 2.0, -3.0], False)])
def test_factors_that_are_very_unlike_have_scales_of_their_own(factors: list[float], exact: bool) -> None:
    net = Net()
    graph = net.finish(net.add(Mul(), rectified(net, 1, 4, 4, 3), net.data(factors)))
    after = fold_affine(graph)
    assert kinds(after) == ["Clip", "DepthwiseConv2D" if exact else "Mul"]
    assert_same_float(graph, after)


def _scores(net: Net, behind: bool, clamp: Clamp = NO_CLAMP) -> str:
    """Products of queries and keys with a factor, behind them or behind the transposed queries."""
    x = rectified(net, 1, 6, 8)
    q, k = (net.add(FullyConnected(clamp), x, net.const(8, 8), net.const(8)) for _ in range(2))
    q, k = (net.add(Reshape((1, 6, 2, 4)), y) for y in (q, k))
    q, k = net.add(Transpose((0, 2, 1, 3)), q), net.add(Transpose((0, 2, 3, 1)), k)
    if behind:
        return net.add(Mul(), net.add(MatMul(), q, k), net.data([0.35]))
    return net.add(MatMul(), net.add(Mul(), q, net.data(0.35)), k)


@pytest.mark.parametrize("behind", [False, True])
def test_a_factor_of_attention_goes_into_the_layer_of_its_queries(behind: bool) -> None:
    net = Net()
    graph = net.finish(_scores(net, behind))
    after = fold_affine(graph)
    assert "Mul" in kinds(graph) and "Mul" not in kinds(after)
    assert_same_float(graph, after)


def test_a_factor_stays_where_a_layer_would_take_it_twice_or_not_at_all() -> None:
    net = Net()
    x = net.add(FullyConnected(), rectified(net, 1, 4, 4), net.const(4, 4), None)
    twice = net.finish(net.add(Mul(), net.add(MatMul(), x, x), net.data([0.5])))
    assert "Mul" in kinds(fold_affine(twice))
    net = Net()
    bounded = net.finish(_scores(net, True, (0.0, 6.0)))
    assert "Mul" in kinds(fold_affine(bounded))
