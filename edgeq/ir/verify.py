"""What makes a graph well formed, as a table: a sentence, and the places where it does not hold.

Rows are checked in order; a row may rely on all rows above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from edgeq.errors import EdgeqError, InternalError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.tensor import LEAST_SCALE, DType, Groups, QParams, Shape, TensorType

Row = tuple[str, Callable[[Graph], Iterator[str]]]


@dataclass(frozen=True)
class Stage:
    """Which element types the tensors of a graph may have.

    Attributes:
        activations: of computed tensors.
        ports: of inputs and outputs of the graph, besides those.
        weights: of constants with that role.
    """

    activations: frozenset[DType]
    ports: frozenset[DType]
    weights: frozenset[DType]


WEIGHTS = frozenset(
    {
        *(DType.INT8, DType.INT4, DType.INT3, DType.INT2, DType.TERNARY, DType.BINARY),
        *(DType.CODE4, DType.CODE2, DType.TRELLIS, DType.FLOAT32, DType.FLOAT16),
    },
)
FLOAT = Stage(
    activations=frozenset({DType.FLOAT32, DType.INT16, DType.INT32}),
    ports=frozenset(),
    weights=WEIGHTS - {DType.FLOAT16},
)
"""Before quantization. Constants of a model quantized elsewhere are integers with parameters; others are whole."""
FINAL = Stage(
    activations=frozenset({DType.INT8, DType.INT16, DType.INT32, DType.FLOAT32}),
    ports=frozenset({DType.UINT8, DType.BOOL}),
    weights=WEIGHTS,
)
"""After quantization. Whether there are kernels for a type is not checked here: rows say which types they take."""


def stage_of(graph: Graph) -> Stage:
    """The stage that a graph is in."""
    return FLOAT if graph.numerics is None else FINAL


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


def _out_of_range(graph: Graph) -> Iterator[str]:
    for name, value in graph.values.items():
        if value.data is not None and value.data.size and value.type.dtype.bits < 8:
            low, high = value.type.dtype.range
            data = value.data * value.type.signs(value.data)
            if data.min() < low or data.max() > high:
                yield repr(name)


def _wrong_entries(graph: Graph) -> Iterator[str]:
    def fits(type: TensorType, q: QParams) -> bool:
        try:
            entries = prod(q.entries(type.shape)) == len(q.scale)
        except ValueError:
            return False
        return entries and (q.groups is None or _fits_groups(type, q.groups))

    for name, value in graph.values.items():
        q = value.type.q
        if q is not None and not (fits(value.type, q) and all(map(isfinite, q.scale)) and min(q.scale) > 0.0):
            yield repr(name)


def _fits_groups(type: TensorType, groups: Groups) -> bool:
    """Whether there is a factor for every group of a matrix, and zero-points are of its type."""
    low, high = type.dtype.range
    if len(type.shape) != 2 or not all(low <= zero <= high for zero in groups.zeros):
        return False
    return len(groups.factors) == type.shape[0] * -(-type.shape[1] // groups.size)


def _activations(graph: Graph) -> Iterator[tuple[str, TensorType]]:
    yield from ((name, v.type) for name, v in graph.values.items() if v.data is None)


def _wrong_types(graph: Graph) -> Iterator[str]:
    stage, ports = stage_of(graph), {*graph.inputs, *graph.outputs}
    for name, type in _activations(graph):
        if type.dtype not in stage.activations and not (name in ports and type.dtype in stage.ports):
            yield f"{name!r} ({type.dtype.value})"


def _wrong_whole(graph: Graph) -> Iterator[str]:
    if graph.numerics is None:
        yield from (repr(name) for name, t in _activations(graph) if not (t.dtype.is_float or t.is_whole))
    for node in graph.nodes:
        if node.op.gives_whole:
            types = [(graph.type(out), node.op.whole_type(k)) for k, out in enumerate(node.outputs)]
            yield from (node.name for type, dtype in types if type.q is not None or type.dtype is not dtype)


def _wrong_scales(graph: Graph) -> Iterator[str]:
    if graph.numerics is not None:
        for name, type in _activations(graph):
            if type.dtype.is_float or type.is_whole:
                right = type.q is None
            else:
                right = type.q is not None and len(type.q.scale) == 1
                right = right and (type.dtype is not DType.INT16 or type.qp.zp in (0, DType.INT16.range[0]))
            if not right:
                yield repr(name)


def _loose_states(graph: Graph) -> Iterator[str]:
    inputs, outputs = [s.input for s in graph.states], [s.output for s in graph.states]
    for state in graph.states:
        before = inputs.count(state.input), graph.inputs.count(state.input)
        after = outputs.count(state.output), graph.outputs.count(state.output)
        if {*before, *after} != {1}:
            yield repr(state.input)


def _constant_states(graph: Graph) -> Iterator[str]:
    yield from (repr(state.input) for state in graph.states if graph.data(state.output) is not None)


def _unlike_states(graph: Graph) -> Iterator[str]:
    for state in graph.states:
        before, after = graph.type(state.input), graph.type(state.output)
        same = (before.shape, before.dtype) == (after.shape, after.dtype)
        if not same or (graph.numerics is not None and before.q != after.q):
            yield repr(state.input)


def _uint8_states(graph: Graph) -> Iterator[str]:
    for state in graph.states:
        ends = [state.input, *([] if state.output in graph.public_inputs else [state.output])]
        if any(graph.type(n).dtype is DType.UINT8 for n in (state.input, state.output)) or {*ends} & {*graph.ports}:
            yield repr(state.input)


def _rules(graph: Graph) -> Iterator[tuple[Node, QuantRule]]:
    """Nodes with their rules of quantization."""
    for node in graph.nodes:
        yield node, node.op.quant_rule([None if i is None else graph.type(i).shape for i in node.inputs])


def _operand(graph: Graph, node: Node, index: int | None) -> TensorType | None:
    """The type of a constant operand; None if there is no such operand."""
    if index is None or index >= len(node.inputs):
        return None
    name = node.inputs[index]
    return graph.type(name) if name is not None and graph.data(name) is not None else None


def _wrong_weights(graph: Graph) -> Iterator[str]:
    stage = stage_of(graph)
    for node, rule in _rules(graph):
        for product in rule.products:
            w = _operand(graph, node, product.weight)
            if w is None:
                continue
            right = w.dtype in stage.weights
            if right and graph.numerics is not None:
                right = w.dtype.is_float == (w.q is None)
                right = right and (w.q is None or w.q.block is not None or w.q.axis in (None, product.axis))
            if not right:
                yield node.name


def _wrong_biases(graph: Graph) -> Iterator[str]:
    if graph.numerics is None:
        return
    for node, rule in _rules(graph):
        for product in rule.products:
            w, bias = _operand(graph, node, product.weight), _operand(graph, node, product.bias)
            if bias is None:
                continue
            source = node.inputs[product.input]
            x = None if source is None else graph.type(source)
            if x is not None and x.dtype.is_float:
                right = bias.dtype is DType.FLOAT32
            elif bias.q is None or w is None or w.q is None or x is None or not _holds_sums(bias.dtype, x.dtype):
                right = False
            else:
                right = w.q.block is not None or _is_product(bias.q, bias.shape, x.qp.s, w.q)
            if not right:
                yield node.name


def _holds_sums(bias: DType, x: DType) -> bool:
    """Whether a bias can have a type beside inputs of another one: of 64 bits, where these have 16."""
    return bias is DType.INT32 or (bias is DType.INT64 and x is DType.INT16)


def _is_product(bias: QParams, shape: Shape, s_in: float, weight: QParams) -> bool:
    """Whether the scale of a bias of some shape is that of the input times those of the weights."""
    expected = np.broadcast_to(s_in * np.asarray(weight.scale), shape)
    return np.allclose(np.broadcast_to(bias.scale, shape), expected, rtol=1e-5, atol=LEAST_SCALE)


def _changed_scale(graph: Graph) -> Iterator[str]:
    if graph.numerics is None:
        return
    for node, rule in _rules(graph):
        if rule.output is Scale.SAME and (len(node.inputs) == 1 or node.op.is_view):
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
    ("the elements of a constant are beyond the range of its type", _out_of_range),
    ("quantization parameters do not fit the tensor", _wrong_entries),
    ("a tensor has an element type that it cannot have at this stage", _wrong_types),
    ("whole numbers have parameters, or what gives them gives something else", _wrong_whole),
    ("an integer activation has no single scale, int16 a zero-point, or a float one parameters", _wrong_scales),
    ("a state does not join one input of the graph with one output", _loose_states),
    ("a state becomes a constant", _constant_states),
    ("the two ends of a state are not of one type", _unlike_states),
    ("a state is held in a type that only callers exchange", _uint8_states),
    ("weights have another type than weights can have, or no parameters along the output channels", _wrong_weights),
    ("the scale of a bias is not that of input times weights", _wrong_biases),
    ("the operator needs one scale for input and output", _changed_scale),
)


def verify(graph: Graph, error: type[EdgeqError] = InternalError, context: str = "") -> Graph:
    """Return the graph if it is well formed.

    Args:
        graph: any graph.
        error: class of what is raised: InternalError after edgeq's own steps, ModelError for a graph from outside.
        context: the step just done, for the message.

    Raises:
        EdgeqError: of class `error`; a row of the table does not hold; names every node or tensor concerned.
    """
    for message, offenders in TABLE:
        places = list(dict.fromkeys(offenders(graph)))
        if places:
            after = f" (after {context})" if context else ""
            raise error(f"{message}{after}", where=", ".join(places[:8]) + (", …" if len(places) > 8 else ""))
    return graph
