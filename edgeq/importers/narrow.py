"""Weights of less than 8 bits: read from the bytes of a file, and kept as narrow as the file has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Weight
from edgeq.ir.tensor import MOST_WITH_ZEROS, Array, DType, TensorType

NARROW = {4: DType.INT4, 2: DType.INT2}
"""Types of weights by their bits in a file."""


def unpacked(stored: npt.NDArray[np.uint8], bits: int, signed: bool = True) -> Array:
    """Elements of `bits` bits (a divisor of 8), the first one in a byte's lowest bits, each in a byte of its own.

    Args:
        stored: bytes of the file (n,).
        bits: of an element.
        signed: whether elements are in two's complement.

    Returns:
        int8, or uint8, of shape (n · 8 / bits,).
    """
    places = np.arange(0, 8, bits, dtype=np.uint8)
    elements = ((stored[:, None] >> places) & np.uint8((1 << bits) - 1)).ravel()
    if not signed:
        return elements
    return (elements << np.uint8(8 - bits)).view(np.int8) >> np.int8(8 - bits)


def with_narrow_weights(graph: Graph, bits: int) -> Graph:
    """The graph of a file with such weights: integer ones that fit get the type that has so many bits.

    Importers move and reshape weights as bytes; the values say which of them the file had as narrow ones. Those of
    operators without kernels for the type remain int8, and so do weights with zero-points, unless all that reads them
    takes groups.

    Args:
        graph: as imported.
        bits: of weights that the file has, a key of `NARROW`.
    """
    dtype = NARROW[bits]
    low, high = dtype.range
    editor = graph.edit()
    for name, value in graph.values.items():
        data, type = value.data, value.type
        readers = graph.consumers.get(name, ())
        if data is None or type.dtype is not DType.INT8 or type.q is None or not readers:
            continue
        if any(type.q.zero_point) and not (_fit_groups(type, dtype) and all(_takes_groups(n) for n in readers)):
            continue
        if (
            data.size
            and low <= data.min()
            and data.max() <= high
            and all(_takes(graph, n, name, dtype) for n in readers)
        ):
            editor.set_type(name, replace(type, dtype=dtype))
    return editor.finish()


def _fit_groups(type: TensorType, dtype: DType) -> bool:
    """Whether weights can be groups with zero-points of a type."""
    low, high = dtype.range
    q = type.qp
    fits = low <= min(q.zero_point) and max(q.zero_point) <= high
    along = q.axis in (None, 0) if q.block is None else q.axis == 1
    return fits and along and len(type.shape) == 2 and (q.block or type.shape[1]) <= MOST_WITH_ZEROS


def _takes_groups(node: Node) -> bool:
    return any(row.groups for row in node.op.kernels)


def _takes(graph: Graph, node: Node, name: str, dtype: DType) -> bool:
    """Whether a node has the value as its weights, and its operator kernels for them in this type."""
    shapes = [None if n is None else graph.type(n).shape for n in node.inputs]
    rule = node.op.quant_rule(shapes)
    places = [k for k, n in enumerate(node.inputs) if n == name]
    return all(isinstance(rule.role(k), Weight) for k in places) and any(dtype in k.weights for k in node.op.kernels)
