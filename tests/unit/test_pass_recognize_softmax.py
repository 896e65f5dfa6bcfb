"""Softmax and LogSoftmax spelled out in arithmetic are found again; what only looks like them stays."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.div import Div
from edgeq.ops.exp import Exp
from edgeq.ops.log import Log
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.passes.pipeline import optimize_float
from edgeq.passes.recognize_softmax import recognize_softmax
from edgeq.quantize import quantize
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int


def spelled(net: Net, x: str, greatest: bool, log: bool, axis: int = 2, q: QParams | None = None) -> str:
    d = net.add(Sub(), x, net.add(ReduceMax((axis,), True), x)) if greatest else x
    e = net.add(Exp(), d, q=q)
    total = net.add(Sum((axis,), True), e)
    return net.add(Sub(), d, net.add(Log(), total)) if log else net.add(Div(), e, total)


@pytest.mark.parametrize("greatest", [True, False])
@pytest.mark.parametrize("log", [True, False])
def test_spellings(greatest: bool, log: bool) -> None:
    net = Net()
    graph = net.finish(spelled(net, net.input("x", 2, 3, 5), greatest, log))
    after = recognize_softmax(graph)
    assert kinds(after) == ["LogSoftmax" if log else "Softmax"]
    assert_same_float(graph, after)


def test_what_is_no_softmax_of_rows_stays() -> None:
    net = Net()
    x, z = net.input("x", 2, 3, 5), net.input("z", 2, 3, 5)
    others = net.add(Div(), net.add(Exp(), z), net.add(Sum((2,), True), net.add(Exp(), x)))
    columns = spelled(net, x, True, False, axis=1)
    prescribed = spelled(net, x, False, False, q=QParams.per_tensor(0.1, -128))
    graph = net.finish(others, columns, prescribed)
    assert recognize_softmax(graph) is graph


def test_a_mask_of_scores_costs_nothing() -> None:
    net = Net()
    x = net.input("x", 1, 8, 8)
    mask = net.data(np.where(np.tril(np.ones((1, 8, 8))) == 1.0, 0.0, -1e9))
    graph = net.finish(net.add(MatMul(), spelled(net, net.add(Add(), x, mask), True, False), x))
    rng = np.random.default_rng(1)
    samples = [{"x": rng.normal(0.0, 2.0, (1, 8, 8)).astype(np.float32)} for _ in range(24)]
    integer = quantize(optimize_float(graph), samples)
    real, whole = [], []
    for sample in samples:
        real.append(run_float(graph, sample)[graph.outputs[0]])
        whole.append(
            real_output(integer, graph.outputs[0], run_int(integer, quantize_inputs(integer, sample))[graph.outputs[0]])
        )
    found = sqnr_db(np.stack(real), np.stack(whole))
    assert found is not None and found > 28.0
