"""Functions of one element are tables in a quantized graph: two in a row become one if an operator has that table."""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.kernel import BYTES
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.passes._layout import is_elementwise
from edgeq.passes._rewrite import View, rewrite


def _is_table(node: Node) -> bool:
    return is_elementwise(node.op) and len(node.inputs) == 1


def _domain(type: TensorType) -> Array:
    low, high = type.dtype.range
    return np.arange(low, high + 1).astype(type.dtype.numpy)


def _apply(op: Op, x: TensorType, y: TensorType, numerics: Numerics, data: Array) -> Array:
    site = Site("table", op, (x.reshaped(data.shape),), (y.reshaped(data.shape),), (None,), numerics)
    return op.run_int(site, [data])[0]


def _merge(view: View, node: Node) -> bool:
    """f → g: f or g alone, if from the first to the last parameters that has exactly the table of both."""
    numerics, middle = view.edit.numerics, node.inputs[0] if node.inputs else None
    above = view.producer(middle)
    if numerics is None or above is None or middle is None or not _is_table(node):
        return False
    if not _is_table(above) or above.inputs[0] is None or view.only_consumer(middle) is None:
        return False
    x, y, z = (view.type_of(n) for n in (above.inputs[0], middle, node.outputs[0]))
    if not {x.dtype, y.dtype, z.dtype} <= BYTES:
        return False
    domain = _domain(x)
    composed = _apply(node.op, y, z, numerics, _apply(above.op, x, y, numerics, domain))
    for op, before, after in ((above.op, x, y), (node.op, y, z)):
        if x.dtype is not z.dtype and before.dtype is after.dtype:
            continue  # it may be one that cannot convert
        if np.array_equal(_apply(op, x, z, numerics, domain), composed):
            view.fuse(above, node, op, above.inputs, z.q)
            return True
    return False


def _drop(view: View, node: Node) -> bool:
    """A table that changes no element, between the same parameters."""
    if view.edit.numerics is None or not _is_table(node) or node.inputs[0] is None:
        return False
    x, y = view.type_of(node.inputs[0]), view.type_of(node.outputs[0])
    if x != y or x.dtype not in BYTES:
        return False
    if not np.array_equal(_apply(node.op, x, y, view.edit.numerics, _domain(x)), _domain(x)):
        return False
    return view.bypass(node)


def merge_tables(graph: Graph) -> Graph:
    """Merge pairs of elementwise functions of a quantized graph, and drop those that do nothing; exactly."""
    return rewrite(graph, _drop, _merge)
