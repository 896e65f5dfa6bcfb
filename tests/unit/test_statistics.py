"""Calibration statistics: measured in any batches, saved, loaded, merged and used again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import Array, TensorType
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.quantize import Calibration, QuantConfig, calibrate, run, step
from edgeq.quantize.calibrate import Wanted, measure
from edgeq.quantize.methods.equalize import equalize
from edgeq.quantize.statistics import Need, Statistics, fingerprint

RELU = (0.0, float("inf"))
ALL = dict.fromkeys(("x", "a", "d", "y"), Need.HISTOGRAM)


def network(scale: float = 1.0) -> Graph:
    """Three layers whose channels can be evened out."""
    rng = np.random.default_rng(0)
    edit = GraphEditor("net")
    x = edit.input("x", TensorType((1, 6, 6, 4)))
    spread = 2.0 ** np.linspace(-2, 1.5, 8)

    def constant(name: str, array: Array) -> str:
        return edit.constant(name, (array * scale).astype(np.float32))

    first = constant("w1", rng.normal(size=(8, 1, 1, 4)) * spread[:, None, None, None])
    (a,) = edit.add(Conv2D(clamp=RELU), [x, first, constant("b1", rng.normal(size=8) * spread)], "a")
    (d,) = edit.add(DepthwiseConv2D(clamp=RELU), [a, constant("w2", rng.normal(size=(3, 3, 8))), None], "d")
    edit.outputs = list(edit.add(Conv2D(), [d, constant("w3", rng.normal(size=(5, 1, 1, 8)) / spread), None], "y"))
    return edit.finish()


def samples(count: int = 24, seed: int = 1) -> list[dict[str, Array]]:
    rng = np.random.default_rng(seed)
    return [{"x": rng.normal(size=(1, 6, 6, 4)).astype(np.float32)} for _ in range(count)]


def assert_same(a: Statistics, b: Statistics) -> None:
    assert (a.graph, a.samples, a.means_of) == (b.graph, b.samples, b.means_of) and list(a.tensors) == list(b.tensors)
    for name, one in a.tensors.items():
        other = b.tensors[name]
        for x, y in ((one.low, other.low), (one.high, other.high), (one.lows, other.lows), (one.highs, other.highs)):
            assert (x is None) == (y is None) and (x is None or np.array_equal(x, np.asarray(y)))
        g, h = one.histogram, other.histogram
        assert (g is None) == (h is None)
        if g is not None and h is not None:
            assert vars(g).keys() == vars(h).keys() and np.array_equal(g.counts, h.counts)
            assert all(vars(g)[k] == vars(h)[k] for k in vars(g) if k != "counts")
    assert a.means.keys() == b.means.keys()
    for node, biases in a.means.items():
        assert all(np.array_equal(mean, b.means[node][k]) for k, mean in biases.items())


def test_what_is_measured() -> None:
    graph, data = network(), samples()
    found = measure(graph, data, Wanted(ALL, means=24))
    x = np.concatenate([s["x"] for s in data])
    tensor = found.tensors["x"]
    assert np.array_equal(tensor.low, x.min(axis=(0, 1, 2))) and np.array_equal(tensor.high, x.max(axis=(0, 1, 2)))
    assert tensor.lows is not None and np.array_equal(tensor.lows, x.min(axis=(1, 2, 3)))
    assert tensor.histogram is not None and tensor.histogram.counts.sum() == x.size
    w, b = np.asarray(graph.data("w1"), np.float64)[:, 0, 0], np.asarray(graph.data("b1"))
    assert np.allclose(found.means["a"][2], x.mean(axis=(0, 1, 2)) @ w.T + b, rtol=1e-5, atol=1e-5)
    assert list(found.means) == ["a", "d", "y"]


@pytest.mark.parametrize("size", [1, 5, 24])
def test_batches_of_any_size_give_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = network(), samples()
    expected = measure(graph, data, Wanted(ALL, means=24))
    monkeypatch.setattr(calibrate, "batch_size", lambda graph: size)
    assert_same(measure(graph, data, Wanted(ALL, means=24)), expected)


def test_merged_statistics_are_those_of_all_samples() -> None:
    graph, data = network(), samples()
    parts = [Calibration().knowing(measure(graph, part, Wanted(ALL))) for part in (data[:9], data[9:])]
    merged = parts[0].merged(parts[1]).of(graph)
    assert merged is not None
    assert_same(merged, measure(graph, data, Wanted(ALL)))


def test_statistics_of_different_models_are_not_merged() -> None:
    a, b = (Calibration().knowing(measure(network(scale), samples())) for scale in (1.0, 2.0))
    with pytest.raises(UsageError, match="different models"):
        a.merged(b)


def test_saved_and_loaded(tmp_path: Path) -> None:
    graph = network()
    calibration = Calibration().knowing(measure(graph, samples(), Wanted(ALL, means=24)))
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    calibration.save(paths[0])
    loaded = Calibration.load(paths[0])
    found, expected = loaded.of(graph), calibration.of(graph)
    assert found is not None and expected is not None
    assert_same(found, expected)
    loaded.save(paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("content", [None, b"text", "array"], ids=["missing", "no archive", "no statistics"])
def test_files_that_hold_none(content: bytes | str | None, tmp_path: Path) -> None:
    path = tmp_path / "file.npz"
    if content == "array":
        np.savez(path, x=np.zeros(3))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"file\.npz"):
        Calibration.load(path)


def test_fingerprints_tell_graphs_apart() -> None:
    assert fingerprint(network()) == fingerprint(network()) != fingerprint(network(2.0))


def test_equalized_statistics_are_those_of_the_equalized_graph() -> None:
    graph, data = network(), samples()
    even, scaled = equalize(graph, measure(graph, data, Wanted(means=24)), QuantConfig())
    expected = measure(even, data, Wanted(means=24))
    assert scaled.graph == expected.graph == fingerprint(even) != fingerprint(graph)
    for name in expected.tensors:
        assert np.allclose(scaled.tensors[name].low, expected.tensors[name].low, rtol=1e-4, atol=1e-4)
        assert np.allclose(scaled.tensors[name].high, expected.tensors[name].high, rtol=1e-4, atol=1e-4)
    for name, biases in expected.means.items():
        assert np.allclose(scaled.means[name][2], biases[2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("observer", ["min-max", "moving-average", "mse"])
def test_a_calibration_is_used_again(observer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = network(), samples()
    config = QuantConfig.from_dict({"observer": observer})
    first = run(graph, data, config)
    monkeypatch.setattr(step, "measure", None)  # nothing is measured again
    again = run(graph, data, config, calibration=first.calibration)
    assert first.graph.values.keys() == again.graph.values.keys()
    for name, value in first.graph.values.items():
        other = again.graph.values[name]
        assert value.type == other.type
        assert value.data is None or np.array_equal(value.data, np.asarray(other.data))
    alone = run(graph, None, config, calibration=first.calibration)  # biases are not corrected without samples
    assert all(alone.graph.type(n).q == first.graph.type(n).q for n in graph.values)


def test_what_a_calibration_does_not_say_needs_samples() -> None:
    graph = network()
    known = Calibration().knowing(measure(graph, samples()))
    config = QuantConfig.from_dict({"observer": "mse", "equalize": False})
    with pytest.raises(QuantizationError, match=r"range of 4 activation\(s\) is not known: x, a, d, y"):
        run(graph, None, config, calibration=known)
    assert run(graph, samples(), config, calibration=known).graph.numerics is not None


def test_means_are_those_of_the_samples_at_hand() -> None:
    graph, many, few = network(), samples(60, seed=3), samples(20)
    known = run(graph, many).calibration
    result = run(graph, few, calibration=known)
    assert all(result.graph.type(n).q == run(graph, many).graph.type(n).q for n in ("x", "a", "d", "y"))
    statistics, fresh = result.calibration.of(result.float_graph), measure(result.float_graph, few, Wanted(means=20))
    assert statistics is not None and statistics.samples == 60 and statistics.means_of == 20
    assert np.array_equal(statistics.means["y"][2], fresh.means["y"][2])
