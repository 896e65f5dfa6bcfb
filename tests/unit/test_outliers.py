"""Great channels apart: the function stays what it is, and costs less."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import DType, TensorType
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.gelu import Gelu
from edgeq.ops.sigmoid import Sigmoid
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize.calibrate import Wanted, measure
from edgeq.quantize.config import LayerConfig
from edgeq.quantize.distance import Distance
from edgeq.quantize.methods.outliers import Place, great, places, split
from edgeq.simulator import run_float
from edgeq.warnings import EdgeqWarning

RELU = (0.0, float("inf"))
GREAT = (3, 9)
APART = QuantConfig(outliers=3)


def network(kind: str = "dense") -> tuple[Graph, list[dict[str, np.ndarray]]]:
    """Two layers with a function between them, of which some channels are great."""
    rng, e = np.random.default_rng(8), GraphEditor("net")
    size = np.ones(16)
    size[list(GREAT)] = 25.0
    window = (1, 1) if kind == "convolution" else ()
    layer = Conv2D(clamp=RELU) if kind == "convolution" else FullyConnected(clamp=RELU)

    def c(name: str, array: np.ndarray) -> str:
        return e.constant(name, array.astype(np.float32))

    x = e.input("x", TensorType((1, 5, 5, 8) if window else (5, 8)))
    up = rng.normal(size=(16, 8)) * size[:, None]
    down = rng.normal(size=(6, 16)) / size
    op = layer.with_clamp((-np.inf, np.inf))
    (h,) = e.add(op, [x, c("up", up.reshape(16, *window, 8)), c("b", rng.normal(size=16) * size)], "first")
    (g,) = e.add(Gelu(), [h], "between")
    (y,) = e.add(layer, [g, c("down", down.reshape(6, *window, 16)), c("d", rng.normal(size=6))], "second")
    e.outputs = [y, *([g] if kind == "taken" else []), *(e.add(Sigmoid(), [y], "z") if kind == "taken" else [])]
    shape = e.values[x].type.shape
    return e.finish(), [{"x": rng.normal(size=shape).astype(np.float32)} for _ in range(24)]


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_the_function_stays_and_costs_less(kind: str) -> None:
    graph, data = network(kind)
    (place,) = places(graph, APART)
    assert isinstance(place, Place) and [n.name for n in place.chain] == ["between"]
    some = great(measure(graph, data, Wanted()), "between", 3)
    assert some.tolist() == list(GREAT)
    editor = graph.edit()
    split(editor, place, some)
    changed = editor.finish()
    assert [n.op.kind for n in changed.nodes].count("Gelu") == 2 and "second" in changed.values
    for sample in data[:4]:
        expected = run_float(graph, sample)["second"]
        assert np.allclose(run_float(changed, sample)["second"], expected, rtol=1e-4, atol=1e-4)
    distance = Distance(graph, data)
    plain, apart = (distance.error(quantize(graph, data, QuantConfig(outliers=n))) for n in (0, 3))
    assert apart < 0.2 * plain


def test_what_is_not_worth_it_stays() -> None:
    graph, data = network()
    statistics = measure(graph, data, Wanted())
    assert great(statistics, "between", 1).size == 0  # one alone leaves the other
    assert great(statistics, "first", 8).tolist() == list(GREAT)
    assert [n.name for n in quantize(graph, data, QuantConfig(outliers=1)).nodes] == ["first", "between", "second"]
    only = QuantConfig(outliers=3, layers=(LayerConfig("second", outliers=0),))
    assert not list(places(graph, only))


def test_what_cannot_be_split_is_told() -> None:
    graph, data = network("taken")
    named = QuantConfig(layers=(LayerConfig("second", outliers=3), LayerConfig("first", outliers=3)))
    with pytest.warns(EdgeqWarning, match="its input comes from") as told:
        quantize(graph, data, named)
    text = " ".join(str(t.message) for t in told)
    assert "between (Gelu)" in text and "from the model" in text
    with pytest.raises(UsageError, match="less than 0"):
        QuantConfig(outliers=-1)
    with pytest.raises(UsageError, match=r'layers."first"\]'):
        QuantConfig(layers=(LayerConfig("first", outliers=-2),))


def test_what_is_said_of_a_layer_is_said_of_its_parts() -> None:
    graph, data = network()
    four = QuantConfig(outliers=3, layers=(LayerConfig("second", weight_bits=4),))
    found = quantize(graph, data, four)
    layers = {n.name: n for n in found.nodes}
    assert all(found.type(str(layers[f"second_{p}"].inputs[1])).dtype is DType.INT4 for p in ("rest", "great"))
    assert found.type(str(layers["first_rest"].inputs[1])).dtype is DType.INT8
    given = QuantConfig(layers=(LayerConfig("second", outliers=3), LayerConfig("between", range=(-9.0, 9.0))))
    with pytest.warns(EdgeqWarning, match="the range of between is given"):
        quantize(graph, data, given)


def test_an_option_without_effect_is_told() -> None:
    graph, data = network()
    with pytest.warns(EdgeqWarning, match="outliers found no channels"):
        quantize(graph, data, QuantConfig(outliers=1))
    with pytest.warns(EdgeqWarning, match="left out: it looks for great channels"):
        run(graph, None, QuantConfig(outliers=3), calibration=run(graph, data).calibration)
