"""Small networks over windows in time for tests of streaming: every way in which rows depend on those of others."""

from __future__ import annotations

from pass_graphs import Net

from edgeq.ir.graph import Graph
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.slice import Slice
from edgeq.ops.softmax import Softmax
from edgeq.ops.transpose import Transpose

RELU = (0.0, float("inf"))


def keywords(frames: int = 25, padded: bool = True) -> Graph:
    """As keyword spotters are: a strided convolution, depthwise ones padded along time, a mean over time."""
    net, one = Net(11), int(padded)
    first = Conv2D((2, 2), padding=(4 * one, 1, 5 * one, 1), clamp=RELU)
    y = net.add(first, net.input("x", 1, frames, 6, 1), net.const(8, 10, 4, 1))
    for _ in range(2):
        y = net.add(DepthwiseConv2D(padding=(one, 1, one, 1), clamp=RELU), y, net.const(3, 3, 8), net.const(8))
        y = net.add(Conv2D(clamp=RELU), y, net.const(8, 1, 1, 8), net.const(8))
    flat = net.add(Reshape((1, 8)), net.add(Mean((1, 2), True), y), name="flat")
    return net.finish(net.add(Softmax(1), net.add(FullyConnected(), flat, net.const(4, 8)), name="y"))


def signal() -> Graph:
    """One row of columns in time, as 1-D convolutions are: dilated, pooled, flattened before a dense layer."""
    net = Net(12)
    y = net.add(Conv2D(clamp=RELU), net.input("x", 1, 1, 40, 3), net.const(6, 1, 5, 3), net.const(6))
    y = net.add(DepthwiseConv2D(dilation=(1, 3)), y, net.const(1, 3, 6))
    y = net.add(AveragePool2D((1, 2), (1, 2), (0, 0, 0, 0), True), y, name="pooled")
    y = net.add(MaxPool2D((1, 3), (1, 1)), y, name="greatest")
    flat = net.add(Reshape((1, net.edit.values[y].type.shape[2] * 6)), y, name="flat")
    return net.finish(net.add(FullyConnected(), flat, net.const(5, net.edit.values[flat].type.shape[1]), name="y"))


def causal() -> Graph:
    """A causal residual network, channels first, whose output has rows in time; 30 of them."""
    net = Net(13)
    turned = net.add(Transpose((0, 2, 1)), net.input("x", 1, 4, 30), name="turned")
    y = net.add(Reshape((1, 30, 1, 4)), turned, name="image")
    for d in (1, 2, 4):
        z = net.add(Conv2D(dilation=(d, 1), padding=(2 * d, 0, 0, 0), clamp=RELU), y, net.const(4, 3, 1, 4))
        y = net.add(Add(), y, z, name="sum")
    rows = net.add(FullyConnected(), net.add(Reshape((1, 30, 4)), y, name="rows"), net.const(2, 4), name="dense")
    return net.finish(net.add(Softmax(2), rows, name="y"))


def last() -> Graph:
    """Two branches of unlike reach, of which only the newest row is used."""
    net = Net(14)
    x = net.input("x", 1, 20, 1, 4)
    wide = net.add(Conv2D(padding=(2, 0, 2, 0)), x, net.const(4, 5, 1, 4), name="wide")
    slow = net.add(MaxPool2D((4, 1), (1, 1), padding=(3, 0, 0, 0)), x, name="slow")
    both = net.add(Concat(3), wide, slow, name="both")
    cut = net.add(Slice((0, 19, 0, 0), (1, 20, 1, 8), (1, 1, 1, 1)), both, name="newest")
    return net.finish(net.add(FullyConnected(), cut, net.const(3, 8), name="y"))


def weighted() -> Graph:
    """A gate that the whole window opens or shuts: all rows behind it are others with each window. Of three outputs two
    are in time, and one of these is what the next step begins with."""
    net = Net(15)
    x = net.input("x", 1, 14, 3, 2)
    y = net.add(Conv2D(padding=(1, 0, 1, 0)), x, net.const(4, 3, 1, 2), name="y")
    gate = net.add(Sigmoid(), net.add(Mean((1, 2), True), y, name="mean"), name="gate")
    gated = net.add(Conv2D(), net.add(Mul(), y, gate, name="gated"), net.const(4, 3, 1, 4), name="after")
    rows = net.add(Conv2D(), x, net.const(2, 3, 1, 2), name="rows")
    return net.finish(net.add(Mean((1, 2)), gated, name="z"), rows, x)


WINDOWS = (keywords, signal, causal, last, weighted)
