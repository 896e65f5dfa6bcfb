"""Small networks with states for the tests: filters, an integrator, and every way in which states can share memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pass_graphs import Net

from edgeq.ir.graph import Graph, State
from edgeq.ir.tensor import Array
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.ops.tanh import Tanh
from edgeq.passes.with_states import with_states


def fir() -> Graph:
    """y = W · [x, x of the step before] (1, 3); the state is the input itself, and is so in the graph's text."""
    net = Net(1)
    x, before = net.input("x", 1, 4), net.input("before", 1, 4)
    taps = net.add(Concat(1), x, before, name="taps")
    y = net.add(FullyConnected(), taps, net.const(3, 8), name="y")
    net.edit.states = [State("before", "x")]
    return net.finish(y, "x")


def one_step() -> Graph:
    """level = 0.9 · held + 0.1 · tanh(W · x) (1, 5), without states."""
    net = Net(2)
    x, held = net.input("x", 1, 4), net.input("held", 1, 5)
    drive = net.add(Tanh(), net.add(FullyConnected(), x, net.const(5, 4), name="dense"), name="drive")
    decayed = net.add(Mul(), held, net.data(0.9), name="decayed")
    level = net.add(Add(), decayed, net.add(Mul(), drive, net.data(0.1), name="scaled"), name="level")
    return net.finish(level)


def integrator() -> Graph:
    """The same with `held` the level of the step before; the caller takes it, too."""
    return with_states(one_step(), {"held": "level"}, keep=["level"])


def causal_convolution() -> Graph:
    """A convolution over the last three rows of an image that comes row by row: the state is a window of two rows."""
    net = Net(3)
    row, window = net.input("row", 1, 1, 8, 2), net.input("window", 1, 2, 8, 2)
    rows = net.add(Concat(1), window, row, name="rows")
    after = net.add(Slice((0, 1, 0, 0), (1, 3, 8, 2), (1, 1, 1, 1)), rows, name="window_after")
    y = net.add(Conv2D(padding=(0, 1, 0, 1)), rows, net.const(4, 3, 3, 2), name="y")
    return with_states(net.finish(y, after), {"window": "window_after"})


def aliases() -> Graph:
    """States that become each other, outputs that are states, and states that are inputs, all through views.

    first = x; second = first; third = second: a delay line. left = right; right = left + x. still = still.
    """
    net = Net(4)
    x = net.input("x", 1, 16)
    states = {name: net.input(name, 1, 16) for name in ("first", "second", "third", "left", "right", "still")}
    total = x
    for name in states.values():
        total = net.add(Add(), total, name, name=f"with_{name}")
    crossed = net.add(Add(), "left", x, name="crossed")
    old = net.add(Reshape((4, 4)), "second", name="second_before")
    same = net.add(Reshape((2, 8)), x, name="x_again")
    graph = net.finish(total, crossed, old, same)
    becomes = {"first": "x", "second": "first", "third": "second", "left": "right", "right": "crossed"}
    return with_states(graph, {**becomes, "still": "still"}, keep=["crossed"])


def mixed_kernels(channels: int = 48, mixes: Sequence[Sequence[int]] = ((5,), (5, 9), (9, 13), (5, 9, 13))) -> Graph:
    """A wake word's network as microWakeWord makes them: three frames a step, and blocks of depthwise convolutions over
    time, each of whose kernel sizes takes its share of the channels, and pointwise ones. Each window is a state."""
    net = Net(5)
    becomes: dict[str, str] = {}

    def window(x: str, rows: int, name: str) -> str:
        _, new, _, width = net.edit.values[x].type.shape
        held = net.input(name, 1, rows, 1, width)
        joined = net.add(Concat(1), held, x, name=f"{name}_joined")
        cut = Slice((0, new, 0, 0), (1, rows + new, 1, width), (1,) * 4)
        becomes[name] = net.add(cut, joined, name=f"{name}_after")
        return joined

    x = window(net.input("x", 1, 3, 1, 40), 2, "first")
    y = net.add(Conv2D(), x, net.const(30, 5, 1, 40), name="stem")
    for k, sizes in enumerate(mixes):
        share, longest = net.edit.values[y].type.shape[3] // len(sizes), max(sizes)
        joined, parts = window(y, longest - 1, f"ring_{k}"), []
        for i, size in enumerate(sizes):
            cut = Slice((0, longest - size, 0, i * share), (1, longest, 1, (i + 1) * share), (1,) * 4)
            rows = net.add(cut, joined, name=f"rows_{k}_{size}")
            parts.append(net.add(DepthwiseConv2D(), rows, net.const(size, 1, share), name=f"depthwise_{k}_{size}"))
        mixed = parts[0] if len(parts) == 1 else net.add(Concat(3), *parts, name=f"mixed_{k}")
        y = net.add(Conv2D(), mixed, net.const(channels, 1, 1, share * len(sizes)), name=f"pointwise_{k}")
    flat = net.add(Reshape((1, 5 * channels)), window(y, 4, "last"), name="flat")
    out = net.add(FullyConnected(), flat, net.const(1, 5 * channels), name="y")
    return with_states(net.finish(out, *becomes.values()), becomes)


NETS = (fir, integrator, causal_convolution, aliases)


def steps(graph: Graph, count: int, seed: int = 5) -> list[dict[str, Array]]:
    """Random real values of the public inputs; the range differs from step to step."""
    rng = np.random.default_rng(seed)
    return [
        {n: (rng.normal(0, 1 + k % 3, graph.type(n).shape)).astype(np.float32) for n in graph.public_inputs}
        for k in range(count)
    ]
