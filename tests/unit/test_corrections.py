"""Bias correction and equalization on small graphs."""

from __future__ import annotations

import numpy as np
import pytest
from quantized_nets import PLAIN, RELU, done, editor, layer, network, outputs, samples, tensor

from edgeq.ir.op import Op
from edgeq.ops.clip import Clip
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.tanh import Tanh
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize.methods.equalize import EXPONENT, pairs
from edgeq.report.accuracy import sqnr_db
from edgeq.simulator import run_float


def test_bias_correction_removes_the_shift() -> None:
    rng = np.random.default_rng(3)
    graph = layer(rng.normal(size=(6, 400)) + 0.2)
    data = [{"x": np.abs(s["x"])} for s in samples(graph, 40)]
    shift = {}
    for on in (False, True):
        integer = quantize(graph, data, QuantConfig.from_dict({"bias_correction": on, "weights": "per-tensor"}))
        f, g = outputs(graph, integer, data)
        shift[on] = np.abs((f - g).mean(axis=0)).max() / integer.type("dense").qp.s
    assert shift[True] < 0.15 and shift[True] < 0.5 * shift[False]


def test_few_samples_change_no_bias() -> None:
    graph = network()
    few = samples(graph, 3)
    a, b = quantize(graph, few), quantize(graph, few, PLAIN)
    assert np.array_equal(np.asarray(a.values["b1"].data), np.asarray(b.values["b1"].data))


def test_equalizing_keeps_the_function_and_evens_out_channels() -> None:
    rng = np.random.default_rng(0)
    e = editor()
    x = e.input("x", tensor(1, 6, 6, 4))
    spread = 2.0 ** np.linspace(-2, 1.5, 8)
    c = lambda name, array: e.constant(name, array.astype(np.float32))  # noqa: E731
    w1, b1 = c("w1", rng.normal(size=(8, 1, 1, 4)) * spread[:, None, None, None]), c("b1", rng.normal(size=8) * spread)
    (a,) = e.add(Conv2D(clamp=RELU), [x, w1, b1], "a")
    (m,) = e.add(MaxPool2D((2, 2)), [a], "m")
    (d,) = e.add(DepthwiseConv2D(clamp=RELU), [m, c("w2", rng.normal(size=(3, 3, 8))), c("b2", np.ones(8))], "d")
    (y,) = e.add(Conv2D(), [d, c("w3", rng.normal(size=(5, 1, 1, 8)) / spread), None], "y")
    graph = done(e, y)
    data = samples(graph, 30)
    even = run(graph, data).float_graph
    assert [n.name for n in even.nodes] == [n.name for n in graph.nodes]
    f, g = [run_float(graph, s) for s in data], [run_float(even, s) for s in data]
    assert np.allclose([v["y"] for v in f], [v["y"] for v in g], rtol=1e-4, atol=1e-3)

    def unequal(runs: list[dict[str, np.ndarray]], name: str) -> float:
        top = np.max([v[name].reshape(-1, 8).max(axis=0) for v in runs], axis=0)
        return float(top.max() / top.min())

    assert unequal(f, "a") > 15 and unequal(g, "a") == pytest.approx(unequal(f, "a") ** (1.0 - EXPONENT), rel=1e-3)
    assert unequal(g, "d") < unequal(f, "d") / 4
    uneven = QuantConfig(bias_correction=False, equalize=False)
    plain, better = (sqnr_db(*outputs(graph, quantize(graph, data, config), data)) for config in (uneven, PLAIN))
    assert plain is not None and better is not None and better > plain + 6


def test_what_must_not_be_equalized_is_not() -> None:
    graph = network()  # the convolution has two readers
    assert not pairs(graph, QuantConfig())
    assert run(graph, samples(graph)).float_graph is graph


@pytest.mark.parametrize(
    ("between", "scaled"), [(Clip(0.0, float("inf")), True), (Clip(0.0, 100.0), False), (Tanh(), False)]
)
def test_channels_are_scaled_across_homogeneous_operators_only(between: Op, scaled: bool) -> None:
    rng = np.random.default_rng(0)
    e = editor()
    x = e.input("x", tensor(1, 4, 4, 3))
    w = rng.normal(size=(6, 1, 1, 3)) * 2.0 ** np.linspace(-2, 2, 6)[:, None, None, None]
    (a,) = e.add(Conv2D(), [x, e.constant("w", w.astype(np.float32)), None], "a")
    (b,) = e.add(between, [a], "b")
    (y,) = e.add(Conv2D(), [b, e.constant("v", rng.normal(size=(2, 1, 1, 6)).astype(np.float32)), None], "y")
    graph = done(e, y)
    even = run(graph, samples(graph)).float_graph
    assert np.array_equal(np.asarray(even.data("w")), np.asarray(graph.data("w"))) != scaled
