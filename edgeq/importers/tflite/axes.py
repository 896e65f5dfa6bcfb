"""Axes, shapes, slices and paddings as TensorFlow writes them, resolved to explicit numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgeq.importers.tflite.raw import MAX_RANK, Problem
from edgeq.ir.tensor import Shape
from edgeq.ops._window import Padding, Pair

SAME, VALID = 0, 1


def normal_axis(axis: int, rank: int) -> int:
    """An axis counted from the front.

    Raises:
        Problem: the tensor does not have it.
    """
    if not -rank <= axis < rank:
        raise Problem(f"axis {axis} does not exist in {rank} dimensions")
    return axis % rank


def normal_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, sorted, each once."""
    return tuple(sorted({normal_axis(a, rank) for a in axes}))


def resolve_shape(target: Sequence[int], size: int) -> Shape:
    """A reshape's target with its −1 resolved.

    Raises:
        Problem: the element counts differ.
    """
    known = prod(d for d in target if d != -1)
    shape = tuple(target)
    if len(shape) > MAX_RANK:
        raise Problem(f"its shape has {len(shape)} dimensions")
    if shape.count(-1) == 1 and known > 0 and size % known == 0:
        shape = tuple(size // known if d == -1 else d for d in shape)
    if any(d < 0 for d in shape) or prod(shape) != size:
        raise Problem(f"{size} elements cannot take the shape {tuple(target)}")
    return shape


def broadcast_target(shape: Shape, target: Sequence[int]) -> Shape:
    """The shape that a tensor is broadcast to; a target of fewer dimensions leaves the first ones as they are."""
    return (*shape[: max(len(shape) - len(target), 0)], *target)


def same_padding(size: Pair, kernel: Pair, stride: Pair, dilation: Pair, mode: int) -> Padding:
    """Rows above, columns left, rows below, columns right of a window under SAME (0) or VALID (1) padding.

    SAME covers ceil(size / stride) positions and puts the odd row below.
    """
    check_window(kernel, stride, dilation)
    if mode == VALID:
        return (0, 0, 0, 0)
    if mode != SAME:
        raise Problem(f"its padding mode is {mode}")
    before, after = [], []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        before.append(total // 2)
        after.append(total - total // 2)
    return (before[0], before[1], after[0], after[1])


def check_window(kernel: Pair, stride: Pair, dilation: Pair) -> None:
    """Refuse windows that are no windows.

    Raises:
        Problem: a number is not positive, or absurdly large.
    """
    for what, pair in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if not all(0 < v < 2**16 for v in pair):
            raise Problem(f"its {what} is {pair[0]} × {pair[1]}")


def strided_slice(
    shape: Shape,
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    masks: tuple[int, int, int, int, int],
) -> tuple[Shape, Shape, Shape, Shape]:
    """A strided slice with its masks resolved.

    Args:
        shape: of the input.
        begin, end, strides: one entry per entry of the specification.
        masks: begin, end, ellipsis, new axis, shrink axis; bit i concerns entry i.

    Returns:
        begin, end and step per input dimension, as `Slice` takes them, and the shape of the result.

    Raises:
        Problem: the specification does not fit the input.
    """
    begin_mask, end_mask, ellipsis, new_axis, shrink = masks
    entries = len(begin)
    if not len(end) == len(strides) == entries:
        raise Problem("begin, end and strides of the slice have different lengths")
    used = sum(1 for i in range(entries) if not (ellipsis | new_axis) >> i & 1)
    if bin(ellipsis & ((1 << entries) - 1)).count("1") > 1 or used > len(shape):
        raise Problem(f"the slice has {entries} entries for {len(shape)} dimensions")
    begins: list[int] = []
    ends: list[int] = []
    steps: list[int] = []
    result: list[int] = []

    def whole() -> None:
        result.append(shape[len(begins)])
        ends.append(shape[len(begins)])
        begins.append(0)
        steps.append(1)

    for i in range(entries):
        if ellipsis >> i & 1:
            for _ in range(len(shape) - used):
                whole()
            used = len(shape)
        elif new_axis >> i & 1:
            result.append(1)
        else:
            size, step = shape[len(begins)], strides[i]
            if shrink >> i & 1:
                first = begin[i] + size if begin[i] < 0 else begin[i]
                if not 0 <= first < size:
                    raise Problem(f"the slice takes element {begin[i]} of {size}")
                begins.append(first)
                ends.append(first + 1)
                steps.append(1)
                continue
            if step == 0:
                raise Problem("the slice has step 0")
            span = slice(
                None if begin_mask >> i & 1 else begin[i], None if end_mask >> i & 1 else end[i], step
            ).indices(size)
            count = len(range(*span))
            if count == 0:
                raise Problem("the slice is empty")
            begins.append(span[0])
            ends.append(span[1])
            steps.append(step)
            result.append(count)
    while len(begins) < len(shape):
        whole()
    return tuple(begins), tuple(ends), tuple(steps), tuple(result)
