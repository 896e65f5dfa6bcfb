"""Passes change no function, whatever the graph."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_graphs import IntNet, Net, assert_same_float, assert_same_int

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.ops.tanh import Tanh
from edgeq.ops.transpose import Transpose
from edgeq.passes.eliminate_constant_channels import eliminate_constant_channels
from edgeq.passes.eliminate_transposes import eliminate_transposes
from edgeq.passes.pipeline import optimize_float, optimize_integer


@st.composite
def float_graphs(draw: st.DrawFn) -> Graph:
    """Three to twelve operators that move, combine or compute elements, full of Transposes and Reshapes."""
    net = Net(draw(st.integers(0, 99)))
    rank = draw(st.integers(2, 4))
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=rank, max_size=rank)))
    values = [net.input("x", *shape)]

    def size(name: str) -> tuple[int, ...]:
        return net.edit.values[name].type.shape

    for _ in range(draw(st.integers(3, 12))):
        x = draw(st.sampled_from(values[-3:]))
        shape = size(x)
        axes = range(len(shape))
        kind = draw(
            st.sampled_from(
                [
                    "turn",
                    "turn",
                    "turn",
                    "shape",
                    "tanh",
                    "add",
                    "affine",
                    "clip",
                    "reduce",
                    "pad",
                    "slice",
                    "join",
                    "fc",
                ]
            )
        )
        if kind == "turn" and shape:
            y = net.add(Transpose(tuple(draw(st.permutations(list(axes))))), x)
        elif kind == "shape":
            sizes, left = [], prod(shape)
            while left > 1 and len(sizes) < 3:
                sizes.append(draw(st.sampled_from([d for d in range(1, left + 1) if left % d == 0])))
                left //= sizes[-1]
            y = net.add(Reshape((*sizes, left)), x)
        elif kind == "add":
            same = [v for v in values if size(v) == shape]
            y = net.add(Add(), x, draw(st.sampled_from(same)))
        elif kind == "affine":
            ones = [draw(st.booleans()) for _ in axes]
            c = net.const(*(1 if one else n for one, n in zip(ones, shape, strict=True)))
            y = net.add(draw(st.sampled_from([Add(), Mul()])), x, c)
        elif kind == "clip":
            y = net.add(Clip(-0.5, 1.0), x)
        elif kind == "reduce" and shape:
            axis = draw(st.sampled_from(list(axes)))
            op = draw(st.sampled_from([Mean, ReduceMax]))
            y = net.add(op((axis,), len(shape) == 1 or draw(st.booleans())), x)
        elif kind == "pad" and shape and prod(shape) < 200:
            before = tuple(draw(st.integers(0, 1)) for _ in axes)
            y = net.add(Pad(before, before[::-1]), x)
        elif kind == "slice" and shape:
            back = [draw(st.booleans()) for _ in axes]
            begin = tuple(n - 1 if b else 0 for n, b in zip(shape, back, strict=True))
            end = tuple(-1 if b else n for n, b in zip(shape, back, strict=True))
            y = net.add(Slice(begin, end, tuple(-1 if b else 1 for b in back)), x)
        elif kind == "join" and shape and prod(shape) < 200:
            same = [v for v in values if size(v) == shape]
            y = net.add(Concat(draw(st.sampled_from(list(axes)))), x, draw(st.sampled_from(same)))
        elif kind == "fc" and shape:
            y = net.add(FullyConnected(), x, net.const(3, shape[-1]))
        else:
            y = net.add(Tanh(), x)
        values.append(y)
    return net.finish(*dict.fromkeys([values[-1], draw(st.sampled_from(values[1:]))]))


def moved(graph: Graph) -> int:
    return sum(graph.type(n.outputs[0]).size for n in graph.nodes if n.op.kind == "Transpose")


@settings(max_examples=120, deadline=None)
@given(float_graphs())
def test_transposes_only_become_fewer(graph: Graph) -> None:
    after = eliminate_transposes(graph)
    assert moved(after) <= moved(graph)
    assert_same_float(graph, after)


@settings(max_examples=120, deadline=None)
@given(float_graphs())
def test_the_float_pipeline_keeps_the_function(graph: Graph) -> None:
    after = optimize_float(graph)
    assert moved(after) <= moved(graph)
    assert_same_float(graph, after, 1e-4)


@st.composite
def integer_graphs(draw: st.DrawFn) -> Graph:
    """A few layers on a small image, with biases that kill or saturate channels and weights that are zero."""
    net = IntNet(draw(st.sampled_from(Numerics)), draw(st.integers(0, 999)))
    zeros = st.sampled_from([-128, -128, -30, 0, 127])
    values = [net.input("x", 1, 4, 3, 3, zero=draw(zeros))]

    def linear(op: Conv2D | DepthwiseConv2D | FullyConnected, x: str, shape: tuple[int, ...], axis: int) -> str:
        channels = shape[axis]
        w = net.weights(shape, axis, [c for c in range(channels) if draw(st.integers(0, 3)) == 0])
        data = np.array(net.edit.values[w].data)
        np.moveaxis(data, -1, 0)[[c for c in range(shape[-1]) if draw(st.integers(0, 5)) == 0]] = 0
        w = net.edit.constant("w", data, net.edit.values[w].type.q)
        bias = [draw(st.sampled_from([-(10**6), 10**6, 4000, -4000, 0, 17])) for _ in range(channels)]
        return net.add(op, x, w, net.bias(x, w, bias), scale=draw(st.sampled_from([0.02, 0.3])), zero=draw(zeros))

    for _ in range(draw(st.integers(2, 7))):
        x = draw(st.sampled_from(values[-3:]))
        q, (_, h, width, c) = net.edit.values[x].type.qp, net.edit.values[x].type.shape
        relu = (0.0, draw(st.sampled_from([6.0, float("inf")])))
        kind = draw(st.sampled_from(["conv", "conv", "point", "depthwise", "add", "mul", "join", "tanh", "pad"]))
        if kind == "conv":
            op = Conv2D(padding=draw(st.sampled_from([(1, 1, 1, 1), (0, 1, 1, 0)])), clamp=relu)
            y = (
                linear(op, x, (draw(st.integers(1, 5)), 2, 3, c), 0)
                if width > 1
                else linear(Conv2D(clamp=relu), x, (2, 1, 1, c), 0)
            )
        elif kind == "point":
            y = linear(Conv2D(clamp=relu), x, (draw(st.integers(1, 5)), 1, 1, c), 0)
        elif kind == "depthwise":
            per = draw(st.sampled_from([1, 1, 2]))
            y = linear(DepthwiseConv2D(padding=(1, 1, 1, 1), clamp=relu), x, (3, 3, c * per), 2)
        elif kind in ("add", "mul"):
            same = [v for v in values if net.edit.values[v].type.shape == (1, h, width, c)]
            operator = Add() if kind == "add" else Mul()
            y = net.add(operator, x, draw(st.sampled_from(same)), scale=0.1, zero=draw(zeros))
        elif kind == "join":
            y = net.add(Concat(draw(st.sampled_from([1, 3]))), x, x, scale=q.s, zero=q.zp)
        elif kind == "pad":
            y = net.add(Pad((0, 0, 1, 0), (0, 0, 0, 0)), x, scale=q.s, zero=q.zp)
        else:
            y = net.add(Tanh(), x, scale=1 / 128)
        values.append(y)
    x = values[-1]
    type = net.edit.values[x].type
    flat = net.add(Reshape((1, type.size)), x, scale=type.qp.s, zero=type.qp.zp)
    out = linear(FullyConnected(), flat, (3, type.size), 0)
    return net.finish(*dict.fromkeys([out, draw(st.sampled_from(values[1:]))]))


def elements(graph: Graph) -> int:
    return sum(v.type.size for v in graph.values.values() if v.data is None)


@settings(max_examples=120, deadline=None)
@given(integer_graphs())
def test_constant_channels_do_not_matter(graph: Graph) -> None:
    after = eliminate_constant_channels(graph)
    assert elements(after) <= elements(graph)
    assert_same_int(graph, after, samples=4)


@settings(max_examples=60, deadline=None)
@given(integer_graphs())
def test_the_integer_pipeline_is_exact(graph: Graph) -> None:
    assert_same_int(graph, optimize_integer(graph), samples=4)


def test_random_graphs_do_lose_channels() -> None:
    found = []

    @settings(max_examples=20, deadline=None, database=None, derandomize=True)
    @given(integer_graphs())
    def collect(graph: Graph) -> None:
        found.append(elements(graph) - elements(eliminate_constant_channels(graph)))

    collect()
    assert sum(f > 0 for f in found) >= 5


def test_annotations_survive() -> None:
    q = QParams.per_tensor(0.5, 3)
    net = Net()
    y = net.add(Transpose((1, 0)), net.add(Tanh(), net.input("x", 2, 3), q=q), q=q)
    graph = net.finish(net.add(Clip(0.0, 1.0), net.add(Transpose((1, 0)), y, q=q), q=q))
    after = optimize_float(graph)
    assert [n.op.kind for n in after.nodes] == ["Tanh", "Clip"]
    assert all(after.type(n.outputs[0]).q == q for n in after.nodes)
