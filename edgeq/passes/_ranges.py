"""Which integers each element of a quantized graph can reach, over all inputs.

Interval analysis with the operators' own integer references, so that it is exact in every rounding: an operator that
never decreases when an input grows is run on all least values and on all greatest ones. Products with constant weights
become such operators when every input channel appears twice, once for its positive weights and once for its negative
ones; that is again an ordinary convolution.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir.graph import Graph
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.ops._table import TableOp
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.maximum import Maximum
from edgeq.ops.mean import Mean
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.ops.transpose import Transpose

Interval = tuple[Array, Array]
"""Least and greatest value of every element, both of the tensor's shape and element type."""

RISING = (
    *(Add, AveragePool2D, Concat, MaxPool2D, Maximum, Mean, Minimum, Pad),
    *(ReduceMax, Requantize, Reshape, Resize, Slice, Split, Sum, Transpose),
)
"""Operators that never decrease when an input grows."""

LINEAR = (Conv2D, DepthwiseConv2D, ConvTranspose2D, FullyConnected)


def _whole(type: TensorType) -> Interval:
    low, high = type.dtype.range
    return np.full(type.shape, low, type.dtype.numpy), np.full(type.shape, high, type.dtype.numpy)


def _as_convolution(site: Site) -> Site:
    """A depthwise convolution as one in groups, which has room for every input channel twice."""
    op, w = site.op, site.const(1)
    if not isinstance(op, DepthwiseConv2D):
        return site
    channels = site.input(0).shape[3]
    grouped = Conv2D(op.stride, op.dilation, op.padding, channels, op.clamp)
    weights = w.transpose(2, 0, 1)[..., None]
    q = site.input(1).qp
    type = TensorType(weights.shape, DType.INT8, QParams(q.scale, q.zero_point, None if q.axis is None else 0))
    return replace(
        site, op=grouped, inputs=(site.inputs[0], type, *site.inputs[2:]), consts=(None, weights, *site.consts[2:])
    )


def _twice(groups: int, first: Array, second: Array) -> Array:
    """Two tensors' channels beside each other, group by group."""
    split = (*first.shape[:-1], groups, first.shape[-1] // groups)
    both = np.stack([first.reshape(split), second.reshape(split)], axis=-2)
    return both.reshape(*first.shape[:-1], 2 * first.shape[-1])


def _linear(given: Site, x: Interval) -> list[Interval]:
    """A product with constant weights."""
    site = _as_convolution(given)
    op, w = site.op, site.const(1)
    groups = op.groups if isinstance(op, (Conv2D, ConvTranspose2D)) else 1
    zero = np.asarray(site.input(1).qp.zero_point, np.int8).reshape(-1, *(1,) * (w.ndim - 1))
    both = np.concatenate([np.maximum(w, zero), np.minimum(w, zero)], axis=-1)
    shape = site.input(0).shape
    doubled = replace(
        site,
        inputs=(
            site.input(0).reshaped((*shape[:-1], 2 * shape[-1])),
            site.input(1).reshaped(both.shape),
            *site.inputs[2:],
        ),
        consts=(None, both, *site.consts[2:]),
    )

    def run(positive: Array, negative: Array) -> Array:
        return op.run_int(doubled, [_twice(groups, positive, negative), both, *site.consts[2:]])[0]

    low, high = x
    return [(run(low, high), run(high, low))]


def _table(site: Site, x: Interval) -> list[Interval]:
    """A function of one element, of any shape: least and greatest entry of every section of its table."""
    every = np.arange(-128, 128, dtype=np.int8)
    (table,) = site.op.run_int(site, [every])
    least, most = np.full((256, 256), 127, np.int8), np.full((256, 256), -128, np.int8)
    for first in range(256):
        least[first, first:] = np.minimum.accumulate(table[first:])
        most[first, first:] = np.maximum.accumulate(table[first:])
    low, high = (bound.astype(np.int64) + 128 for bound in x)
    return [(least[low, high], most[low, high])]


def _corners(site: Site, a: Interval, b: Interval) -> list[Interval]:
    """An operator that is monotonic in each of two operands while the other stays."""
    results = [site.op.run_int(site, [x, y])[0] for x in a for y in b]
    return [(np.minimum.reduce(results), np.maximum.reduce(results))]


def _outputs(site: Site, operands: list[Interval | None]) -> list[Interval]:
    op, first = site.op, operands[0]
    if isinstance(op, RISING):
        low, high = ([None if x is None else x[k] for x in operands] for k in (0, 1))
        return list(zip(op.run_int(site, low), op.run_int(site, high), strict=True))
    if isinstance(op, LINEAR) and first is not None and site.const_or_none(1) is not None:
        return _linear(site, first)
    if isinstance(op, TableOp) and first is not None:
        return _table(site, first)
    if isinstance(op, (Sub, Mul)) and first is not None and operands[1] is not None:
        return _corners(site, first, operands[1])
    return [_whole(type) for type in site.outputs]


def reachable(graph: Graph) -> dict[str, Interval]:
    """For every value of a quantized graph its least and greatest elements over all inputs; never too narrow."""
    found: dict[str, Interval] = {}
    for name, value in graph.values.items():
        if value.data is not None:
            found[name] = (value.data, value.data)
    for name in graph.inputs:
        found[name] = _whole(graph.type(name))
    for node in graph.nodes:
        operands = [None if n is None else found[n] for n in node.inputs]
        found.update(zip(node.outputs, _outputs(graph.site(node), operands), strict=True))
    return found
