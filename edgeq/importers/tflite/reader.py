"""FlatBuffers → RawModel.

The accessors of the schema package trust the file: an offset out of range raises whatever Python raises there, and a
vector may claim four billion entries. So every count is checked against the file's size, every index against the table
it points into, and whatever else goes wrong while reading becomes one ModelError.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tflite
from flatbuffers import flexbuffers

from edgeq.errors import ModelError
from edgeq.importers.budget import Budget, LimitError
from edgeq.importers.narrow import unpacked
from edgeq.importers.tflite.options import CUSTOM, CUSTOM_REAL, CUSTOM_USUAL, CUSTOM_WORDS, LOOP_GRAPHS, OPTIONS
from edgeq.importers.tflite.raw import (
    DTYPES,
    MAX_RANK,
    PACKED,
    VARIABLE,
    RawModel,
    RawOp,
    RawQuant,
    RawTensor,
    shortened,
)
from edgeq.importers.tflite.sparse import Layout, Level, densify
from edgeq.ir.limits import OPERANDS, TENSOR_ELEMENTS
from edgeq.ir.tensor import Array, Shape

MAX_NAME = 4096
EMPTY_TABLE = struct.pack("<HHi", 4, 4, 4)
"""A table without fields, at byte 4: its accessors give the schema's defaults."""


class Damaged(Exception):
    """Something in the file contradicts itself; the text says what."""


def _enum_names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


OPERATORS = _enum_names(tflite.BuiltinOperator)
TENSOR_TYPES = {19: "INT2", **_enum_names(tflite.TensorType)}  # the package's schema is older than this type
OPTION_TABLES = _enum_names(tflite.BuiltinOptions)
SPARSE_TABLES = _enum_names(tflite.SparseIndexVector)
NOTHING = np.zeros(0, np.int64)


def read(data: bytes, where: str, budget: Budget | None = None) -> RawModel:
    """Read the main graph of a .tflite file.

    Args:
        data: the whole file.
        where: the file's name, for messages.
        budget: what the import has used; parts of a file can be used any number of times, so that a small one can be
            large.

    Raises:
        ModelError: it is no .tflite file, or damaged.
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError(
            "this is not a TensorFlow Lite file: its identifier is missing",
            hint="export the model again, or check that the right file was given",
            where=where,
        )
    try:
        return _Reader(data, budget or Budget()).model()
    except LimitError as error:
        error.where = where
        raise
    except Exception as error:
        detail = str(error) if isinstance(error, Damaged) else "parts of it point outside of it"
        raise ModelError(
            f"the TensorFlow Lite file is damaged: {detail}", hint="export or copy the model again", where=where
        ) from error


class _Reader:
    def __init__(self, data: bytes, budget: Budget) -> None:
        self.data = data
        self.budget = budget
        self._names: dict[bytes, str] = {}
        self.root = tflite.Model.GetRootAsModel(data, 0)

    def count(self, length: int, what: str, least_bytes: int = 4) -> int:
        """A vector's length, if the file can hold that many entries."""
        if not 0 <= length * least_bytes <= len(self.data):
            raise Damaged(f"it claims {length} {what}")
        return length

    def ints(self, vector: Any, what: str) -> tuple[int, ...]:
        """An integer vector as the accessors give it: an array, or 0 where it is absent."""
        if isinstance(vector, int):
            return ()
        if len(vector) > OPERANDS:
            raise LimitError(f"a list of {len(vector):,} {what}; the limit is {OPERANDS:,}", hint="export it again")
        self.budget.stored(4 * len(vector))
        return tuple(int(v) for v in vector)

    def name(self, raw: bytes | None, fallback: str) -> str:
        if raw is None:
            return fallback
        if len(raw) > MAX_NAME:
            raise Damaged(f"a name has {len(raw)} bytes")
        if raw not in self._names:
            self._names[raw] = self._readable(raw)
        return self._names[raw] or fallback

    def _readable(self, raw: bytes) -> str:
        text = raw.decode("utf-8", "replace")
        return "".join(c if c.isprintable() else "_" for c in text)

    def model(self) -> RawModel:
        if self.root.Version() != 3:
            raise Damaged(f"it has schema version {self.root.Version()}, not 3")
        if not self.count(self.root.SubgraphsLength(), "graphs"):
            raise Damaged("it holds no graph")
        codes = self.codes()
        main = self.graph(0, codes)
        called = {op.option("InitSubgraphIndex") for op in main.ops if op.kind == "CALL_ONCE"}
        there = [index for index in sorted(called) if 0 < index < self.root.SubgraphsLength()]
        once = {index: self.graph(index, codes) for index in there}
        loops = self.loops(main, codes)
        return replace(main, signature=self.signature(len(main.tensors)), once=once, loops=loops)

    def loops(self, main: RawModel, codes: list[str]) -> dict[int, RawModel]:
        """The graphs that loops of the main one run, as far as they are there."""
        run = (op.option(end) for op in main.ops if op.kind == "WHILE" for end in LOOP_GRAPHS)
        return {k: self.graph(k, codes) for k in sorted(set(run)) if 0 < k < self.root.SubgraphsLength()}

    def graph(self, number: int, codes: list[str]) -> RawModel:
        """One of the file's graphs, without signatures."""
        graph = self.root.Subgraphs(number)
        self.budget.nodes(self.count(graph.OperatorsLength(), "operators"))
        self.budget.nodes(self.count(graph.TensorsLength(), "tensors") // 4)
        tensors = tuple(self.tensor(graph.Tensors(i), i) for i in range(self.count(graph.TensorsLength(), "tensors")))
        ops = []
        for i in range(self.count(graph.OperatorsLength(), "operators")):
            op = self.operator(graph.Operators(i), i, codes)
            self.check_indices(op.inputs, len(tensors), f"operator {i}", optional=True)
            self.check_indices(op.outputs, len(tensors), f"operator {i}")
            self.check_indices(op.intermediates, len(tensors), f"operator {i}")
            ops.append(op)
        inputs = self.ints(graph.InputsAsNumpy(), "inputs")
        outputs = self.ints(graph.OutputsAsNumpy(), "outputs")
        self.check_indices(inputs, len(tensors), "the list of inputs")
        self.check_indices(outputs, len(tensors), "the list of outputs")
        if len(set(inputs)) != len(inputs):
            raise Damaged("one tensor is an input twice")
        return RawModel(tensors, tuple(ops), inputs, outputs)

    def signature(self, tensors: int) -> dict[str, int]:
        tensor_of: dict[str, int] = {}
        if not self.count(self.root.SignatureDefsLength(), "signatures") or self.root.SignatureDefs(0).SubgraphIndex():
            return tensor_of
        first = self.root.SignatureDefs(0)
        maps = [first.Inputs(i) for i in range(self.count(first.InputsLength(), "inputs"))]
        maps += [first.Outputs(i) for i in range(self.count(first.OutputsLength(), "outputs"))]
        for item in maps:
            self.check_indices((item.TensorIndex(),), tensors, "the signature")
            tensor_of[self.name(item.Name(), "")] = item.TensorIndex()
        return tensor_of

    def check_indices(self, indices: tuple[int, ...], tensors: int, what: str, optional: bool = False) -> None:
        for index in indices:
            if not (-1 if optional else 0) <= index < tensors:
                raise Damaged(f"{what} refers to tensor {index} of {tensors}")

    def codes(self) -> list[str]:
        kinds = []
        for i in range(self.count(self.root.OperatorCodesLength(), "operator codes")):
            code = self.root.OperatorCodes(i)
            # Codes above 127 do not fit the old 8-bit field; files made before the new one have 0 there.
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            kind = OPERATORS.get(number, f"operator code {number}")
            if kind == "CUSTOM":
                kind = f"CUSTOM {self.name(code.CustomCode(), 'without a name')}"
            kinds.append(kind)
        return kinds

    def operator(self, op: Any, index: int, codes: list[str]) -> RawOp:
        code = op.OpcodeIndex()
        if not 0 <= code < len(codes):
            raise Damaged(f"operator {index} has operator code {code} of {len(codes)}")
        inputs = self.ints(op.InputsAsNumpy(), "inputs of an operator")
        outputs = self.ints(op.OutputsAsNumpy(), "outputs of an operator")
        between = self.ints(op.IntermediatesAsNumpy(), "intermediates of an operator")
        return RawOp(index, codes[code], inputs, outputs, self.options(op, codes[code]), between)

    def options(self, op: Any, kind: str) -> Mapping[str, Any]:
        if kind in CUSTOM:
            return self.custom_options(op, kind)
        if kind in CUSTOM_WORDS:
            return self.custom_words(op, kind)
        if kind not in OPTIONS:
            return {}
        table, accessors = OPTIONS[kind]
        view = getattr(tflite, table)()
        stored = op.BuiltinOptions()
        if stored is None or op.BuiltinOptionsType() == 0:
            view.Init(EMPTY_TABLE, 4)
        elif OPTION_TABLES.get(op.BuiltinOptionsType()) != table:
            raise Damaged(f"a {kind} operator has options of another operator")
        else:
            view.Init(stored.Bytes, stored.Pos)
        values: dict[str, Any] = {}
        for accessor in accessors:
            value = getattr(view, accessor)()
            if accessor.endswith("AsNumpy"):
                values[accessor.removesuffix("AsNumpy")] = self.ints(value, "dimensions")
            elif isinstance(value, bytes):
                values[accessor] = self.name(value, "")
            else:
                values[accessor] = value
        return values

    def custom_options(self, op: Any, kind: str) -> Mapping[str, Any]:
        """The numbers that a custom operator's options, a map of FlexBuffers, say."""
        stored: Any = {}
        content = self.custom(op)
        if content:
            stored = flexbuffers.Loads(content)
        whole, real = CUSTOM[kind], CUSTOM_REAL.get(kind, ())
        if not isinstance(stored, dict):
            raise Damaged(f"the options of a {kind} operator are no numbers by their names")
        values = {name: stored.get(name, CUSTOM_USUAL.get(name, 0)) for name in whole}
        if not all(type(value) in (int, bool) for value in values.values()):
            raise Damaged(f"the options of a {kind} operator are no integers by their names")
        reals = {name: stored.get(name, 0) for name in real}
        if not all(type(value) in (int, float) for value in reals.values()):
            raise Damaged(f"the options of a {kind} operator are no numbers by their names")
        return {**{name: int(value) for name, value in values.items()}, **{n: float(v) for n, v in reals.items()}}

    def custom_words(self, op: Any, kind: str) -> Mapping[str, Any]:
        """The integers that a custom operator's options begin with."""
        names, content = CUSTOM_WORDS[kind], self.custom(op)
        if len(content) < 4 * len(names):
            raise Damaged(f"the options of a {kind} operator have {len(content)} bytes")
        return dict(zip(names, np.frombuffer(content, "<i4", len(names)).tolist(), strict=True))

    def custom(self, op: Any) -> bytes:
        """The bytes of a custom operator's options."""
        if op.CustomOptionsIsNone() or not op.CustomOptionsLength():
            return b""
        self.count(op.CustomOptionsLength(), "bytes of options", 1)
        return bytes(op.CustomOptionsAsNumpy().tobytes())

    def tensor(self, tensor: Any, index: int) -> RawTensor:
        name = self.name(tensor.Name(), f"tensor_{index}")
        shape = self.ints(tensor.ShapeAsNumpy(), "dimensions")
        signature = None if tensor.ShapeSignatureIsNone() else self.ints(tensor.ShapeSignatureAsNumpy(), "dimensions")
        if not signature and -1 in shape:
            signature = shape
        shape = tuple(1 if d == -1 else d for d in shape)
        self.check_shape(name, shape, signature)
        dtype = TENSOR_TYPES.get(tensor.Type(), f"type {tensor.Type()}")
        trait = VARIABLE if tensor.IsVariable() else ""
        data = None if trait else self.buffer(tensor, name, shape, dtype)
        return RawTensor(index, name, shape, dtype, signature, data, self.quantization(tensor, name, shape), trait)

    def check_shape(self, name: str, shape: Shape, signature: Shape | None) -> None:
        if len(shape) > MAX_RANK or any(d < 0 for d in shape):
            raise Damaged(f"tensor {shortened(name)!r} has shape {_short(shape)}")
        size = 1
        for d in shape:
            size *= d
        if size > TENSOR_ELEMENTS:
            raise Damaged(f"tensor {shortened(name)!r} has shape {shape}, more than 2^28 elements")
        if signature:
            agrees = len(signature) == len(shape) and all(s in (-1, d) for s, d in zip(signature, shape, strict=True))
            if not agrees:
                raise Damaged(f"tensor {shortened(name)!r} has shape {shape} and signature {_short(signature)}")

    def buffer(self, tensor: Any, name: str, shape: Shape, dtype: str) -> Array | None:
        """The elements of a constant; None where the buffer is empty and the tensor is not."""
        index = tensor.Buffer()
        if not 0 <= index < self.count(self.root.BuffersLength(), "buffers"):
            raise Damaged(f"tensor {shortened(name)!r} has buffer {index} of {self.root.BuffersLength()}")
        buffer = self.root.Buffers(index)
        content = b"" if buffer.DataIsNone() else memoryview(buffer.DataAsNumpy())
        if buffer.Offset() > 1:  # a model above 2 GB keeps its buffers behind the FlatBuffer
            content = memoryview(self.data)[buffer.Offset() : buffer.Offset() + buffer.Size()]
            if len(content) != buffer.Size():
                raise Damaged(f"the data of tensor {shortened(name)!r} lies behind the end of the file")
        size = int(np.prod(shape, dtype=np.int64))
        if not content and (size or index == 0):
            return None
        if dtype not in DTYPES:
            return np.frombuffer(content, np.uint8)
        if tensor.Sparsity() is not None:
            if dtype in PACKED:
                raise Damaged(f"tensor {shortened(name)!r} is sparse and of {dtype}, which do not go together")
            return self.dense(tensor.Sparsity(), content, name, shape, DTYPES[dtype])
        bits = PACKED.get(dtype, 8 * DTYPES[dtype].itemsize)
        if len(content) != -(-size * bits // 8):
            raise Damaged(f"tensor {shortened(name)!r}, {dtype} {shape}, has {len(content):,} bytes of data")
        if dtype in PACKED:
            self.budget.stored(size)
            return unpacked(np.frombuffer(content, np.uint8), bits)[:size].reshape(shape)
        return np.frombuffer(content, DTYPES[dtype]).reshape(shape)

    def dense(self, sparsity: Any, content: bytes | memoryview, name: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
        """The elements of a sparse constant."""
        self.budget.stored(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        if sparsity.DimMetadataLength() > 2 * MAX_RANK:
            raise Damaged(f"the sparse tensor {shortened(name)!r} has {sparsity.DimMetadataLength()} levels")
        levels = []
        for k in range(self.count(sparsity.DimMetadataLength(), "dimensions")):
            level = sparsity.DimMetadata(k)
            if level.Format() == tflite.DimensionType.DENSE:
                levels.append(Level(level.DenseSize(), NOTHING, NOTHING))
            else:
                segments = self.indices(level.ArraySegmentsType(), level.ArraySegments(), name)
                levels.append(Level(None, segments, self.indices(level.ArrayIndicesType(), level.ArrayIndices(), name)))
        order = self.ints(sparsity.TraversalOrderAsNumpy(), "dimensions")
        layout = Layout(order, self.ints(sparsity.BlockMapAsNumpy(), "blocks"), tuple(levels))
        if len(content) % dtype.itemsize:
            raise Damaged(f"tensor {shortened(name)!r}, {dtype.name}, has {len(content):,} bytes of data")
        try:
            return densify(np.frombuffer(content, dtype), layout, shape)
        except ValueError as error:
            raise Damaged(f"the sparse tensor {shortened(name)!r} cannot be unpacked: {error}") from error

    def indices(self, kind: int, stored: Any, name: str) -> Array:
        """A list of indices of a sparse tensor, in one of three widths."""
        table = SPARSE_TABLES.get(kind)
        if table is None or stored is None or not hasattr(tflite, table):
            raise Damaged(f"the sparse tensor {shortened(name)!r} lacks indices")
        view = getattr(tflite, table)()
        view.Init(stored.Bytes, stored.Pos)
        values = view.ValuesAsNumpy()
        if isinstance(values, int):  # absent
            return NOTHING
        self.budget.stored(8 * self.count(len(values), "indices", 1))
        return np.array(values, np.int64)

    def quantization(self, tensor: Any, name: str, shape: Shape) -> RawQuant | None:
        quant = tensor.Quantization()
        if quant is None or quant.ScaleIsNone() or not quant.ScaleLength():
            return None
        self.budget.stored(12 * quant.ScaleLength())
        scale = np.array(quant.ScaleAsNumpy(), np.float32)
        zero = np.zeros(1, np.int64) if quant.ZeroPointIsNone() else np.array(quant.ZeroPointAsNumpy(), np.int64)
        axis = quant.QuantizedDimension()
        if not np.all(np.isfinite(scale)) or np.any(scale < 0):
            raise Damaged(f"tensor {shortened(name)!r} has scale {scale[~(np.isfinite(scale) & (scale >= 0))][0]}")
        if zero.size == 0 or (zero.size != 1 and zero.size != scale.size):
            raise Damaged(f"tensor {shortened(name)!r} has {scale.size} scales and {zero.size} zero-points")
        if scale.size > 1 and (not 0 <= axis < len(shape) or shape[axis] != scale.size):
            if shape == scale.shape:
                return RawQuant(scale, np.broadcast_to(zero, scale.shape), 0)  # other readers ignore a bias' axis, too
            if TENSOR_TYPES.get(tensor.Type()) == "INT32":
                return None  # the scale of a bias follows from the layer's input and weights
            raise Damaged(f"tensor {shortened(name)!r} of shape {shape} has {scale.size} scales along axis {axis}")
        return RawQuant(scale, np.broadcast_to(zero, scale.shape), axis)


def _short(shape: Shape) -> str:
    return str(shape) if len(shape) <= MAX_RANK else f"with {len(shape)} dimensions"
