"""Parameters of activations, from their calibration statistics."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.tensor import DType, QParams
from edgeq.quantize.calibrate import Wanted
from edgeq.quantize.floors import floors
from edgeq.quantize.observers import OBSERVERS
from edgeq.quantize.ranges import WIDE_HEADROOM, activation_params, fine_params, joined, wide_params
from edgeq.quantize.shown import fills_of, seen, source_range
from edgeq.quantize.solver import fine_values, requantized_twins
from edgeq.quantize.statistics import Need
from edgeq.quantize.step import Draft, Step


def choose_ranges(draft: Draft) -> Draft:
    """Give every activation parameters: the prescribed ones, or those that the observer of its group decides on.

    Raises:
        QuantizationError: an activation that needs a range becomes NaN or infinite.
    """
    twins = requantized_twins(draft.reference, draft.graph)
    needs: dict[str, Need] = {}
    for group in draft.groups:
        if group.given is None:
            for name in group.sources:
                needs[twins.get(name, name)] = OBSERVERS[group.config.observer][0]
    if needs:
        draft = draft.measured(Wanted(needs, draft.config.bins, means=draft.mean_samples))
    fills = fills_of(draft.graph) if needs else {}
    lowest = {} if draft.statistics is None or not needs else floors(draft.graph, draft.statistics.tensors, twins)
    fine = fine_values(draft.graph)
    parameters: dict[str, QParams] = {}
    for group in draft.groups:
        q = group.given
        if q is None:
            known = draft.statistics
            assert known is not None
            ranges = [
                source_range(draft.reference, known, twins.get(n, n), group.config, lowest.get(n))
                for n in group.sources
                if twins.get(n, n) in known.tensors
            ]
            ranges += [seen(draft.graph, known, twins, n, fills[n]) for n in group.members if n in fills]
            whole, symmetric = joined(*ranges), group.config.is_symmetric
            if fine.intersection(group.members):
                q = fine_params(*whole)
            elif group.dtype is DType.INT16:
                q = wide_params(*(WIDE_HEADROOM * end for end in whole))
            else:
                q = activation_params(*whole, symmetric)
        parameters.update(dict.fromkeys(group.members, q))
    return replace(draft, parameters=parameters)


STEP = Step("choose_ranges", choose_ranges)
