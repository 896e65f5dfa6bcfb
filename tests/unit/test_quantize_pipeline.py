"""The pipeline of quantization: its order, who is told, and steps for some layers only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize import QuantConfig, pipeline, quantize, run
from edgeq.quantize.convert import convert
from edgeq.quantize.ranges import WEIGHT_MAX
from edgeq.quantize.step import Draft, Step
from tests.unit.test_statistics import network, samples


def steps_of(graph: Graph, config: QuantConfig, numerics: Numerics = Numerics.FAST, count: int = 24) -> list[str]:
    seen: list[str] = []
    run(graph, samples(count), config, numerics, observe=lambda name, graph: seen.append(name))
    return seen


def with_port(graph: Graph) -> Graph:
    return replace(graph, ports={"x": DType.UINT8})


def test_the_order() -> None:
    assert [step.name for step in pipeline.STEPS] == [
        "keep_real",
        "rotate",
        "equalize",
        "smooth",
        "outliers",
        "centre",
        "solve",
        "choose_ranges",
        "choose_observers",
        "learn_ranges",
        "align_sums",
        "round_weights",
        "reconstruct",
        "convert",
        "correct_biases",
        "open_ports",
    ]
    assert len({step.name for step in pipeline.STEPS}) == len(pipeline.STEPS)


def test_who_looks_sees_every_graph() -> None:
    graphs: dict[str, Graph] = {}
    result = run(with_port(network()), samples(), observe=graphs.__setitem__)
    assert list(graphs) == ["equalize", "solve", "convert", "correct_biases", "open_ports"]
    assert [g.numerics for g in graphs.values()] == [None, None, *[Numerics.FAST] * 3]
    assert graphs["equalize"] is result.float_graph and graphs["open_ports"] is result.graph
    assert result.graph.type("x").dtype is DType.UINT8


def test_options_turn_steps_off() -> None:
    graph = network()
    assert "equalize" not in steps_of(graph, QuantConfig(equalize=False))
    assert "correct_biases" not in steps_of(graph, QuantConfig(bias_correction=False))
    assert "correct_biases" not in steps_of(graph, QuantConfig(), count=5)  # too few samples


def test_methods_are_for_the_layers_that_want_them() -> None:
    graph, data = network(), samples()
    config = QuantConfig.from_dict({"equalize": False, "layers": {"a": {"bias_correction": False}}})
    off, some = quantize(graph, data, replace(config, bias_correction=False)), quantize(graph, data, config)
    assert np.array_equal(np.asarray(off.data("b1")), np.asarray(some.data("b1")))
    assert some.producers["y"].inputs[2] is not None and off.producers["y"].inputs[2] is None
    config = QuantConfig.from_dict({"layers": {"[dy]": {"equalize": False}}})
    assert run(graph, data, config).float_graph is graph
    config = QuantConfig.from_dict({"layers": {"y": {"equalize": False}}})
    even = run(graph, data, config).float_graph  # between a and d only
    assert not np.array_equal(np.asarray(even.data("w1")), np.asarray(graph.data("w1")))
    assert np.array_equal(np.asarray(even.data("w3")), np.asarray(graph.data("w3")))


def test_a_method_may_decide_the_integers_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding down, for one layer: a step that leaves weights with parameters, before the converter."""

    def apply(draft: Draft) -> Draft:
        nearest = convert(draft.graph, draft.parameters, draft.config, draft.numerics).values["w3"]
        weights = np.asarray(draft.graph.data("w3"), np.float64) / nearest.type.qp._along(
            nearest.type.qp.scale, nearest.type.shape
        )
        editor = draft.graph.edit()
        data = np.clip(np.floor(weights), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8)
        editor.values["w3"] = replace(nearest, data=data)
        return replace(draft, graph=editor.finish())

    names = [step.name for step in pipeline.STEPS]
    place = names.index("convert")
    steps = (*pipeline.STEPS[:place], Step("round_down", apply), *pipeline.STEPS[place:])
    monkeypatch.setattr(pipeline, "STEPS", steps)
    graph, data = network(), samples()
    seen: list[str] = []
    result = run(graph, data, observe=lambda name, graph: seen.append(name))
    assert seen == ["equalize", "solve", "round_down", "convert", "correct_biases"]
    q = result.graph.type("w3").qp
    exact = np.asarray(result.float_graph.data("w3"), np.float64) / q._along(
        q.scale, result.float_graph.type("w3").shape
    )
    assert np.array_equal(np.asarray(result.graph.data("w3")), np.clip(np.floor(exact), -127, 127))
    assert result.graph.producers["y"].inputs[2] is not None  # its mean was off by half a step, and is corrected
