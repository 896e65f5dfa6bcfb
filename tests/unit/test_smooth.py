"""Smoothing: the function stays what it is, and unequal channels cost less."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import TensorType
from edgeq.ops.add import Add
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.layer_norm import LayerNorm
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.calibrate import Wanted, measure
from edgeq.quantize.distance import Distance
from edgeq.quantize.methods.smooth import places, smooth
from edgeq.quantize.statistics import fingerprint
from edgeq.simulator import run_float

RNG = np.random.default_rng(2)
SMOOTH = QuantConfig(smooth=True)
SIZE = np.array([60.0, 1.0, 0.3, 1.0, 2.0, 0.1, 1.0, 25.0])


def attention(reader: str = "dense", size: np.ndarray = SIZE) -> tuple[Graph, list[dict[str, np.ndarray]]]:
    """A layer normalization, of which two channels are great, that two layers read, and one more that reads one."""
    e = GraphEditor("attention")
    c = lambda name, data: e.constant(name, data.astype(np.float32))  # noqa: E731
    x = e.input("x", TensorType((4, 8)))
    (n,) = e.add(LayerNorm(1e-5, axis=1), [x, c("scale", size), c("offset", 0.1 * size)], "norm")
    weights = RNG.normal(size=(2, 6, 8)) / size
    q, k = (
        e.add(FullyConnected(), [n, c(f"w{i}", weights[i]), c(f"b{i}", RNG.normal(size=6))], f"dense{i}")[0]
        for i in range(2)
    )
    other = q if reader == "dense" else e.add(Add(), [n, n], "twice")[0]
    e.outputs = [q, k] if other is q else [q, k, other]
    return e.finish(), [{"x": RNG.normal(size=(4, 8)).astype(np.float32)} for _ in range(32)]


def test_the_function_and_its_statistics_stay() -> None:
    graph, data = attention()
    known = measure(graph, data, Wanted(means=len(data)))
    changed, after = smooth(graph, known, SMOOTH)
    assert after.graph == fingerprint(changed) != known.graph
    for sample in data[:4]:
        expected, found = run_float(graph, sample), run_float(changed, sample)
        for name in graph.outputs:
            assert np.allclose(found[name], expected[name], rtol=1e-4, atol=1e-4)
    again = measure(changed, data, Wanted(means=len(data)))
    assert np.allclose(after.tensors["norm"].high, again.tensors["norm"].high, rtol=1e-5)
    assert np.allclose(after.means["dense0"][2], again.means["dense0"][2], atol=1e-4)
    spread = again.tensors["norm"].high / known.tensors["norm"].high
    assert spread.max() / spread.min() > 20.0


def test_unequal_channels_cost_less() -> None:
    graph, data = attention()
    distance = Distance(graph, data)
    rough, smoothed = (
        distance.error(quantize(graph, data, QuantConfig.from_dict({"smooth": on}))) for on in (False, True)
    )
    assert smoothed < rough / 4.0


@pytest.mark.parametrize(
    ("reader", "layers"),
    [
        ("add", {}),
        ("dense", {"dense1": {"smooth": False}}),
        ("dense", {"norm": {"smooth": False}}),
        ("dense", {"norm": {"range": [-300.0, 300.0]}}),
    ],
)
def test_what_cannot_or_shall_not_be_smoothed(reader: str, layers: dict[str, dict[str, object]]) -> None:
    graph, _ = attention(reader)
    config = QuantConfig.from_dict({"smooth": True, "layers": layers})
    assert list(places(graph, config)) == []
    assert [p.name for p in places(attention()[0], SMOOTH)] == ["norm"]


def test_equal_channels_stay() -> None:
    graph, data = attention(size=np.ones(8))
    changed, _ = smooth(graph, measure(graph, data), SMOOTH)
    assert fingerprint(changed) == fingerprint(graph)
