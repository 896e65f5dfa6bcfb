"""Loop and Scan with a known number of steps, unrolled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from edgeq.errors import ModelError
from edgeq.importers.onnx.functions import Body, renamed
from edgeq.importers.onnx.node import OnnxNode

MOST_STEPS = 1024
"""The most steps of a loop that are unrolled."""
_HINT = "export with the loop unrolled, or with an LSTM, GRU or RNN in its place"


class _Unrolled:
    """The nodes of all steps, under names of their own."""

    def __init__(self, node: OnnxNode, graph: Any) -> None:
        self.node, self.graph = node, graph
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._inside = [t.name for t in graph.initializer] + [o for child in graph.node for o in child.output if o]

    def constant(self, hint: str, data: Any) -> str:
        """Store a constant; returns its name."""
        name = self.node.builder.reserve(f"{self.node.name}/{hint}")
        self.constants[name] = numpy_helper.from_array(np.asarray(data), name)
        return name

    def add(self, kind: str, inputs: Sequence[str], hint: str, **attributes: Any) -> str:
        """Add a node with one output; returns that."""
        name = self.node.builder.reserve(f"{self.node.name}/{hint}")
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=hint, **attributes))
        return name

    def step(self, number: int, given: Mapping[str, str]) -> list[str]:
        """Add one step, for the tensors that its inputs are; returns its outputs."""
        builder = self.node.builder
        names = {n: builder.reserve(f"{self.node.name}/{number}/{n}") for n in self._inside}
        for tensor in self.graph.initializer:
            self.constants[names[tensor.name]] = tensor
        names.update(given)
        for index, child in enumerate(self.graph.node):
            message = renamed(child, names)
            message.name = f"{number}/{child.name or f'{child.op_type.lower()}_{index}'}"
            self.nodes.append(message)
        builder.source.budget.nodes(len(self.graph.node), sum(child.ByteSize() for child in self.graph.node))
        return [names.get(o.name, o.name) for o in self.graph.output]

    def piece(self, tensor: str, axis: int, index: int, hint: str) -> str:
        """One index of an axis, which is dropped."""
        return self.add("Gather", [tensor, self.constant(f"{hint}_index", np.int64(index))], hint, axis=axis)

    def stacked(self, pieces: Sequence[str], axis: int, hint: str) -> str:
        """Tensors joined along a new axis."""
        wide = [self._unsqueezed(piece, axis, f"{hint}_{k}") for k, piece in enumerate(pieces)]
        return self.add("Concat", wide, hint, axis=axis)

    def _unsqueezed(self, tensor: str, axis: int, hint: str) -> str:
        if self.node.opset < 13:
            return self.add("Unsqueeze", [tensor], hint, axes=[axis])
        return self.add("Unsqueeze", [tensor, self.constant(f"{hint}_axes", np.array([axis], np.int64))], hint)

    def body(self, outputs: Sequence[str]) -> Body:
        """What takes the node's place."""
        pairs = tuple((outer, inner) for outer, inner in zip(self.node.outputs, outputs, strict=False) if outer)
        return Body(tuple(self.nodes), self.node.opset, {}, self.constants, pairs)


def _graph(node: OnnxNode) -> Any:
    return next((a.g for a in node.message.attribute if a.name == "body"), None)


def _limited(steps: int) -> int:
    if not 0 < steps <= MOST_STEPS:
        raise ModelError(f"a loop of {steps} steps cannot be unrolled; 1 to {MOST_STEPS} can be", hint=_HINT)
    return steps


def scan(node: OnnxNode) -> Body | None:
    """A Scan: states, and sequences of which each step sees one element; None for that of opset 8.

    Raises:
        ModelError: its parts do not fit each other, or there are too many steps.
    """
    graph, count = _graph(node), node.attr_int("num_scan_inputs", 0)
    if graph is None or node.opset < 9:
        return None
    states = len(node.inputs) - count
    if count < 1 or states < 0 or len(graph.input) != len(node.inputs) or len(graph.output) < states:
        raise ModelError("the inputs of the scan and of its body do not fit", hint="check the model with onnx.checker")
    made = len(graph.output) - states
    in_axes = _axes(node, "scan_input_axes", count, [len(node.shape(states + k)) for k in range(count)])
    in_back = node.attr_ints("scan_input_directions") or (0,) * count
    out_back = node.attr_ints("scan_output_directions") or (0,) * made
    out_axes = node.attr_ints("scan_output_axes") or (0,) * made
    if len(in_back) != count or len(out_back) != made or len(out_axes) != made:
        raise ModelError("directions or axes of the scan do not fit", hint="check the model with onnx.checker")
    lengths = {node.shape(states + k)[axis] for k, axis in enumerate(in_axes)}
    if len(lengths) != 1:
        raise ModelError(f"the sequences differ in length: {sorted(lengths)}", hint="check the model")
    steps = _limited(lengths.pop())
    unrolled = _Unrolled(node, graph)
    kept: list[str] = list(node.inputs[:states])
    pieces: list[list[str]] = [[] for _ in range(made)]
    for step in range(steps):
        seen = [
            unrolled.piece(node.inputs[states + k], axis, steps - 1 - step if in_back[k] else step, f"{step}/scan{k}")
            for k, axis in enumerate(in_axes)
        ]
        given = dict(zip((i.name for i in graph.input), (*kept, *seen), strict=True))
        results = unrolled.step(step, given)
        kept = results[:states]
        for k, piece in enumerate(results[states:]):
            pieces[k].append(piece)
    stacked = [
        unrolled.stacked(found[::-1] if out_back[k] else found, out_axes[k], f"stacked{k}")
        for k, found in enumerate(pieces)
    ]
    return unrolled.body([*kept, *stacked])


def _axes(node: OnnxNode, name: str, count: int, ranks: Sequence[int]) -> tuple[int, ...]:
    axes = node.attr_ints(name) or (0,) * count
    if len(axes) != count or any(not -rank <= axis < rank for axis, rank in zip(axes, ranks, strict=True)):
        raise ModelError(f"attribute {name} {axes} does not fit", hint="check the model with onnx.checker")
    return tuple(axis % rank for axis, rank in zip(axes, ranks, strict=True))


def loop(node: OnnxNode) -> Body | None:
    """A Loop that runs a constant number of times; None if its condition may end it earlier.

    Raises:
        ModelError: it runs too often, or its parts do not fit each other.
    """
    graph, count = _graph(node), node.ints(0, "the number of steps") if node.has(0) and node.constant(0) else None
    if graph is None or not count or len(count) != 1 or not _goes_on(node, graph):
        return None
    kept: list[str] = list(node.inputs[2:])
    if len(graph.input) != 2 + len(kept) or len(graph.output) < 1 + len(kept):
        raise ModelError("the inputs of the loop and of its body do not fit", hint="check the model with onnx.checker")
    unrolled = _Unrolled(node, graph)
    pieces: list[list[str]] = [[] for _ in range(len(graph.output) - 1 - len(kept))]
    true = unrolled.constant("condition", np.bool_(True))
    for step in range(_limited(count[0])):
        number = unrolled.constant(f"{step}/number", np.int64(step))
        given = dict(zip((i.name for i in graph.input), (number, true, *kept), strict=True))
        results = unrolled.step(step, given)
        kept = results[1 : 1 + len(kept)]
        for k, piece in enumerate(results[1 + len(kept) :]):
            pieces[k].append(piece)
    return unrolled.body([*kept, *(unrolled.stacked(found, 0, f"stacked{k}") for k, found in enumerate(pieces))])


def _goes_on(node: OnnxNode, graph: Any) -> bool:
    """Whether the condition is true before every step."""
    if node.has(1):
        first = node.constant(1)
        if first is None or not first.data.all():
            return False
    name = graph.output[0].name if graph.output else ""
    sources = {o: child for child in graph.node for o in child.output}
    while name in sources and sources[name].op_type in ("Identity", "Cast"):
        name = sources[name].input[0]
    if len(graph.input) > 1 and name == graph.input[1].name:
        return True
    if name in sources and sources[name].op_type == "Constant":
        value = next((a.t for a in sources[name].attribute if a.name == "value"), None)
        return value is not None and bool(numpy_helper.to_array(value).all())
    stored = next((t for t in graph.initializer if t.name == name), None)
    return stored is not None and bool(numpy_helper.to_array(stored).all())


UNROLLED = {"Scan": scan, "Loop": loop}
"""Operators that become their steps."""
