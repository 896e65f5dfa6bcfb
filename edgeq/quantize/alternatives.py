"""Configurations of which calibration samples decide: what is better for a model cannot be told before it is made.

Equalization evens out the channels of activations, and what it takes from there goes into the weights that are added
up. With 8 bits they have room for it. With 3 or 2 whether the model gains or loses depends on the model, by up to two
decibels; so it is made both ways, and that is taken whose scores are nearer to the float model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import SIGNED
from edgeq.quantize.calibrate import Samples, choose
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.distance import Distance
from edgeq.quantize.methods.equalize import pairs
from edgeq.quantize.operands import weight_type
from edgeq.quantize.step import Draft
from edgeq.quantize.trials import LEAST_SAMPLES, scores_of

MOST_WEIGHTS = 1 << 20
"""Constants of a model that is made twice: larger ones take minutes."""


def configurations(graph: Graph, samples: Samples | None, config: QuantConfig) -> tuple[QuantConfig, ...]:
    """The configurations of which the better is to be taken, that of the user first; mostly it is the only one.

    Args:
        graph: the float graph.
        samples: the calibration samples.
        config: what the user chose.
    """
    few = samples is None or len(samples) < LEAST_SAMPLES
    size = sum(value.type.size for value in graph.values.values() if value.data is not None)
    if few or graph.states or size > MOST_WEIGHTS or not config.rounds_by_sums:
        return (config,)
    readers = [pair.second for pair in pairs(graph, config) if not pair.separate]
    if not any(weight_type(node, config.for_layer(node.name)) in SIGNED for node in readers):
        return (config,)
    layers = tuple(replace(entry, equalize=None) for entry in config.layers)
    return config, replace(config, equalize=False, layers=layers)


def nearest(drafts: Sequence[Draft], graph: Graph) -> int:
    """The place of the finished draft whose scores are nearest to the float graph's on the calibration samples.

    Of drafts that are as near it is the first.
    """
    samples = drafts[0].samples
    assert samples is not None
    names = [name for name in scores_of(graph) if all(name in draft.graph.values for draft in drafts)]

    def judged(model: Graph) -> Graph:
        editor = model.edit()
        editor.outputs = list(names)
        return editor.finish()

    distance = Distance(judged(graph), [samples[k] for k in choose(graph, len(samples))])
    errors = [distance.error(judged(draft.graph)) for draft in drafts]
    return errors.index(min(errors))
