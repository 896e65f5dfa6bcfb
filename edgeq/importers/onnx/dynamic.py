"""Layers that quantize their input at run time, as layers of real numbers with the weights that the file has.

Quantizers write DynamicQuantizeLinear, MatMulInteger or ConvInteger, Cast, and products with both scales; onnxruntime
joins them into operators of its own. Such a layer is the float layer but for the rounding of its input, which is
quantized by what calibration shows, as all activations are. The operators by themselves are computed as ONNX says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from onnx import TensorProto, helper

from edgeq.errors import ModelError
from edgeq.importers.onnx.model import Source
from edgeq.ir.tensor import Shape
from edgeq.warnings import warn

INTEGER = {"MatMulInteger": "MatMul", "ConvInteger": "Conv"}
"""Products of integers, and those of the real numbers behind them."""
MS = "com.microsoft"
_WHAT = "The product of real numbers with the integer weights of the file, which the input's rounding is left out of."
JOINED = dict.fromkeys(("DynamicQuantizeMatMul", "MatMulIntegerToFloat"), _WHAT)
"""onnxruntime's operators, and what is taken of them."""
_ALONE = ("", "ai.onnx")


class Tensors:
    """Who makes a tensor of a model, who reads it, and what is stored."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.maker = {name: message for message in source.nodes for name in message.output if name}
        self.readers: dict[str, list[Any]] = {}
        for message in source.nodes:
            for name in dict.fromkeys(message.input):
                self.readers.setdefault(name, []).append(message)
        self.names = {*self.maker, *source.initializers, *source.inputs, *source.node_names}

    def made_by(self, name: str, kind: str) -> Any | None:
        """The node that makes a tensor, if it is an operator of that kind of ONNX's own."""
        message = self.maker.get(name)
        return message if message is not None and message.op_type == kind and message.domain in _ALONE else None

    def only_reader(self, name: str, kind: str) -> Any | None:
        """The only node that reads a tensor, if it is of that kind; None also for an output of the model."""
        found = self.readers.get(name, [])
        if len(found) != 1 or name in self.source.outputs:
            return None
        message = found[0]
        return message if message.op_type == kind and message.domain in _ALONE else None

    def stored_shape(self, name: str) -> Shape | None:
        """The shape of a tensor that the file stores; None for others."""
        tensor = self.source.initializers.get(name)
        constant = self.made_by(name, "Constant")
        if constant is not None:
            tensor = next((a.t for a in constant.attribute if a.name == "value"), None)
        return None if tensor is None else tuple(tensor.dims)

    def fresh(self, hint: str) -> str:
        """A name that nothing has; nothing else gets it."""
        name, count = hint, 1
        while name in self.names:
            count += 1
            name = f"{hint}_{count}"
        self.names.add(name)
        return name


@dataclass(frozen=True)
class Factor:
    """An operand of a product of integers.

    Attributes:
        name: of the real tensor, or of the stored integers.
        scale: of what was quantized at run time; "": it is not known yet.
        zero: of the zero point of stored integers, "" where they have none.
        channels: dimensions of stored integers; None for what is quantized at run time.
    """

    name: str
    scale: str
    zero: str = ""
    channels: Shape | None = None


@dataclass(frozen=True)
class Layer:
    """A product of integers whose result is made real again.

    Attributes:
        message: the product.
        factors: its operands.
        scales: of each of them.
        end: the node whose output is the real product.
    """

    message: Any
    factors: tuple[Factor, ...]
    scales: tuple[str, ...]
    end: Any


def _factor(tensors: Tensors, message: Any, index: int) -> Factor | None:
    name = message.input[index]
    zero = message.input[index + 2] if len(message.input) > index + 2 else ""
    maker = tensors.made_by(name, "DynamicQuantizeLinear")
    if maker is not None and len(maker.output) == 3 and name == maker.output[0]:
        return Factor(maker.input[0], maker.output[1]) if zero == maker.output[2] else None
    shape = tensors.stored_shape(name)
    return None if shape is None else Factor(name, "", zero, shape)


def _leaves(tensors: Tensors, name: str, depth: int = 0) -> Iterator[str]:
    """The factors of a product of products."""
    maker = tensors.made_by(name, "Mul")
    if maker is None or depth > 2:
        yield name
        return
    for operand in maker.input:
        yield from _leaves(tensors, operand, depth + 1)


def _fits(tensors: Tensors, factor: Factor, scale: str, kind: str, index: int) -> bool:
    """Whether a stored scale is that of stored integers, for all of them or for each column of a second matrix."""
    shape, zero = tensors.stored_shape(scale), tensors.stored_shape(factor.zero) if factor.zero else ()
    if shape is None or zero is None or factor.channels is None:
        return False
    columns = factor.channels[-1:] if kind == "MatMulInteger" and index == 1 else ()
    return all(s in ((), (1,), columns) for s in (shape, zero)) and zero in ((), (1,), shape)


def _scales(tensors: Tensors, factors: Sequence[Factor], leaves: Sequence[str], kind: str) -> tuple[str, ...] | None:
    """Which of the factors that a product is multiplied with is the scale of which operand."""
    left, found = list(leaves), [factor.scale for factor in factors]
    for scale in filter(None, found):
        if scale not in left:
            return None
        left.remove(scale)
    for index, factor in enumerate(factors):
        if not factor.scale:
            fitting = [s for s in left if _fits(tensors, factor, s, kind, index)]
            if len(fitting) != 1:
                return None
            found[index] = fitting[0]
            left.remove(fitting[0])
    return tuple(found) if not left else None


def _layer(tensors: Tensors, message: Any) -> Layer | None:
    """The layer that a product of integers is part of; None: its integers are wanted as they are."""
    if message.op_type not in INTEGER or message.domain not in _ALONE or len(message.input) < 2:
        return None
    first, second = (_factor(tensors, message, k) for k in range(2))
    if first is None or second is None or not (first.scale or second.scale):
        return None
    if message.op_type == "ConvInteger" and (second.scale or not first.scale):
        return None
    cast = tensors.only_reader(message.output[0], "Cast")
    if cast is None or not any(a.name == "to" and a.i == TensorProto.FLOAT for a in cast.attribute):
        return None
    at, leaves = cast.output[0], list[str]()
    while len(leaves) < 2:
        end = tensors.only_reader(at, "Mul")
        if end is None or list(end.input).count(at) != 1:
            return None
        leaves += _leaves(tensors, next(name for name in end.input if name != at))
        at = end.output[0]
    scales = _scales(tensors, (first, second), leaves, message.op_type)
    return None if scales is None else Layer(message, (first, second), scales, end)


def _dequantized(tensors: Tensors, name: str, scale: str, zero: str) -> tuple[Any, str]:
    """The node that makes real numbers of stored integers, whose last axis has the channels; and what it makes."""
    real = tensors.fresh(f"{name}_real")
    shape = tensors.stored_shape(name) or ()
    operands = [name, scale, zero] if zero else [name, scale]
    return helper.make_node("DequantizeLinear", operands, [real], f"{real}_weights", axis=max(len(shape) - 1, 0)), real


def _as_real(tensors: Tensors, layer: Layer) -> list[Any]:
    """The nodes that take the place of the last one of a layer."""
    made, operands = [], []
    for factor, scale in zip(layer.factors, layer.scales, strict=True):
        name = factor.name
        if factor.channels is not None:
            node, name = _dequantized(tensors, name, scale, factor.zero)
            made.append(node)
        operands.append(name)
    real = helper.make_node(INTEGER[layer.message.op_type], operands, [layer.end.output[0]])
    real.attribute.extend(layer.message.attribute)
    return [*made, real]


def _joined(tensors: Tensors, message: Any) -> list[Any] | None:
    """The nodes that take the place of an operator of onnxruntime's; None for all others."""
    given = [*message.input, *[""] * 7]
    if message.domain != MS or message.op_type not in JOINED or len(message.output) != 1:
        return None
    if message.op_type == "DynamicQuantizeMatMul":
        x, scale, zero, bias, made = given[0], given[2], given[3], given[4], list[Any]()
    else:
        maker = tensors.made_by(given[0], "DynamicQuantizeLinear")
        if maker is not None and [given[0], given[2], given[4]] == list(maker.output):
            x, made = maker.input[0], []
        else:
            node, x = _dequantized(tensors, given[0], given[2], given[4])
            made = [node]
        scale, zero, bias = given[3], given[5], given[6]
    node, weights = _dequantized(tensors, given[1], scale, zero)
    product = tensors.fresh(f"{message.output[0]}_product") if bias else message.output[0]
    made += [node, helper.make_node("MatMul", [x, weights], [product])]
    if bias:
        made.append(helper.make_node("Add", [product, bias], list(message.output)))
    return made


def with_real_layers(source: Source) -> Source:
    """The model in which layers that quantize their input at run time have real inputs; a warning says so."""
    tensors = Tensors(source)
    instead: dict[int, tuple[str, list[Any]]] = {}
    for message, name in zip(source.nodes, source.node_names, strict=True):
        made = _joined(tensors, message)
        layer = _layer(tensors, message)
        if made is not None:
            instead[id(message)] = name, made
        elif layer is not None:
            instead[id(layer.end)] = name, _as_real(tensors, layer)
            instead[id(message)] = name, []
    count = sum(bool(made) for _, made in instead.values())
    count += sum(message.op_type == "DynamicQuantizeLSTM" and message.domain == MS for message in source.nodes)
    if not count:
        return source
    nodes, names = [], []
    for message, name in zip(source.nodes, source.node_names, strict=True):
        own, made = instead.get(id(message), (name, [message]))
        nodes += made
        names += [own if node is message or k == len(made) - 1 else tensors.fresh(own) for k, node in enumerate(made)]
    what = "a layer that quantizes its input" if count == 1 else f"{count} layers that quantize their inputs"
    warn(
        f"{what} at run time: taken as real numbers, with the weights of the file",
        hint="calibration decides how activations are quantized; with --numerics float they stay real",
        where=source.name,
        strict=ModelError,
    )
    return replace(source, nodes=tuple(nodes), node_names=tuple(names))
