"""Operators that change no number: new shapes, other names, and the shape itself."""

from __future__ import annotations

from math import prod

import numpy as np
from onnx import TensorProto

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import reshape_target
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.model import ELEMENT_TYPES, type_name
from edgeq.importers.onnx.node import WHOLE_CODES, Activation, OnnxNode
from edgeq.importers.onnx.truth import nonzero, real_operand
from edgeq.ir.tensor import DType, QParams
from edgeq.ops.real_to_whole import RealToWhole
from edgeq.ops.reshape import Reshape
from edgeq.ops.whole_pair import WholePair
from edgeq.ops.whole_to_real import WholeToReal


@handles("Reshape", "Flatten", "Squeeze", "Unsqueeze", integers=True)
def reshape(node: OnnxNode) -> None:
    """A view with another shape."""
    shape = node.shape(0)
    target = reshape_target(node, shape)
    x = node.value(0)
    node.result(x if target == shape else node.emit(Reshape(target), [x], keep_q=True))


@handles("Identity", "Dropout", integers=True)
def identity(node: OnnxNode) -> None:
    """The tensor itself; Dropout does nothing in inference.

    Raises:
        ModelError: Dropout is in training mode, and drops something.
    """
    kept = node.kind == "Dropout" and node.has(1) and (ratio := node.constant(1)) is not None and not ratio.data.any()
    if node.kind == "Dropout" and not kept and node.has(2) and np.any(node.needed(2, "the training flag").data):
        raise ModelError("dropout in training mode is not supported", hint="export for inference")
    operand = node.operand(0)
    if node.kind == "Dropout":
        node.result_constant(np.ones(node.shape(0), np.bool_), 1)  # nothing is dropped
    if isinstance(operand, Activation):
        node.result(operand.value)
    else:
        node.result_constant(operand.data, 0, operand.q)


@handles("OptionalGetElement", integers=True)
def element_of_optional(node: OnnxNode) -> None:
    """The tensor itself, which is there."""
    identity(node)


@handles("OptionalHasElement", integers=True)
def has_element(node: OnnxNode) -> None:
    """Whether there is an input, which is known."""
    node.result_constant(np.asarray(node.has(0)))


@handles("Shape", integers=True)
def shape_of(node: OnnxNode) -> None:
    """The shape, which is known."""
    shape = node.shape(0)
    start, end = node.attr_int("start", 0), node.attr_int("end", len(shape))
    node.result_constant(np.asarray(shape[start:end], np.int64))


@handles("Size", integers=True)
def size_of(node: OnnxNode) -> None:
    """The number of elements, which is known."""
    node.result_constant(np.asarray(prod(node.shape(0)), np.int64))


NARROW_BITS = {TensorProto.UINT4: 4, TensorProto.INT4: 4, TensorProto.UINT2: 2, TensorProto.INT2: 2}
"""ONNX's codes of integers of less than 8 bits."""


def _numeric(node: OnnxNode, operand: Activation) -> bool:
    """Whether a computed operand holds real numbers, truth values or whole numbers, and no quantized ones."""
    return operand.integers in (None, DType.BOOL) or node.holds_whole(operand)


def _to_whole(node: OnnxNode, operand: Activation, target: int) -> None:
    """Real numbers are rounded towards 0, within the bounds of the type; of whole numbers the lowest bits count."""
    dtype = WHOLE_CODES[target]
    signed = dtype.range[0] < 0
    bits = min(NARROW_BITS.get(target, dtype.bits), 32)
    value, held = operand.value, min((operand.integers or DType.INT32).bits, 32)
    if not node.holds_whole(operand):
        value, held = node.emit(RealToWhole(*_bounds(dtype, bits)), [value]), max(bits, 8)
    if bits < held or (bits == held < 32 and operand.integers not in (None, DType.BOOL, dtype)):
        zero = node.builder.editor.constant(node.builder.fresh(f"{node.name}_zero"), np.zeros(1, np.int32))
        value = node.emit(WholePair("or", bits, signed), [value, zero], "bits")
    node.result(value, integers=dtype)


def _bounds(dtype: DType, bits: int) -> tuple[int, int]:
    """The numbers that real ones may become; of 4 and of 2 bits all whole ones, whose lowest bits then count."""
    return DType.INT32.range if bits < 8 or bits == 32 else dtype.range


@handles("Cast", "CastLike", integers=True)
def cast(node: OnnxNode) -> None:
    """Casts between real types, between types of whole numbers, and of a model's integer input to real numbers.

    Raises:
        ModelError: the cast would truncate, or round to a type that edgeq does not compute with.
    """
    operand, target = node.operand(0), node.cast_target()
    if isinstance(operand, Activation) and target == TensorProto.BOOL and _numeric(node, operand):
        truth = operand.value if operand.integers is DType.BOOL else nonzero(node, real_operand(node, 0))
        node.result(truth, integers=DType.BOOL)
        return
    if isinstance(operand, Activation) and target in WHOLE_CODES and _numeric(node, operand):
        _to_whole(node, operand, target)
        return
    if isinstance(operand, Activation) and node.holds_whole(operand):
        if ELEMENT_TYPES.get(target) is DType.FLOAT32:
            node.result(node.emit(WholeToReal(), [operand.value]))
            return
        raise ModelError(
            f"a cast of whole numbers to {type_name(target)} is not supported",
            hint="return them as an output, or give the model real numbers as inputs",
        )
    if ELEMENT_TYPES.get(target) is not DType.FLOAT32:
        raise ModelError(
            f"a cast to {type_name(target)} at run time is not supported",
            hint="edgeq computes with real numbers and int8: export without the cast, or cut the model before it",
        )
    if not isinstance(operand, Activation):
        node.result_constant(operand.real().astype(np.float32))
        return
    if operand.integers not in (None, DType.BOOL):
        if operand.integers is DType.INT16:
            raise ModelError("a cast of integers of 16 bits is not supported", hint="use DequantizeLinear")
        raw = QParams.per_tensor(1.0, -128 if operand.integers is DType.UINT8 else 0)
        known = node.type(operand.value).q
        if known is not None and known != raw:
            raise ModelError("a cast of quantized numbers is not supported", hint="use DequantizeLinear")
        node.builder.annotate(operand.value, raw)
    node.result(operand.value)
