"""What makes a graph well formed, as a table: a sentence, and the places where it does not hold.

Rows are checked in order; a row may rely on all rows above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

import numpy as np

from edgeq.errors import EdgeqError, InternalError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import QuantRule, Scale
from edgeq.ir.tensor import DType, QParams, TensorType

Row = tuple[str, Callable[[Graph], Iterator[str]]]
ACTIVATIONS = (DType.INT8, DType.UINT8, DType.INT16)


def _unknown_operands(graph: Graph) -> Iterator[str]:
    yield from (n.name for n in graph.nodes if any(i is not None and i not in graph.values for i in n.inputs))


def _unknown_ends(graph: Graph) -> Iterator[str]:
    yield from (repr(name) for name in (*graph.inputs, *graph.outputs) if name not in graph.values)


def _untyped_outputs(graph: Graph) -> Iterator[str]:
    yield from (n.name for n in graph.nodes if any(o not in graph.values for o in n.outputs))


def _assigned_twice(graph: Graph) -> Iterator[str]:
    seen = {*graph.inputs, *(n for n, v in graph.values.items() if v.data is not None)}
    for node in graph.nodes:
        for out in node.outputs:
            if out in seen:
                yield node.name
            seen.add(out)


def _names_twice(graph: Graph) -> Iterator[str]:
    seen: set[str] = set()
    for node in graph.nodes:
        if node.name in seen:
            yield node.name
        seen.add(node.name)


def _read_early(graph: Graph) -> Iterator[str]:
    ready = {*graph.inputs, *(n for n, v in graph.values.items() if v.data is not None)}
    for node in graph.nodes:
        if any(i is not None and i not in ready for i in node.inputs):
            yield node.name
        ready.update(node.outputs)
    yield from (repr(name) for name in graph.outputs if name not in ready)


def _wrong_shapes(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        try:
            shapes = node.op.out_shapes([None if i is None else graph.type(i).shape for i in node.inputs])
        except ValueError:
            yield node.name
            continue
        if shapes != tuple(graph.type(o).shape for o in node.outputs):
            yield node.name


def _wrong_constants(graph: Graph) -> Iterator[str]:
    for name, value in graph.values.items():
        data, type = value.data, value.type
        if data is not None and (data.shape != type.shape or data.dtype != type.dtype.numpy):
            yield repr(name)


def _wrong_channels(graph: Graph) -> Iterator[str]:
    def fits(type: TensorType, q: QParams) -> bool:
        return q.axis is None or (0 <= q.axis < len(type.shape) and type.shape[q.axis] == len(q.scale))

    for name, value in graph.values.items():
        q = value.type.q
        if q is not None and not (fits(value.type, q) and all(map(isfinite, q.scale)) and min(q.scale) > 0.0):
            yield repr(name)


def _activations(graph: Graph) -> Iterator[tuple[str, TensorType]]:
    yield from ((name, v.type) for name, v in graph.values.items() if v.data is None)


def _not_float(graph: Graph) -> Iterator[str]:
    if graph.numerics is None:
        yield from (repr(name) for name, type in _activations(graph) if type.dtype is not DType.FLOAT32)


def _not_integer(graph: Graph) -> Iterator[str]:
    if graph.numerics is not None:
        for name, type in _activations(graph):
            if type.dtype not in ACTIVATIONS or type.q is None or len(type.q.scale) != 1:
                yield repr(name)


def _inner_uint8(graph: Graph) -> Iterator[str]:
    for name, type in _activations(graph):
        if type.dtype is DType.UINT8 and name not in graph.inputs and name not in graph.outputs:
            yield repr(name)


def _rules(graph: Graph) -> Iterator[tuple[Node, QuantRule]]:
    """Nodes of a quantized graph with their rules of quantization."""
    if graph.numerics is not None:
        for node in graph.nodes:
            yield node, node.op.quant_rule([None if i is None else graph.type(i).shape for i in node.inputs])


def _operand(graph: Graph, node: Node, index: int | None) -> TensorType | None:
    """The type of a constant operand; None where there is none."""
    if index is None or index >= len(node.inputs):
        return None
    name = node.inputs[index]
    return graph.type(name) if name is not None and graph.data(name) is not None else None


def _wrong_weights(graph: Graph) -> Iterator[str]:
    for node, rule in _rules(graph):
        for product in rule.products:
            w = _operand(graph, node, product.weight)
            if w is not None and (w.dtype is not DType.INT8 or w.q is None or w.q.axis not in (None, product.axis)):
                yield node.name


def _wrong_biases(graph: Graph) -> Iterator[str]:
    for node, rule in _rules(graph):
        for product in rule.products:
            w, bias = _operand(graph, node, product.weight), _operand(graph, node, product.bias)
            if bias is None:
                continue
            source = node.inputs[product.input]
            x = None if source is None else graph.type(source)
            if bias.dtype is not DType.INT32 or bias.q is None or w is None or w.q is None or x is None:
                yield node.name
                continue
            expected = np.broadcast_to(x.qp.s * np.asarray(w.q.scale), bias.shape)
            if not np.allclose(np.broadcast_to(bias.q.scale, bias.shape), expected, rtol=1e-5, atol=0.0):
                yield node.name


def _changed_scale(graph: Graph) -> Iterator[str]:
    for node, rule in _rules(graph):
        if (rule.output is Scale.SAME and len(node.inputs) == 1) or node.op.is_view:
            around = [graph.type(n) for n in (*node.inputs, *node.outputs) if n is not None and graph.data(n) is None]
            if len({(type.q, type.dtype) for type in around}) > 1:
                yield node.name


TABLE: tuple[Row, ...] = (
    ("an operand does not exist", _unknown_operands),
    ("an input or output of the graph does not exist", _unknown_ends),
    ("an output has no type", _untyped_outputs),
    ("a tensor is computed twice", _assigned_twice),
    ("two nodes have one name", _names_twice),
    ("a tensor is read before it is computed", _read_early),
    ("the elements of a constant are not of its type", _wrong_constants),
    ("shapes are not those the operator computes", _wrong_shapes),
    ("quantization parameters do not fit the tensor", _wrong_channels),
    ("a tensor of a float graph is not float32", _not_float),
    ("a tensor of a quantized graph is no integer activation with one scale", _not_integer),
    ("a uint8 tensor is neither input nor output of the graph", _inner_uint8),
    ("weights are not int8 with parameters along the output channels", _wrong_weights),
    ("the scale of a bias is not that of input times weights", _wrong_biases),
    ("the operator needs one scale for input and output", _changed_scale),
)


def verify(graph: Graph, error: type[EdgeqError] = InternalError, context: str = "") -> Graph:
    """Return the graph if it is well formed.

    Args:
        graph: any graph.
        error: class of what is raised: InternalError after edgeq's own steps, ModelError for a graph from outside.
        context: what was just done, for the message.

    Raises:
        EdgeqError: of class `error`; a row of the table does not hold; names every node or tensor concerned.
    """
    for message, offenders in TABLE:
        found = list(dict.fromkeys(offenders(graph)))
        if found:
            after = f" (after {context})" if context else ""
            raise error(f"{message}{after}", where=", ".join(found[:8]) + (", …" if len(found) > 8 else ""))
    return graph
