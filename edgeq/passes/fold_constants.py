"""Compute at compile time whatever depends on constants alone."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import limits
from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams, TensorType
from edgeq.ir.traits import Pattern
from edgeq.numerics.fixedpoint import Numerics


def _moved_axis(op: Op, axis: int, x: TensorType) -> int | None:
    """Where an axis of a tensor is after its elements have been rearranged; None if no axis corresponds to it."""
    indices = np.arange(x.shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(x.shape))])
    (moved,) = op.run_float([np.broadcast_to(indices, x.shape)])
    for k, size in enumerate(moved.shape):
        line = np.arange(size).reshape([-1 if j == k else 1 for j in range(moved.ndim)])
        if size == x.shape[axis] and np.array_equal(moved, np.broadcast_to(line, moved.shape)):
            return k
    return None


def _moved(op: Op, value: Value, name: str) -> Value | None:
    """A quantized constant whose elements `op` only moves; None if its parameters do not stay along one axis."""
    q = value.type.q
    if op.pattern is not Pattern.REARRANGEMENT or q is None:
        return None
    axis = None if q.axis is None else _moved_axis(op, q.axis, value.type)
    if axis is None and q.axis is not None:
        return None
    (data,) = op.run_float([value.data])
    return Value(name, TensorType(data.shape, value.type.dtype, QParams(q.scale, q.zero_point, axis)), np.array(data))


def _fold_real(node: Node, operands: list[Value | None], types: list[TensorType]) -> list[Value]:
    first = operands[0]
    if first is not None and first.type.q is not None:
        moved = _moved(node.op, first, node.outputs[0])
        if moved is not None and types[0].q in (None, moved.type.q):
            return [moved]
    arrays = [
        None if v is None or v.data is None else v.data if v.type.q is None else v.type.q.dequantize(v.data)
        for v in operands
    ]
    results = []
    for name, type, data in zip(node.outputs, types, node.op.run_float(arrays), strict=True):
        if type.q is not None:
            results.append(Value(name, type.quantized(type.q.integers, type.q), type.q.quantize(data, type.q.integers)))
        else:
            results.append(Value(name, TensorType(type.shape), np.array(data, np.float32)))
    return results


def _fold_integer(node: Node, operands: list[Value | None], types: list[TensorType], numerics: Numerics) -> list[Value]:
    arrays: list[Array | None] = [None if v is None else v.data for v in operands]
    site = Site(
        node.name,
        node.op,
        tuple(None if v is None else v.type for v in operands),
        tuple(types),
        tuple(arrays),
        numerics,
    )
    results = node.op.run(site, arrays)
    return [Value(n, t, np.asarray(a)) for n, t, a in zip(node.outputs, types, results, strict=True)]


def fold_constants(graph: Graph) -> Graph:
    """Replace every node whose operands are all constant by its result.

    In a float graph a result with prescribed parameters is held in them; elements of quantized constants that are only
    moved stay the integers they are.

    Raises:
        ModelError: the results would be too large.
    """
    edit: GraphEditor = graph.edit()
    folded = 0
    for node in graph.nodes:
        operands = [None if n is None else edit.values[n] for n in node.inputs]
        if not operands or any(v is not None and v.data is None for v in operands):
            continue
        types = [graph.type(o) for o in node.outputs]
        folded += sum(4 * type.size for type in types)
        if folded > limits.FOLDED_BYTES:
            raise ModelError(
                f"constants that are computed of others would take {limits.size(folded)} or more; the limit is "
                f"{limits.size(limits.FOLDED_BYTES)}",
                hint="store the tensors as they are used",
                where=node.name,
            )
        if graph.numerics is None:
            results = _fold_real(node, operands, types)
        else:
            results = _fold_integer(node, operands, types, graph.numerics)
        del edit.nodes[node.name]
        for value in results:
            assert value.data is not None
            value.data.flags.writeable = False
            edit.values[value.name] = value
    return edit.finish() if len(edit.nodes) != len(graph.nodes) else graph
