"""Which integers each element of a quantized graph can reach, over all inputs.

Interval analysis with the operators' own integer references, so that it is exact in every rounding: an operator that
never decreases when an input grows is run on all least values and on all greatest ones. Products with constant weights
become such operators when every input channel appears twice, once for its positive weights and once for its negative
ones; that is again an ordinary product.
"""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph
from edgeq.ir.kernel import BYTES
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, TensorType
from edgeq.ir.traits import Monotone, Pattern

Interval = tuple[Array, Array]
"""Least and greatest value of every element, both of the tensor's shape and element type."""


def _whole(type: TensorType) -> Interval:
    low, high = (-np.inf, np.inf) if type.dtype.is_float else type.dtype.range
    return np.full(type.shape, low, type.dtype.numpy), np.full(type.shape, high, type.dtype.numpy)


def _interleaved(groups: int, first: Array, second: Array) -> Array:
    """Two tensors' channels beside each other, group by group."""
    split = (*first.shape[:-1], groups, first.shape[-1] // groups)
    interleaved = np.stack([first.reshape(split), second.reshape(split)], axis=-2)
    return interleaved.reshape(*first.shape[:-1], 2 * first.shape[-1])


def _linear(site: Site, x: Interval) -> list[Interval]:
    """A product with constant weights."""
    doubled = site.op.signs_apart(site)
    linear = doubled.op.linear
    assert linear is not None and linear.groups is not None
    groups, constants = linear.groups, doubled.consts[1:]

    def run(positive: Array, negative: Array) -> Array:
        return doubled.op.run_int(doubled, [_interleaved(groups, positive, negative), *constants])[0]

    low, high = x
    return [(run(low, high), run(high, low))]


def _table(site: Site, x: Interval) -> list[Interval]:
    """A function of one element, of any shape: least and greatest entry of every section of its table."""
    domain = np.arange(-128, 128, dtype=np.int8)
    (table,) = site.op.run_int(site, [domain])
    least, most = np.full((256, 256), 127, np.int8), np.full((256, 256), -128, np.int8)
    for first in range(256):
        least[first, first:] = np.minimum.accumulate(table[first:])
        most[first, first:] = np.maximum.accumulate(table[first:])
    low, high = (bound.astype(np.int64) + 128 for bound in x)
    return [(least[low, high], most[low, high])]


def _corners(site: Site, a: Interval, b: Interval) -> list[Interval]:
    """An operator that is monotonic in each of its two operands while the other is fixed."""
    results = [site.op.run_int(site, [x, y])[0] for x in a for y in b]
    return [(np.minimum.reduce(results), np.maximum.reduce(results))]


def _outputs(site: Site, operands: list[Interval | None]) -> list[Interval]:
    op, first = site.op, operands[0]
    if not site.element_types[0] <= BYTES:
        return [_whole(type) for type in site.outputs]  # nothing uses the result, and integer references are for bytes
    if any(t is not None and t.is_whole and site.const_or_none(k) is None for k, t in enumerate(site.inputs)):
        return [_whole(type) for type in site.outputs]  # which elements are chosen is not known
    if op.monotone is Monotone.RISING:
        low, high = ([None if x is None else x[k] for x in operands] for k in (0, 1))
        return list(zip(op.run_int(site, low), op.run_int(site, high), strict=True))
    if op.linear is not None and first is not None and site.const_or_none(1) is not None:
        return _linear(site, first)
    if op.pattern is Pattern.ELEMENTWISE and len(operands) == 1 and first is not None:
        return _table(site, first)
    if op.monotone is Monotone.PER_OPERAND and first is not None and operands[1] is not None:
        return _corners(site, first, operands[1])
    return [_whole(type) for type in site.outputs]


def reachable(graph: Graph) -> dict[str, Interval]:
    """For every value of a quantized graph its least and greatest elements over all inputs; never too narrow."""
    intervals: dict[str, Interval] = {}
    for name, value in graph.values.items():
        if value.data is not None:
            intervals[name] = (value.data, value.data)
    for name in graph.inputs:
        intervals[name] = _whole(graph.type(name))
    for node in graph.nodes:
        operands = [None if n is None else intervals[n] for n in node.inputs]
        intervals.update(zip(node.outputs, _outputs(graph.site(node), operands), strict=True))
    return intervals
