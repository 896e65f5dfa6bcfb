"""Integer networks whose memory is not trivial to plan: MobileNetV2, a U-Net, and random graphs. Weights are random."""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import registry
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.passes.with_states import with_states

Q = QParams.per_tensor(0.05, -3)
SCALE = 0.003


class Net:
    """Builds a network from layers with random weights; every activation is (1, height, width, channels)."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.edit = GraphEditor(name)
        self.edit.numerics = Numerics.FAST
        self.rng = np.random.default_rng(seed)
        self.ops = registry()

    def input(self, name: str, height: int, width: int, channels: int) -> str:
        return self.edit.input(name, TensorType((1, height, width, channels), DType.INT8, Q))

    def shape(self, name: str) -> tuple[int, ...]:
        return self.edit.values[name].type.shape

    def _weights(self, shape: tuple[int, ...], channels: int, axis: int) -> tuple[str, str]:
        scales = np.full(channels, SCALE)
        w = self.rng.integers(-127, 128, shape).astype(np.int8)
        b = self.rng.integers(-2000, 2000, channels).astype(np.int32)
        return (
            self.edit.constant("w", w, QParams.per_channel(scales, 0, axis)),
            self.edit.constant("b", b, QParams.per_channel(scales * Q.s, 0, 0)),
        )

    def op(self, kind: str, inputs: list[str], **attributes: object) -> tuple[str, ...]:
        """Any operator; returns its outputs."""
        return self.edit.add(self.ops[kind](**attributes), inputs, f"{kind.lower()}_{len(self.edit.nodes)}")

    def conv(self, x: str, channels: int, kernel: int = 3, stride: int = 1) -> str:
        """Convolution that keeps the size, or halves it."""
        after = (kernel - 1) // 2
        before = after if stride == 1 or self.shape(x)[1] % 2 else max(after - 1, 0)
        operands = self._weights((channels, kernel, kernel, self.shape(x)[3]), channels, 0)
        return self.op("Conv2D", [x, *operands], stride=(stride,) * 2, padding=(before, before, after, after))[0]

    def depthwise(self, x: str, stride: int = 1) -> str:
        """3×3 depthwise convolution."""
        channels = self.shape(x)[3]
        before = 1 if stride == 1 or self.shape(x)[1] % 2 else 0
        operands = self._weights((3, 3, channels), channels, 2)
        return self.op("DepthwiseConv2D", [x, *operands], stride=(stride,) * 2, padding=(before, before, 1, 1))[0]

    def dense(self, x: str, channels: int) -> str:
        """Fully connected layer over all elements."""
        size = int(np.prod(self.shape(x)))
        (flat,) = self.op("Reshape", [x], shape=(1, size))
        return self.op("FullyConnected", [flat, *self._weights((channels, size), channels, 0)])[0]

    def finish(self, *outputs: str) -> Graph:
        self.edit.outputs = list(outputs)
        return self.edit.finish()


BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repetitions and stride of MobileNetV2's stages (Sandler and others, 2018, table 2)."""


def mobilenet_v2(size: int, width: float = 0.35) -> Graph:
    """MobileNetV2 for images of size × size pixels."""

    def scaled(channels: int) -> int:
        found = max(8, int(channels * width + 4) // 8 * 8)
        return found + 8 if found < 0.9 * channels * width else found

    net = Net(f"mobilenet_{size}")
    x = net.conv(net.input("image", size, size, 3), scaled(32), stride=2)
    for expansion, channels, count, first in BLOCKS:
        for index in range(count):
            block = x
            inside = net.shape(x)[3] * expansion
            y = net.conv(block, inside, kernel=1) if expansion > 1 else block
            y = net.depthwise(y, first if index == 0 else 1)
            y = net.conv(y, scaled(channels), kernel=1)
            x = net.op("Add", [block, y])[0] if net.shape(y) == net.shape(block) else y
    x = net.conv(x, 1280, kernel=1)
    (x,) = net.op("AveragePool2D", [x], kernel=net.shape(x)[1:3], stride=(1, 1))
    return net.finish(net.dense(x, 100))


def unet(size: int = 64, channels: int = 8, depth: int = 4) -> Graph:
    """A U-Net: two convolutions at each level, skips from the way down to the way up."""
    net = Net("unet")
    x, skips = net.input("image", size, size, 1), []
    for level in range(depth):
        x = net.conv(net.conv(x, channels << level), channels << level)
        skips.append(x)
        (x,) = net.op("MaxPool2D", [x], kernel=(2, 2), stride=(2, 2))
    x = net.conv(x, channels << depth)
    for level in reversed(range(depth)):
        skip = skips.pop()
        (x,) = net.op("Resize", [x], size=net.shape(skip)[1:3], mode="nearest", coordinates="asymmetric")
        (x,) = net.op("Concat", [skip, net.conv(x, channels << level, kernel=1)], axis=3)
        x = net.conv(net.conv(x, channels << level), channels << level)
    return net.finish(net.conv(x, 2, kernel=1))


def random_net(seed: int, layers: int = 14, states: int = 0) -> Graph:
    """Branches, residual additions, concatenations, splits, values that are read much later, one to three outputs.

    A state becomes anything of its shape: what is computed, an output, an input, another state or itself.
    """
    net = Net(f"stateful_{seed}" if states else f"random_{seed}", seed)
    rng = net.rng
    pool = [net.input(f"in{i}", 6, 5, int(rng.integers(1, 9))) for i in range(int(rng.integers(1, 3)))]
    kept = [net.input(f"state{i}", 6, 5, net.shape(pool[0])[3]) for i in range(states)]
    pool += kept
    while len(net.edit.nodes) < layers:
        x = pool[-1] if rng.random() < 0.6 else pool[int(rng.integers(len(pool)))]
        alike = [v for v in pool if net.shape(v) == net.shape(x)]
        beside = [v for v in pool if net.shape(v)[:3] == net.shape(x)[:3] and net.shape(v)[3] + net.shape(x)[3] < 24]
        other = alike[int(rng.integers(len(alike)))]
        kind = int(rng.integers(8))
        if kind == 0:
            made: tuple[str, ...] = (net.conv(x, int(rng.integers(1, 13))),)
        elif kind == 1:
            made = (net.conv(x, int(rng.integers(1, 17)), kernel=1),)
        elif kind == 2:
            made = (net.depthwise(x),)
        elif kind == 3 and beside:
            made = net.op("Concat", [x, beside[int(rng.integers(len(beside)))]], axis=3)
        elif kind == 4 and net.shape(x)[3] > 2:
            cut = int(rng.integers(1, net.shape(x)[3]))
            made = net.op("Split", [x], axis=3, sizes=(cut, net.shape(x)[3] - cut))
        elif kind == 5 and net.shape(x)[1] > 3:
            made = (net.conv(x, int(rng.integers(4, 13)), stride=2),)
        elif kind == 6:
            made = net.op("MaxPool2D", [x], kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1))
        else:
            made = net.op("Add", [x, other])
        pool += made
    read = {name for node in net.edit.nodes.values() for name in node.inputs}
    ends = [name for name in pool if name not in read]
    more = [pool[int(rng.integers(len(net.edit.inputs), len(pool)))]] if rng.random() < 0.5 else []
    graph = net.finish(*dict.fromkeys([*ends, *more]))
    if not states:
        return graph
    becomes = {name: str(rng.choice([v for v in pool if net.shape(v) == net.shape(name)])) for name in kept}
    return with_states(graph, becomes, keep=[] if set(graph.outputs) - set(becomes.values()) else graph.outputs[:1])


def striped_net(seed: int) -> Graph:
    """Convolutions, depthwise convolutions, pools, residual additions and activations, of odd and even sizes."""
    net = Net(f"striped_{seed}", seed)
    rng = net.rng
    x = net.input("x", int(rng.integers(9, 25)), int(rng.choice([4, 8, 8, 16, 7])), int(rng.choice([3, 4, 8])))
    pool = [x]
    for _ in range(int(rng.integers(3, 9))):
        kind = int(rng.integers(7))
        alike = [v for v in pool if net.shape(v) == net.shape(x)]
        large = min(net.shape(x)[1:3]) > 3
        if kind == 0:
            x = net.conv(x, int(rng.choice([4, 5, 8, 16, 16])), kernel=int(rng.choice([1, 3, 5])))
        elif kind == 1:
            x = net.conv(x, int(rng.choice([4, 8, 16])), kernel=1)
        elif kind == 2:
            x = net.depthwise(x, 2 if large and rng.random() < 0.4 else 1)
        elif kind == 3 and large:
            x = net.conv(x, int(rng.choice([4, 8, 12])), stride=2)
        elif kind == 4:
            (x,) = net.op("MaxPool2D", [x], kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1))
        elif kind == 5:
            (x,) = net.op("HardSwish", [x])
        elif len(alike) > 1:
            (x,) = net.op("Add", [x, alike[int(rng.integers(len(alike) - 1))]])
        pool.append(x)
    return net.finish(*dict.fromkeys([x, *([pool[-2]] if rng.random() < 0.3 and len(pool) > 2 else [])]))
