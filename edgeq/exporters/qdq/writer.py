"""The ONNX model while it is written: tensors, their layouts, and the (de)quantization around every operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from edgeq.exporters.qdq.batch import batched_values
from edgeq.ir.graph import Graph, Node
from edgeq.ir.kernel import BYTES
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.ir.traits import NO_CLAMP, Clamp
from edgeq.ops._requant import type_range

OPSET, TYPES_OPSET, AXES_AS_INPUT_OPSET = 13, 21, 18
"""Of the model; of one with weights of 4 bits or activations of 16; from which on reductions have their axes as an
input."""
ML_DOMAIN, ML_OPSET = "ai.onnx.ml", 3
"""The domain of ONNX's classical models, with the version of its operators that is used."""
IR_VERSION, TYPES_IR_VERSION = 8, 10
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


class QdqWriter:
    """What the exporters of operators write into. A value can be read in NHWC and, with rank 4, in NCHW."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._names: set[str] = {*graph.inputs, *graph.outputs}
        self._constants: dict[tuple[str, bool], str] = {}
        self._integers: dict[tuple[str, bool], list[str]] = {}  # tensor, scale, zero-point
        self._real: dict[tuple[str, bool], str] = {}  # values that are real numbers themselves
        self._nchw: dict[str, bool] = {}
        self.batched = batched_values(graph)
        self._narrow = any(v.data is not None and v.type.dtype.bits < 8 for v in graph.values.values())
        self._wide = _wide_values(graph)
        self._opset = TYPES_OPSET if self._narrow or self._wide else OPSET

    def name(self, hint: str) -> str:
        """A tensor name that is not in use yet."""
        name, count = hint, 1
        while name in self._names:
            count += 1
            name = f"{hint}_{count}"
        self._names.add(name)
        return name

    def constant(self, hint: str, data: npt.ArrayLike) -> str:
        """Store an array. Returns its name."""
        name = self.name(hint)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(data).reshape(np.shape(data)), name))
        return name

    def add(self, kind: str, inputs: list[str], hint: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Add an ONNX node. Returns the names of its outputs."""
        names = [self.name(hint) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], **attributes))
        return names

    def reduced(self, kind: str, tensor: str, axes: Sequence[int], keepdims: bool, hint: str) -> str:
        """Add a reduction. Returns its result."""
        if kind != "ReduceSum" and self._opset < AXES_AS_INPUT_OPSET:
            return self.add(kind, [tensor], hint, axes=list(axes), keepdims=int(keepdims))[0]
        inputs = [tensor, self.constant(f"{hint}_axes", np.array(axes, np.int64))]
        return self.add(kind, inputs, hint, keepdims=int(keepdims))[0]

    def needs(self, opset: int) -> None:
        """Let the model have at least this opset."""
        self._opset = max(self._opset, opset)

    def shape(self, hint: str, before: Shape, after: Shape) -> str:
        """Store a Reshape's target for a tensor that depends on the input; an open number of samples stays open.

        Args:
            hint: of its name.
            before, after: shapes of one sample's tensor. A −1 in `after` is one to ONNX, too.
        """
        target = list(after)
        if self.batched and target and target[0] != -1:
            target[0] = 0 if before[:1] == after[:1] else -1  # as many as before, or as are left
        return self.constant(hint, np.array(target, np.int64))

    def is_nchw(self, value: str) -> bool:
        """Whether a computed value is held in NCHW."""
        return self._nchw.get(value, False)

    def _parameters(self, hint: str, q: QParams, dtype: DType) -> list[str]:
        scale, zero = np.asarray(q.scale, np.float32), np.asarray(q.zero_point, _elements(dtype))
        if q.axis is None:
            scale, zero = scale.reshape(()), zero.reshape(())
        return [self.constant(f"{hint}_scale", scale), self.constant(f"{hint}_zero_point", zero)]

    def dequantized(self, hint: str, data: Array, q: QParams, dtype: DType) -> str:
        """Store integers and dequantize them. Returns the float tensor."""
        dtype = _container(dtype)
        stored = self.constant(f"{hint}_quantized", data.astype(_elements(dtype)))
        if q.groups is not None:
            return self._of_groups(hint, stored, q, dtype, data.shape[1])
        inputs = [stored, *self._parameters(hint, q, dtype)]
        return self.add("DequantizeLinear", inputs, f"{hint}_dequantized", **_axis(q))[0]

    def _of_groups(self, hint: str, stored: str, q: QParams, dtype: DType, depth: int) -> str:
        """Dequantize weights (C, depth) whose groups have scales of their own."""
        assert q.groups is not None
        self.needs(TYPES_OPSET)
        table = q.groups.table(len(q.scale))
        scales = (np.asarray(q.scale)[:, None] * table).astype(np.float32)
        zeros = q.groups.zeros_table(len(q.scale)).astype(_elements(dtype))
        inputs = [stored, self.constant(f"{hint}_scale", scales), self.constant(f"{hint}_zero_point", zeros)]
        block = min(q.groups.size, depth)
        return self.add("DequantizeLinear", inputs, f"{hint}_dequantized", axis=1, block_size=block)[0]

    def _is_integer(self, value: str) -> bool:
        """Whether a value is quantized in ONNX: not if it is real, has a zero-point beyond 8 bits, beside a Shift, or
        is exchanged in a wider type."""
        type = self.graph.type(value)
        bytewise = type.q is not None and type.dtype in BYTES
        return value in self._wide or (bytewise and type.dtype.range[0] <= type.qp.zp <= type.dtype.range[1])

    def read(self, value: str, nchw: bool = False, rank: int | None = None) -> str:
        """A float tensor of a value, in the layout asked for; every reader gets a DequantizeLinear of its own.

        Args:
            value: name in the graph.
            nchw: whether the reader wants NCHW.
            rank: dimensions to which a constant is extended in front, for broadcasting.
        """
        key, data = (value, nchw), self.graph.data(value)
        if data is not None:
            if key not in self._constants:
                self._constants[key] = self._read_constant(value, nchw, rank or data.ndim)
            return self._constants[key]
        if not self._is_integer(value):
            if key not in self._real:
                layout, perm = ("nchw", TO_NCHW) if nchw else ("nhwc", TO_NHWC)
                (self._real[key],) = self.add(
                    "Transpose", [self._real[value, not nchw]], f"{value}_{layout}", perm=perm
                )
            return self._real[key]
        if key not in self._integers:
            layout, perm = ("nchw", TO_NCHW) if nchw else ("nhwc", TO_NHWC)
            (moved,) = self.add("Transpose", [self._dequantize(value, not nchw)], f"{value}_{layout}", perm=perm)
            self._integers[key] = self._quantize(value, moved)
        return self._dequantize(value, nchw)

    def first(self, node: Node, nchw: bool = False) -> str:
        """A float tensor of a node's first input."""
        return self.read(str(node.inputs[0]), nchw)

    def stored(self, value: str) -> tuple[TensorType, Array]:
        """The type and the elements of a value that must be constant."""
        data = self.graph.data(value)
        assert data is not None
        return self.graph.type(value), data

    def _read_constant(self, value: str, nchw: bool, rank: int) -> str:
        data, type = self.graph.data(value), self.graph.type(value)
        assert data is not None
        if type.q is None:
            moved = data.reshape((1,) * (rank - data.ndim) + data.shape)
            return self.constant(value, moved.transpose(TO_NCHW) if nchw else moved)
        if type.qp.axis is None:
            data = data.reshape((1,) * (rank - data.ndim) + data.shape)
        if nchw:
            data = data.transpose(TO_NCHW)
        dtype = _container(type.dtype)
        if dtype is DType.INT8 and type.qp.axis is None:
            return self.dequantized(value, data.astype(np.int16) + 128, _shifted(type.qp), DType.UINT8)
        return self.dequantized(value, data, type.qp, dtype)

    def _quantize(self, value: str, tensor: str) -> list[str]:
        type = self.graph.type(value)
        q = _shifted(type.qp) if type.dtype is DType.INT8 else type.qp
        parameters = self._parameters(tensor, q, DType.INT16 if type.dtype is DType.INT16 else DType.UINT8)
        return [*self.add("QuantizeLinear", [tensor, *parameters], f"{tensor}_quantized"), *parameters]

    def _dequantize(self, value: str, nchw: bool) -> str:
        return self.add("DequantizeLinear", self._integers[value, nchw], f"{value}_dequantized")[0]

    def write(self, value: str, tensor: str, nchw: bool = False) -> None:
        """A float result becomes the value `value`."""
        if not self._is_integer(value):
            self._real[value, nchw] = tensor
        else:
            self._integers[value, nchw] = self._quantize(value, tensor)
        self._nchw[value] = nchw

    def finish(self, node: Node, tensor: str, nchw: bool = False) -> None:
        """A float result, after the activation fused into it, becomes the one output of a node."""
        (out,) = node.outputs
        self.write(out, self._clamped(tensor, out, node.op.fused_clamp or NO_CLAMP), nchw)

    def _clamped(self, tensor: str, output: str, clamp: Clamp) -> str:
        """Apply a fused activation, unless the saturation of the output does it."""
        type = self.graph.type(output)
        if clamp == NO_CLAMP or (type.q is not None and type_range(type, clamp) == type.dtype.range):
            return tensor
        if clamp == (0.0, float("inf")):
            return self.add("Relu", [tensor], f"{output}_relu")[0]
        bounds = [
            self.constant(f"{output}_{which}", np.float32(bound)) if np.isfinite(bound) else ""
            for which, bound in zip(("min", "max"), clamp, strict=True)
        ]
        return self.add("Clip", [tensor, *bounds], f"{output}_clip")[0]

    def model(self) -> Any:
        """The ONNX model (onnx.ModelProto)."""
        for name in self.graph.outputs:
            if name not in self.graph.inputs:
                tensor = self.read(name)
                if not self._is_integer(name):
                    self.add("Identity", [tensor], name)
                self.nodes[-1].output[0] = name

        def port(name: str) -> Any:
            shape: list[int | str] = list(self.graph.type(name).shape)
            if name in self.batched and self.graph.batch is not None:
                shape[0] = self.graph.batch
            code = TensorProto.INT32 if self.graph.type(name).is_whole else TensorProto.FLOAT
            return helper.make_tensor_value_info(name, code, shape)

        body = helper.make_graph(
            self.nodes,
            self.graph.name or "model",
            [port(n) for n in self.graph.inputs],
            [port(n) for n in self.graph.outputs],
            self.initializers,
        )
        domains = [helper.make_opsetid("", self._opset)]
        if any(node.domain == ML_DOMAIN for node in self.nodes):
            domains.append(helper.make_opsetid(ML_DOMAIN, ML_OPSET))
        return helper.make_model(
            body,
            producer_name="edgeq",
            opset_imports=domains,
            ir_version=TYPES_IR_VERSION if self._opset >= TYPES_OPSET else IR_VERSION,
        )


def _wide_values(graph: Graph) -> frozenset[str]:
    """Computed values of 16 bits, but for what recurrent layers keep in them beside values of 8 bits."""
    found: set[str] = set()
    for node in graph.nodes:
        rule = node.op.quant_rule([None if n is None else graph.type(n).shape for n in node.inputs])
        if not rule.fine and not rule.states:
            found.update(name for name in (*node.inputs, *node.outputs) if name is not None)
    return frozenset(n for n in found if graph.data(n) is None and graph.type(n).dtype is DType.INT16)


def _container(dtype: DType) -> DType:
    """The type that integers are written as: those of less than 4 bits are of an opset that few runtimes have."""
    if dtype.bits >= 8:
        return dtype
    return DType.INT8 if dtype.is_code else DType.INT4


def _elements(dtype: DType) -> np.dtype[Any]:
    """NumPy's type of integers that ONNX stores as `dtype`."""
    if dtype is DType.INT4:
        return np.dtype(helper.tensor_dtype_to_np_dtype(TensorProto.INT4))
    return dtype.numpy


def _shifted(q: QParams) -> QParams:
    """int8 parameters as uint8 ones."""
    return QParams.per_tensor(q.s, q.zp + 128)


def _axis(q: QParams) -> dict[str, int]:
    return {} if q.axis is None else {"axis": q.axis}
