"""Ranges of activations from calibration data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized

import numpy as np

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.op import Scale
from edgeq.ir.tensor import Array
from edgeq.quantize.observers import Range, make_observer
from edgeq.quantize.solver import Group, Plan, rule_of

Samples = Iterable[Mapping[str, Array]]
Progress = Callable[[int, int], None]


def real_constants(graph: Graph) -> dict[str, Array]:
    """The constants of a float graph as real numbers."""
    return {
        name: value.data if value.type.q is None else value.type.q.dequantize(value.data)
        for name, value in graph.values.items()
        if value.data is not None
    }


def walk(graph: Graph, constants: Mapping[str, Array], inputs: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Every value of one sample in the order of execution, float32; each is dropped after its last use.

    Args:
        graph: a float graph.
        constants: `real_constants(graph)`.
        inputs: real values of every graph input, in its shape.

    Raises:
        UsageError: an input is missing or has another shape.
    """
    left = {name: len(nodes) for name, nodes in graph.consumers.items()}
    held: dict[str, Array] = {}
    for name in graph.inputs:
        shape = graph.type(name).shape
        given = None if name not in inputs else np.asarray(inputs[name])
        if given is None or given.shape != shape or given.dtype.kind not in "fiub":
            what = "is missing" if given is None else f"has shape {given.shape} and type {given.dtype}"
            raise UsageError(
                f"a calibration sample's input {name!r} {what}",
                hint=f"give numbers of shape {shape}, in the model's own layout",
                where=graph.name,
            )
        held[name] = given.astype(np.float32)
        yield name, held[name]
    for node in graph.nodes:
        results = node.op.run_float(
            [None if i is None else held[i] if i in held else constants[i] for i in node.inputs]
        )
        for name in dict.fromkeys(i for i in node.inputs if i in held):
            left[name] -= 1
            if not left[name]:
                del held[name]
        for name, array in zip(node.outputs, results, strict=True):
            if left[name]:
                held[name] = array
            yield name, array


def calibrate(plan: Plan, samples: Samples | None, progress: Progress | None = None) -> dict[Group, Range]:
    """Ranges of all groups whose parameters are not given.

    Args:
        plan: the graph and its groups.
        samples: real values of every graph input; None if no group needs any.
        progress: called with the samples done and the samples in all, after each.

    Raises:
        QuantizationError: samples are needed and absent; an activation becomes NaN or infinite.
        UsageError: there is no sample, or one does not fit the inputs.
    """
    groups = [group for group in plan.groups if group.given is None]
    if not groups:
        return {}
    if samples is None:
        raise _not_calibrated(groups)
    watched = {name: make_observer(group.config) for group in groups for name in group.sources}
    constants = real_constants(plan.graph)
    batches = samples if isinstance(samples, Sized) else list(samples)
    done = 0
    for sample in batches:
        for name, array in walk(plan.graph, constants, sample):
            if name in watched and array.size:
                _check_finite(plan.graph, name, array)
                watched[name].update(array)
        done += 1
        if progress is not None:
            progress(done, len(batches))
    if not done:
        raise UsageError("there are no calibration samples", hint="give at least one", where=plan.graph.name)
    fills = _fills(plan.graph, constants)
    ranges = {name: observer.range() for name, observer in watched.items()}
    return {group: _joint(group, ranges, fills) for group in groups}


def _not_calibrated(needed: Iterable[Group]) -> QuantizationError:
    names = [group.members[0] for group in needed]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return QuantizationError(
        f"the range of {len(names)} activation(s) is not known: {shown}",
        hint="give representative samples with --calibration",
    )


def _check_finite(graph: Graph, name: str, array: Array) -> None:
    if np.isfinite(array.min()) and np.isfinite(array.max()):
        return
    maker = graph.producers.get(name)
    raise QuantizationError(
        f"tensor {name!r} becomes NaN or infinite on the calibration data",
        hint="look for a division by zero or an overflow there, or for bad samples" if maker else "remove bad samples",
        where=graph.name if maker is None else f"{maker.name} ({maker.op.kind})",
    )


def _fills(graph: Graph, constants: Mapping[str, Array]) -> dict[str, Range]:
    """What operators that keep their input's scale put in of their own (a pad's value, a concatenated constant)."""
    found: dict[str, Range] = {}
    for node in graph.nodes:
        if rule_of(graph, node).output is not Scale.SAME:
            continue
        zeros = [
            None if i is None else constants[i] if i in constants else np.zeros(graph.type(i).shape, np.float32)
            for i in node.inputs
        ]
        for name, array in zip(node.outputs, node.op.run_float(zeros), strict=True):
            finite = array[np.isfinite(array)]
            found[name] = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return found


def _joint(group: Group, seen: Mapping[str, Range], fills: Mapping[str, Range]) -> Range:
    ranges = [found[name] for found in (seen, fills) for name in group.members if name in found]
    return min(low for low, _ in ranges), max(high for _, high in ranges)
