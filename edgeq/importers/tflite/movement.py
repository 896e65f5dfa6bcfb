"""Operators that move elements: joins, splits, slices, pads, reshapes, transposes, resizes."""

from __future__ import annotations

import numpy as np

from edgeq.importers.tflite.axes import normal_axes, normal_axis, resolve_shape, strided_slice
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.tensors import SHIFT, WHOLE, is_samples, is_whole
from edgeq.importers.tflite.truth import cast_truth
from edgeq.importers.tflite.whole import whole_operand, whole_to_bytes
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.dequantize import Dequantize
from edgeq.ops.pad import Pad
from edgeq.ops.real_to_whole import RealToWhole
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Mode, Resize
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.transpose import Transpose
from edgeq.ops.whole_to_real import WholeToReal

MOVED = ("BOOL", *WHOLE)
"""Types of what operators move besides activations."""


def source(b: Builder, op: RawOp, position: int = 0) -> str:
    """The operand that is moved, under the parameters of the output."""
    index = op.inputs[position] if position < len(op.inputs) else -1
    if index in b.values and (b.tensor(index).dtype in MOVED or is_samples(b.tensor(index))):
        return b.value(index)
    return b.matched(b.operand(op, position), b.output_q(op))


def view(b: Builder, op: RawOp, x: str, shape: Shape) -> None:
    """Emit a reshape."""
    b.emit(op, Reshape(shape), [x])


@handles("RESHAPE")
def reshape(b: Builder, op: RawOp) -> None:
    """The target is an operand, or an option in old files."""
    x = source(b, op)
    target = b.integers(op, 1)
    if target is None:
        target = tuple(op.options["NewShape"])
    view(b, op, x, resolve_shape(target, b.editor.values[x].type.size))


@handles("SQUEEZE")
def squeeze(b: Builder, op: RawOp) -> None:
    """Removes the given axes, or all of size 1."""
    x = source(b, op)
    shape = b.shape(x)
    axes = normal_axes(op.options["SqueezeDims"], len(shape)) or tuple(k for k, d in enumerate(shape) if d == 1)
    if any(shape[a] != 1 for a in axes):
        raise Problem(f"axes {axes} of {shape} are not all of size 1")
    view(b, op, x, tuple(d for k, d in enumerate(shape) if k not in axes))


@handles("EXPAND_DIMS")
def expand_dims(b: Builder, op: RawOp) -> None:
    """Inserts an axis of size 1."""
    x = source(b, op)
    axes = b.required(op, 1)
    if len(axes) != 1:
        raise Problem(f"its axis is {axes}")
    shape = list(b.shape(x))
    shape.insert(normal_axis(axes[0], len(shape) + 1), 1)
    view(b, op, x, tuple(shape))


@handles("TRANSPOSE")
def transpose(b: Builder, op: RawOp) -> None:
    """A constant permutation."""
    x = source(b, op)
    perm = b.required(op, 1)
    rank = len(b.shape(x))
    if len(perm) != rank or sorted(p % max(rank, 1) for p in perm) != list(range(rank)):
        raise Problem(f"{perm} is no permutation of {rank} axes")
    b.emit(op, Transpose(tuple(normal_axis(p, rank) for p in perm)), [x])


@handles("CONCATENATION")
def concatenation(b: Builder, op: RawOp) -> None:
    """Joins along an axis; a fused activation becomes a clamp behind it."""
    if is_whole(b.tensor(op.outputs[0])) and not op.option("FusedActivationFunction"):
        wholes = [whole_operand(b, op, k) for k in range(len(op.inputs))]
        b.emit(op, Concat(normal_axis(op.option("Axis"), len(b.shape(wholes[0])))), wholes)
        return
    q = b.output_q(op)
    operands = [b.matched(b.operand(op, k), q, b.is_legacy(op)) for k in range(len(op.inputs))]
    if not operands:
        raise Problem("it has no inputs")
    axis = normal_axis(op.option("Axis"), len(b.shape(operands[0])))
    if op.option("FusedActivationFunction"):
        joined = b.step(Concat(axis), operands, f"{b.tensor(op.outputs[0]).name}/joined", q)
        b.emit(op, Clip(*b.clamp(op)), [joined])
    elif len(operands) == 1:
        view(b, op, operands[0], b.shape(operands[0]))
    else:
        b.emit(op, Concat(axis), operands)


@handles("PACK")
def pack(b: Builder, op: RawOp) -> None:
    """Joins along a new axis."""
    q = b.output_q(op)
    operands = [b.matched(b.operand(op, k), q) for k in range(len(op.inputs))]
    if not operands:
        raise Problem("it has no inputs")
    shape = list(b.shape(operands[0]))
    axis = normal_axis(op.option("Axis"), len(shape) + 1)
    shape.insert(axis, 1)
    for x in operands:
        if b.shape(x) != b.shape(operands[0]):
            raise Problem(f"its inputs have shapes {b.shape(operands[0])} and {b.shape(x)}")
    parts = [b.step(Reshape(tuple(shape)), [x], f"{x}/expanded", q) for x in operands]
    if len(parts) == 1:
        view(b, op, parts[0], tuple(shape))
    else:
        b.emit(op, Concat(axis), parts)


@handles("UNPACK")
def unpack(b: Builder, op: RawOp) -> None:
    """Splits an axis into its elements and removes it."""
    x = source(b, op)
    shape = b.shape(x)
    axis = normal_axis(op.option("Axis"), len(shape))
    if shape[axis] != len(op.outputs):
        raise Problem(f"it has {len(op.outputs)} outputs for {shape[axis]} elements")
    q = b.q_of(x)
    rest = shape[:axis] + shape[axis + 1 :]
    for k, output in enumerate(op.outputs):
        begin = tuple(k if a == axis else 0 for a in range(len(shape)))
        end = tuple(k + 1 if a == axis else d for a, d in enumerate(shape))
        part = b.step(Slice(begin, end, (1,) * len(shape)), [x], f"{x}/{k}", q)
        b.emit(op, Reshape(rest), [part], [output])


@handles("SPLIT", "SPLIT_V")
def split(b: Builder, op: RawOp) -> None:
    """SPLIT takes (axis, x) and makes equal parts; SPLIT_V takes (x, sizes, axis), where one size may be −1."""
    even = op.kind == "SPLIT"
    x = source(b, op, 1 if even else 0)
    axes = b.required(op, 0 if even else 2)
    if len(axes) != 1:
        raise Problem(f"its axis is {axes}")
    axis = normal_axis(axes[0], len(b.shape(x)))
    total = b.shape(x)[axis]
    count = len(op.outputs)
    if even:
        if not count or total % count:
            raise Problem(f"{total} elements cannot be split into {count} equal parts")
        sizes: tuple[int, ...] = (total // count,) * count
    else:
        sizes = b.required(op, 1)
        if sizes.count(-1) == 1:
            sizes = tuple(total - sum(sizes) - 1 if s == -1 else s for s in sizes)
    if any(s < 1 for s in sizes) or sum(sizes) != total:
        raise Problem(f"{total} elements cannot be split into {sizes}")
    if count == 1:
        view(b, op, x, b.shape(x))
        return
    b.emit(op, Split(axis, sizes), [x])


@handles("SLICE")
def slice_(b: Builder, op: RawOp) -> None:
    """begin and size per dimension; size −1 means to the end."""
    x = source(b, op)
    shape = b.shape(x)
    begin, size = b.required(op, 1), b.required(op, 2)
    if not len(begin) == len(size) == len(shape):
        raise Problem(f"begin {begin} and size {size} do not fit {shape}")
    end = tuple(d if s == -1 else f + s for f, s, d in zip(begin, size, shape, strict=True))
    if any(not 0 <= f < e <= d for f, e, d in zip(begin, end, shape, strict=True)):
        raise Problem(f"begin {begin} and size {size} do not fit {shape}")
    b.emit(op, Slice(begin, end, (1,) * len(shape)), [x])


@handles("STRIDED_SLICE")
def strided(b: Builder, op: RawOp) -> None:
    """A slice with masks; axes it removes or adds become a reshape."""
    x = source(b, op)
    shape = b.shape(x)
    begin, end, step, result = strided_slice(
        shape, b.required(op, 1), slice_end(b, op), b.required(op, 3), slice_masks(op)
    )
    sizes = tuple(len(range(f, e, s)) for f, e, s in zip(begin, end, step, strict=True))
    if sizes == shape and all(s == 1 for s in step):
        view(b, op, x, result)
    elif sizes == result:
        b.emit(op, Slice(begin, end, step), [x])
    else:
        part = b.step(Slice(begin, end, step), [x], f"{b.tensor(op.outputs[0]).name}/slice", b.q_of(x))
        view(b, op, part, result)


def slice_end(b: Builder, op: RawOp) -> tuple[int, ...]:
    """The end of a strided slice, which may be given as an offset from its begin."""
    begin, end = b.required(op, 1), b.required(op, 2)
    return tuple(f + e for f, e in zip(begin, end, strict=False)) if op.option("Offset") else end


def slice_masks(op: RawOp) -> tuple[int, int, int, int, int]:
    """Begin, end, ellipsis, new axis and shrink axis masks."""
    names = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")
    masks = [op.option(n) for n in names]
    return masks[0], masks[1], masks[2], masks[3], masks[4]


def paddings(b: Builder, op: RawOp, shape: Shape) -> tuple[Shape, Shape]:
    """Elements before and after, per dimension."""
    flat = b.required(op, 1)
    if len(flat) != 2 * len(shape) or any(not 0 <= p < 2**20 for p in flat):
        raise Problem(f"the paddings {flat} do not fit {shape}")
    return flat[0::2], flat[1::2]


def _number(b: Builder, index: int, data: Array) -> float:
    """The real number that a constant of one element stands for; it may be infinite."""
    if data.dtype.kind == "f":
        return float(data.item())
    constant = b.editor.values[b.real_constant(index)].data
    return 0.0 if constant is None else float(constant.item())


@handles("PAD", "PADV2")
def pad(b: Builder, op: RawOp) -> None:
    """Pads with real zero, or with a constant operand."""
    x = source(b, op)
    before, after = paddings(b, op, b.shape(x))
    value = 0.0
    if op.kind == "PADV2":
        data = b.stored(op.inputs[2]) if len(op.inputs) > 2 else None
        if data is None or data.size != 1:
            raise Problem("the value it pads with is not one constant number")
        value = _number(b, op.inputs[2], data)
    b.emit(op, Pad(before, after, "constant", value), [x])


@handles("MIRROR_PAD")
def mirror_pad(b: Builder, op: RawOp) -> None:
    """Reflects without repeating the border, or (symmetric) with it: then reversed slices are joined on."""
    x = source(b, op)
    shape = b.shape(x)
    before, after = paddings(b, op, shape)
    symmetric = op.option("Mode") == 1
    most = [d if symmetric else d - 1 for d in shape]
    if any(p > m for p, m in zip(before + after, most + most, strict=True)):
        raise Problem(f"the paddings {before} and {after} reach beyond {shape}")
    if not symmetric:
        b.emit(op, Pad(before, after, "reflect", 0.0), [x])
        return
    name, q = b.tensor(op.outputs[0]).name, b.q_of(x)
    for axis, (low, high) in enumerate(zip(before, after, strict=True)):
        size = shape[axis]
        parts = [reversed_part(b, x, axis, low - 1, -1, name, q)] if low else []
        parts.append(x)
        parts += [reversed_part(b, x, axis, size - 1, size - 1 - high, name, q)] if high else []
        x = b.step(Concat(axis), parts, f"{name}/axis{axis}", q) if len(parts) > 1 else x
    view(b, op, x, b.shape(x))


def reversed_part(b: Builder, x: str, axis: int, first: int, stop: int, name: str, q: QParams | None) -> str:
    """Elements first, first − 1, … stop + 1 of an axis."""
    shape = b.shape(x)
    begin = tuple(first if k == axis else 0 for k in range(len(shape)))
    end = tuple(stop if k == axis else d for k, d in enumerate(shape))
    step = tuple(-1 if k == axis else 1 for k in range(len(shape)))
    return b.step(Slice(begin, end, step), [x], f"{name}/mirrored", q)


def reversed_axis(b: Builder, x: str, axis: int, hint: str) -> str:
    """All elements of an axis from the last to the first."""
    shape = b.shape(x)
    begin = tuple(d - 1 if k == axis else 0 for k, d in enumerate(shape))
    end = tuple(-1 if k == axis else d for k, d in enumerate(shape))
    return b.step(Slice(begin, end, tuple(-1 if k == axis else 1 for k in range(len(shape)))), [x], hint, b.q_of(x))


@handles("REVERSE_V2")
def reverse(b: Builder, op: RawOp) -> None:
    """Reverses some axes."""
    x = source(b, op)
    shape = b.shape(x)
    axes = normal_axes(b.required(op, 1), len(shape))
    begin = tuple(d - 1 if k in axes else 0 for k, d in enumerate(shape))
    end = tuple(-1 if k in axes else d for k, d in enumerate(shape))
    b.emit(op, Slice(begin, end, tuple(-1 if k in axes else 1 for k in range(len(shape)))), [x])


@handles("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
def resize(b: Builder, op: RawOp) -> None:
    """Nearest takes the floor of the coordinate, or rounds it with aligned corners or centres of pixels."""
    x = source(b, op)
    size = b.required(op, 1)
    if len(b.shape(x)) != 4 or len(size) != 2 or any(not 0 < s < 2**16 for s in size):
        raise Problem(f"an image of shape {b.shape(x)} cannot be resized to {size}")
    corners, centres = bool(op.option("AlignCorners")), bool(op.option("HalfPixelCenters"))
    if corners and centres:
        raise Problem("it has both aligned corners and half-pixel centres", "choose one of them")
    target = (size[0], size[1])
    mode: Mode = "bilinear" if op.kind == "RESIZE_BILINEAR" else "nearest"
    legacy = mode == "bilinear" and b.is_legacy(op)
    if corners:
        node = Resize(target, mode, "align_corners", "round_prefer_ceil", legacy)
    elif centres:
        node = Resize(target, mode, "half_pixel", "round_prefer_ceil", legacy)
    else:
        node = Resize(target, mode, "asymmetric", "floor", legacy)
    b.emit(op, node, [x])


@handles("CAST")
def cast(b: Builder, op: RawOp) -> None:
    """Between float types nothing happens; truth values and computed whole numbers become real."""
    before, after = b.tensor(op.inputs[0]), b.tensor(op.outputs[0])
    if {before.dtype, after.dtype} == {"BOOL", "FLOAT32"}:
        cast_truth(b, op)
        return
    whole = b.whole(op, 0)
    if before.dtype in SHIFT and before.quant is None and after.dtype == "FLOAT32" and before.index in b.values:
        x = b.value(before.index)  # bytes that stand for themselves
        b.bind(after.index, x if b.q_of(x) is None else b.step(Dequantize(), [x], after.name, None))
        return
    if before.dtype == "FLOAT32" and after.dtype == "INT32" and after.quant is None:
        b.emit(op, RealToWhole(), [b.operand(op, 0)])
        return
    if whole is not None and after.dtype == "FLOAT32":
        b.emit(op, WholeToReal(real=b.has_integers), [whole])
        return
    if whole is not None and is_whole(after) and b.editor.values[whole].type.dtype is DType.INT32:
        b.bind(after.index, whole)
        return
    if whole is not None and after.dtype == "INT8" and after.quant is None:
        whole_to_bytes(b, op, whole)
        return
    if before.dtype != "FLOAT32" or after.dtype != "FLOAT32":
        raise Problem(
            f"it casts {before.dtype} to {after.dtype} at run time",
            "remove it: give the model float inputs and outputs",
        )
    b.bind(after.index, b.operand(op, 0))


@handles("ZEROS_LIKE")
def zeros(b: Builder, op: RawOp) -> None:
    """As many zeros as a tensor of a known shape has elements: a constant."""
    b.output_q(op)
    quant = b.tensor(op.outputs[0]).quant
    zero = 0 if quant is None else quant.zero_point[0]
    b.fold(op.outputs[0], np.full(b.shape(b.value(op.inputs[0])), zero))


@handles("SHAPE")
def shape_of(b: Builder, op: RawOp) -> None:
    """The shape is known: a constant."""
    b.fold(op.outputs[0], np.array(b.shape(b.value(op.inputs[0]))))
