"""Scales of sums: chosen so that the integer arithmetic of sums is exact.

FAST adds two tensors in a 32-bit accumulator with 15-bit factors. Where the scales' ratios have few digits, nothing is
rounded before the end, and a runtime that computes the same sum in real numbers, as onnxruntime does, gets the same
integers.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np

from edgeq.ir.graph import Node
from edgeq.ir.tensor import QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.solver import Group
from edgeq.quantize.step import Draft, Step

DIGITS = 1023
"""Greatest numerator of a ratio; its denominator is a power of two."""
LEAST = 64
"""Below this numerator, rounding it up would waste too much of the input's range."""
NUDGE = 2.0**-19
"""Real sums are this much larger than integer ones, in proportion: where an integer sum lies half-way and is rounded
up, a real one is above the middle. It is too little to change any other result and more than float32 loses."""


def align_sums(draft: Draft) -> Draft:
    """Raise scales of inputs of sums by up to 1.6 %, so that their ratios to the output's are short binary fractions.

    Prescribed parameters stay.
    """
    graph, result = draft.graph, dict(draft.parameters)
    owner = {name: group for group in draft.groups for name in group.members}
    settled = {group for group in draft.groups if group.given is not None}
    for node in reversed(graph.nodes):
        if node.outputs[0] not in owner:  # a real number
            continue
        if node.op.signs is not None and all(graph.data(name) is None for name in node.inputs):
            _align(node, owner, settled, result)
    return replace(draft, parameters=result)


def _align(node: Node, owner: dict[str, Group], settled: set[Group], params: dict[str, QParams]) -> None:
    output, inputs = owner[node.outputs[0]], {owner[str(name)] for name in node.inputs}
    if output in inputs or inputs & settled:
        return
    step = params[node.outputs[0]].s
    ratios = {group: params[group.members[0]].s / step for group in inputs}
    shift = 30
    while shift >= 0 and ceil(max(ratios.values()) * 2.0**shift) > DIGITS:
        shift -= 1
    numerators = {group: ceil(ratio * 2.0**shift) for group, ratio in ratios.items()}
    if shift < 0 or min(numerators.values()) < LEAST:
        return
    for group, numerator in numerators.items():
        old = params[group.members[0]]
        scale = np.float32(numerator * 2.0**-shift * step * (1.0 + NUDGE))
        params.update(dict.fromkeys(group.members, QParams.per_tensor(float(scale), old.zp)))
        settled.add(group)


STEP = Step("align_sums", align_sums, lambda draft: draft.numerics is Numerics.FAST)
