"""Small float graphs, samples of their inputs, and what they give in float and in integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import QParams, TensorType
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.reshape import Reshape
from edgeq.ops.softmax import Softmax
from edgeq.quantize import QuantConfig
from edgeq.report.accuracy import quantize_inputs, real_output
from edgeq.simulator import run_float, run_int

RELU = (0.0, float("inf"))
PLAIN = QuantConfig(bias_correction=False)
Q1, Q2 = QParams.per_tensor(0.1, 3), QParams.per_tensor(0.05, -7)


def editor() -> GraphEditor:
    return GraphEditor("g")


def tensor(*shape: int, q: QParams | None = None) -> TensorType:
    return TensorType(shape, q=q)


def done(e: GraphEditor, *outputs: str) -> Graph:
    e.outputs = list(outputs)
    return e.finish()


def samples(graph: Graph, count: int = 20, scale: float = 1.0) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [
        {n: (scale * rng.normal(size=graph.type(n).shape)).astype(np.float32) for n in graph.inputs}
        for _ in range(count)
    ]


def network() -> Graph:
    """Convolution, depthwise, pool, residual add, fully connected, softmax."""
    rng = np.random.default_rng(0)
    e = editor()
    x = e.input("x", tensor(1, 8, 8, 3))
    c = lambda name, *s: e.constant(name, (rng.normal(size=s) * 0.3).astype(np.float32))  # noqa: E731
    (a,) = e.add(Conv2D(padding=(1, 1, 1, 1), clamp=RELU), [x, c("w1", 8, 3, 3, 3), c("b1", 8)], "conv")
    (d,) = e.add(DepthwiseConv2D(padding=(1, 1, 1, 1), clamp=RELU), [a, c("w2", 3, 3, 8), c("b2", 8)], "depthwise")
    (s,) = e.add(Add(), [a, d], "add")
    (p,) = e.add(MaxPool2D((2, 2), (2, 2)), [s], "pool")
    (r,) = e.add(Reshape((1, 128)), [p], "flat")
    (f,) = e.add(FullyConnected(), [r, c("w3", 5, 128), c("b3", 5)], "dense")
    (y,) = e.add(Softmax(1), [f], "softmax")
    return done(e, y)


def outputs(graph: Graph, integer: Graph, data: Sequence[dict[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    name = graph.outputs[0]
    f = [run_float(graph, s)[name] for s in data]
    q = [real_output(integer, name, run_int(integer, quantize_inputs(integer, s))[name]) for s in data]
    return np.concatenate(f), np.concatenate(q)


def layer(w: np.ndarray, b: np.ndarray | None = None) -> Graph:
    e = editor()
    x = e.input("x", tensor(1, w.shape[1]))
    inputs = [x, e.constant("w", w.astype(np.float32)), None if b is None else e.constant("b", b.astype(np.float32))]
    (y,) = e.add(FullyConnected(), inputs, "dense")
    return done(e, y)
