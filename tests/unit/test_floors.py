"""What a softmax cannot see does not widen ranges: masks that are computed or handed over at run time."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import TensorType
from edgeq.ops.add import Add
from edgeq.ops.exp import Exp
from edgeq.ops.log import Log
from edgeq.ops.masked_softmax import MaskedSoftmax
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.softmax import FINEST, Softmax
from edgeq.ops.sub import Sub
from edgeq.ops.transpose import Transpose
from edgeq.quantize import quantize
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int

TOKENS = 8
REACH = float(np.log(FINEST * TOKENS))


def samples(count: int = 40) -> list[dict[str, np.ndarray]]:
    """Scores, and a mask of 1 for the first tokens, at least one, and 0 for the rest."""
    rng = np.random.default_rng(8)
    return [
        {
            "scores": rng.uniform(-2, 2, (1, TOKENS, TOKENS)).astype(np.float32),
            "mask": (np.arange(TOKENS) < rng.integers(1, TOKENS + 1)).astype(np.float32)[None, None],
        }
        for _ in range(count)
    ]


def masked(value: float, readers: bool = False) -> Graph:
    """softmax(scores + (1 − mask) · value) with a view and a transpose twice in between; `readers`: the sum is read."""
    e = GraphEditor("attention")
    scores, mask = e.input("scores", TensorType((1, TOKENS, TOKENS))), e.input("mask", TensorType((1, 1, TOKENS)))
    one, big = (e.constant(n, np.full((1, 1, 1), v, np.float32)) for n, v in (("one", 1.0), ("big", value)))
    (inverse,) = e.add(Sub(), [one, mask], "inverse", types=[TensorType((1, 1, TOKENS))])
    (hidden,) = e.add(Mul(), [inverse, big], "hidden")
    (total,) = e.add(Add(), [scores, hidden], "total")
    (turned,) = e.add(Transpose((2, 1, 0)), [total], "turned")
    (back,) = e.add(Transpose((2, 1, 0)), [turned], "back")
    (flat,) = e.add(Reshape((TOKENS, TOKENS)), [back], "flat")
    (p,) = e.add(Softmax(1), [flat], "p")
    e.outputs = [p, *([e.add(Exp(), [total], "exp")[0]] if readers else [])]
    return e.finish()


def ratio(graph: Graph, data: list[dict[str, np.ndarray]]) -> float:
    integer = quantize(graph, data)
    name = graph.outputs[0]
    expected = np.stack([run_float(graph, s)[name] for s in data])
    found = np.stack([real_output(integer, name, run_int(integer, quantize_inputs(integer, s))[name]) for s in data])
    value = sqnr_db(expected, found)
    assert value is not None
    return value


@pytest.mark.parametrize("value", [-1e4, -1e9, float(np.finfo(np.float32).min), -100.0])
def test_masks_at_run_time_leave_scores_their_resolution(value: float) -> None:
    assert ratio(masked(value), samples()) > 30


def test_ranges_end_where_nothing_is_seen() -> None:
    integer = quantize(masked(-1e4), samples())
    total, hidden = integer.type("total").qp, integer.type("hidden").qp
    low, high = total.dequantize(np.array([-128, 127], np.int8))
    # The first token always counts, so no row's greatest score is below -2.
    assert low == pytest.approx(-2 - REACH, abs=0.2) and high == pytest.approx(2, abs=0.2)
    assert hidden.dequantize(np.int8(-128)) == pytest.approx(low - 2, abs=0.2)


def test_others_that_read_the_sum_see_all_of_it() -> None:
    integer = quantize(masked(-1e4, readers=True), samples())
    assert integer.type("total").qp.s > 30


def test_ordinary_logits_keep_their_range() -> None:
    e = GraphEditor("classifier")
    x = e.input("x", TensorType((1, 5)))
    e.outputs = list(e.add(Softmax(1), [x], "p"))
    data = [{"x": row[None].astype(np.float32)} for row in np.random.default_rng(0).uniform(-6, 6, (30, 5))]
    q = quantize(e.finish(), data).type("x").qp
    assert q.dequantize(np.int8(-128)) == pytest.approx(min(float(d["x"].min()) for d in data), abs=q.s)


def test_a_logarithm_of_the_mask_may_be_infinite() -> None:
    e = GraphEditor("attention")
    scores, mask = e.input("scores", TensorType((1, TOKENS, TOKENS))), e.input("mask", TensorType((1, 1, TOKENS)))
    (hidden,) = e.add(Log(), [mask], "hidden")
    (total,) = e.add(Add(), [scores, hidden], "total")
    e.outputs = list(e.add(Softmax(2), [total], "p"))
    assert ratio(e.finish(), samples()) > 30


def test_the_reach_of_a_softmax() -> None:
    assert Softmax(1).quant_rule([(3, 16)]).reach == pytest.approx(np.log(2.0**14))
    assert Softmax(0).quant_rule([(3, 16)]).reach is None  # statistics are of columns
    assert MaskedSoftmax(1).quant_rule([(3, 16), (16,)]).reach is None  # a column need not count in a row
