"""Operators composed of simpler moves: blocks of pixels, repetition, selection of elements."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.importers.tflite.axes import broadcast_target, normal_axis
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.movement import source, view
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.ir.tensor import Shape
from edgeq.ops.concat import Concat
from edgeq.ops.gather import Gather
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.ops.transpose import Transpose

MOST_PARTS = 256
"""The most pieces that one operator may become."""


@handles("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def depth_moves(b: Builder, op: RawOp) -> None:
    """Channels to pixels of a block or back: a transpose between two reshapes."""
    x = source(b, op)
    size, q = op.option("BlockSize"), b.q_of(x)
    if len(b.shape(x)) != 4 or not 0 < size < 2**15:
        raise Problem(f"an input of shape {b.shape(x)} does not fit block size {size}")
    n, h, w, c = b.shape(x)
    if op.kind == "DEPTH_TO_SPACE":
        apart: Shape = (n, h, w, size, size, c // (size * size))
        result: Shape = (n, h * size, w * size, c // (size * size))
    else:
        apart = (n, h // size, size, w // size, size, c)
        result = (n, h // size, w // size, c * size * size)
    if prod(apart) != prod(b.shape(x)):
        raise Problem(f"an input of shape {b.shape(x)} does not fit block size {size}")
    x = b.step(Reshape(apart), [x], f"{x}/blocks", q)
    x = b.step(Transpose((0, 1, 3, 2, 4, 5)), [x], f"{x}/moved", q)
    view(b, op, x, result)


def block_operands(b: Builder, op: RawOp, shape: Shape) -> tuple[Shape, Shape, Shape]:
    """Block sizes, and what is padded or cropped before and after, of the dimensions behind the batch."""
    block, border = b.required(op, 1), b.required(op, 2)
    fits = 0 < len(block) < len(shape) and len(border) == 2 * len(block)
    if not fits or any(not 0 < k < 2**16 for k in block) or any(not 0 <= k < 2**16 for k in border):
        raise Problem(f"blocks {block} and borders {border} do not fit {shape}")
    return block, border[0::2], border[1::2]


@handles("SPACE_TO_BATCH_ND")
def space_to_batch(b: Builder, op: RawOp) -> None:
    """Pads, then makes the pixels of a block samples of the batch."""
    x = source(b, op)
    q, shape = b.q_of(x), b.shape(x)
    block, before, after = block_operands(b, op, shape)
    rest = (0,) * (len(shape) - 1 - len(block))
    if any(before + after):
        x = b.step(Pad((0, *before, *rest), (0, *after, *rest), "constant", 0.0), [x], f"{x}/padded", q)
    n, *spatial = b.shape(x)
    m = len(block)
    if any(size % k for size, k in zip(spatial, block, strict=False)):
        raise Problem(f"an input of shape {b.shape(x)} does not divide into blocks {block}")
    small = tuple(size // k for size, k in zip(spatial, block, strict=False))
    apart = (n, *(d for pair in zip(small, block, strict=True) for d in pair), *spatial[m:])
    offsets, places = range(2, 2 * m + 1, 2), range(1, 2 * m, 2)
    perm = (*offsets, 0, *places, *range(2 * m + 1, len(apart)))
    x = b.step(Reshape(apart), [x], f"{x}/blocks", q)
    x = b.step(Transpose(perm), [x], f"{x}/moved", q)
    view(b, op, x, (n * prod(block), *small, *spatial[m:]))


@handles("BATCH_TO_SPACE_ND")
def batch_to_space(b: Builder, op: RawOp) -> None:
    """The reverse: samples of the batch become pixels of a block, and borders are cropped."""
    x = source(b, op)
    q, shape = b.q_of(x), b.shape(x)
    block, before, after = block_operands(b, op, shape)
    m = len(block)
    if shape[0] % prod(block):
        raise Problem(f"a batch of {shape[0]} does not divide into blocks {block}")
    n = shape[0] // prod(block)
    apart = (*block, n, *shape[1:])
    pairs = [axis for k in range(m) for axis in (m + 1 + k, k)]
    whole = (n, *(d * k for d, k in zip(shape[1:], block, strict=False)), *shape[1 + m :])
    x = b.step(Reshape(apart), [x], f"{x}/blocks", q)
    x = b.step(Transpose((m, *pairs, *range(2 * m + 1, len(apart)))), [x], f"{x}/moved", q)
    if not any(before + after):
        view(b, op, x, whole)
        return
    x = b.step(Reshape(whole), [x], f"{x}/whole", q)
    rest = len(whole) - 1 - m
    begin = (0, *before, *(0,) * rest)
    end = tuple(d - k for d, k in zip(whole, (0, *after, *(0,) * rest), strict=True))
    if any(f >= e for f, e in zip(begin, end, strict=True)):
        raise Problem(f"the crops {before} and {after} leave nothing of {whole}")
    b.emit(op, Slice(begin, end, (1,) * len(whole)), [x])


@handles("TILE")
def tile(b: Builder, op: RawOp) -> None:
    """Repeats a tensor along its axes: it is joined with itself."""
    x = source(b, op)
    q, repeats = b.q_of(x), b.required(op, 1)
    if len(repeats) != len(b.shape(x)) or any(not 0 < r <= MOST_PARTS for r in repeats):
        raise Problem(f"an input of shape {b.shape(x)} cannot be repeated {repeats} times")
    for axis, count in enumerate(repeats):
        if count > 1:
            x = b.step(Concat(axis), [x] * count, f"{x}/repeated", q)
    view(b, op, x, b.shape(x))


@handles("BROADCAST_TO")
def broadcast_to(b: Builder, op: RawOp) -> None:
    """Repeats a tensor along its axes of size 1: it is joined with itself."""
    x = source(b, op)
    q, target = b.q_of(x), broadcast_target(b.shape(x), b.required(op, 1))
    shape = (1,) * (len(target) - len(b.shape(x))) + b.shape(x)
    fits = len(shape) == len(target) and all(d in (1, t) for d, t in zip(shape, target, strict=True))
    if not fits or any(d != t and not 0 < t <= MOST_PARTS for d, t in zip(shape, target, strict=True)):
        raise Problem(f"an input of shape {b.shape(x)} cannot be broadcast to {target}")
    if shape != b.shape(x):
        x = b.step(Reshape(shape), [x], f"{x}/expanded", q)
    for axis, (size, count) in enumerate(zip(shape, target, strict=True)):
        if size != count:
            x = b.step(Concat(axis), [x] * count, f"{x}/repeated", q)
    view(b, op, x, target)


@handles("GATHER")
def gather(b: Builder, op: RawOp) -> None:
    """Picks elements of an axis: by constant indices, slices that are joined; by computed ones, looked up."""
    x = source(b, op)
    q, shape = b.q_of(x), b.shape(x)
    places = b.whole(op, 1)
    if places is not None:
        if op.option("BatchDims"):
            raise Problem("it gathers per batch", "look up rows of one table")
        b.emit(op, Gather(normal_axis(op.option("Axis"), len(shape))), [x, places])
        return
    axis, picked = normal_axis(op.option("Axis"), len(shape)), b.required(op, 1)
    batch = op.option("BatchDims")
    if batch:
        gather_in_batches(b, op, x, axis, batch)
        return
    if not 0 < len(picked) <= MOST_PARTS or any(not 0 <= k < shape[axis] for k in picked):
        raise Problem(f"it picks elements {picked} of {shape[axis]}")
    indices = b.stored(op.inputs[1])
    form = () if indices is None else indices.shape
    parts = [part(b, x, axis, first, stop) for first, stop in runs(picked)]
    joined = parts[0] if len(parts) == 1 else b.step(Concat(axis), parts, f"{x}/picked", q)
    view(b, op, joined, (*shape[:axis], *form, *shape[axis + 1 :]))


def gather_in_batches(b: Builder, op: RawOp, x: str, axis: int, batch: int) -> None:
    """Elements of an axis by constant indices of their own for each index of the dimensions before it."""
    indices, shape = b.stored(op.inputs[1]), b.shape(x)
    if indices is None or batch != axis or indices.shape[:batch] != shape[:batch] or indices.size > MOST_PARTS:
        raise Problem(f"it gathers per batch from {shape}", "look up rows of one table")
    if (indices < 0).any() or (indices >= shape[axis]).any():
        raise Problem(f"it picks elements {tuple(indices.ravel()[:8])} … of {shape[axis]}")
    rows = b.step(Reshape((prod(shape[: axis + 1]), *shape[axis + 1 :])), [x], f"{x}/parts", b.q_of(x))
    first = np.arange(prod(shape[:batch])).reshape(*shape[:batch], *(1,) * (indices.ndim - batch)) * shape[axis]
    places = tuple(int(k) for k in (indices + first).ravel())
    parts = [part(b, rows, 0, start, stop) for start, stop in runs(places)]
    joined = parts[0] if len(parts) == 1 else b.step(Concat(0), parts, f"{x}/picked", b.q_of(x))
    view(b, op, joined, (*indices.shape, *shape[axis + 1 :]))


def runs(picked: Shape) -> list[tuple[int, int]]:
    """Indices as runs (first, end) of ascending neighbours."""
    ranges: list[tuple[int, int]] = []
    for index in picked:
        if ranges and ranges[-1][1] == index:
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
    return ranges


def part(b: Builder, x: str, axis: int, first: int, stop: int) -> str:
    """Elements first … stop − 1 of an axis."""
    shape = b.shape(x)
    if (first, stop) == (0, shape[axis]):
        return x
    begin = tuple(first if k == axis else 0 for k in range(len(shape)))
    end = tuple(stop if k == axis else d for k, d in enumerate(shape))
    return b.step(Slice(begin, end, (1,) * len(shape)), [x], f"{x}/part", b.q_of(x))
