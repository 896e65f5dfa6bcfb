"""What handlers work with: the tensors of the ONNX model, the graph under construction, and one node at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from onnx import TensorProto, helper

from edgeq.errors import ModelError
from edgeq.importers.onnx.model import Source
from edgeq.ir.graph import GraphEditor
from edgeq.ir.limits import TENSOR_ELEMENTS
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.ops.real_to_whole import RealToWhole

T = TypeVar("T")
CODES = {
    DType.INT8: TensorProto.INT8,
    DType.UINT8: TensorProto.UINT8,
    DType.INT16: TensorProto.INT16,
    DType.BOOL: TensorProto.BOOL,
    DType.INT32: TensorProto.INT32,
    DType.INT64: TensorProto.INT64,
    DType.UINT16: TensorProto.UINT16,
    DType.UINT32: TensorProto.UINT32,
    DType.UINT64: TensorProto.UINT64,
}
"""ONNX's codes of the types of computed integers."""
WHOLE = (DType.INT32, DType.INT64, DType.UINT32, DType.UINT64)
"""Types of integers that stand for themselves: in the graph int32."""
WHOLE_CODES = {CODES[dtype]: dtype for dtype in CODES if dtype is not DType.BOOL} | {
    **dict.fromkeys((TensorProto.UINT4, TensorProto.UINT2), DType.UINT8),
    **dict.fromkeys((TensorProto.INT4, TensorProto.INT2), DType.INT8),
}
"""ONNX's codes of integers, and the types that computed ones have; of 4 and of 2 bits they lie in bytes."""
_NO_INTEGERS = (
    *("ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Shape", "Size"),
    *("MatMulInteger", "ConvInteger"),
)
"""Operators that do not make of an integer input an integer of its kind."""
LONGEST_NAME = 500
"""Characters of the names that are made here."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor whose elements are known. With `q`, `data` is int8, int16 or int32 and stands for real values.

    `blocks` are the int8 numbers behind real ones, with parameters, where the model has scales for blocks of them.
    """

    name: str
    data: Array
    q: QParams | None = None
    blocks: Constant | None = None

    def real(self) -> Array:
        """The elements, dequantized."""
        return self.data if self.q is None else self.q.dequantize(self.data)


@dataclass(frozen=True)
class Activation:
    """A tensor that is computed: the graph's value, and the integer type that ONNX gives it, if any.

    Of type BOOL are truth values: in the graph the real numbers 0 and 1. INT32 and INT64 are whole, in the graph int32.
    """

    value: str
    integers: DType | None = None


Operand = Constant | Activation


class Builder:
    """The graph under construction, and what each tensor of the ONNX model became in it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.editor = GraphEditor(source.name)
        self.editor.batch = source.batch
        self.tensors: dict[str, Operand] = {}
        self.producer: dict[str, str] = {}
        self.bound: set[str] = set()  # values that have the name of a tensor of the model
        self.read_as_real: set[str] = set()  # tensors of the model that something reads which does not quantize them
        self.blocks: dict[str, int] = {}  # weights taken as real numbers, and for how many neighbours they had a scale
        self.narrow: set[int] = set()  # bits of weights that the model has, where they are fewer than 8
        self._counts: dict[str, int] = {}  # how many names made of one are taken
        self._stored: dict[str, str] = {}
        self._reserved = {*source.inputs, *source.initializers, *source.node_names, *source.outputs}
        self._reserved.update(out for node in source.nodes for out in node.output)
        for name, (shape, dtype) in source.inputs.items():
            whole = dtype in WHOLE or (dtype in CODES and stands_for_itself(source, name))
            if dtype is DType.UINT16 and not whole:
                raise ModelError(
                    "an input of type uint16 is not supported", hint="use int8, uint8 or int16 where it is quantized"
                )
            self.editor.input(name, TensorType(shape, DType.INT32 if whole else DType.FLOAT32))
            self.tensors[name] = Activation(name, None if dtype is DType.FLOAT32 else dtype)

    def operand(self, name: str) -> Operand:
        """What a tensor of the model has become; stored tensors are read when first asked for."""
        if name not in self.tensors:
            self.tensors[name] = Constant(name, self.source.constant(name))
        return self.tensors[name]

    def fresh(self, hint: str) -> str:
        """A name that neither the model nor the graph uses."""
        if len(hint) > LONGEST_NAME:  # names of functions within functions grow
            hint = f"{hint[: LONGEST_NAME // 2]}…{hint[-LONGEST_NAME // 2 :]}"
        name, count = hint, self._counts.get(hint, 1)
        while name in self._reserved or name in self.editor.values or name in self.editor.nodes:
            self._counts[hint] = count  # names up to this one are taken
            count += 1
            name = f"{hint}_{count}"
        return name

    def reserve(self, hint: str) -> str:
        """A name for a tensor or node of the model itself, which it does not use."""
        name = self.fresh(hint)
        self._reserved.add(name)
        return name

    def element_type(self, name: str) -> int:
        """ONNX's code of a tensor's element type; FLOAT for real numbers that are computed, whatever their width."""
        if name in self.source.initializers:
            return int(self.source.initializers[name].data_type)
        operand = self.operand(name)
        if isinstance(operand, Constant):
            real = operand.q is not None
            return TensorProto.FLOAT if real else int(helper.np_dtype_to_tensor_dtype(operand.data.dtype))
        return CODES.get(operand.integers or DType.FLOAT32, TensorProto.FLOAT)

    def store(self, hint: str, data: Array, q: QParams | None = None, infinite: bool = False) -> str:
        """Put a constant into the graph; `infinite`: elements may be infinite.

        Raises:
            ModelError: it holds NaN or infinity, or numbers that are neither real nor quantized.
        """
        if q is None and data.dtype.kind != "f":
            raise ModelError("this tensor of integers is used where real numbers are expected", where=hint)
        if q is None and (np.isnan(data).any() if infinite else not np.isfinite(data).all()):
            what = "NaN" if infinite else "NaN or infinity"
            raise ModelError(
                f"the tensor holds {what}", hint="train or export the model again, without them", where=hint
            )
        name = hint if hint not in self.editor.values and hint not in self.editor.nodes else self.fresh(hint)
        return self.editor.constant(name, data if q is not None else data.astype(np.float32), q)

    def stored(self, constant: Constant, infinite: bool = False) -> str:
        """The graph's constant for one of the model; the same one every time. `infinite` as in `store`."""
        if constant.name not in self._stored:
            self._stored[constant.name] = self.store(constant.name, constant.data, constant.q, infinite)
        return self._stored[constant.name]

    def annotate(self, value: str, q: QParams) -> None:
        """Prescribe the parameters with which a value is to be held."""
        self.editor.set_type(value, replace(self.editor.values[value].type, q=q))

    def rename(self, old: str, new: str, among: Sequence[str] | None = None) -> None:
        """Give a computed value another name; `among`: the nodes that may mention it (default: all)."""
        editor = self.editor
        editor.values[new] = replace(editor.values.pop(old), name=new)
        self.producer[new] = self.producer.pop(old)
        for name in editor.nodes if among is None else among:
            node = editor.nodes[name]
            inputs = tuple(new if i == old else i for i in node.inputs)
            editor.nodes[name] = replace(
                node, inputs=inputs, outputs=tuple(new if o == old else o for o in node.outputs)
            )
        for key, operand in self.tensors.items() if among is None else ():
            if isinstance(operand, Activation) and operand.value == old:
                self.tensors[key] = replace(operand, value=new)


class OnnxNode:
    """One node of the model: typed access to attributes and inputs, and methods that add what it becomes."""

    def __init__(self, builder: Builder, message: Any, name: str, opset: int | None = None) -> None:
        self.builder = builder
        self.message = message
        self.name = name
        self.kind: str = message.op_type
        self.domain: str = "" if message.domain == "ai.onnx" else message.domain
        self.opset = builder.source.opsets.get("", 0) if opset is None else opset
        self.inputs: tuple[str, ...] = tuple(message.input)
        self.outputs: tuple[str, ...] = tuple(message.output)
        self._attributes = {a.name: a for a in message.attribute}
        self._created: list[str] = []
        self.subgraphs = any(a.type in (5, 10) for a in message.attribute)

    # attributes

    def _attribute(self, name: str, kind: int, what: str, default: T, get: Callable[[Any], T]) -> T:
        attribute = self._attributes.get(name)
        if attribute is None:
            return default
        if attribute.type != kind:
            raise ModelError(f"attribute {name!r} is not {what}", hint="the file is damaged; export the model again")
        return get(attribute)

    def attr_int(self, name: str, default: int) -> int:
        """An integer attribute."""
        return self._attribute(name, 2, "an integer", default, lambda a: int(a.i))

    def attr_float(self, name: str, default: float) -> float:
        """A real attribute."""
        value = self._attribute(name, 1, "a real number", default, lambda a: float(a.f))
        if np.isnan(value):
            raise ModelError(f"attribute {name!r} is NaN", hint="export the model again")
        return value

    def attr_str(self, name: str, default: str) -> str:
        """A text attribute."""
        return self._attribute(name, 3, "a text", default, lambda a: a.s.decode("utf-8"))

    def attr_ints(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, None if absent."""
        return self._attribute(name, 7, "a list of integers", None, lambda a: tuple(int(i) for i in a.ints))

    def attr_floats(self, name: str) -> tuple[float, ...] | None:
        """A list of real numbers, None if absent."""
        return self._attribute(name, 6, "a list of real numbers", None, lambda a: tuple(float(f) for f in a.floats))

    def attr_strings(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, None if absent."""
        return self._attribute(name, 8, "a list of texts", None, lambda a: tuple(s.decode("utf-8") for s in a.strings))

    def attr_tensor(self, name: str) -> Array | None:
        """A tensor attribute, None if absent."""
        return self._attribute(name, 4, "a tensor", None, lambda a: self.builder.source.stored(a.t, name))

    def has_attr(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self._attributes

    def cast_target(self) -> int:
        """ONNX's code of the element type that Cast or CastLike gives."""
        if self.kind == "Cast":
            return self.attr_int("to", TensorProto.FLOAT)
        self.operand(1)  # says what is missing
        return self.builder.element_type(self.inputs[1])

    # inputs

    def has(self, index: int) -> bool:
        """Whether an input is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def operand(self, index: int) -> Operand:
        """An input.

        Raises:
            ModelError: it is absent.
        """
        if not self.has(index):
            raise ModelError(f"input {index} is missing", hint="the file is damaged; export the model again")
        return self.builder.operand(self.inputs[index])

    def constant(self, index: int) -> Constant | None:
        """An input if it is a constant, else None."""
        operand = self.operand(index)
        return operand if isinstance(operand, Constant) else None

    def needed(self, index: int, what: str) -> Constant:
        """An input that must be constant.

        Raises:
            ModelError: it is computed at run time.
        """
        constant = self.constant(index)
        if constant is None:
            raise ModelError(f"{what} is computed at run time", hint="make it a constant when exporting the model")
        return constant

    def ints(self, index: int, what: str) -> tuple[int, ...] | None:
        """A constant input of integers, flattened; None if absent."""
        if not self.has(index):
            return None
        data = self.needed(index, what).data
        if data.dtype.kind not in "iu" or data.size > 4096:
            raise ModelError(f"{what} is not a short list of integers", hint="export the model again")
        return tuple(int(v) for v in data.ravel())

    def reals(self, index: int, what: str) -> Array:
        """A constant input of finite real numbers, dequantized, as float64.

        Raises:
            ModelError: it is computed at run time, or holds NaN or infinity.
        """
        constant = self.needed(index, what)
        data = constant.real()
        if data.dtype.kind != "f":
            raise ModelError(f"{what} is not real", hint="export the model again", where=constant.name)
        if not np.isfinite(data).all():
            raise ModelError(
                "the tensor holds NaN or infinity",
                hint="train or export the model again, without them",
                where=constant.name,
            )
        return data.astype(np.float64)

    def value(self, index: int) -> str:
        """The graph's value of an input; a constant is put into the graph."""
        return self.value_of(self.operand(index))

    def value_of(self, operand: Operand, infinite: bool = False) -> str:
        """The graph's value of an operand; elements of a constant may be infinite if `infinite`."""
        return operand.value if isinstance(operand, Activation) else self.builder.stored(operand, infinite)

    def shape(self, index: int) -> Shape:
        """Shape of an input."""
        operand = self.operand(index)
        return tuple(operand.data.shape) if isinstance(operand, Constant) else self.type(operand.value).shape

    def type(self, value: str) -> TensorType:
        """Type of a value of the graph."""
        return self.builder.editor.values[value].type

    def holds_whole(self, operand: Operand) -> bool:
        """Whether an operand is computed and holds whole numbers."""
        return isinstance(operand, Activation) and self.type(operand.value).is_whole

    def truths_as_whole(self, value: str, suffix: str) -> str:
        """Add truth values as the whole numbers 0 and 1."""
        return self.emit(RealToWhole(0, 1), [value], suffix)

    @staticmethod
    def whole_type(code: int) -> DType | None:
        """The type of whole numbers that ONNX's code names; None: it names another."""
        return WHOLE_CODES.get(code)

    # results

    def emit_many(
        self, op: Op, inputs: Sequence[str | None], suffix: str = "", keep_q: bool = False
    ) -> tuple[str, ...]:
        """Add an operator; returns its outputs.

        Args:
            op: the operator.
            inputs: values of the graph.
            suffix: of its name; none for the node's main operator.
            keep_q: whether the outputs hold the first input's numbers, so that its parameters hold for them too.

        Raises:
            ModelError: the inputs do not fit, or an output would be absurdly large.
        """
        editor = self.builder.editor
        types = [None if i is None else editor.values[i].type for i in inputs]
        try:
            shapes = op.out_shapes([None if t is None else t.shape for t in types])
        except ValueError as error:
            raise ModelError(str(error), hint="check the shapes and attributes of this node") from error
        for shape in shapes:
            if TensorType(shape).size > TENSOR_ELEMENTS or any(d < 0 for d in shape):
                raise ModelError(f"the output would have the shape {shape}", hint="check the attributes of this node")
            if 0 in shape:
                raise ModelError(f"the output would be empty: {shape}", hint="remove the node, or check its attributes")
        first = types[0]
        q = first.q if keep_q and first is not None and editor.values[inputs[0] or ""].data is None else None
        main = not suffix and self.name not in editor.nodes
        name = self.name if main else self.builder.fresh(f"{self.name}_{suffix or 'op'}")
        stem = f"{self.outputs[0] if self.outputs and self.outputs[0] else self.name}_{suffix or 'value'}"
        outputs = [self.builder.fresh(f"{stem}_{index}" if index else stem) for index in range(len(shapes))]
        moved = keep_q and first is not None and first.is_whole
        dtypes = [
            op.whole_type(k) if op.gives_whole else DType.INT32 if moved else DType.FLOAT32 for k in range(len(shapes))
        ]
        editor.add(op, inputs, name, outputs, [TensorType(s, d, q) for s, d in zip(shapes, dtypes, strict=True)])
        self._created.append(name)
        self.builder.producer.update(dict.fromkeys(outputs, name))
        return tuple(outputs)

    def emit(self, op: Op, inputs: Sequence[str | None], suffix: str = "", keep_q: bool = False) -> str:
        """Add an operator with one output; returns it. Arguments as in `emit_many`."""
        return self.emit_many(op, inputs, suffix, keep_q)[0]

    def store(self, suffix: str, data: Array, q: QParams | None = None, infinite: bool = False) -> str:
        """Add a constant of this node's own; elements may be infinite if `infinite`."""
        return self.builder.store(self.builder.fresh(f"{self.name}_{suffix}"), data, q, infinite)

    def result(self, value: str, index: int = 0, integers: DType | None = None) -> None:
        """Bind an output of the node to a value of the graph, which takes over its name if this node made it."""
        name = self.outputs[index] if index < len(self.outputs) else ""
        if not name:
            return
        if value not in self.builder.bound and self.builder.producer.get(value) in self._created:
            self.builder.rename(value, name, self._created)
            self.builder.bound.add(name)
            value = name
        self.builder.tensors[name] = Activation(value, integers)

    def result_constant(
        self, data: Array, index: int = 0, q: QParams | None = None, blocks: Constant | None = None
    ) -> None:
        """Bind an output of the node to a constant."""
        name = self.outputs[index] if index < len(self.outputs) else ""
        if name:
            self.builder.tensors[name] = Constant(name, data, q, blocks)


def stands_for_itself(source: Source, name: str) -> bool:
    """Whether an input of integers stands for whole numbers: nothing reads it, or what is made of it, as quantized.

    Bytes that become real numbers are not whole either: they are held as they are, with a scale of 1.
    """
    waiting, seen = [name], {name}
    dtype = source.inputs[name][1]
    if dtype is DType.BOOL:
        return False
    while waiting:
        given = waiting.pop()
        for message in source.nodes:
            kind = message.op_type
            if given not in message.input or kind in _NO_INTEGERS:
                continue
            real = kind == "CastLike" or (kind == "Cast" and message.attribute[0].i not in WHOLE_CODES)
            if real and dtype in (DType.INT8, DType.UINT8):
                return False
            if "Linear" in kind:
                return False
            made = [o for o in message.output if o and not real]
            waiting += [o for o in made if o not in seen]
            seen.update(made)
    return True


def whole_constant(data: Array, where: str = "") -> Array:
    """Whole numbers of a file as int32; `where` is what errors name.

    Raises:
        ModelError: they are no whole numbers, or int32 does not hold them.
    """
    numbers = np.asarray(data)
    if numbers.dtype.kind not in "iub" and not str(numbers.dtype).startswith(("int", "uint")):
        raise ModelError("real numbers meet whole ones", hint="cast one of them (Cast)")
    low, high = DType.INT32.range
    if numbers.size and not (low <= int(numbers.min()) and int(numbers.max()) <= high):
        raise ModelError("it holds whole numbers beyond 32 bits", hint=f"use numbers from {low} to {high}", where=where)
    return numbers.astype(np.int32)
