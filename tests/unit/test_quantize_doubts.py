"""What quantization warns of, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import TensorType
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.softmax import Softmax
from edgeq.ops.transpose import Transpose
from edgeq.quantize import QuantConfig, quantize
from edgeq.warnings import EdgeqWarning, collecting

pytestmark = pytest.mark.filterwarnings("ignore::edgeq.warnings.EdgeqWarning")
Sample = dict[str, np.ndarray]


def warned(graph: Graph, data: list[Sample] | None, config: QuantConfig | None = None) -> list[EdgeqWarning]:
    with collecting() as given:
        quantize(graph, data, config)
    return given


def random(graph: Graph, factors: float | np.ndarray = 1.0, count: int = 20) -> list[Sample]:
    rng = np.random.default_rng(1)
    shape = graph.type("x").shape
    return [{"x": (rng.normal(size=shape) * factors).astype(np.float32)} for _ in range(count)]


def weights(e: GraphEditor, name: str, gain: float, *shape: int) -> str:
    rng = np.random.default_rng(len(name))
    return e.constant(name, (gain * rng.normal(size=shape)).astype(np.float32))


def heads(gain: float) -> Graph:
    """Boxes beside scores, in the layout of ONNX."""
    e = GraphEditor("g")
    e.input("x", TensorType((1, 6, 6, 4)))
    (b,) = e.add(Conv2D(), ["x", weights(e, "wb", gain, 4, 1, 1, 4)], "boxes")
    (s,) = e.add(Conv2D(), ["x", weights(e, "ws", 1.0, 3, 1, 1, 4)], "logits")
    (p,) = e.add(Sigmoid(), [s], "scores")
    (j,) = e.add(Concat(3), [b, p], "join")
    e.outputs = list(e.add(Transpose((0, 3, 1, 2)), [j], "out"))
    return e.finish()


def dense(*classes: int) -> Graph:
    e = GraphEditor("g")
    e.input("x", TensorType((1, 6)))
    (y,) = e.add(FullyConnected(), ["x", weights(e, "w", 1.0, *(classes or (4,)), 6)], "layer")
    e.outputs = [e.add(Softmax(1), [y], "softmax")[0] if classes else y]
    return e.finish()


def test_scores_beside_boxes() -> None:
    graph = heads(100.0)
    (given,) = [w for w in warned(graph, random(graph)) if "channels" in w.message]
    assert given.where == "out"
    assert given.message.startswith("3 of 7 channels move by less than 2 steps of the output's scale; channel ")
    assert "outputs of their own" in given.hint
    alike = heads(1.0)
    assert warned(alike, random(alike)) == []


def test_classes_that_the_samples_do_not_show_are_no_channels_to_warn_of() -> None:
    graph = dense(12)
    assert warned(graph, random(graph, 8.0)) == []


@pytest.mark.parametrize("samples", [1, 20])
def test_features_of_unlike_size(samples: int) -> None:
    graph = dense()
    data = random(graph, np.array([1.0, 1.0, 500.0, 1.0, 300.0, 0.0]), samples)
    given = [w for w in warned(graph, data) if "features" in w.message]
    if samples == 1:
        assert given == []  # one value has no range
        return
    assert given[0].where == "x" and given[0].hint is not None and "--activation-bits 16" in given[0].hint
    assert given[0].message.startswith("features of unlike size: 3 of 6 move by less than 8 steps of the input's scale")
    assert [w for w in warned(graph, random(graph, np.linspace(1, 9, 6))) if "features" in w.message] == []


def test_a_pixel_in_a_corner_is_no_feature_of_another_unit() -> None:
    e = GraphEditor("g")
    e.input("x", TensorType((1, 64)))
    w = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    e.outputs = list(e.add(FullyConnected(), ["x", e.constant("w", w)], "layer"))
    graph = e.finish()
    moves = np.ones(64)
    moves[5] = 0.01
    assert [w for w in warned(graph, random(graph, moves)) if "features" in w.message] == []
    unlike = np.where(np.arange(64) < 32, 1.0, 1000.0)
    e = graph.edit()
    e.values["w"] = replace(e.values["w"], data=(w / unlike).astype(np.float32))
    given = [w for w in warned(e.finish(), random(graph, unlike)) if "features" in w.message]
    assert given[0].message.startswith("features of unlike size: 32 of 64 move")


def test_features_that_are_channels_of_sequences() -> None:
    e = GraphEditor("g")
    e.input("x", TensorType((1, 3, 32)))
    (turned,) = e.add(Transpose((0, 2, 1)), ["x"], "turned")
    e.outputs = list(e.add(FullyConnected(), [turned, weights(e, "w", 1.0, 4, 3)], "layer"))
    graph = e.finish()
    given = [w for w in warned(graph, random(graph, np.array([[1.0], [900.0], [1.0]]))) if "features" in w.message]
    assert [w.where for w in given] == ["x"]
    assert given[0].message.startswith("features of unlike size: 2 of 3 move")
    assert [w for w in warned(graph, random(graph)) if "features" in w.message] == []


def test_weak_layers_are_named_worst_first() -> None:
    e = GraphEditor("net")
    e.input("x", TensorType((1, 6)))
    rare = np.zeros((4, 6), np.float32)
    rare[:, 0] = 1.0
    (a,) = e.add(FullyConnected(), ["x", e.constant("w", rare)], "first")
    (b,) = e.add(Mul(), [a, a], "second")
    e.outputs = [b]
    graph = e.finish()
    data = random(graph, np.array([0.002, 1, 1, 1, 1, 1]))
    (given,) = [w for w in warned(graph, data) if "layers are" in w.message]
    assert given.where == "net"
    assert given.message.startswith("2 of 2 layers are less than 15 dB above their error: second ")
    assert ", first " in given.message
    assert warned(graph, random(graph)) == []


def test_a_pattern_that_fits_no_layer_is_named_beside_those_like_it() -> None:
    graph = dense()
    config = QuantConfig.from_dict({"layers": {"layers": {"observer": "mse"}, "l*": {"observer": "mse"}}})
    (given,) = warned(graph, random(graph), config)
    assert given.message == "no layer has a name like 'layers'"
    assert given.where == "[quantize.layers]" and "such as layer" in given.hint


def test_an_exception_behind_one_for_the_same_layers_is_told() -> None:
    graph = dense()
    config = QuantConfig.from_dict({"layers": {"l*": {"observer": "mse"}, "layer": {"weight_bits": 4}}})
    (given,) = warned(graph, random(graph), config)
    assert given.message.startswith("the exception 'layer' has no effect") and "before" in given.hint
    real = QuantConfig.from_dict({"layers": {"l*": {"observer": "mse"}, "layer": {"float": True}}})
    assert warned(graph, random(graph), real) == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"percentile": 99.0}, ["percentile = 99 has no effect: it is for the observer percentile"]),
        ({"momentum": 0.5, "observer": "mse"}, ["momentum = 0.5 has no effect: it is for the observer moving-average"]),
        ({"bins": 4096}, ["bins = 4096 has no effect: it is for the observer auto, entropy, mse, percentile"]),
        ({"percentile": 99.0, "layers": {"layer": {"observer": "percentile"}}}, []),
    ],
)
def test_numbers_for_other_observers_are_told(table: dict[str, object], told: list[str]) -> None:
    graph = dense()
    assert [given.message for given in warned(graph, random(graph), QuantConfig.from_dict(table))] == told


def test_a_model_that_brings_its_parameters_is_not_doubted() -> None:
    graph = dense()
    integer = quantize(graph, random(graph))
    given = {name: value.type.q for name, value in integer.values.items() if value.data is None}
    e = graph.edit()
    for name, q in given.items():
        e.set_type(name, TensorType(graph.type(name).shape, q=q))
    assert warned(e.finish(), None) == []
