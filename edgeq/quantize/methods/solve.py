"""Which activations share parameters: those that operators join, where that costs nobody else much."""

from __future__ import annotations

from dataclasses import replace

from edgeq.quantize.calibrate import Wanted
from edgeq.quantize.element_types import typed
from edgeq.quantize.observers import OBSERVERS
from edgeq.quantize.shown import ranges_of
from edgeq.quantize.solver import free_sources, may_conflict
from edgeq.quantize.solver import solve as solve_graph
from edgeq.quantize.step import Draft, Step


def solve(draft: Draft) -> Draft:
    """Group activations that share parameters, with a Requantize wherever two must differ, or had better.

    Raises:
        QuantizationError: an activation that needs a range becomes NaN or infinite.
    """
    ranges = None
    known = draft.samples is not None or draft.statistics is not None
    if known and may_conflict(draft.graph):
        needs = {name: OBSERVERS[config.observer][0] for name, config in free_sources(draft.graph, draft.config)}
        draft = draft.measured(Wanted(needs, draft.config.bins, means=draft.mean_samples))
        assert draft.statistics is not None
        ranges = ranges_of(draft.graph, draft.statistics, draft.config)
    given = typed(draft.graph, draft.config, draft.numerics)
    if ranges is not None and given.copies:
        own = {copy: ranges.own[name] for copy, name in given.copies.items() if name in ranges.own}
        ranges = replace(ranges, own={**ranges.own, **own})
    plan = solve_graph(given.graph, draft.config, draft.numerics, ranges, given.types)
    return replace(draft, graph=plan.graph, groups=plan.groups)


STEP = Step("solve", solve)
