"""The steps of quantization: this file is the only statement of their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edgeq.errors import InternalError
from edgeq.ir.graph import Graph
from edgeq.ir.observe import Observe, unobserved
from edgeq.ir.quant_rule import Scale
from edgeq.ir.tensor import Array
from edgeq.ir.verify import verify
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.alternatives import configurations, nearest
from edgeq.quantize.calibrate import Progress
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.convert import convert, open_ports
from edgeq.quantize.doubts import (
    coarse_channels,
    kept_in_bytes,
    lost_distinctions,
    unmatched_patterns,
    unused_numbers,
    weak_layers,
)
from edgeq.quantize.methods import (
    align_sums,
    centre,
    choose_observers,
    choose_ranges,
    correct_biases,
    equalize,
    keep_real,
    learn_ranges,
    outliers,
    reconstruct,
    rotate,
    round_weights,
    smooth,
    solve,
)
from edgeq.quantize.operands import rule_of
from edgeq.quantize.statistics import Calibration
from edgeq.quantize.step import Draft, Step
from edgeq.quantize.weights import check_finite


def _convert(draft: Draft) -> Draft:
    """Turn everything into integers."""
    return replace(draft, graph=convert(draft.graph, draft.parameters, draft.config, draft.numerics, draft.types))


def _open_ports(draft: Draft) -> Draft:
    """Give inputs and outputs the element types that the caller wants."""
    return replace(draft, graph=open_ports(draft.graph))


STEPS: tuple[Step, ...] = (
    keep_real.STEP,
    rotate.STEP,
    equalize.STEP,
    smooth.STEP,
    outliers.STEP,
    centre.STEP,
    solve.STEP,
    choose_ranges.STEP,
    choose_observers.STEP,
    learn_ranges.STEP,
    align_sums.STEP,
    round_weights.STEP,
    reconstruct.STEP,
    Step("convert", _convert),
    correct_biases.STEP,
    Step("open_ports", _open_ports, lambda draft: bool(draft.graph.ports)),
)
"""In their order. A method that changes float weights, or decides their integers, comes before `convert`."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """The result of quantization.

    Attributes:
        float_graph: the float model that the integers stand for.
        graph: the integer model.
        calibration: what was measured, or known before.
    """

    float_graph: Graph
    graph: Graph
    calibration: Calibration


def _through(draft: Draft, observe: Observe) -> Draft:
    """The draft after all steps."""
    for step in STEPS:
        if step.applies(draft):
            before, draft = draft.graph, step.apply(draft)
            if draft.graph is not before:
                observe(step.name, verify(draft.graph, InternalError, step.name))
    return draft


def _best_through(draft: Draft, tried: Sequence[QuantConfig], observe: Observe) -> Draft:
    """The draft after all steps with the best of some configurations; only what becomes of that is observed."""
    found: list[Draft] = []
    seen: list[list[tuple[str, Graph]]] = []
    for config in tried:
        known = found[-1].calibration if found else draft.calibration
        seen.append([])
        watch = partial(_keep, seen[-1])
        found.append(_through(replace(draft, config=config, calibration=known), watch))
    best = nearest(found, draft.graph)
    for name, graph in seen[best]:
        observe(name, graph)
    return found[best]


def _keep(seen: list[tuple[str, Graph]], name: str, graph: Graph) -> None:
    seen.append((name, graph))


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # what becomes NaN or infinite is an error of its own
def run(
    graph: Graph,
    samples: Iterable[Mapping[str, Array]] | None,
    config: QuantConfig | None = None,
    numerics: Numerics = Numerics.FAST,
    progress: Progress | None = None,
    observe: Observe = unobserved,
    calibration: Calibration | None = None,
) -> Quantized:
    """Quantize a float graph to int8 (static post-training quantization).

    Args:
        graph: an optimized float graph; activations that carry parameters keep them.
        samples: real values of every graph input, one mapping per sample; None where nothing is to be calibrated, or
            `calibration` holds enough. Biases are corrected only with samples.
        config: how ranges and scales are found.
        numerics: the arithmetic of the integer graph.
        progress: called with the calibration samples done and the samples in all; from the start again if more has to
            be measured of a graph that a step changed, and with the trials done and allowed where a step makes some.
        observe: called after every step that makes another graph, with its name.
        calibration: what is already known about the graph; what is missing is measured.

    Returns:
        The integer graph: activations int8 (other types at ports that want them), weights int8, biases int32. Names of
        nodes and values are kept; Requantize nodes are added where scales or ports require them.

    Raises:
        QuantizationError: samples are needed and absent, something is NaN or infinite, or a bias does not fit.
        UsageError: a sample does not fit the inputs.
    """
    for node in graph.nodes:
        saturates = rule_of(graph, node).output is Scale.SAME  # a bound that leaves an element alone
        for name in node.inputs:
            data = graph.data(name)
            if name is not None and data is not None:
                check_finite(data, name, f"{node.name} ({node.op.kind})", saturates)
    draft = Draft(
        config or QuantConfig(),
        numerics,
        graph,
        graph,
        None if samples is None else list(samples),
        calibration or Calibration(),
        progress=progress,
    )
    unmatched_patterns(graph, draft.config)
    unused_numbers(graph, draft.config)
    kept_in_bytes(graph, draft.config)
    tried = configurations(graph, draft.samples, draft.config)
    draft = _through(draft, observe) if len(tried) == 1 else _best_through(draft, tried, observe)
    coarse_channels(draft)
    lost_distinctions(draft)
    weak_layers(draft)
    return Quantized(draft.reference, draft.graph, draft.calibration)


def quantize(
    graph: Graph,
    samples: Iterable[Mapping[str, Array]] | None,
    config: QuantConfig | None = None,
    numerics: Numerics = Numerics.FAST,
    progress: Progress | None = None,
) -> Graph:
    """The integer graph that `run` returns."""
    return run(graph, samples, config, numerics, progress).graph
