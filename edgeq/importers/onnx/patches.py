"""Patches put back where they were taken from, added up where they overlap."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import Places, chosen, numbered
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.tensor import Shape
from edgeq.ops.add import Add

_CHECK = "check the attributes and shapes of this node"
MOST_TERMS = 64
"""The most patches that one element may be in."""


@handles("Col2Im")
def patches_to_image(node: OnnxNode) -> None:
    """Element by element the sum of what the patches have there: as many additions as patches overlap.

    Raises:
        ModelError: shapes do not fit, or too many patches overlap.
    """
    image, block = node.ints(1, "the shape of the image") or (), node.ints(2, "the shape of a block") or ()
    shape, rank = node.shape(0), len(image)
    ones = (1,) * rank
    strides, dilations = node.attr_ints("strides") or ones, node.attr_ints("dilations") or ones
    pads = node.attr_ints("pads") or (0,) * (2 * rank)
    if len(shape) != 3 or not rank or {len(block), len(strides), len(dilations), len(pads) // 2} != {rank}:
        raise ModelError(f"patches of shape {shape} do not fit an image {image}", hint=_CHECK)
    counts = tuple(
        (n + pads[k] + pads[k + rank] - dilations[k] * (block[k] - 1) - 1) // strides[k] + 1
        for k, n in enumerate(image)
    )
    channels = shape[1] // max(1, prod(block))
    if min(counts) < 1 or (channels * prod(block), prod(counts)) != shape[1:]:
        raise ModelError(f"{shape} are not {prod(counts)} patches of {channels} × {block}", hint=_CHECK)
    kept, target = _targets(image, block, counts, strides, dilations, pads)
    source = numbered(shape).reshape(shape[0] * channels, -1)[:, kept]
    total, x = "", node.value(0)
    zero = node.store("zero", np.zeros(1, np.float32))
    for turn, (elements, there) in enumerate(_turns(target)):
        places = np.full((shape[0] * channels, prod(image)), prod(shape), np.int64)
        places[:, there] = source[:, elements]
        term = chosen(node, [x, zero], places.reshape(shape[0], channels, *image), f"term{turn}")
        total = node.emit(Add(), [total, term], f"total{turn}") if total else term
    node.result(total)


def _targets(
    image: Shape, block: Shape, counts: Shape, strides: Shape, dilations: Shape, pads: Shape
) -> tuple[Places, Places]:
    """Which elements of a channel's patches lie within the image, and which of its elements each of them is."""
    rank = len(image)
    position = np.zeros((*block, *counts), np.int64)
    inside = np.ones((*block, *counts), np.bool_)
    for k, size in enumerate(image):
        along = [1] * (2 * rank)
        along[k] = block[k]
        offset = (np.arange(block[k]) * dilations[k]).reshape(along)
        along[k], along[rank + k] = 1, counts[k]
        at = offset + (np.arange(counts[k]) * strides[k]).reshape(along) - pads[k]
        inside &= (at >= 0) & (at < size)
        position = position * size + np.clip(at, 0, size - 1)
    kept = np.flatnonzero(inside)
    return kept, position.ravel()[kept]


def _turns(target: Places) -> list[tuple[Places, Places]]:
    """Elements and their targets, in turns within which no target is met twice.

    Raises:
        ModelError: there would be too many.
    """
    order = np.argsort(target, kind="stable")
    first = np.searchsorted(target[order], target[order])
    turn = np.arange(len(order)) - first
    if turn.max(initial=0) >= MOST_TERMS:
        raise ModelError(f"more than {MOST_TERMS} patches overlap", hint="use ConvTranspose with a constant kernel")
    chosen_in = (order[turn == k] for k in range(int(turn.max(initial=0)) + 1))
    return [(elements, target[elements]) for elements in chosen_in]
