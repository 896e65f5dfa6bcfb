"""The part of a Keras model between layers. Imported by the converter's process alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from edgeq.errors import UsageError
from edgeq.importers._refused import Refused
from edgeq.importers.cut import Cut, part, unknown, unneeded


def cut_keras(model: Any, cut: Cut) -> tuple[Any, list[str], list[str]]:
    """A model of its own for a part of another one, and the names of its inputs and outputs.

    A name is that of a layer, for what it computes; of several tensors the names end in their number.

    Raises:
        Refused: there is no such layer, or no output needs an input.
    """
    layers = {layer.name: layer for layer in model.layers}
    try:
        inputs = _tensors(layers, cut.inputs, "--inputs")
        outputs = _tensors(layers, cut.outputs, "--outputs")
        outputs = outputs or dict(zip(_output_names(model), model.outputs, strict=True))
        nodes = _nodes(outputs.values())
        _, read = part(nodes, {id(t) for t in inputs.values()}, [id(t) for t in outputs.values()])
        idle = [name for name, tensor in inputs.items() if id(tensor) not in read]
        if idle:
            raise unneeded(idle, "")
    except UsageError as error:
        raise Refused("UsageError", error.message, error.hint or "") from error
    known = {id(t) for t in inputs.values()}
    for tensor in model.inputs:
        if id(tensor) in read and id(tensor) not in known:
            inputs[str(_history(tensor)[0].name)] = tensor
    package = sys.modules[type(model).__module__.partition(".")[0]]
    whole = package.Model(list(inputs.values()), list(outputs.values()))
    return whole, list(inputs), list(outputs)


def _output_names(model: Any) -> list[str]:
    names = [str(name) for name in getattr(model, "output_names", [])]
    return names if len(names) == len(model.outputs) else [f"output_{k}" for k in range(len(model.outputs))]


def _tensors(layers: dict[str, Any], names: Sequence[str], option: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        if name not in layers:
            raise unknown(name, option, layers, "")
        made = layers[name].output
        several = list(made.values()) if isinstance(made, dict) else made if isinstance(made, (list, tuple)) else [made]
        found.update({name if len(several) == 1 else f"{name}_{k}": tensor for k, tensor in enumerate(several)})
    return found


def _history(tensor: Any) -> tuple[Any, Any]:
    """The layer that makes a tensor, and its node that does."""
    history = tensor._keras_history
    layer = getattr(history, "operation", None) or history.layer
    return layer, layer._inbound_nodes[history.node_index]


def _listed(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _nodes(outputs: Any) -> list[tuple[list[int], list[int]]]:
    """All that outputs are computed by, each as what it reads and what it makes: identities of tensors."""
    nodes: dict[int, tuple[list[int], list[int]]] = {}
    left = list(outputs)
    while left:
        _, node = _history(left.pop())
        if id(node) in nodes:
            continue
        reads = [] if getattr(node, "is_input", False) else _listed(getattr(node, "keras_inputs", node.input_tensors))
        made = _listed(getattr(node, "output_tensors", None) or node.outputs)
        nodes[id(node)] = [id(t) for t in reads], [id(t) for t in made]
        left += reads
    return list(nodes.values())
