"""Configurations of which calibration samples decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir.graph import Graph
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize import QuantConfig, alternatives, pipeline, run
from edgeq.quantize.alternatives import configurations, nearest
from edgeq.quantize.calibrate import Samples
from edgeq.quantize.config import LayerConfig, WeightRounding
from edgeq.quantize.statistics import Calibration
from edgeq.quantize.step import Draft
from tests.unit.test_statistics import network, samples

FEW = QuantConfig(weight_bits=3)


def test_equalization_is_tried_both_ways_where_weights_have_few_bits() -> None:
    graph, data = network(), samples(24)
    for bits in (3, 2):
        config = QuantConfig(weight_bits=bits, layers=(LayerConfig("a*", equalize=True),))
        first, second = configurations(graph, data, config)
        assert first == config and second.weight_bits == bits
        assert not any(second.for_layer(node.name).equalize for node in graph.nodes)
    alone: tuple[tuple[Samples | None, QuantConfig], ...] = (
        (data, QuantConfig()),
        (data, QuantConfig(weight_bits=4)),
        (data, replace(FEW, equalize=False)),
        (data, replace(FEW, rounding=WeightRounding.NEAREST)),
        (data[:4], FEW),
        (None, FEW),
    )
    for given, config in alone:
        assert configurations(graph, given, config) == (config,)


def test_large_models_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alternatives, "MOST_WEIGHTS", 100)
    assert configurations(network(), samples(24), FEW) == (FEW,)


def test_what_is_nearer_to_float_is_taken_and_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = network(), samples(24)
    seen: dict[str, Graph] = {}
    found = run(graph, data, FEW, observe=seen.__setitem__).graph
    monkeypatch.setattr(pipeline, "configurations", lambda graph, samples, config: (config,))
    both = [run(graph, data, replace(FEW, equalize=on)).graph for on in (True, False)]
    eight = run(graph, data, QuantConfig()).graph

    drafts = [Draft(FEW, Numerics.FAST, g, graph, data, Calibration()) for g in (*both, eight)]
    assert nearest(drafts, graph) == 2 and nearest([drafts[2], drafts[0]], graph) == 0
    best = nearest(drafts[:2], graph)
    assert same(found, both[best]) and not same(found, both[1 - best])
    assert ("equalize" in seen) == (best == 0) and seen["correct_biases"] is found


def same(first: Graph, second: Graph) -> bool:
    arrays = [{n: v.data for n, v in g.values.items() if v.data is not None} for g in (first, second)]
    return arrays[0].keys() == arrays[1].keys() and all(np.array_equal(arrays[0][n], arrays[1][n]) for n in arrays[0])
