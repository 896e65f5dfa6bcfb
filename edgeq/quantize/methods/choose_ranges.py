"""Parameters of activations, from their calibration statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from edgeq.ir.tensor import DType, QParams
from edgeq.quantize.calibrate import Wanted
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.floors import floors
from edgeq.quantize.observers import OBSERVERS
from edgeq.quantize.ranges import WIDE_HEADROOM, Range, activation_params, fine_params, joined, wide_params
from edgeq.quantize.shown import fills_of, seen, source_range
from edgeq.quantize.solver import Group, fine_values, requantized_twins
from edgeq.quantize.statistics import Need
from edgeq.quantize.step import Draft, Step


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the ranges of a draft's groups, as far as an observer needs it.

    Attributes:
        draft: from `solve` on, measured.
        twins: `requantized_twins`.
        fills: what operators put between elements.
        lowest: below what nothing is seen of a tensor.
        fine: activations whose scale is a power of two.
    """

    draft: Draft
    twins: Mapping[str, str]
    fills: Mapping[str, Range]
    lowest: Mapping[str, float]
    fine: frozenset[str]

    @staticmethod
    def of(draft: Draft, need: Callable[[Group], Need]) -> Evidence:
        """Measure what is not known yet, and keep it in the draft.

        Args:
            draft: from `solve` on.
            need: what must be known of the activations of a group without parameters.
        """
        twins = requantized_twins(draft.reference, draft.graph)
        free = [group for group in draft.groups if group.given is None]
        needs = {twins.get(name, name): need(group) for group in free for name in group.sources}
        if needs:
            draft = draft.measured(Wanted(needs, draft.config.bins, means=draft.mean_samples))
        known = draft.statistics
        lowest = {} if known is None or not needs else floors(draft.graph, known.tensors, twins)
        return Evidence(draft, twins, fills_of(draft.graph) if needs else {}, lowest, fine_values(draft.graph))

    def params(self, group: Group, config: QuantConfig) -> QParams:
        """The parameters of a group for which none are given, as the observer of a configuration decides.

        Raises:
            QuantizationError: an activation becomes NaN or infinite.
        """
        graph, known, twins = self.draft.graph, self.draft.statistics, self.twins
        assert known is not None
        ranges = [
            source_range(self.draft.reference, known, twins.get(n, n), config, self.lowest.get(n))
            for n in group.sources
            if twins.get(n, n) in known.tensors
        ]
        ranges += [seen(graph, known, twins, n, self.fills[n]) for n in group.members if n in self.fills]
        return self.holding(group, joined(*ranges))

    def holding(self, group: Group, whole: Range) -> QParams:
        """The parameters of a group that hold a range."""
        if self.fine.intersection(group.members):
            return fine_params(*whole)
        if group.dtype is DType.INT16:
            return wide_params(*(WIDE_HEADROOM * end for end in whole))
        return activation_params(*whole, group.config.is_symmetric)


def choose_ranges(draft: Draft) -> Draft:
    """Give every activation parameters: the prescribed ones, or those that the observer of its group decides on.

    Raises:
        QuantizationError: an activation that needs a range becomes NaN or infinite.
    """
    evidence = Evidence.of(draft, lambda group: OBSERVERS[group.config.observer][0])
    parameters: dict[str, QParams] = {}
    for group in draft.groups:
        q = evidence.params(group, group.config) if group.given is None else group.given
        parameters.update(dict.fromkeys(group.members, q))
    return replace(evidence.draft, parameters=parameters)


STEP = Step("choose_ranges", choose_ranges)
