"""Convolutions, matrix products and pools."""

from __future__ import annotations

from edgeq.importers.tflite.axes import check_window, same_padding
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import AGAIN, PACKED, Problem, RawOp, short_name
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.tensors import SHIFT
from edgeq.ir.tensor import LEAST_SCALE, DType, QParams, Shape
from edgeq.ops._requant import NO_CLAMP
from edgeq.ops._window import Pair
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose

CONSTANT_WEIGHTS = "weights must be constants: export the model for inference, with frozen variables"


def image(b: Builder, op: RawOp, position: int) -> tuple[str, Shape]:
    """An operand that is an image (N, H, W, C)."""
    x = b.operand(op, position)
    shape = b.shape(x)
    if len(shape) != 4:
        raise Problem(f"its input has shape {shape}, not four dimensions")
    return x, shape


def weights(b: Builder, op: RawOp, position: int, permute: tuple[int, ...] = (), shape: Shape | None = None) -> str:
    """A constant weight operand; dequantized where the operator computes in float."""
    if position >= len(op.inputs) or not b.is_constant(op.inputs[position]):
        raise Problem("its weights are computed at run time", CONSTANT_WEIGHTS)
    index = op.inputs[position]
    layout = f"{permute}{shape}"
    name = b.constant(index, layout, permute, shape)
    tensor = b.tensor(index)
    if b.is_quantized(op):
        if tensor.dtype not in (*SHIFT, *PACKED):
            raise Problem(
                f"its weights are {tensor.dtype} where its activations are 8-bit", "quantize the weights to int8"
            )
        return name
    value = b.editor.values[name]
    if value.type.q is None or value.data is None:
        return name
    b.widened.add(index)
    return b.editor.constant(name, value.type.q.dequantize(value.data))


def bias(b: Builder, op: RawOp, position: int, x: str, w: str, channels: int) -> str | None:
    """An optional constant bias; its scale is s_in·s_w whatever the file says, as the arithmetic requires."""
    if position >= len(op.inputs) or op.inputs[position] < 0:
        return None
    index = op.inputs[position]
    tensor = b.tensor(index)
    data = b.stored(index)
    if data is None:
        raise Problem("its bias is computed at run time", CONSTANT_WEIGHTS)
    if data.size != channels:
        raise Problem(f"its bias {tensor.label} has {data.size} elements for {channels} channels")
    q_x, q_w = b.q_of(x), b.q_of(w)
    wide = q_x is not None and q_x.integers is DType.INT16
    if not b.is_quantized(op):
        name = b.real_constant(index)
    elif tensor.dtype == ("INT64" if wide else "INT32"):
        if q_x is None or q_w is None:
            raise Problem("its input or its weights have no scale", "quantize the model fully")
        scale = [max(q_x.s * s, LEAST_SCALE) for s in q_w.scale]
        q = QParams.per_tensor(scale[0], 0) if len(scale) == 1 else QParams.per_channel(scale, 0, 0)
        name = b.editor.constant(short_name(tensor.name), data.reshape(channels), q)
    else:
        raise Problem(f"its bias {tensor.label} is {tensor.dtype}, not {'int64' if wide else 'int32'}")
    if b.shape(name) != (channels,):
        raise Problem(f"its bias {tensor.label} has shape {b.shape(name)}")
    return name


def hw(op: RawOp, prefix: str, suffix: str = "") -> Pair:
    """A pair of options for rows and columns."""
    return (op.option(f"{prefix}H{suffix}"), op.option(f"{prefix}W{suffix}"))


@handles("CONV_2D")
def conv_2d(b: Builder, op: RawOp) -> None:
    """Weights (OC, KH, KW, C/groups), as edgeq has them; groups show only in the channel counts."""
    x, shape = image(b, op, 0)
    w = weights(b, op, 1)
    oc, kh, kw, ic = four(b, w)
    if ic == 0 or shape[3] % ic:
        raise Problem(f"{shape[3]} input channels do not fit weights {b.shape(w)}")
    stride, dilation = hw(op, "Stride"), hw(op, "Dilation", "Factor")
    padding = same_padding((shape[1], shape[2]), (kh, kw), stride, dilation, op.option("Padding"))
    node = Conv2D(stride, dilation, padding, shape[3] // ic, b.clamp(op))
    b.emit(op, node, [x, w, bias(b, op, 2, x, w, oc)])


def four(b: Builder, w: str) -> tuple[int, int, int, int]:
    """The shape of four-dimensional weights."""
    shape = b.shape(w)
    if len(shape) != 4 or 0 in shape:
        raise Problem(f"its weights have shape {shape}, not four dimensions")
    return shape[0], shape[1], shape[2], shape[3]


@handles("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(b: Builder, op: RawOp) -> None:
    """Weights (1, KH, KW, C·M) become (KH, KW, C·M)."""
    x, shape = image(b, op, 0)
    stored = b.tensor(op.inputs[1]).shape if len(op.inputs) > 1 else ()
    if len(stored) != 4 or stored[0] != 1:
        raise Problem(f"its weights have shape {stored}, not (1, KH, KW, C·M)")
    w = weights(b, op, 1, shape=stored[1:])
    kh, kw, oc = b.shape(w)
    stride, dilation = hw(op, "Stride"), hw(op, "Dilation", "Factor")
    padding = same_padding((shape[1], shape[2]), (kh, kw), stride, dilation, op.option("Padding"))
    b.emit(op, DepthwiseConv2D(stride, dilation, padding, b.clamp(op)), [x, w, bias(b, op, 2, x, w, oc)])


@handles("TRANSPOSE_CONV")
def transpose_conv(b: Builder, op: RawOp) -> None:
    """Inputs: output shape, weights (OC, KH, KW, C), x, bias. The output shape decides what is cut off or added."""
    x, shape = image(b, op, 2)
    spread(b, op, x, shape, b.required(op, 0), op.option("Padding"), 3)


SAME_OR_VALID = {1: 0, 2: 1}
"""Paddings as LiteRT's code numbers them, and as its files do."""


@handles("CUSTOM Convolution2DTransposeBias")
def transpose_conv_bias(b: Builder, op: RawOp) -> None:
    """MediaPipe's transposed convolution. Inputs: x, weights (OC, KH, KW, C), bias."""
    x, shape = image(b, op, 0)
    padding, stride = SAME_OR_VALID.get(op.option("Padding")), hw(op, "Stride")
    if padding is None:
        raise Problem(f"its padding is {op.option('Padding')}, neither SAME nor VALID", AGAIN)
    oc, kh, kw, _ = four(b, weights(b, op, 1))
    check_window((kh, kw), stride, (1, 1))
    declared = b.tensor(op.outputs[0])
    rows, columns = (
        n * s if padding == 0 else (n - 1) * s + max(k, s) for n, s, k in zip(shape[1:3], stride, (kh, kw), strict=True)
    )
    given = () if b.reshaped or declared.dynamic else declared.shape
    spread(b, op, x, shape, given or (shape[0], rows, columns, oc), padding, 2)


def spread(b: Builder, op: RawOp, x: str, shape: Shape, target: Shape, padding: int, place: int) -> None:
    """A transposed convolution to an output shape, whose bias is the operand at `place`."""
    w = weights(b, op, 1)
    oc, kh, kw, _ = four(b, w)
    if len(target) != 4:
        raise Problem(f"its output shape is {target}")
    stride = hw(op, "Stride")
    check_window((kh, kw), stride, (1, 1))
    if any(not 0 < n < 2**16 for n in target[1:3]):
        raise Problem(f"its output shape is {target}")
    cut = same_padding((target[1], target[2]), (kh, kw), stride, (1, 1), padding)
    after, extra = [], []
    for i, kernel in enumerate((kh, kw)):
        surplus = (shape[1 + i] - 1) * stride[i] + kernel - cut[i] - target[1 + i]
        after.append(max(surplus, 0))
        extra.append(max(-surplus, 0))
    clamp = b.clamp(op) if op.kind == "TRANSPOSE_CONV" else NO_CLAMP
    node = ConvTranspose2D(
        stride=stride, padding=(cut[0], cut[1], after[0], after[1]), output_padding=(extra[0], extra[1]), clamp=clamp
    )
    b.emit(op, node, [x, w, bias(b, op, place, x, w, oc)])


@handles("FULLY_CONNECTED")
def fully_connected(b: Builder, op: RawOp) -> None:
    """The input is flattened to rows of K elements; the output keeps its leading dimensions only on request."""
    if op.option("WeightsFormat"):
        raise Problem("its weights are shuffled for another library", "convert the model without that option")
    x = b.operand(op, 0)
    if len(op.inputs) > 1 and op.inputs[1] >= 0 and not b.is_constant(op.inputs[1]):
        product_of_activations(b, op, x)
        return
    w = weights(b, op, 1)
    if len(b.shape(w)) != 2 or 0 in b.shape(w):
        raise Problem(f"its weights have shape {b.shape(w)}, not (OC, K)")
    oc, k = b.shape(w)
    x = rows(b, op, x, k)
    b.emit(op, FullyConnected(b.clamp(op)), [x, w, bias(b, op, 2, x, w, oc)])


def rows(b: Builder, op: RawOp, x: str, k: int) -> str:
    """x as FULLY_CONNECTED takes it: (rows, K), or its own shape where that is kept."""
    shape = b.shape(x)
    size = 1
    for d in shape:
        size *= d
    if size % k:
        raise Problem(f"an input of shape {shape} is not rows of {k} elements")
    wanted = shape if op.option("KeepNumDims") and shape[-1] == k else (size // k, k)
    return x if shape == wanted else b.step(Reshape(wanted), [x], f"{x}/rows", b.q_of(x))


def product_of_activations(b: Builder, op: RawOp, x: str) -> None:
    """FULLY_CONNECTED whose weights are computed at run time is a matrix product."""
    w = b.operand(op, 1)
    if len(b.shape(w)) != 2 or (len(op.inputs) > 2 and op.inputs[2] >= 0) or op.option("FusedActivationFunction"):
        raise Problem("its weights are computed at run time", CONSTANT_WEIGHTS)
    x = rows(b, op, x, b.shape(w)[1])
    w = b.step(Transpose((1, 0)), [w], f"{w}/transposed", b.q_of(w))
    b.emit(op, MatMul(), [x, w])


@handles("BATCH_MATMUL")
def batch_matmul(b: Builder, op: RawOp) -> None:
    """A product whose right side is a constant matrix is a fully connected layer.

    In 8 bits it is a 1×1 convolution instead, which rounds as BATCH_MATMUL does and FULLY_CONNECTED does not.
    """
    x = b.operand(op, 0)
    x = transposed(b, x) if op.option("AdjX") else x
    right = op.inputs[1] if len(op.inputs) > 1 else -1
    if b.is_constant(right):
        shape = b.tensor(right).shape
        if len(shape) >= 2 and all(d == 1 for d in shape[:-2]) and b.tensor(right).dtype != "INT16":
            constant_right(b, op, x, shape)
            return
    y = b.operand(op, 1)
    y = transposed(b, y) if op.option("AdjY") else y
    b.emit(op, MatMul(), [x, y])


def transposed(b: Builder, x: str) -> str:
    """x with its last two axes exchanged."""
    rank = len(b.shape(x))
    if rank < 2:
        raise Problem(f"an operand has shape {b.shape(x)}")
    perm = (*range(rank - 2), rank - 1, rank - 2)
    return b.step(Transpose(perm), [x], f"{x}/transposed", b.q_of(x))


def constant_right(b: Builder, op: RawOp, x: str, shape: Shape) -> None:
    """x (…, K) times a constant (K, N), or (N, K) when it is stored transposed."""
    rank, swap = len(shape), not op.option("AdjY")
    k, n = (shape[-2], shape[-1]) if swap else (shape[-1], shape[-2])
    permute = (*range(rank - 2), rank - 1, rank - 2) if swap else ()
    out = (*((1,) * (rank - len(b.shape(x)))), *b.shape(x)[:-1], n)
    if b.shape(x)[-1] != k:
        raise Problem(f"{b.shape(x)} cannot be multiplied by {shape}")
    if not b.is_quantized(op):
        w = weights(b, op, 1, permute, (n, k))
        if out[:-1] != b.shape(x)[:-1]:
            x = b.step(Reshape((*out[:-1], k)), [x], f"{x}/rows", b.q_of(x))
        b.emit(op, FullyConnected(), [x, w])
        return
    quant = b.tensor(op.inputs[1]).quant
    if quant is not None and quant.scale.size > 1:
        raise Problem("its weights are quantized per channel", "quantize them per tensor")
    w = weights(b, op, 1, permute, (n, 1, 1, k))
    count = 1
    for d in out[:-1]:
        count *= d
    flat = b.step(Reshape((1, 1, count, k)), [x], f"{x}/rows", b.q_of(x))
    y = b.step(Conv2D(), [flat, w, None], f"{x}/product", b.output_q(op))
    b.emit(op, Reshape(out), [y])


@handles("MAX_POOL_2D", "AVERAGE_POOL_2D")
def pool_2d(b: Builder, op: RawOp) -> None:
    """Padding is ignored: it counts neither for the maximum nor for the mean."""
    x, shape = image(b, op, 0)
    kernel, stride = (op.option("FilterHeight"), op.option("FilterWidth")), hw(op, "Stride")
    padding = same_padding((shape[1], shape[2]), kernel, stride, (1, 1), op.option("Padding"))
    x = b.matched(x, b.output_q(op))
    if op.kind == "MAX_POOL_2D":
        b.emit(op, MaxPool2D(kernel=kernel, stride=stride, padding=padding, clamp=b.clamp(op)), [x])
    else:
        b.emit(op, AveragePool2D(kernel, stride, padding, False, b.clamp(op), b.is_legacy(op)), [x])
