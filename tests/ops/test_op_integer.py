"""The integer references against the float references: slips of meaning, not of rounding."""

from __future__ import annotations

import numpy as np
import pytest
from cases import PLAIN, Case, dequantized, of_operator

from edgeq.ir.op import registry
from edgeq.ir.tensor import Array, DType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.div import Div
from edgeq.ops.neg import Neg

TOLERANCE = {Numerics.FAST: 1.01, Numerics.TFLITE: 2.01, Numerics.TFLM: 2.01}
"""Steps of the output's scale. Results are rounded once in FAST, but some of their inputs were rounded before."""

FED_BACK = 8.0
"""Steps for operators with states, whose errors go round."""
FINE = {DType.INT16: 256, DType.INT32: 256}
"""Steps of wider types in one of 8 bits; those of 32 bits are finer than the reals that they are compared with."""

UNFAITHFUL = (Neg(stored=True), Div(stored=True))
"""Operators for which LiteRT's integers, which the vectors compare, are not close to the floats: NEG of int8 disregards
zero-points, and DIV of 8-bit tensors goes wrong for small quotients."""


def difference(case: Case) -> float:
    """The largest difference of a case's outputs, in steps of their scales, where the float result is finite."""
    worst = 0.0
    with np.errstate(all="ignore"):
        reals: tuple[Array, ...] = case.node.op.run_float(dequantized(case))
    for real, q, type in zip(reals, case.expected, case.site.outputs, strict=True):
        if type.q is None:
            continue  # of real numbers, see test_op_float32.py
        params, (low, high) = type.q, type.dtype.range
        exact = np.clip(real.astype(np.float64) / params.s + params.zp, low, high)
        steps = np.abs(exact - q)[np.isfinite(real)]
        worst = max(worst, float(steps.max(initial=0.0)) / FINE.get(type.dtype, 1))
    return worst


@pytest.mark.parametrize("kind", sorted(registry()))
def test_integers_mean_what_floats_say(kind: str) -> None:
    cases = [c for c in of_operator(kind) if c.site.numerics is Numerics.FAST or c.node.op not in UNFAITHFUL]
    if any(case.states for case in cases):
        cases = [c for c in cases if c.name.split("/")[2] == PLAIN]  # a state that saturates is another one
    far = {c.name: difference(c) for c in cases}
    limits = {c.name: FED_BACK if c.states else TOLERANCE[c.site.numerics] for c in cases}
    assert {name: d for name, d in far.items() if d > limits[name]} == {}


@pytest.mark.parametrize("kind", sorted(registry()))
def test_types_and_shapes(kind: str) -> None:
    """References give what the graph declares, and never change their inputs."""
    for case in of_operator(kind):
        before = [None if a is None else a.copy() for a in case.operands]
        declared = [(t.shape, t.dtype.numpy) for t in case.site.outputs]
        assert [(y.shape, y.dtype) for y in case.expected] == declared, case.name
        floats = case.node.op.run_float(dequantized(case))
        op, real = case.node.op, np.dtype(np.float32)
        kinds = [op.whole_type(k).numpy if op.gives_whole else real for k in range(len(declared))]
        assert [(y.shape, y.dtype) for y in floats] == [(s, t) for (s, _), t in zip(declared, kinds, strict=True)], (
            case.name
        )
        for old, new in zip(before, case.operands, strict=True):
            assert (old is None) == (new is None), case.name
            assert old is None or new is None or old.tobytes() == new.tobytes(), case.name


@pytest.mark.parametrize("kind", sorted(registry()))
def test_cases_are_lively(kind: str) -> None:
    """Cases that saturate everywhere, or are constant, would test nothing. A sign or a truth has few values."""
    plain = [c.expected[0] for c in of_operator(kind) if f"/{PLAIN}/" in c.name]
    fewest = 1 if kind in ("Sign", "Compare") else 4 if registry()[kind].gives_whole else 8
    lively = [len(np.unique(y)) > min(fewest, y.size // 2) for y in plain]
    assert sum(lively) > len(plain) / 2
