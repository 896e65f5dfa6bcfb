"""How each operator is said in ONNX, between dequantized inputs and the quantization of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.ir.graph import Node
from edgeq.ir.tensor import QParams
from edgeq.ops._requant import NO_CLAMP

if TYPE_CHECKING:
    from edgeq.quantize.qdq_export import QdqWriter

Exporter = Callable[["QdqWriter", Node], None]


def _moved(q: QParams, axis: int) -> QParams:
    """Parameters whose channels lie along another axis."""
    return q if q.axis is None else QParams(q.scale, q.zero_point, axis)


def _weight(w: QdqWriter, node: Node, perm: tuple[int, ...], axis: int) -> str:
    """The weights, transposed, with their channels along `axis`."""
    name = str(node.inputs[1])
    type, data = w.graph.type(name), w.graph.data(name)
    assert data is not None
    return w.dequantized(f"{node.name}_weight", data.transpose(perm), _moved(type.qp, axis), type.dtype)


def _bias(w: QdqWriter, node: Node) -> list[str]:
    name = node.inputs[2] if len(node.inputs) > 2 else None
    if name is None:
        return []
    type, data = w.graph.type(name), w.graph.data(name)
    assert data is not None
    return [w.dequantized(f"{node.name}_bias", data, type.qp, type.dtype)]


def _done(w: QdqWriter, node: Node, tensor: str, nchw: bool = False) -> None:
    """Finish a node with one output: fused activation, then quantization."""
    clamp = getattr(node.op, "clamp", NO_CLAMP)
    w.write(node.outputs[0], w.clamped(tensor, node.outputs[0], clamp), nchw)


def _first(w: QdqWriter, node: Node, nchw: bool = False) -> str:
    return w.read(str(node.inputs[0]), nchw)


def _conv2d(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    inputs = [_first(w, node, True), _weight(w, node, (0, 3, 1, 2), 0), *_bias(w, node)]
    (y,) = w.add("Conv", inputs, node.name, strides=op.stride, dilations=op.dilation, pads=op.padding, group=op.groups)
    _done(w, node, y, True)


def _depthwise(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    kh, kw, channels = w.graph.type(str(node.inputs[1])).shape
    name = str(node.inputs[1])
    type, data = w.graph.type(name), w.graph.data(name)
    assert data is not None
    planes = data.transpose(2, 0, 1).reshape(channels, 1, kh, kw)
    weight = w.dequantized(f"{node.name}_weight", planes, _moved(type.qp, 0), type.dtype)
    group = w.graph.type(str(node.inputs[0])).shape[3]
    inputs = [_first(w, node, True), weight, *_bias(w, node)]
    (y,) = w.add("Conv", inputs, node.name, strides=op.stride, dilations=op.dilation, pads=op.padding, group=group)
    _done(w, node, y, True)


def _conv_transpose(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    oc, kh, kw, per_in = w.graph.type(str(node.inputs[1])).shape
    weight = _weight(w, node, (0, 3, 1, 2), 0)
    # ONNX wants (C, OC/groups, KH, KW), in which channels of several groups share an index: hence after dequantization.
    split = w.constant(f"{node.name}_weight_shape", np.array([op.groups, oc // op.groups, per_in, kh, kw]))
    joined = w.constant(f"{node.name}_weight_shape", np.array([op.groups * per_in, oc // op.groups, kh, kw]))
    (weight,) = w.add("Reshape", [weight, split], f"{node.name}_weight_split")
    (weight,) = w.add("Transpose", [weight], f"{node.name}_weight_moved", perm=(0, 2, 1, 3, 4))
    (weight,) = w.add("Reshape", [weight, joined], f"{node.name}_weight_joined")
    (y,) = w.add(
        "ConvTranspose",
        [_first(w, node, True), weight, *_bias(w, node)],
        node.name,
        strides=op.stride,
        dilations=op.dilation,
        pads=op.padding,
        output_padding=op.output_padding,
        group=op.groups,
    )
    _done(w, node, y, True)


def _fully_connected(w: QdqWriter, node: Node) -> None:
    x, y = w.graph.type(str(node.inputs[0])).shape, w.graph.type(node.outputs[0]).shape
    tensor = _first(w, node)
    if len(x) != 2:
        (tensor,) = w.add("Reshape", [tensor, w.constant(f"{node.name}_shape", np.array([-1, x[-1]]))], node.name)
    (tensor,) = w.add("Gemm", [tensor, _weight(w, node, (0, 1), 0), *_bias(w, node)], node.name, transB=1)
    if len(x) != 2:
        (tensor,) = w.add("Reshape", [tensor, w.constant(f"{node.name}_shape", np.array(y))], node.name)
    _done(w, node, tensor)


def _max_pool(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    (y,) = w.add(
        "MaxPool",
        [_first(w, node, True)],
        node.name,
        kernel_shape=op.kernel,
        strides=op.stride,
        dilations=op.dilation,
        pads=op.padding,
    )
    _done(w, node, y, True)


def _average_pool(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    (y,) = w.add(
        "AveragePool",
        [_first(w, node, True)],
        node.name,
        kernel_shape=op.kernel,
        strides=op.stride,
        pads=op.padding,
        count_include_pad=int(op.count_include_pad),
    )
    _done(w, node, y, True)


def _elementwise(kind: str) -> Exporter:
    """An operator whose operands are broadcast: it works in NCHW where one of them is held so."""

    def export(w: QdqWriter, node: Node) -> None:
        names = [str(i) for i in node.inputs]
        rank = len(w.graph.type(node.outputs[0]).shape)
        computed = [n for n in names if w.graph.data(n) is None]
        nchw = any(w.is_nchw(n) for n in computed) and all(len(w.graph.type(n).shape) == 4 for n in computed)
        (y,) = w.add(kind, [w.read(n, nchw, rank) for n in names], node.name)
        _done(w, node, y, nchw)

    return export


def _unary(kind: str, *fields: str) -> Exporter:
    """An operator of one input; `fields` are attributes with the same name in ONNX."""

    def export(w: QdqWriter, node: Node) -> None:
        nchw = w.is_nchw(str(node.inputs[0]))
        attributes: dict[str, Any] = {name: float(getattr(node.op, name)) for name in fields}
        (y,) = w.add(kind, [_first(w, node, nchw)], node.name, **attributes)
        _done(w, node, y, nchw)

    return export


def _composed(build: Callable[[QdqWriter, Node, str], str]) -> Exporter:
    """An elementwise operator of one input made of several of ONNX's."""

    def export(w: QdqWriter, node: Node) -> None:
        nchw = w.is_nchw(str(node.inputs[0]))
        _done(w, node, build(w, node, _first(w, node, nchw)), nchw)

    return export


def _with(w: QdqWriter, node: Node, kind: str, x: str, number: float) -> str:
    return w.add(kind, [x, w.constant(f"{node.name}_constant", np.float32(number))], node.name)[0]


def _clip(w: QdqWriter, node: Node, x: str) -> str:
    op: Any = node.op
    low, high = (w.constant(f"{node.name}_bound", np.float32(b)) if np.isfinite(b) else "" for b in (op.low, op.high))
    return w.add("Clip", [x, low, high], node.name)[0]


def _hard_swish(w: QdqWriter, node: Node, x: str) -> str:
    (gate,) = w.add("HardSigmoid", [x], node.name, alpha=1.0 / 6.0, beta=0.5)
    return w.add("Mul", [x, gate], node.name)[0]


def _gelu(w: QdqWriter, node: Node, x: str) -> str:
    op: Any = node.op
    if op.approximate:
        cube = _with(w, node, "Mul", w.add("Mul", [w.add("Mul", [x, x], node.name)[0], x], node.name)[0], 0.044715)
        inner = _with(w, node, "Mul", w.add("Add", [x, cube], node.name)[0], sqrt(2.0 / np.pi))
        (gate,) = w.add("Tanh", [inner], node.name)
    else:
        (gate,) = w.add("Erf", [_with(w, node, "Mul", x, sqrt(0.5))], node.name)
    half = _with(w, node, "Mul", _with(w, node, "Add", gate, 1.0), 0.5)
    return w.add("Mul", [x, half], node.name)[0]


def _rsqrt(w: QdqWriter, node: Node, x: str) -> str:
    return w.add("Reciprocal", w.add("Sqrt", [x], node.name), node.name)[0]


def _square(w: QdqWriter, node: Node, x: str) -> str:
    return w.add("Mul", [x, x], node.name)[0]


def _pow(w: QdqWriter, node: Node, x: str) -> str:
    op: Any = node.op
    return _with(w, node, "Pow", x, op.exponent)


def _requantize(w: QdqWriter, node: Node, x: str) -> str:
    return x


def _plain(kind: str, attributes: Callable[[Any], dict[str, Any]]) -> Exporter:
    """An operator that reads and writes the graph's own layout."""

    def export(w: QdqWriter, node: Node) -> None:
        (y,) = w.add(kind, [w.read(str(i)) for i in node.inputs], node.name, **attributes(node.op))
        _done(w, node, y)

    return export


def _nothing(op: Any) -> dict[str, Any]:
    return {}


def _axis(op: Any) -> dict[str, Any]:
    return {"axis": op.axis}


def _reduced(op: Any) -> dict[str, Any]:
    return {"axes": op.axes, "keepdims": int(op.keepdims)}


def _sum(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    axes = w.constant(f"{node.name}_axes", np.array(op.axes, np.int64))
    (y,) = w.add("ReduceSum", [_first(w, node), axes], node.name, keepdims=int(op.keepdims))
    _done(w, node, y)


def _split(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    sizes = w.constant(f"{node.name}_sizes", np.array(op.sizes, np.int64))
    parts = w.add("Split", [_first(w, node), sizes], node.name, outputs=len(node.outputs), axis=op.axis)
    for value, tensor in zip(node.outputs, parts, strict=True):
        w.write(value, tensor)


def _slice(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    # To ONNX a negative end counts from the back; "before the first element" is a number far below.
    ends = [e if e >= 0 else -(2**31) for e in op.end]
    lists = (op.begin, ends, range(len(op.begin)), op.step)
    bounds = [w.constant(f"{node.name}_bounds", np.array(list(v), np.int64)) for v in lists]
    (y,) = w.add("Slice", [_first(w, node), *bounds], node.name)
    _done(w, node, y)


def _pad(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    inputs = [_first(w, node), w.constant(f"{node.name}_pads", np.array([*op.before, *op.after], np.int64))]
    if op.mode == "constant":
        inputs.append(w.constant(f"{node.name}_value", np.float32(op.value)))
    (y,) = w.add("Pad", inputs, node.name, mode=op.mode)
    _done(w, node, y)


def _reshape(w: QdqWriter, node: Node) -> None:
    shape = w.constant(f"{node.name}_shape", np.array(w.graph.type(node.outputs[0]).shape, np.int64))
    (y,) = w.add("Reshape", [_first(w, node), shape], node.name)
    _done(w, node, y)


def _resize(w: QdqWriter, node: Node) -> None:
    op: Any = node.op
    batch, height, width, channels = w.graph.type(node.outputs[0]).shape
    sizes = w.constant(f"{node.name}_sizes", np.array([batch, channels, height, width], np.int64))
    attributes: dict[str, Any] = {"mode": "linear" if op.mode == "bilinear" else "nearest"}
    if op.mode == "nearest":
        attributes["nearest_mode"] = op.nearest_rounding
    (y,) = w.add(
        "Resize",
        [_first(w, node, True), "", "", sizes],
        node.name,
        coordinate_transformation_mode=op.coordinates,
        **attributes,
    )
    _done(w, node, y, True)


EXPORTERS: dict[str, Exporter] = {
    "Conv2D": _conv2d,
    "DepthwiseConv2D": _depthwise,
    "ConvTranspose2D": _conv_transpose,
    "FullyConnected": _fully_connected,
    "MatMul": _plain("MatMul", _nothing),
    "MaxPool2D": _max_pool,
    "AveragePool2D": _average_pool,
    "Add": _elementwise("Add"),
    "Sub": _elementwise("Sub"),
    "Mul": _elementwise("Mul"),
    "Div": _elementwise("Div"),
    "Minimum": _elementwise("Min"),
    "Maximum": _elementwise("Max"),
    "PRelu": _elementwise("PRelu"),
    "Clip": _composed(_clip),
    "LeakyRelu": _unary("LeakyRelu", "alpha"),
    "Sigmoid": _unary("Sigmoid"),
    "Tanh": _unary("Tanh"),
    "HardSwish": _composed(_hard_swish),
    "HardSigmoid": _unary("HardSigmoid", "alpha", "beta"),
    "Elu": _unary("Elu", "alpha"),
    "Gelu": _composed(_gelu),
    "Erf": _unary("Erf"),
    "Exp": _unary("Exp"),
    "Log": _unary("Log"),
    "Sqrt": _unary("Sqrt"),
    "Rsqrt": _composed(_rsqrt),
    "Abs": _unary("Abs"),
    "Neg": _unary("Neg"),
    "Square": _composed(_square),
    "Pow": _composed(_pow),
    "Requantize": _composed(_requantize),
    "Mean": _plain("ReduceMean", _reduced),
    "Sum": _sum,
    "ReduceMax": _plain("ReduceMax", _reduced),
    "Softmax": _plain("Softmax", _axis),
    "LogSoftmax": _plain("LogSoftmax", _axis),
    "Concat": _plain("Concat", _axis),
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Reshape": _reshape,
    "Transpose": _plain("Transpose", lambda op: {"perm": op.perm}),
    "Resize": _resize,
}
