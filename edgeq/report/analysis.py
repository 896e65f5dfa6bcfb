"""What happens in every layer of a quantized model on some samples: the figures behind a report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np

from edgeq.executor import FloatArithmetic, IntArithmetic, Values
from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import Array, TensorType
from edgeq.quantize.histogram import Histogram
from edgeq.report.accuracy import Sums, compared, quantize_inputs, real_output
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor

BARS = 64
"""Bars of a histogram."""
BINS = 1024
CONVERSIONS = frozenset({"Quantize", "Dequantize", "Requantize"})
"""Operators whose output stands for the same real numbers as their input."""
WORK = 1 << 32
"""Multiply-accumulates to spend on finding out what the error of each layer does to the output."""
MODEST = 20.0
"""dB below which an error is worth a word."""
MOST_PROPAGATED = 8
"""Samples to find it out with."""


class Bars(TypedDict):
    """A histogram: counts of bins of one width, the first of which begins at `low`."""

    low: float
    width: float
    counts: list[int]


class LayerFacts(TypedDict):
    """What is known of a value that a layer computes; None where a figure does not apply.

    `low` and `high` are the ends of what the type holds, `seen` the least and greatest value of the float model, both
    in real units; `clipped` is the share of the float model's values that are more than a step outside, in percent,
    `saturated` that of integers at an end of the type, unless that stands for zero. `sqnr_db` is with the errors of all
    layers before it, `alone_db` with its own alone, `own_db` what rounding to its steps alone would leave,
    `sensitivity_db` that of the model's first output with the error of this layer alone, and `noise_share` the part of
    all layers' noise there, in percent.
    """

    name: str
    op: str
    value: str
    dtype: str
    scale: float | None
    low: float | None
    high: float | None
    seen: list[float]
    rms: float
    clipped: float | None
    saturated: float | None
    sqnr_db: float | None
    alone_db: float | None
    own_db: float | None
    sensitivity_db: float | None
    noise_share: float | None
    histogram: Bars | None
    weight_bits: int | None
    weights: int
    inputs: list[str]


@dataclass
class _Watched:
    """Sums over all samples of one value."""

    total: Sums = field(default_factory=Sums)
    alone: Sums = field(default_factory=Sums)
    noise: float = 0.0
    signal: float = 0.0
    propagated: bool = False
    clipped: int = 0
    saturated: int = 0
    histogram: Histogram = field(default_factory=lambda: Histogram(BINS))


def analyse(
    float_graph: Graph, graph: Graph, samples: Iterable[Mapping[str, Array]], steps: int | None = None
) -> list[LayerFacts]:
    """What happens in every layer.

    Args:
        float_graph, graph: before and after quantization.
        samples: real values of the public inputs, one mapping per sample.
        steps: how many samples make one sequence, where the graphs have states; by default all of them.

    Returns:
        One entry for every value that both graphs compute, in the integer graph's order.
    """
    chosen = list(samples)
    names = compared(float_graph, graph)
    watched = {name: _Watched() for name in names}
    alone, onward = _Alone(float_graph, graph), _Onward(float_graph)
    macs = sum(node.op.macs(float_graph.site(node)) for node in float_graph.nodes)
    affordable = min(MOST_PROPAGATED, WORK // max(1, macs * len(names)))
    floats = run_sequences(FloatExecutor(float_graph), chosen, steps)
    integers = run_sequences(IntExecutor(graph), (quantize_inputs(graph, sample) for sample in chosen), steps)
    for index, (reference, result) in enumerate(zip(floats, integers, strict=True)):
        for name in names:
            _watch(
                watched[name], graph.type(name), reference[name], result[name], real_output(graph, name, result[name])
            )
        own: dict[str, Array] = {}
        for node in graph.nodes:
            own.update(alone.outputs(node, reference))
        for name in names:
            if name in own:
                watched[name].alone.add(reference[name], own[name])
                if index < affordable:
                    signal, noise = onward.noise(reference, name, own[name])
                    watched[name].signal += signal
                    watched[name].noise += noise
                    watched[name].propagated = True
    whole = sum(w.noise for w in watched.values())
    return [_facts(float_graph, graph, name, watched[name], whole, names) for name in names]


def _watch(watched: _Watched, type: TensorType, reference: Array, result: Array, real: Array) -> None:
    watched.total.add(reference, real)
    watched.histogram.add(reference[np.isfinite(reference)])
    if type.q is None:
        return
    low, high = _ends(type)
    step = type.qp.s
    watched.clipped += int(np.sum((reference < low - step) | (reference > high + step)))
    for end, value in zip(type.dtype.range, (low, high), strict=True):
        if abs(value) > step / 2:  # what a rectifier cuts off is none of the type's doing
            watched.saturated += int(np.sum(result == end))


def _ends(type: TensorType) -> tuple[float, float]:
    """The least and greatest real value that a type holds."""
    low, high = type.dtype.range
    return type.qp.s * (low - type.qp.zp), type.qp.s * (high - type.qp.zp)


class _Alone:
    """The error that a layer of the integer graph adds itself: what it makes of integers, against what the float model
    makes of the same reals. What only moves elements has none."""

    def __init__(self, float_graph: Graph, graph: Graph) -> None:
        self._float, self._graph = float_graph, graph
        self._integers, self._reals = IntArithmetic(graph), FloatArithmetic(float_graph)
        known = {*float_graph.inputs, *float_graph.producers}
        self._twins: dict[str, str] = {}
        for node in graph.nodes:
            if node.op.kind in CONVERSIONS and node.outputs[0] not in known:
                source = str(node.inputs[0])
                self._twins[node.outputs[0]] = self._twins.get(source, source)

    def outputs(self, node: Node, reference: Mapping[str, Array]) -> Values:
        """Its outputs with its own error alone, as real numbers; empty if the float model has no such layer."""
        twin = self._float.producers.get(node.outputs[0])
        if twin is None or twin.outputs != node.outputs:
            return {}
        if any(self._float.type(name).shape != self._graph.type(name).shape for name in node.outputs):
            return {}  # of a layer that a pass has made smaller
        held: Values = {}
        operands: list[Array | None] = []
        for name in node.inputs:
            if name is None or self._graph.data(name) is not None:
                operands.append(None if name is None else self._integers.constant(name))
                continue
            source = self._twins.get(name, name)
            type, real = self._graph.type(name), reference.get(source)
            if real is None or real.shape != type.shape:
                return {}
            plain = type.q is None or type.is_whole
            integers = real.astype(type.dtype.numpy) if plain else type.qp.quantize(real, type.dtype)
            held[source] = real if plain else type.qp.dequantize(integers)
            operands.append(integers)
        read = {i for i in twin.inputs if i is not None and self._float.data(i) is None}
        if read != held.keys():
            return {}
        results = self._integers.compute(node.op, node, operands)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            exact = self._reals.compute(
                twin.op, twin, [None if i is None else held.get(i, self._constant(i)) for i in twin.inputs]
            )
        return {
            name: reference[name] + (real_output(self._graph, name, result) - real)
            for name, result, real in zip(node.outputs, results, exact, strict=True)
        }

    def _constant(self, name: str) -> Array | None:
        return None if self._float.data(name) is None else self._reals.constant(name)


class _Onward:
    """What an error of one value does to the first output of the float model."""

    def __init__(self, graph: Graph) -> None:
        self._graph, self._arithmetic = graph, FloatArithmetic(graph)

    def noise(self, reference: Mapping[str, Array], name: str, changed: Array) -> tuple[float, float]:
        """Squares of the first output, and of what differs in it where the value `name` is `changed`."""
        output = self._graph.public_outputs[0]
        held: Values = {name: changed.astype(np.float32)}
        for node in self._graph.nodes:
            if held.keys().isdisjoint(i for i in node.inputs if i is not None) or name in node.outputs:
                continue
            operands = [self._operand(i, held, reference) for i in node.inputs]
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                results = self._arithmetic.compute(node.op, node, operands)
            held.update({o: r.reshape(reference[o].shape) for o, r in zip(node.outputs, results, strict=True)})
        true = reference[output].astype(np.float64).ravel()
        difference = true - held.get(output, reference[output]).astype(np.float64).ravel()
        return float(true @ true), float(difference @ difference)

    def _operand(self, name: str | None, held: Values, reference: Mapping[str, Array]) -> Array | None:
        if name is None:
            return None
        if name in held:
            return held[name]
        return reference[name] if name in reference else self._arithmetic.constant(name)


def _facts(
    float_graph: Graph, graph: Graph, name: str, watched: _Watched, whole: float, names: Sequence[str]
) -> LayerFacts:
    node, type = graph.producers[name], graph.type(name)
    count = max(1, watched.total.count)
    low, high = _ends(type) if type.q is not None else (None, None)
    rms = watched.total.rms
    known = watched.propagated
    quiet = watched.noise <= 0.0 or watched.signal <= 0.0
    return LayerFacts(
        name=node.name,
        op=node.op.kind,
        value=name,
        dtype=type.dtype.value,
        scale=None if type.q is None else type.qp.s,
        low=low,
        high=high,
        seen=[watched.histogram.low, watched.histogram.high],
        rms=rms,
        clipped=None if type.q is None else 100.0 * watched.clipped / count,
        saturated=None if type.q is None else 100.0 * watched.saturated / count,
        sqnr_db=watched.total.sqnr,
        alone_db=watched.alone.sqnr,
        own_db=None if type.q is None or rms == 0.0 else 10 * math.log10(12 * (rms / type.qp.s) ** 2),
        sensitivity_db=None if not known or quiet else 10 * math.log10(watched.signal / watched.noise),
        noise_share=None if not known or whole <= 0.0 else 100.0 * watched.noise / whole,
        histogram=bars(watched.histogram),
        weight_bits=_weight_bits(graph, node),
        weights=sum(graph.type(i).size for i in _weights(graph, node)),
        inputs=_sources(graph, node, frozenset(names)),
    )


def _weights(graph: Graph, node: Node) -> list[str]:
    """The weights that a node multiplies by: its quantized constants with several elements that are no biases."""
    held = [i for i in dict.fromkeys(node.inputs) if i is not None and graph.data(i) is not None]
    return [i for i in held if graph.type(i).dtype.bits <= 8 and graph.type(i).q is not None and graph.type(i).size > 1]


def _weight_bits(graph: Graph, node: Node) -> int | None:
    return min((graph.type(i).dtype.bits for i in _weights(graph, node)), default=None)


def _sources(graph: Graph, node: Node, names: frozenset[str]) -> list[str]:
    """The values among `names`, and the inputs of the graph, that a node reads, also through nodes in between."""
    found: dict[str, None] = {}
    for name in node.inputs:
        if name is None or graph.data(name) is not None:
            continue
        if name in names or name in graph.inputs:
            found[name] = None
        elif name in graph.producers:
            found.update(dict.fromkeys(_sources(graph, graph.producers[name], names)))
    return list(found)


def bars(histogram: Histogram, most: int = BARS) -> Bars | None:
    """A histogram in few bars; None if it is empty. Exact zeros are in the bar that begins at zero."""
    counts, first, exponent = histogram.counts.copy(), histogram.first, histogram.exponent
    if not len(counts):
        return None
    counts[-first if -first < len(counts) else -1] += histogram.zeros
    while len(counts) > most:
        padded = np.pad(counts, (first % 2, (first + len(counts)) % 2))
        counts, first, exponent = padded.reshape(-1, 2).sum(axis=1), first // 2, exponent + 1
    width = 2.0**exponent
    return Bars(low=first * width, width=width, counts=[int(c) for c in counts])


def helped_by(facts: LayerFacts, median_share: float) -> str:
    """What would make a layer better, in a sentence; empty where nothing is wrong with it."""
    share, alone, total = facts["noise_share"], facts["alone_db"], facts["sqnr_db"]
    if facts["clipped"] is not None and facts["clipped"] > 0.1:
        return f"{facts['clipped']:.2g} % of the values do not fit: a wider range (observer min-max, or range)"
    if share is None or share < max(10.0, 2.0 * median_share):
        if total is not None and alone is not None and total < min(alone - 10.0, MODEST):
            return "its error comes from layers before it"
        return ""
    if facts["weight_bits"] is not None and facts["weight_bits"] < 8:
        return f"{share:.0f} % of the output's noise: weight_bits = 8, or a better rounding, for this layer"
    if facts["own_db"] is not None and alone is not None and alone > facts["own_db"] - 1.5:
        return f"{share:.0f} % of the output's noise, from its own steps: {_finer(facts)}"
    if facts["weights"]:
        return f"{share:.0f} % of the output's noise, from its weights: rounding = hessian"
    return f"{share:.0f} % of the output's noise: activation_bits = 16 for this layer"


def _finer(facts: LayerFacts) -> str:
    """How steps become smaller: a range is wide where less than a thousandth of its values is in its outer half."""
    if facts["dtype"] == "int16" or facts["low"] is None or facts["high"] is None or facts["histogram"] is None:
        return "the layers before it are better targets"
    held, low, high = facts["histogram"], facts["low"], facts["high"]
    centres = held["low"] + held["width"] * (np.arange(len(held["counts"])) + 0.5)
    counts = np.asarray(held["counts"], np.float64)
    outer = float(counts[(centres > high / 2) | (centres < low / 2)].sum() / max(counts.sum(), 1.0))
    return "observer = mse or percentile, or activation_bits = 16" if outer < 1e-3 else "activation_bits = 16"


def summary(float_outputs: Array, outputs: Array, inputs: Array | None) -> dict[str, Any]:
    """Figures of a whole model beyond `edgeq.report.accuracy.accuracy`.

    Args:
        float_outputs, outputs: (samples, n) of the float model and the quantized one, in real numbers.
        inputs: (samples, n) of the model's only input, if that has as many elements; else None.

    Returns:
        centred_sqnr_db: what is left of the signal beyond the mean output over the samples, against the noise, in dB;
        constant_db: the SQNR that this mean itself would have. For models that reproduce their input: score_error, the
        greatest relative error of a sample's score, its mean squared difference from the input, in percent.
    """
    f, q = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (float_outputs, outputs))
    centred, constant = Sums(), Sums()
    centred.add(f - f.mean(axis=0), q - f.mean(axis=0))
    constant.add(f, np.broadcast_to(f.mean(axis=0), f.shape))
    found: dict[str, Any] = {"centred_sqnr_db": centred.sqnr, "constant_db": constant.sqnr, "score_error": None}
    if inputs is not None:
        x = np.asarray(inputs, np.float64).reshape(len(inputs), -1)
        true, own = (np.mean(np.square(x - y), axis=1) for y in (f, q))
        safe = true > 0
        found["score_error"] = float(100.0 * np.max(np.abs(own - true)[safe] / true[safe], initial=0.0))
    return found
