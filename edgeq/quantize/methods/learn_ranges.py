"""Ranges of activations that are learned: both ends, then each alone, as long as the outputs come nearer to float.

An observer looks at one activation. What clipping and rounding it costs at the outputs only the whole model says, so
each range is narrowed and widened in steps, and what both halves of the samples find better is kept
(`edgeq.quantize.trials`). Training with fake quantization does the same by gradients (Choi et al., "PACT", 2018; Esser
et al., "Learned Step Size Quantization", 2020); a few hundred numbers need none.
"""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.tensor import DType, QParams
from edgeq.quantize.methods.choose_ranges import Evidence
from edgeq.quantize.ranges import WIDE_HEADROOM, WIDE_MAX
from edgeq.quantize.solver import Group
from edgeq.quantize.statistics import Need
from edgeq.quantize.step import Draft, Step
from edgeq.quantize.trials import Find, Trials, one_by_one, possible

FACTORS = (0.5, 0.7, 0.85, 0.95, 1.01, 1.03, 1.07)
"""Of a range."""
END_FACTORS = (0.8, 0.9, 1.1)
"""Of one end alone, where a range has two."""


def learning(draft: Draft) -> list[Group]:
    """Groups whose range is to be learned."""
    return [g for g in draft.groups if g.given is None and g.config.learn_ranges]


def learn_ranges(draft: Draft) -> Draft:
    """Give activations the ranges that are best for the model's outputs, from those on that they have."""
    evidence = Evidence.of(draft, lambda group: Need.CHANNELS)
    draft = evidence.draft
    trials, parameters = Trials(draft), dict(draft.parameters)
    moves = [(group, _moves(evidence, group)) for group in learning(draft) if not evidence.fine & {*group.members}]
    return replace(draft, parameters=one_by_one(trials, parameters, trials.error(parameters), moves)[0])


def _moves(evidence: Evidence, group: Group) -> tuple[Find, ...]:
    headroom = WIDE_HEADROOM if group.dtype is DType.INT16 else 1.0

    def holding(q: QParams, down: float, up: float) -> QParams:
        least, most = (-WIDE_MAX, WIDE_MAX) if group.dtype is DType.INT16 else (-128, 127)
        low, high = (q.s * (end - q.zp) / headroom for end in (least, most))
        return evidence.holding(group, (down * low, up * high))

    def both(q: QParams) -> list[QParams]:
        return [holding(q, factor, factor) for factor in FACTORS]

    def one(q: QParams) -> list[QParams]:
        if group.config.is_symmetric or q.zp in (-128, 127):
            return []
        return [holding(q, *ends) for f in END_FACTORS for ends in ((f, 1.0), (1.0, f))]

    return both, one


def _applies(draft: Draft) -> bool:
    return bool(learning(draft)) and possible(draft, "learn_ranges")


STEP = Step("learn_ranges", learn_ranges, _applies)
