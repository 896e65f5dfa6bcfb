"""QuantizeLinear and DequantizeLinear: they leave parameters on tensors and vanish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.grouped import dequantized_blocks
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.model import NARROW
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, Operand
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.ops.requantize import Requantize
from edgeq.warnings import warn

TYPES = {"int8": DType.INT8, "uint8": DType.UINT8, "int32": DType.INT32, "int16": DType.INT16}
WIDE = {"int16": 0, "uint16": 2**15}
"""Types of activations of 16 bits, with the zero point of symmetric ones; in the graph they are int16."""
CODES = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 21: "uint4", 22: "int4", 25: "uint2", 26: "int2"}
_CALIBRATE = "quantize the model to int8, uint8 or int16, or give the float model and calibration data"


def parameters(
    node: OnnxNode, scale: int, zero_point: int, rank: int, default: str, axis: int | None = None
) -> tuple[QParams, str]:
    """Parameters as the model has them, not shifted, and the name of the integer type.

    Args:
        node: the node.
        scale, zero_point: indices of its inputs.
        rank: of the tensor they are for.
        default: the integer type where there is no zero point to say it.
        axis: the axis along which several scales run; by default that of the attribute.

    Raises:
        ModelError: they are computed at run time, damaged, or one per block.
    """
    scales = node.needed(scale, "the scale").real()
    zero_points = node.needed(zero_point, "the zero point") if node.has(zero_point) else None
    if scales.dtype.kind != "f" or not np.isfinite(scales).all() or np.any(scales <= 0) or scales.size == 0:
        raise ModelError("a scale is not a positive number", hint="export the model again")
    name = default if zero_points is None else zero_points.data.dtype.name
    zeros: Array = np.zeros(1, np.int64) if zero_points is None else zero_points.data
    if zeros.size not in (1, scales.size) or scales.ndim > 1:
        hint = "use one scale per tensor or per channel"
        raise ModelError("the zero point does not fit the scale, or scales are of blocks", hint=hint)
    if name not in (*TYPES, *CODES.values()):
        raise ModelError(f"quantization to {name} is not supported", hint=_CALIBRATE)
    zeros = zeros.astype(np.int64)
    if scales.size == 1:
        return QParams.per_tensor(float(scales.reshape(())), int(zeros.reshape(()))), name
    wanted = node.attr_int("axis", 1) if axis is None else axis
    (along,) = (0,) if rank == 1 else normalize_axes([wanted], rank)  # a bias has one axis, whatever is written
    return QParams.per_channel(scales, zeros.ravel(), along), name


def output_type(node: OnnxNode) -> str:
    """The integer type that a QuantizeLinear without a zero point yields.

    Raises:
        ModelError: it is a type of real numbers, or of more than 16 bits.
    """
    code = node.attr_int("output_dtype", 0) or 2
    if code not in CODES:
        raise ModelError("quantization to this type is not supported", hint=_CALIBRATE)
    return CODES[code]


def output_name(node: OnnxNode) -> str:
    """The integer type that a QuantizeLinear yields."""
    return node.needed(2, "the zero point").data.dtype.name if node.has(2) else output_type(node)


def shifted(q: QParams, dtype: str) -> QParams:
    """Parameters of int8 numbers that stand for the same reals."""
    return replace(q, zero_point=tuple(z - 128 for z in q.zero_point)) if dtype == "uint8" else q


def activation_parameters(node: OnnxNode, scale: int, zero_point: int, default: str = "uint8") -> tuple[QParams, DType]:
    """Parameters in which an activation is held, and the type that it has in ONNX; int16 for uint16, too.

    16 bits are symmetric in edgeq: with another zero point the scale becomes the least one that holds the same range.

    Args:
        node: the node.
        scale, zero_point: indices of its inputs.
        default: the integer type where there is no zero point to say it.

    Raises:
        ModelError: they are per channel, or not of 8 or 16 bits.
    """
    q, dtype = parameters(node, scale, zero_point, 2, default)
    if q.axis is not None or len(q.scale) != 1:
        raise ModelError("activations quantized per channel are not supported", hint=_CALIBRATE)
    if dtype in WIDE:
        return _symmetric(node, q, dtype), DType.INT16
    if dtype not in ("int8", "uint8"):
        raise ModelError(f"activations of type {dtype} are not supported", hint=_CALIBRATE)
    return shifted(q, dtype), TYPES[dtype]


def _symmetric(node: OnnxNode, q: QParams, dtype: str) -> QParams:
    """Parameters of int16 numbers with zero point 0 for those of an activation of 16 bits."""
    offset = q.zp - WIDE[dtype]
    if not offset:
        return QParams.per_tensor(q.s, 0, DType.INT16)
    low, high = -(2**15) - offset, 2**15 - 1 - offset
    warn(
        f"{node.inputs[0]} is {dtype} with zero point {q.zp}; edgeq's 16-bit activations are symmetric, so that "
        f"steps are {max(-low, high) / 32767:.2f} times as wide",
        hint="quantize activations symmetrically",
        where=node.name,
    )
    return QParams.per_tensor(q.s * max(-low, high) / 32767, 0, DType.INT16)


def default_type(node: OnnxNode) -> str:
    """The integer type of outputs without a zero point: that of the first computed input of integers, else uint8."""
    operands = (node.operand(k) for k in range(len(node.inputs)) if node.has(k))
    found = (o.integers.value for o in operands if isinstance(o, Activation) and o.integers is not None)
    return next(found, "uint8")


def dequantized_constant(node: OnnxNode, x: Constant, scale: int, zero_point: int, axis: int | None = None) -> Constant:
    """The constant as edgeq keeps it: int8, symmetric int16 or int32 with parameters; all else becomes real numbers.

    Arguments as in `parameters`.

    Raises:
        ModelError: the parameters do not fit the tensor.
    """
    if x.data.dtype.kind == "f":
        raise ModelError("the tensor is not quantized to integers", hint=_CALIBRATE, where=x.name)
    block = node.attr_int("block_size", 0)
    if block:
        (along,) = normalize_axes([node.attr_int("axis", 1)], x.data.ndim)
        offsets = node.needed(zero_point, "the zero point").data if node.has(zero_point) else None
        return dequantized_blocks(node, x, node.needed(scale, "the scale").real(), offsets, along, block)
    q, dtype = parameters(node, scale, zero_point, x.data.ndim, x.data.dtype.name, axis)
    if q.axis is not None and x.data.shape[q.axis] != len(q.scale):
        raise ModelError(f"{len(q.scale)} scales do not fit axis {q.axis} of {x.data.shape}", hint="check the axis")
    if dtype != x.data.dtype.name:
        raise ModelError(f"data of {x.data.dtype.name} with a zero point of {dtype}", hint="export the model again")
    if dtype == "uint8":
        return Constant(x.name, (x.data.astype(np.int16) - 128).astype(np.int8), shifted(q, dtype))
    if dtype in NARROW:
        node.builder.narrow.add(4 if dtype in ("int4", "uint4") else 2)
        middle = (sum(NARROW[dtype]) + 1) // 2  # weights around it are symmetric ones
        zeros = tuple(z - middle for z in q.zero_point)
        return Constant(x.name, (x.data.astype(np.int8) - middle).astype(np.int8), replace(q, zero_point=zeros))
    if dtype == "int16" and q.axis is None and not q.zp:
        return Constant(x.name, x.data, replace(q, stored=DType.INT16))
    if dtype in ("int8", "int32"):
        return Constant(x.name, x.data, q)
    return Constant(x.name, q.dequantize(x.data))


def dequantized(node: OnnxNode, index: int, scale: int, zero_point: int) -> Operand:
    """The real tensor that a quantized input stands for.

    Raises:
        ModelError: the tensor was quantized with other parameters.
    """
    operand = node.operand(index)
    if isinstance(operand, Constant):
        return dequantized_constant(node, operand, scale, zero_point)
    if operand.integers is None:
        raise ModelError("the input is not quantized", hint="export the model again")
    q, dtype = activation_parameters(node, scale, zero_point, operand.integers.value)
    known = node.type(operand.value).q
    if dtype is not operand.integers:
        why = f"the input holds {operand.integers.value}, the zero point is of type {dtype.value}"
        raise ModelError(why, hint="give the zero point the type of the integers")
    if known is not None and known != q:
        raise ModelError("the input was quantized with other parameters", hint="use the same scale and zero point")
    if known is None:
        annotate_integers(node, operand.value, q)
    return Activation(operand.value)


def annotate_integers(node: OnnxNode, value: str, q: QParams) -> None:
    """Prescribe parameters for integers, and for the model's inputs from which they were only moved."""
    editor, stack = node.builder.editor, [value]
    while stack:
        name = stack.pop()
        if editor.values[name].data is not None or editor.values[name].type.q is not None:
            continue
        node.builder.annotate(name, q)
        producer = node.builder.producer.get(name)
        stack.extend(i for i in (editor.nodes[producer].inputs if producer else ()) if i is not None)


def quantized(node: OnnxNode, value: str, q: QParams) -> str:
    """The value held with parameters q: the value itself if it has none yet, else requantized."""
    known = node.type(value).q
    if known == q:
        return value
    if known is None:
        node.builder.annotate(value, q)
        return value
    changed = node.emit(Requantize(), [value], "requantize")
    node.builder.annotate(changed, q)
    return changed


def _warn_of_readers(node: OnnxNode, q: QParams) -> None:
    """A tensor of the graph has one set of parameters (docs/adr/0001), also for those that read it as it is."""
    low, high = q.dequantize(np.array([-128, 127], np.int8)).tolist()
    warn(
        f"{node.inputs[0]} is also read past its QuantizeLinear, and cut to {low:.4g} … {high:.4g} there, too",
        hint="quantize it before all that reads it, or give edgeq the float model",
        where=node.name,
        strict=ModelError,
    )


def _cut(node: OnnxNode, value: str) -> None:
    """Let the layer that computes a value saturate where integers of 16 bits with a zero point do.

    They become symmetric ones, which reach further on one side; a quantizer drops the Relu that they are as good as.
    """
    given, name = parameters(node, 1, 2, 2, output_type(node))
    if name not in WIDE or given.zp == WIDE[name]:
        return
    editor = node.builder.editor
    makers = {out: maker for maker in editor.nodes.values() for out in maker.outputs}
    layer = makers.get(value)
    while layer is not None and layer.op.pattern is Pattern.REARRANGEMENT:
        layer = makers.get(layer.inputs[0] or "")
    if layer is None or layer.op.fused_clamp != NO_CLAMP:
        return
    low, high = ((bound - given.zp) * given.s for bound in (np.iinfo(name).min, np.iinfo(name).max))
    editor.nodes[layer.name] = replace(layer, op=layer.op.with_clamp((float(low), float(high))))


@handles("QuantizeLinear")
@handles("QuantizeLinear", domain="com.microsoft")
def fixed_parameters(node: OnnxNode) -> None:
    """Parameters for a tensor; a constant is quantized here. With a scale of run time the result is whole numbers."""
    if node.constant(1) is None:
        from edgeq.importers.onnx.whole_products import quantize_linear

        quantize_linear(node)
        return
    operand = node.operand(0)
    if isinstance(operand, Activation):
        q, dtype = activation_parameters(node, 1, 2, output_type(node))
        if node.type(operand.value).q is None and node.inputs[0] in node.builder.read_as_real:
            _warn_of_readers(node, q)
        if node.outputs[0] in node.builder.source.outputs and output_name(node) == "uint16":
            raise ModelError("an output of type uint16 is not supported", hint="end with a DequantizeLinear, or int16")
        _cut(node, operand.value)
        node.result(quantized(node, operand.value, q), integers=dtype)
        return
    q, name = parameters(node, 1, 2, operand.data.ndim, output_type(node))
    if name not in CODES.values():
        raise ModelError(f"quantization to {name} is not supported", hint=_CALIBRATE)
    real = node.reals(0, "the tensor").astype(np.float32)
    spread = [1] * real.ndim
    if q.axis is not None:
        spread[q.axis] = len(q.scale)
    scale = np.asarray(q.scale, np.float32).reshape(spread)
    zeros = np.asarray(q.zero_point, np.int64).reshape(spread)
    code = next(c for c, n in CODES.items() if n == name)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(code)
    low, high = NARROW[name] if name in NARROW else (np.iinfo(name).min, np.iinfo(name).max)
    node.result_constant(np.clip(np.rint(real / scale) + zeros, low, high).astype(dtype).reshape(real.shape))


@handles("DequantizeLinear", integers=True)
@handles("DequantizeLinear", domain="com.microsoft", integers=True)
def dequantize_linear(node: OnnxNode) -> None:
    """The real tensor behind integers: the same value of the graph, or a constant with parameters."""
    operand = dequantized(node, 0, 1, 2)
    if isinstance(operand, Activation):
        node.result(operand.value)
    else:
        node.result_constant(operand.data, 0, operand.q, operand.blocks)
