"""Declare that a network's outputs become its inputs at the next step."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, State
from edgeq.ops.reshape import Reshape


def with_states(
    graph: Graph,
    states: Mapping[str, str],
    keep: Collection[str] = (),
    first: Mapping[str, npt.ArrayLike] | None = None,
) -> Graph:
    """The same step, but the network itself keeps the states from one step to the next: the caller no longer sees them.

    Args:
        graph: the network of one step, as imported or quantized.
        states: for each input that is to be a state, the tensor that the next step finds there: an output, which the
            caller then no longer takes, or any other tensor that depends on an input, or an input itself.
        keep: outputs that the caller takes all the same.
        first: by their inputs, what states hold before the first step, in real numbers; by default zero.

    Raises:
        UsageError: a name is unknown, an input is a state already, both ends are not of one type, or a first value has
            another shape.
    """
    unknown = [repr(name) for name in keep if name not in graph.public_outputs]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} cannot be kept: not an output of the model",
            hint=f"its outputs are {', '.join(map(repr, graph.public_outputs))}",
            where=graph.name,
        )
    given = dict(first or {})
    stray = [repr(name) for name in given if name not in states]
    if stray:
        raise UsageError(f"{', '.join(stray)} has a first value and is no state", where=graph.name)
    editor = graph.edit()
    for before, after in states.items():
        _check(graph, before, after)
        editor.ports.pop(before, None)
        taken = {state.output for state in editor.states}
        if after in graph.public_outputs and after not in (*keep, *taken, *graph.inputs):
            editor.ports.pop(after, None)
        else:  # a state has an output of its own, here a view that costs nothing
            copy = editor.unique(f"{after}_state")
            (after,) = editor.add(Reshape(graph.type(after).shape), [after], copy)
            editor.outputs.append(after)
        editor.states.append(State(before, after, _beginning(graph, before, given.get(before))))
    return editor.finish()


def _beginning(graph: Graph, before: str, first: npt.ArrayLike | None) -> tuple[float, ...]:
    if first is None:
        return ()
    values, shape = np.asarray(first, np.float32), graph.type(before).shape
    if values.shape not in ((), shape) or not np.isfinite(values).all():
        raise UsageError(
            f"the state {before!r} of shape {list(shape)} cannot begin with values of shape {list(values.shape)}"
            if values.shape not in ((), shape)
            else f"the state {before!r} cannot begin with what is not finite",
            hint="a first value has the state's shape, or is one number",
            where=graph.name,
        )
    return State.beginning(values)


def _check(graph: Graph, before: str, after: str) -> None:
    if before not in graph.public_inputs:
        raise UsageError(
            f"the input {before!r} is a state already" if before in graph.inputs else f"there is no input {before!r}",
            hint=f"the model's inputs are {', '.join(map(repr, graph.public_inputs))}",
            where=graph.name,
        )
    if after not in _varying(graph):
        what = f"does not depend on any input of {graph.name!r}" if after in graph.values else "is not in the model"
        raise UsageError(
            f"the state {before!r} cannot become {after!r}, which {what}",
            hint=f"the model's outputs are {', '.join(map(repr, graph.public_outputs))}",
            where=graph.name,
        )
    a, b = graph.type(before), graph.type(after)
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        raise UsageError(
            f"the state {before!r} is {a.dtype.value}{list(a.shape)} and cannot become {after!r}, "
            f"which is {b.dtype.value}{list(b.shape)}",
            hint="both ends of a state have one shape and one element type",
            where=graph.name,
        )
    if graph.numerics is not None and a.q != b.q:
        raise UsageError(
            f"the state {before!r} and {after!r} have different quantization parameters",
            hint="declare states before the model is quantized",
            where=graph.name,
        )


def _varying(graph: Graph) -> set[str]:
    """The values that depend on an input."""
    varying = set(graph.inputs)
    for node in graph.nodes:
        if any(name in varying for name in node.inputs):
            varying.update(node.outputs)
    return varying
