"""How much operators on constants compute, where numbers ask for it and not shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.tensor import Array


def _padded(shape: Sequence[int], pads: Sequence[int], axes: Sequence[int]) -> int:
    """Elements of a shape of which some dimensions are padded: all their beginnings come first, then their ends."""
    extents = list(shape)
    for k, axis in enumerate(axes):
        extents[axis] += sum(abs(int(p)) for p in pads[k :: len(axes)])
    return prod(extents)


def _pad_elements(node: OnnxNode, x: Sequence[Array]) -> int:
    axes = x[-1].ravel().tolist() if len(node.inputs) > 3 and node.has(3) else range(x[0].ndim)
    return _padded(x[0].shape, x[1].ravel().tolist(), axes)


def _convolved_elements(node: OnnxNode, x: Sequence[Array]) -> int:
    """Of the padded image for every output channel, and of the kernel with the zeros between its elements."""
    spatial = range(2, x[0].ndim)
    pads = node.attr_ints("pads") or (0,) * (2 * len(spatial))
    dilations = node.attr_ints("dilations") or (1,) * len(spatial)
    spread = [1 + (k - 1) * abs(d) for k, d in zip(x[1].shape[2:], dilations, strict=True)]
    return _padded(x[0].shape, pads, spatial) * x[1].shape[0] + prod(x[1].shape[:2]) * prod(spread)


def _sum_of_numbers(node: OnnxNode, x: Sequence[Array]) -> int:
    return sum(abs(int(number)) for a in x if a.dtype.kind in "iu" for number in a.ravel())


ASKED: Mapping[str, Callable[[OnnxNode, Sequence[Array]], int]] = {
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow"), _sum_of_numbers),
    "TopK": lambda node, x: _sum_of_numbers(node, x[1:]),
    "Pad": _pad_elements,
    "OneHot": lambda node, x: x[0].size * _sum_of_numbers(node, [x[1].astype(np.int64)]),
    "MelWeightMatrix": lambda node, x: abs(int(x[0].ravel()[0])) * (abs(int(x[1].ravel()[0])) // 2 + 1),
    "ConvInteger": _convolved_elements,
}
"""Elements that operators are asked for by numbers, rather than by shapes."""
