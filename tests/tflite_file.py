"""Makes small .tflite files for tests, through the schema package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

DTYPES = {
    "FLOAT32": "<f4",
    "FLOAT16": "<f2",
    "INT8": "i1",
    "UINT8": "u1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "BOOL": "?",
    "STRING": "i1",
    "RESOURCE": "i1",
    "COMPLEX64": "<c8",
    "INT4": "i1",
    "INT2": "i1",
}
PACKED = {"INT4": 4, "INT2": 2}
"""Bits of elements of which a byte holds several."""


VERSIONS = {"BROADCAST_TO": 2}
"""Of operators whose first version LiteRT no longer has."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file; `data` makes it a constant, `scale` a quantized one (a list: per channel along `axis`).

    A sparse constant has its stored elements in `data`, and in `sparse` its order of traversal, the dimensions that are
    divided into blocks, and its levels: a size, or a pair of segments and indices.
    """

    name: str
    shape: Sequence[int]
    dtype: str = "FLOAT32"
    data: Any = None
    scale: float | Sequence[float] | None = None
    zero: int | Sequence[int] = 0
    axis: int = 0
    signature: Sequence[int] | None = None
    variable: bool = False
    sparse: tuple[Sequence[int], Sequence[int], Sequence[Any]] | None = None


@dataclass(frozen=True)
class Operator:
    """An operator of the file: tensors by position, options by their names in the schema."""

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    table: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    intermediates: Sequence[int] = ()
    custom: bytes = b""


def _ints(builder: flatbuffers.Builder, values: Sequence[int], dtype: str = "<i4") -> int:
    return builder.CreateNumpyVector(np.asarray(values, dtype))


def _offsets(builder: flatbuffers.Builder, items: Sequence[int]) -> int:
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def _quantization(builder: flatbuffers.Builder, tensor: Tensor) -> int:
    scale = np.atleast_1d(np.asarray(tensor.scale, "<f4"))
    zero = np.broadcast_to(np.asarray(tensor.zero, "<i8"), scale.shape)
    scales, zeros = builder.CreateNumpyVector(scale), builder.CreateNumpyVector(np.ascontiguousarray(zero))
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scales)
    tflite.QuantizationParametersAddZeroPoint(builder, zeros)
    tflite.QuantizationParametersAddQuantizedDimension(builder, tensor.axis)
    return int(tflite.QuantizationParametersEnd(builder))


def _list_of(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    """A table Uint8Vector."""
    stored = builder.CreateNumpyVector(np.asarray(values, np.uint8))
    tflite.Uint8VectorStart(builder)
    tflite.Uint8VectorAddValues(builder, stored)
    return int(tflite.Uint8VectorEnd(builder))


def _sparsity(builder: flatbuffers.Builder, order: Sequence[int], blocks: Sequence[int], levels: Sequence[Any]) -> int:
    tables = []
    for level in levels:
        lists = None if isinstance(level, int) else [_list_of(builder, values) for values in level]
        tflite.DimensionMetadataStart(builder)
        if lists is None:
            tflite.DimensionMetadataAddDenseSize(builder, level)
        else:
            tflite.DimensionMetadataAddFormat(builder, tflite.DimensionType.SPARSE_CSR)
            tflite.DimensionMetadataAddArraySegmentsType(builder, tflite.SparseIndexVector.Uint8Vector)
            tflite.DimensionMetadataAddArraySegments(builder, lists[0])
            tflite.DimensionMetadataAddArrayIndicesType(builder, tflite.SparseIndexVector.Uint8Vector)
            tflite.DimensionMetadataAddArrayIndices(builder, lists[1])
        tables.append(int(tflite.DimensionMetadataEnd(builder)))
    parts = (_ints(builder, order), _ints(builder, blocks), _offsets(builder, tables))
    tflite.SparsityParametersStart(builder)
    tflite.SparsityParametersAddTraversalOrder(builder, parts[0])
    tflite.SparsityParametersAddBlockMap(builder, parts[1])
    tflite.SparsityParametersAddDimMetadata(builder, parts[2])
    return int(tflite.SparsityParametersEnd(builder))


def _tensor(builder: flatbuffers.Builder, tensor: Tensor, buffer: int) -> int:
    quant = None if tensor.scale is None else _quantization(builder, tensor)
    shape, name = _ints(builder, tensor.shape), builder.CreateString(tensor.name)
    signature = None if tensor.signature is None else _ints(builder, tensor.signature)
    sparse = None if tensor.sparse is None else _sparsity(builder, *tensor.sparse)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, 19 if tensor.dtype == "INT2" else getattr(tflite.TensorType, tensor.dtype))
    tflite.TensorAddBuffer(builder, buffer)
    tflite.TensorAddName(builder, name)
    if quant is not None:
        tflite.TensorAddQuantization(builder, quant)
    if signature is not None:
        tflite.TensorAddShapeSignature(builder, signature)
    if sparse is not None:
        tflite.TensorAddSparsity(builder, sparse)
    if tensor.variable:
        tflite.TensorAddIsVariable(builder, True)
    return int(tflite.TensorEnd(builder))


def _operator(builder: flatbuffers.Builder, op: Operator, code: int) -> int:
    options = None
    if op.table:
        members = {
            key: _ints(builder, value)
            if isinstance(value, (list, tuple))
            else builder.CreateString(value)
            if isinstance(value, str)
            else value
            for key, value in op.options.items()
        }
        getattr(tflite, f"{op.table}Start")(builder)
        for key, value in members.items():
            getattr(tflite, f"{op.table}Add{key}")(builder, value)
        options = getattr(tflite, f"{op.table}End")(builder)
    inputs, outputs = _ints(builder, op.inputs), _ints(builder, op.outputs)
    between = _ints(builder, op.intermediates) if op.intermediates else None
    custom = builder.CreateByteVector(op.custom) if op.custom else None
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if between is not None:
        tflite.OperatorAddIntermediates(builder, between)
    if custom is not None:
        tflite.OperatorAddCustomOptions(builder, custom)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, op.table))
        tflite.OperatorAddBuiltinOptions(builder, options)
    return int(tflite.OperatorEnd(builder))


def _packed(data: Any, bits: int) -> bytes:
    each = np.unpackbits(data.reshape(-1, 1).view(np.uint8), axis=1, bitorder="little")[:, :bits]
    return np.packbits(each.ravel(), bitorder="little").tobytes()


def _code(builder: flatbuffers.Builder, kind: str) -> int:
    custom = builder.CreateString(kind.removeprefix("CUSTOM ")) if kind.startswith("CUSTOM ") else None
    number = getattr(tflite.BuiltinOperator, "CUSTOM" if custom is not None else kind)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    tflite.OperatorCodeAddVersion(builder, VERSIONS.get(kind, 1))
    if custom is not None:
        tflite.OperatorCodeAddCustomCode(builder, custom)
    return int(tflite.OperatorCodeEnd(builder))


def build(
    tensors: Sequence[Tensor],
    ops: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
    others: Sequence[tuple[Sequence[Tensor], Sequence[Operator]]] = (),
) -> bytes:
    """The bytes of a .tflite file; the same for the same arguments. `others` are graphs after the main one."""
    builder = flatbuffers.Builder(1024)
    subgraphs = [(tensors, ops), *others]
    buffers, places = [b""], []
    for tensor in (tensor for tensors, _ in subgraphs for tensor in tensors):
        if tensor.data is None:
            places.append(0)
        else:
            data = np.ascontiguousarray(tensor.data, DTYPES[tensor.dtype])
            buffers.append(_packed(data, PACKED[tensor.dtype]) if tensor.dtype in PACKED else data.tobytes())
            places.append(len(buffers) - 1)
    built = []
    for content in buffers:
        data = builder.CreateNumpyVector(np.frombuffer(content, np.uint8)) if content else None
        tflite.BufferStart(builder)
        if data is not None:
            tflite.BufferAddData(builder, data)
        built.append(int(tflite.BufferEnd(builder)))
    kinds = list(dict.fromkeys(op.kind for _, ops in subgraphs for op in ops))
    place = iter(places)
    tables = [
        (
            _offsets(builder, [_tensor(builder, t, next(place)) for t in tensors]),
            _offsets(builder, [_operator(builder, op, kinds.index(op.kind)) for op in ops]),
        )
        for tensors, ops in subgraphs
    ]
    code_table = _offsets(builder, [_code(builder, kind) for kind in kinds])
    buffer_table = _offsets(builder, built)
    ports = [
        (_ints(builder, inputs), _ints(builder, outputs)),
        *((_ints(builder, []), _ints(builder, [])) for _ in others),
    ]
    graphs = []
    for (tensor_table, op_table), (input_table, output_table) in zip(tables, ports, strict=True):
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, tensor_table)
        tflite.SubGraphAddInputs(builder, input_table)
        tflite.SubGraphAddOutputs(builder, output_table)
        tflite.SubGraphAddOperators(builder, op_table)
        graphs.append(int(tflite.SubGraphEnd(builder)))
    graph_table = _offsets(builder, graphs)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, code_table)
    tflite.ModelAddSubgraphs(builder, graph_table)
    tflite.ModelAddBuffers(builder, buffer_table)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
