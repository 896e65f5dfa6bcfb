"""What quantization itself gives reason to doubt: each is a warning."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from edgeq.executor import Executor, FloatArithmetic, IntArithmetic
from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Scale
from edgeq.ir.real import whole_values
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import Pattern
from edgeq.quantize.calibrate import Samples
from edgeq.quantize.config import ObserverKind, QuantConfig
from edgeq.quantize.floors import floors
from edgeq.quantize.operands import float_products, operand, rule_of, weight_type
from edgeq.quantize.solver import Group
from edgeq.quantize.statistics import Floats, Statistics
from edgeq.quantize.step import Draft
from edgeq.warnings import NAMED, listed, warn

FEW_STEPS = 2.0
"""A channel of an output that keeps to so few steps says next to nothing."""
UNLIKE = 8.0
"""So many times as much another channel moves, or the output is merely far from zero."""
FEW_STEPS_OF_INPUT = 8.0
"""A feature that keeps to so few steps hardly reaches the network."""
MATTERS = 0.1
"""One of many features that moves sums by less than this, in proportion to the others, may well keep to few steps, such
as a pixel in a corner."""
SENSORS = 32
"""So few features are hardly pixels."""
WEAK = 15.0
"""dB of a layer's results below which it is named."""
LOOKED_AT = 8
"""Samples on which the results of layers are compared."""


def unmatched_patterns(graph: Graph, config: QuantConfig) -> None:
    """Warn of exceptions for layers that are for none, or for none that an exception before them is not for."""
    names = [*graph.inputs, *(node.name for node in graph.nodes)]
    for entry in config.layers:
        if not any(fnmatchcase(name, entry.pattern) for name in names):
            like = get_close_matches(entry.pattern, names, NAMED) or names[:NAMED]
            warn(
                f"no layer has a name like {entry.pattern!r}",
                hint=f"names are as `edgeq inspect` shows them, such as {', '.join(like)}",
                where="[quantize.layers]",
            )
        elif entry.real is None and not any(config.layer(name) is entry for name in names):
            warn(
                f"the exception {entry.pattern!r} has no effect: of those that fit a layer the first counts",
                hint="put it before those whose patterns fit the same layers",
                where="[quantize.layers]",
            )


OF_OBSERVERS = {
    "percentile": {ObserverKind.PERCENTILE},
    "momentum": {ObserverKind.MOVING_AVERAGE},
    "bins": {ObserverKind.PERCENTILE, ObserverKind.MSE, ObserverKind.ENTROPY, ObserverKind.AUTO},
}
"""Options, and the observers that they are for."""


def unused_numbers(graph: Graph, config: QuantConfig) -> None:
    """Warn of numbers that are for other observers than those that look at the model."""
    looking = {config.observer, *(entry.observer for entry in config.layers)}
    for name, observers in OF_OBSERVERS.items():
        if getattr(config, name) != getattr(QuantConfig, name) and not observers & looking:
            those = ", ".join(sorted(kind.value for kind in observers))
            warn(
                f"{name} = {getattr(config, name):g} has no effect: it is for the observer {those}",
                hint="choose one of these, or leave it out",
                where=graph.name,
            )


def kept_in_bytes(graph: Graph, config: QuantConfig) -> None:
    """Warn of layers whose operator has kernels for fewer bits of weights, but not for those that are wanted."""
    wanted: dict[int | str, list[str]] = {}
    for node in graph.nodes:
        local = config.for_layer(node.name)
        narrow = weight_type(node, replace(local, weight_bits=4)) is not DType.INT8
        if narrow and float_products(graph, node) and local.weight_bits != 8 and weight_type(node, local) is DType.INT8:
            wanted.setdefault(local.weight_bits, []).append(f"{node.name} ({node.op.kind})")
    for bits, names in wanted.items():
        warn(
            f"{len(names)} layers cannot have weights of {bits}, and keep 8 bits: {listed(names)}",
            hint="fully connected layers can; give the others weight_bits of their own in [quantize.layers]",
            where="--weight-bits",
        )


def coarse_channels(draft: Draft) -> None:
    """Warn of outputs and inputs some channels of which hardly move in the tensor's steps.

    Boxes beside scores in one output, features of unlike units in one input. The parameters must be chosen already.
    """
    graph, known = draft.graph, draft.statistics
    if known is None:
        return
    for group in draft.groups:
        step = draft.parameters[group.members[0]].s
        for name in group.members:
            if name in graph.public_inputs:
                _unlike_features(draft.reference, known, name, step)
        outputs = [name for name in group.members if name in graph.public_outputs]
        bounded = any(_is_bounded(graph, name) for name in group.members)
        if outputs and not bounded:
            _unlike_outputs(known, group, outputs[0], step)


def _is_bounded(graph: Graph, name: str) -> bool:
    """Whether a function has a tensor as its range whose channels are alike, such as the probabilities of classes."""
    node = graph.producers.get(name)
    return node is not None and rule_of(graph, node).usual is not None and len(graph.consumers[name]) == 0


def _spans(known: Statistics, name: str) -> Floats:
    """By how much each channel of a tensor moves; none, if that is not known or there is only one."""
    tensor = known.tensors.get(name)
    if tensor is None or len(tensor.low) < 2 or not np.isfinite([tensor.low, tensor.high]).all():
        return np.zeros(0)
    return np.asarray(tensor.high - tensor.low, np.float64)


def _moves_elements(node: Node) -> bool:
    """Whether an operator computes nothing: its output has its input's elements, or these in another order."""
    return node.op.is_view or node.op.pattern is Pattern.REARRANGEMENT


def _rearranged(graph: Graph, name: str) -> list[str]:
    """A tensor, and others with the same elements: features are channels of one of them, wherever ONNX has them."""
    below = [node.outputs[0] for node in graph.consumers[name] if _moves_elements(node)]
    return [name, *(other for value in below for other in _rearranged(graph, value))]


def _matter(graph: Graph, name: str, spans: Floats) -> npt.NDArray[np.bool_]:
    """Which channels of a tensor matter to what reads it; of many, judged by their weights."""
    matter = np.zeros(len(spans), np.bool_)
    for node in graph.consumers[name]:
        if _moves_elements(node):
            continue
        linear, w = node.op.linear, graph.data(operand(node, 1))
        if len(spans) <= SENSORS or linear is None or not linear.is_dense or w is None:
            return np.ones(len(spans), np.bool_)
        others = tuple(axis for axis in range(w.ndim) if axis != linear.in_axis)
        moved = np.sqrt(np.square(w, dtype=np.float64).sum(axis=others)) * spans
        matter |= moved >= MATTERS * np.sqrt(np.mean(moved**2))
    return matter


def _unlike_features(graph: Graph, known: Statistics, name: str, step: float) -> None:
    for other in _rearranged(graph, name):
        spans = _spans(known, other)
        few = np.flatnonzero((spans > 0.0) & (spans < FEW_STEPS_OF_INPUT * step) & _matter(graph, other, spans))
        if not len(few):
            continue
        channel = int(few[np.argmin(spans[few])])
        warn(
            f"features of unlike size: {len(few)} of {len(spans)} move by less than {FEW_STEPS_OF_INPUT:g} steps of "
            f"the input's scale; feature {channel} by {spans[channel]:.3g}, a step is {step:.3g}",
            hint="bring features to like ranges before the model, or cut it behind its own normalization with "
            "--inputs, or give it finer steps with --activation-bits 16",
            where=name,
        )
        return


def _unlike_outputs(known: Statistics, group: Group, output: str, step: float) -> None:
    for name in group.members:
        spans = _spans(known, name)
        few = np.flatnonzero((spans > 0.0) & (spans < FEW_STEPS * step))
        if len(few) and spans.max() > UNLIKE * spans[few].max():
            channel = int(few[np.argmin(spans[few])])
            warn(
                f"{len(few)} of {len(spans)} channels move by less than {FEW_STEPS:g} steps of the output's scale; "
                f"channel {channel} by {spans[channel]:.3g}, a step is {step:.3g}",
                hint="let the model return what differs in size as outputs of their own",
                where=output,
            )
            return


def lost_distinctions(draft: Draft) -> None:
    """Warn of what operators themselves know to be lost."""
    for node in draft.graph.nodes:
        doubt = node.op.doubt(draft.graph.site(node))
        if doubt is not None:
            warn(doubt[0], hint=doubt[1], where=f"{node.name} ({node.op.kind})")


def weak_layers(draft: Draft) -> None:
    """Warn of layers whose results are far from what they are in float, on a few of the samples."""
    if draft.samples is None or not draft.samples:
        return
    chosen = np.linspace(0, len(draft.samples) - 1, min(LOOKED_AT, len(draft.samples))).round().astype(np.int64)
    known = {} if draft.statistics is None else draft.statistics.tensors
    hidden = {name for name, floor in floors(draft.reference, known, {}).items() if floor > -np.inf}
    found = layer_sqnr(draft.reference, draft.graph, [draft.samples[k] for k in chosen], hidden)
    weak = sorted((db, name) for name, db in found.items() if db < WEAK)
    if weak:
        shown = listed([f"{name} {db:.1f} dB" for db, name in weak])
        warn(
            f"{len(weak)} of {len(found)} layers are less than {WEAK:g} dB above their error: {shown}",
            hint="their inputs or weights lose too much: look at what they read with `edgeq quantize --json`",
            where=draft.graph.name,
        )


def layer_sqnr(reference: Graph, graph: Graph, samples: Samples, hidden: Container[str]) -> dict[str, float]:
    """SQNR in dB of every layer's first output that both graphs have.

    Those without any error or signal are left out, and those that only move elements or choose among them: where a
    fill saturates there, what reads it shows whether that matters.

    Args:
        reference: the float graph.
        graph: the integer graph.
        samples: real values of the inputs.
        hidden: values that are left out: they have a floor, below which they differ from float, and nobody sees it.
    """
    reals = {n: np.stack([np.asarray(s[n], reference.type(n).dtype.numpy) for s in samples]) for n in reference.inputs}
    types = {name: graph.type(name) for name in graph.inputs}
    integers = {n: t.holding(reals[n]) for n, t in types.items()}
    own = [node for node in graph.nodes if rule_of(graph, node).output not in (Scale.SAME, Scale.MOVED)]
    layers = {node.outputs[0]: node.name for node in own}
    wanted = {name for name in layers if name in reference.producers and name not in hidden}
    wanted -= whole_values(graph)
    walk = Executor(reference, FloatArithmetic(reference)).walk(reals)
    exact: dict[str, Array] = {}  # what one walk has passed and the other has yet to come to
    found: dict[str, float] = {}
    for name, array in Executor(graph, IntArithmetic(graph)).walk(integers):
        if name in wanted:
            while name not in exact:
                passed, real = next(walk)
                if passed in wanted:
                    exact[passed] = real
            f, q = exact.pop(name).astype(np.float64), graph.type(name).q
            error = f - (array if q is None else q.dequantize(array))
            signal, noise = float(np.vdot(f, f)), float(np.vdot(error, error))
            if signal > 0.0 and noise > 0.0 and np.isfinite(signal):
                found[layers[name]] = float(10.0 * np.log10(signal / noise))
    return found


OF_REALS = ("float_weight_bits", "weight_group", "dynamic", "real", "no_float", "layers")
"""Options of quantization that concern layers in float32; single layers are looked at one by one."""


def unused_in_float(config: QuantConfig, where: str) -> None:
    """Warn of options that change nothing where nothing is quantized."""
    plain = QuantConfig()
    unused = [n for n in vars(plain) if n not in OF_REALS and getattr(config, n) != getattr(plain, n)]
    if unused:
        warn(
            f"nothing is quantized in float32: {', '.join(unused)} change{'' if len(unused) > 1 else 's'} nothing",
            hint="leave out what is for integers; --float-weight-bits stores weights in fewer bits",
            where=where,
        )
