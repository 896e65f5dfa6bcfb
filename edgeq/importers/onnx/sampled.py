"""Images that are read at computed places: GridSample, and convolutions whose windows are deformed."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import along, part
from edgeq.importers.onnx.convolution import store_bias
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.importers.onnx.spatial import from_nhwc, to_nhwc, window
from edgeq.ops.add import Add
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.round import Round
from edgeq.ops.sample_at import SampleAt
from edgeq.ops.transpose import Transpose

_CHECK = "check the attributes and shapes of this node"


def _computed(node: OnnxNode, indices: tuple[int, ...]) -> None:
    """Refuse constants among operands that programs get as they run.

    Raises:
        ModelError: there are such.
    """
    for index in indices:
        if node.constant(index) is not None:
            raise ModelError(f"input {index} is constant", hint="give it as an input, or compute the result beforehand")


def grid_sample(node: OnnxNode) -> None:
    """At places that are computed, of images: mixed of the four elements around, or the nearest of these.

    Raises:
        ModelError: shapes do not fit, or the mode is another.
    """
    _computed(node, (0,))
    shape, grid = node.shape(0), node.shape(1)
    mode, padding = node.attr_str("mode", "linear").removeprefix("bi"), node.attr_str("padding_mode", "zeros")
    if len(shape) != 4 or len(grid) != 4 or grid[0] != shape[0] or grid[3] != 2:
        raise ModelError(f"a computed grid {grid} does not fit {shape}", hint="use images, or a constant grid")
    if mode not in ("linear", "nearest") or padding not in ("zeros", "border"):
        raise ModelError(
            f"mode {mode!r} with padding {padding!r} is not supported where the grid is computed",
            hint="use linear or nearest with zeros or border, or a constant grid",
        )
    sizes = np.array([shape[3], shape[2]], np.float32)
    half, middle = (sizes - 1) / 2 if node.attr_int("align_corners", 0) else sizes / 2, (sizes - 1) / 2
    count = grid[1] * grid[2]
    places = node.emit(Reshape((grid[0], count, 2)), [node.value(1)], "places", keep_q=True)
    places = node.emit(Mul(), [places, node.store("half", half.reshape(1, 1, 2))], "scaled")
    places = node.emit(Add(), [places, node.store("middle", middle.reshape(1, 1, 2))], "pixels")
    if padding == "border":
        last = node.store("last", (sizes - 1).reshape(1, 1, 2))
        places = node.emit(Maximum(), [places, node.store("first", np.zeros((1, 1, 2), np.float32))], "not_before")
        places = node.emit(Minimum(), [places, last], "not_behind")
    if mode == "nearest":
        places = node.emit(Round(), [places], "nearest")
    y = node.emit(SampleAt(), [to_nhwc(node, node.value(0)), places])
    y = node.emit(Reshape((*grid[:3], shape[1])), [y], "image", keep_q=True)
    node.result(from_nhwc(node, y, 4))


@handles("DeformConv")
def deformed_convolution(node: OnnxNode) -> None:
    """A convolution each of whose windows reads at computed places, and weighs them by a mask.

    Raises:
        ModelError: shapes do not fit.
    """
    _computed(node, (0, 2))
    shape, weights = node.shape(0), node.needed(1, "the weight tensor")
    data = weights.real()
    groups, parts = node.attr_int("group", 1), node.attr_int("offset_group", 1)
    if len(shape) != 4 or data.ndim != 4 or min(groups, parts) < 1 or shape[1] % groups or shape[1] % parts:
        raise ModelError(f"weights {data.shape} do not fit {shape} in {groups} and {parts} groups", hint=_CHECK)
    if data.shape[1] * groups != shape[1] or data.shape[0] % groups:
        raise ModelError(f"weights {data.shape} do not fit {shape} in {groups} groups", hint=_CHECK)
    geometry, taps = window(node, data.shape[2:]), prod(data.shape[2:])
    reach = (shape[2] + geometry.padding[0] + geometry.padding[2], shape[3] + geometry.padding[1] + geometry.padding[3])
    out = tuple((reach[k] - geometry.span[k]) // geometry.stride[k] + 1 for k in range(2))
    n, count = shape[0], prod(out)
    if node.shape(2) != (n, parts * taps * 2, *out) or (node.has(4) and node.shape(4) != (n, parts * taps, *out)):
        raise ModelError(f"offsets {node.shape(2)} or their mask do not fit {taps} places of {out}", hint=_CHECK)
    lines = [
        (np.arange(geometry.kernel[k])[:, None] * geometry.dilation[k] - geometry.padding[k])
        + np.arange(out[k]) * geometry.stride[k]
        for k in range(2)
    ]
    rows, columns = np.broadcast_arrays(lines[0][:, None, :, None], lines[1][None, :, None, :])
    base = node.store("base", np.stack([columns, rows], -1).reshape(1, taps * count, 2).astype(np.float32))
    offsets = node.emit(Reshape((n, parts, taps, 2, count)), [node.value(2)], "offsets", keep_q=True)
    offsets = node.emit(Transpose((0, 1, 2, 4, 3)), [offsets], "places_last", keep_q=True)
    offsets = along(node, offsets, 4, np.array([1, 0]), "columns_first")
    x, channels = to_nhwc(node, node.value(0)), shape[1] // parts
    sampled = []
    for k in range(parts):
        own = part(node, offsets, 1, k, k + 1, f"offsets{k}")
        places = node.emit(Reshape((n, taps * count, 2)), [own], f"flat{k}", keep_q=True)
        places = node.emit(Add(), [places, base], f"places{k}")
        y = node.emit(SampleAt(), [part(node, x, 3, k * channels, (k + 1) * channels, f"part{k}"), places], f"read{k}")
        if node.has(4):
            mask = part(node, node.value(4), 1, k * taps, (k + 1) * taps, f"mask{k}")
            mask = node.emit(Reshape((n, taps * count, 1)), [mask], f"flat_mask{k}", keep_q=True)
            y = node.emit(Mul(), [y, mask], f"masked{k}")
        sampled.append(y)
    y = sampled[0] if parts == 1 else node.emit(Concat(2), sampled, "joined")
    inner = shape[1] // groups
    y = node.emit(Reshape((n, taps, count, groups, inner)), [y], "taps", keep_q=True)
    y = node.emit(Transpose((0, 2, 3, 1, 4)), [y], "windows", keep_q=True)
    y = node.emit(Reshape((n, *out, groups * taps * inner)), [y], "image", keep_q=True)
    packed = data.transpose(0, 2, 3, 1).reshape(data.shape[0], 1, 1, taps * inner).astype(np.float32)
    bias = store_bias(node, node.needed(3, "the bias") if node.has(3) else None, data.shape[0])
    y = node.emit(Conv2D(groups=groups), [y, node.store("weights", packed), bias])
    node.result(from_nhwc(node, y, 4))
