"""Which observer finds the range of each activation, where the user leaves that open (`observer = "auto"`).

Models in which all open activations have the same observer come first. From the best of them one activation after the
other, with all that share its parameters, takes the observer that brings the integer model's outputs nearer to the
float model's, if both halves of the samples say so (`edgeq.quantize.trials`). Nothing is assumed about how errors of
different activations add up, nor about the scales of weights that follow from those of activations: each trial is an
integer model. At last the best are compared as they would really be, with all samples, and with all ranges a little
wider: how the scales of weights turn out is luck, of which this takes the good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir.tensor import QParams
from edgeq.quantize.config import ObserverKind, QuantConfig
from edgeq.quantize.methods.choose_ranges import Evidence
from edgeq.quantize.solver import Group
from edgeq.quantize.statistics import Need
from edgeq.quantize.step import Draft, Step
from edgeq.quantize.trials import WORTH, Trials, improves, one_by_one, possible

WIDER = (1.01, 1.02, 1.03)
"""Factors of all ranges. Scales of weights are rounded so that factors have few bits, and which scales of activations
suit them is not known before it is tried."""
SAME = 0.01
"""Part by which scales must differ for another observer to be tried."""


@dataclass(frozen=True)
class Candidate:
    """An observer, and its percentile."""

    observer: ObserverKind
    percentile: float = 100.0

    def of(self, config: QuantConfig) -> QuantConfig:
        """A configuration with this observer."""
        return replace(config, observer=self.observer, percentile=self.percentile)


CANDIDATES = (
    Candidate(ObserverKind.MIN_MAX),
    Candidate(ObserverKind.PERCENTILE, 99.999),
    Candidate(ObserverKind.MSE),
    Candidate(ObserverKind.PERCENTILE, 99.99),
    Candidate(ObserverKind.ENTROPY),
    Candidate(ObserverKind.PERCENTILE, 99.9),
)
"""Those that clip little before those that clip much."""


def open_groups(draft: Draft) -> list[Group]:
    """Groups whose observer is to be chosen."""
    return [g for g in draft.groups if g.given is None and g.config.observer is ObserverKind.AUTO]


def choose_observers(draft: Draft) -> Draft:
    """Give every activation whose observer is left open the parameters that are best for the model's outputs."""
    evidence = Evidence.of(draft, lambda group: Need.HISTOGRAM)
    draft, groups = evidence.draft, open_groups(draft)
    trials = Trials(draft)
    asked = {group: [evidence.params(group, c.of(group.config)) for c in CANDIDATES] for group in groups}
    uniform = [with_params(draft, {g: params[k] for g, params in asked.items()}) for k in range(len(CANDIDATES))]
    best, least = uniform[0], trials.error(uniform[0])
    for attempt in uniform[1:]:
        error = trials.error(attempt)
        if improves(error, least, WORTH):
            best, least = attempt, error
    moves = [
        (group, (lambda q, params=params: [p for p in params if not alike(p, q)],)) for group, params in asked.items()
    ]
    mixed = one_by_one(trials, best, least, moves)[0]
    free = [group for group in groups if not evidence.fine & {*group.members}]
    return replace(draft, parameters=_best_whole(draft, free, [uniform[0], best, mixed]))


def _best_whole(draft: Draft, groups: list[Group], attempts: list[dict[str, QParams]]) -> dict[str, QParams]:
    """The best of some parameters in the models that are really to be, and of those that are a little wider.

    Args:
        draft: whose parameters they are.
        groups: those that can be a little wider: scales that are powers of two cannot.
        attempts: parameters.
    """
    trials = Trials(draft, whole=True)
    found = [(float(trials.error(a).sum()), a) for k, a in enumerate(attempts) if a not in attempts[:k]]
    best = min(found, key=lambda each: each[0])[1]
    for factor in WIDER:
        wider = {
            g: QParams.per_tensor(float(np.float32(q.s * factor)), q.zp) for g in groups for q in [best[g.members[0]]]
        }
        attempt = best | with_params(replace(draft, parameters={}), wider)
        found.append((float(trials.error(attempt).sum()), attempt))
    return min(found, key=lambda each: each[0])[1]


def with_params(draft: Draft, params: Mapping[Group, QParams]) -> dict[str, QParams]:
    """The parameters of a draft, with others for some groups."""
    return {**draft.parameters, **{name: q for group, q in params.items() for name in group.members}}


def alike(a: QParams, b: QParams) -> bool:
    """Whether parameters hold nearly the same range: which of them is better is chance."""
    return abs(a.s - b.s) <= SAME * max(a.s, b.s)


def _applies(draft: Draft) -> bool:
    return bool(open_groups(draft)) and possible(draft, 'observer = "auto"')


STEP = Step("choose_observers", choose_observers, _applies)
