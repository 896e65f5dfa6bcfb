"""Scaling and shifting by constants vanish into linear operators."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.exp import Exp
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.passes.fold_affine import fold_affine

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
