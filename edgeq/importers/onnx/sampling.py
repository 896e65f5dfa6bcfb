"""GridSample at constant places: each element of the output is a fixed mixture of the input's."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import along, part
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.tensor import Shape
from edgeq.ops.concat import Concat
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape

Reals = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Taps = list[tuple[Places, Reals]]
"""Indices along an axis, with their weights."""
MOST_WEIGHTS = 1 << 22
KEYS = -0.75
"""The parameter of cubic convolution (Keys, 1981)."""
_CHECK = "check the attributes and shapes of this node"


@handles("GridSample")
def grid_sample(node: OnnxNode) -> None:
    """At places that are constant nearest ones are chosen, between others a product with constant weights mixes; at
    computed ones images are read linearly, or the nearest element, with zeros or the border outside."""
    if node.constant(1) is None:
        from edgeq.importers.onnx.sampled import grid_sample as computed

        computed(node)
        return
    grid, shape = node.reals(1, "the grid"), node.shape(0)
    sizes = shape[2:]
    if len(shape) < 3 or grid.ndim != len(shape) or grid.shape[0] != shape[0] or grid.shape[-1] != len(sizes):
        raise ModelError(f"a grid {grid.shape} does not fit {shape}", hint=_CHECK)
    mode, padding = node.attr_str("mode", "linear").removeprefix("bi"), node.attr_str("padding_mode", "zeros")
    if mode not in ("nearest", "linear", "cubic") or padding not in ("zeros", "border", "reflection"):
        raise ModelError(f"mode {mode!r} or padding {padding!r} is unknown", hint=_CHECK)
    align, out = bool(node.attr_int("align_corners", 0)), grid.shape[1:-1]
    if mode != "nearest" and prod(sizes) * prod(out) > MOST_WEIGHTS:
        raise ModelError(
            f"mixtures of {prod(sizes):,} elements at {prod(out):,} places would take too many weights",
            hint="use mode nearest, or resize in place of sampling",
        )
    x, results = node.value(0), []
    for n in range(shape[0]):
        at = [axis_taps(grid[n, ..., -1 - k].ravel(), size, mode, padding, align) for k, size in enumerate(sizes)]
        one = node.emit(
            Reshape((shape[1], prod(sizes))), [part(node, x, 0, n, n + 1, f"sample{n}")], f"flat{n}", keep_q=True
        )
        results.append(_mixed(node, one, at, sizes, mode == "nearest", f"mixed{n}"))
    y = results[0] if len(results) == 1 else node.emit(Concat(0), results, "joined", keep_q=True)
    node.result(node.emit(Reshape((*shape[:2], *out)), [y], "shaped", keep_q=True))


def _mixed(node: OnnxNode, x: str, at: list[Taps], sizes: Shape, nearest: bool, suffix: str) -> str:
    """Add rows (channels, elements) at places along each axis."""
    strides = [prod(sizes[k + 1 :]) for k in range(len(sizes))]
    taps = [
        (sum(t[0] * s for t, s in zip(chosen, strides, strict=True)), np.prod([t[1] for t in chosen], axis=0))
        for chosen in product(*at)
    ]
    if nearest:
        ((places, weights),) = taps
        y = along(node, x, 1, np.asarray(places), suffix)
        if (weights == 1.0).all():
            return y
        inside = node.store(f"{suffix}_inside", weights.astype(np.float32))
        return node.emit(Mul(), [y, inside], f"{suffix}_masked")
    matrix = np.zeros((len(taps[0][1]), prod(sizes)))
    for places, weights in taps:
        np.add.at(matrix, (np.arange(len(matrix)), np.asarray(places)), weights)
    stored = node.store(f"{suffix}_weights", matrix.astype(np.float32))
    return node.emit(FullyConnected(), [x, stored, None], suffix)


def axis_taps(places: Reals, size: int, mode: str, padding: str, align: bool) -> Taps:
    """Where along an axis of so many elements places (−1 … 1) are, and with which weights."""
    low, high = (0.0, size - 1.0) if align else (-0.5, size - 0.5)
    x = (places + 1) / 2 * (size - 1) if align else ((places + 1) * size - 1) / 2
    if mode == "nearest":
        x = np.rint(x)
    if padding == "border" and mode != "cubic":  # of which each element is looked for at the border
        x = np.where((x < low) | (x > high), np.clip(x, 0, size - 1), x)
    elif padding == "reflection":
        x = _reflected(x, low, high)
    first = np.floor(x)
    far = x - first
    weights: dict[int, Reals] = {0: np.ones(len(x))}
    if mode == "linear":
        weights = {0: 1 - far, 1: far}
    elif mode == "cubic":
        weights = {k: _keys(np.abs(far - k)) for k in (-1, 0, 1, 2)}
    found: Taps = []
    for offset, weight in weights.items():
        index = first + offset
        inside = (index >= 0) & (index < size)
        if padding == "reflection":
            index = np.trunc(_reflected(index, low, high))
        weight = np.where(inside, weight, 0.0) if padding == "zeros" else weight
        found.append((np.clip(index, 0, size - 1).astype(np.int64), weight))
    return found


def _keys(d: Reals) -> Reals:
    near = ((KEYS + 2) * d - (KEYS + 3)) * d * d + 1
    return np.where(d <= 1, near, ((KEYS * d - 5 * KEYS) * d + 8 * KEYS) * d - 4 * KEYS)


def _reflected(x: Reals, low: float, high: float) -> Reals:
    """Places beyond either end, turned back as often as needed."""
    if high <= low:
        return np.full_like(x, low)
    turned = np.abs((x - low) % (2 * (high - low)))
    return np.where((x < low) | (x > high), low + np.minimum(turned, 2 * (high - low) - turned), x)
