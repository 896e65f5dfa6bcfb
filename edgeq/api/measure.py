"""How accurate a quantized model is, measured on some samples before anything is compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from edgeq.api.data import Dataset
from edgeq.api.labels import classes_of
from edgeq.executor import Executor, FloatArithmetic, IntArithmetic, batch_size, in_batches
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.report.accuracy import accuracy, of_classes, quantize_inputs, real_output
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor

MOST, LEAST = 100, 8
"""Samples to measure on."""
WORK = 1 << 29
"""Multiply-accumulates to spend on them, if that leaves enough samples."""


def measure(float_graph: Graph, graph: Graph, data: Dataset) -> dict[str, Any]:
    """The first output of a quantized model against that of the float model.

    Args:
        float_graph, graph: before and after quantization.
        data: samples, of which the first are used: 8 to 100, fewer for models that compute much.

    Returns:
        samples; sqnr_db, rounded to 0.1 dB (None where there is no error or no signal); agreement in percent, rounded
        to 0.01 (None where the model has no classes).
    """
    macs = sum(node.op.macs(graph.site(node)) for node in graph.nodes)
    chosen = data.first(max(LEAST, min(MOST, WORK // max(macs, 1))))
    real = first_outputs(
        Executor(float_graph, FloatArithmetic(float_graph)), FloatExecutor(float_graph), chosen, chosen
    )
    integers = [quantize_inputs(graph, sample) for sample in chosen]
    exact = first_outputs(Executor(graph, IntArithmetic(graph)), IntExecutor(graph), integers, chosen)
    name = graph.public_outputs[0]
    whole = graph.type(name).is_whole
    figures = (of_classes if whole else accuracy)(real, real_output(graph, name, exact).reshape(real.shape))
    sqnr, agreement = figures["sqnr_db"], figures["agreement"]
    return {
        "samples": len(chosen),
        "sqnr_db": None if sqnr is None else round(sqnr, 1),
        "agreement": None
        if agreement is None or (classes_of(float_graph) is None and not whole)
        else round(agreement, 2),
    }


def first_outputs(whole: Executor, stepwise: FloatExecutor | IntExecutor, samples: Any, data: Dataset) -> Array:
    """The first public output of every sample, one row each."""
    graph = whole.graph
    name = graph.public_outputs[0]
    if graph.states:
        results: Iterator[Mapping[str, Array]] = run_sequences(stepwise, samples, data.steps)
        return np.stack([values[name].reshape(-1) for values in islice(results, len(data))])
    parts = []
    for batch in in_batches(samples, batch_size(graph)):
        inputs = {n: a.astype(graph.type(n).dtype.numpy) for n, a in batch.items()}
        found = next(array for value, array in whole.walk(inputs) if value == name)
        parts.append(found.reshape(len(found), -1))
    return np.concatenate(parts)
