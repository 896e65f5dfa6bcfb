"""Trying parameters of activations: how near the integer model's outputs come to the float model's with them.

What is compared is what the last function with bounds reads, where there is one: scores before a softmax, not what
comes out of it. There the few samples near a decision have nearly all of the error, and two halves of the samples
disagree on which of two models is better; of scores all samples tell. Each sample counts by the root of its squared
error, so that a sample out of the ordinary does not decide alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgeq.executor import Executor, FloatArithmetic, IntArithmetic
from edgeq.ir.graph import Graph
from edgeq.ir.quant_rule import Scale
from edgeq.ir.tensor import Array, QParams
from edgeq.quantize.calibrate import Samples, Wanted, choose
from edgeq.quantize.config import QuantConfig, WeightRounding
from edgeq.quantize.convert import convert
from edgeq.quantize.methods import align_sums, round_weights
from edgeq.quantize.methods.correct_biases import correct_biases
from edgeq.quantize.operands import rule_of
from edgeq.quantize.solver import Group
from edgeq.quantize.statistics import Calibration, Floats
from edgeq.quantize.step import Draft
from edgeq.warnings import warn

MOST_SAMPLES, LEAST_SAMPLES = 128, 16
HELD = 1 << 24
"""Elements of activations that a trial may compute; where samples are large, fewer of them are used."""
WORK = 1 << 34
"""Elements that all trials together may compute, or so."""
MOST_TRIALS = 200
"""Trials of one search."""


def scores_of(graph: Graph) -> tuple[str, ...]:
    """The activations by which outputs are judged: what the function with bounds reads that an output comes from, or
    the output itself."""
    found: dict[str, None] = {}
    for name in graph.outputs:
        if not graph.type(name).is_whole and name in graph.producers:
            found[_score(graph, name)] = None
    return tuple(found)


def _score(graph: Graph, output: str) -> str:
    name = output
    while name in graph.producers:
        node = graph.producers[name]
        rule, source = rule_of(graph, node), node.inputs[0] if node.inputs else None
        if source is None or graph.data(source) is not None:
            return output
        if rule.usual is not None:
            return source
        if rule.output is not Scale.SAME or len(node.inputs) > 1:
            return output
        name = source
    return output


def plain(config: QuantConfig) -> QuantConfig:
    """The configuration with weights of 8 bits, each rounded to the nearest integer: activations alone are judged."""
    layers = tuple(
        replace(e, weight_bits=e.weight_bits and 8, rounding=e.rounding and WeightRounding.NEAREST)
        for e in config.layers
    )
    return replace(config, weight_bits=8, rounding=WeightRounding.NEAREST, layers=layers)


def possible(draft: Draft, what: str) -> bool:
    """Whether there are samples to try anything on; a warning says that there are not.

    Args:
        draft: the draft.
        what: the option that asks for it.
    """
    enough = draft.samples is not None and len(draft.samples) > 1
    if not enough:
        warn(
            f"{what} was left out: it compares models on at least two calibration samples",
            hint="give samples with --calibration",
            where=draft.graph.name,
        )
    return enough


class Trials:
    """Integer models of a draft with different parameters, compared with the float model on samples.

    Args:
        draft: after `choose_ranges`, with samples.
        whole: whether trials are the very models that the draft would become, with all samples and with weights rounded
            as they are to be. Otherwise they have fewer samples, and weights of 8 bits.

    Attributes:
        left: trials that may still be made.
    """

    def __init__(self, draft: Draft, whole: bool = False) -> None:
        assert draft.samples is not None
        graph = draft.reference
        size = sum(graph.type(name).size for node in graph.nodes for name in node.outputs)
        count = min(len(draft.samples), MOST_SAMPLES, max(LEAST_SAMPLES, HELD // max(1, size)))
        self.left = self._most = min(MOST_TRIALS, WORK // max(1, count * size))
        self._progress = None if whole else draft.progress  # the few whole ones are soon over
        if not whole:
            samples = _spread(draft.samples, count)
            draft = replace(draft, samples=samples, config=plain(draft.config), calibration=Calibration())
        self._draft = draft.measured(Wanted(means=draft.mean_samples))
        assert draft.samples is not None
        self._samples = [draft.samples[k] for k in choose(graph, len(draft.samples))]
        self._scores = [name for name in scores_of(graph) if name in draft.graph.values]
        self._inputs = {n: np.stack([np.asarray(s[n]) for s in self._samples]) for n in graph.inputs}
        reals = {n: x.astype(graph.type(n).dtype.numpy) for n, x in self._inputs.items()}
        walk = Executor(graph, FloatArithmetic(graph)).walk(reals)
        self._exact = {n: x.astype(np.float64) for n, x in walk if n in self._scores}

    def error(self, parameters: Mapping[str, QParams]) -> Floats:
        """(2,) of every other sample, and of the rest: noise divided by signal, summed over the outputs."""
        self.left -= 1
        if self._progress:
            self._progress(self._most - max(0, self.left), self._most)
        draft = replace(self._draft, parameters=parameters)
        for step in (align_sums.STEP, round_weights.STEP):
            draft = step.apply(draft) if step.applies(draft) else draft
        graph = convert(draft.graph, draft.parameters, draft.config, draft.numerics, draft.types)
        found: dict[str, Array] = {}

        def watch(name: str, array: Array) -> None:
            if name in self._exact:
                found[name] = array

        layers = draft.corrected()
        if layers:
            assert draft.statistics is not None
            correct_biases(graph, draft.statistics.means, self._samples, layers, watch)
        else:
            inputs = {n: graph.type(n).holding(x.astype(np.float64)) for n, x in self._inputs.items()}
            for name, array in Executor(graph, IntArithmetic(graph)).walk(inputs):
                watch(name, array)
        return sum((self._noise(graph, n, x) for n, x in found.items()), np.zeros(2))

    def _noise(self, graph: Graph, name: str, integers: Array) -> Floats:
        q, exact = graph.type(name).q, self._exact[name]
        lost = exact - (integers if q is None else q.dequantize(integers))
        noise, signal = np.sqrt(_power(lost)), _power(exact)
        total = float(np.cumsum(signal)[-1]) / len(signal)
        if total == 0.0 or not np.isfinite(total):
            return np.zeros(2)
        halves = [noise[k::2] for k in range(2)]
        return np.array([(float(np.cumsum(h)[-1]) / len(h)) ** 2 / total for h in halves])


def _power(x: Array) -> Floats:
    """The sum of squares (samples,) of every sample, one after the other; what is not finite is left out."""
    rows = np.nan_to_num(x.reshape(len(x), -1), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(np.cumsum(np.square(rows), axis=1)[:, -1])


def _spread(samples: Samples, count: int) -> list[Mapping[str, Array]]:
    """So many of the samples, evenly spread over all of them."""
    return [samples[k] for k in np.linspace(0, len(samples) - 1, count).round().astype(int)]


def improves(error: Floats, than: Floats, by: float) -> bool:
    """Whether errors (2,) of both halves of the samples are not larger, and together less by that part."""
    return bool((error <= than * (1.0 + by)).all() and error.sum() < than.sum() * (1.0 - by))


WORTH = 0.01
"""Part of the error by which other parameters must be better, and by which neither half of the samples may lose."""
Find = Callable[[QParams], Sequence[QParams]]
"""From the parameters that a group has now, others to try."""


def one_by_one(
    trials: Trials, best: dict[str, QParams], least: Floats, moves: Iterable[tuple[Group, Sequence[Find]]]
) -> tuple[dict[str, QParams], Floats]:
    """Change the parameters of one group after the other, wherever that is better, while trials are left.

    Args:
        trials: what decides.
        best, least: the parameters of all activations, and their error.
        moves: what may be tried for each group: the second kind from the best of the first on, and so forth.
    """
    for group, finds in moves:
        tried: list[QParams] = []
        for find in finds:
            for q in find(best[group.members[0]]):
                if q == best[group.members[0]] or q in tried or trials.left <= 0:
                    continue
                tried.append(q)
                attempt = best | dict.fromkeys(group.members, q)
                error = trials.error(attempt)
                if improves(error, least, WORTH):
                    best, least = attempt, error
    return best, least
