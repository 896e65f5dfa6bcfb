"""Reading an ONNX file: decoding, opset, references, order of nodes, shapes of inputs. No operator is known here."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from edgeq.errors import EdgeqError, ModelError, UsageError
from edgeq.importers.budget import Budget, LimitError
from edgeq.importers.cut import Cut
from edgeq.importers.onnx.cut import cut_graph
from edgeq.importers.onnx.external import stored_inside
from edgeq.importers.onnx.local import expanded, texts
from edgeq.ir.limits import PORTS, TENSOR_ELEMENTS
from edgeq.ir.tensor import Array, DType, Shape

OPSETS = range(7, 29)
"""Versions of ONNX's operators that edgeq was written for. Of later ones, an operator is taken that has not changed."""
MOST_DIMENSIONS = 32
"""Of a tensor: what NumPy takes in all its versions."""
_REAL = (1, 10, 11, 16)  # float, float16, double, bfloat16
OTHER_TYPES = {
    4: DType.UINT16,
    6: DType.INT32,
    7: DType.INT64,
    12: DType.UINT32,
    13: DType.UINT64,
    9: DType.BOOL,
    21: DType.UINT8,
    22: DType.INT8,
    25: DType.UINT8,
    26: DType.INT8,
}
"""Those of whole numbers and truth values; integers of 4 and of 2 bits lie in bytes."""
ELEMENT_TYPES = {2: DType.UINT8, 3: DType.INT8, 5: DType.INT16} | dict.fromkeys(_REAL, DType.FLOAT32)
"""ONNX's codes of the types an activation may have; float16, double and bfloat16 are computed as float32."""
NARROW = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
"""Ranges of integers of less than 8 bits, by the names of their NumPy types, which give each a byte of its own."""


@dataclass(frozen=True, eq=False)
class Source:
    """A model file, decoded, with all references resolved.

    Attributes:
        name: the file's name without its suffix.
        opsets: version of each operator set, by domain; ONNX's own is "".
        nodes: the node messages, in an order in which they can be executed.
        node_names: a unique name for each of them.
        inputs: shape and element type of every input, in order.
        outputs: names of the outputs.
        initializers: messages of the stored tensors.
        folder: where external data lies.
        batch: the name of the first dimension of the inputs where the file leaves it open; None where it does not.
        budget: what the import has used.
    """

    name: str
    opsets: Mapping[str, int]
    nodes: tuple[Any, ...]
    node_names: tuple[str, ...]
    inputs: Mapping[str, tuple[Shape, DType]]
    outputs: tuple[str, ...]
    initializers: Mapping[str, Any]
    folder: Path
    budget: Budget
    batch: str | None = None

    def constant(self, name: str) -> Array:
        """Elements of a stored tensor.

        Raises:
            ModelError: its data is missing, damaged or of a type edgeq has no use for.
        """
        return self.stored(self.initializers[name], name)

    def stored(self, tensor: Any, name: str) -> Array:
        """Elements of a tensor's message; errors as `constant`."""
        return read_tensor(tensor, name, self.folder, self.budget)


def first_values(path: Path, names: Collection[str]) -> dict[str, Array]:
    """What a file stores for those of its inputs that are among the names.

    Raises:
        ModelError: the file is damaged.
    """
    budget = Budget()
    graph, _ = _decode(path, budget)
    wanted = {i.name for i in graph.input}.intersection(names)
    stored = (tensor for tensor in graph.initializer if tensor.name in wanted)
    return {tensor.name: read_tensor(tensor, tensor.name, path.parent, budget) for tensor in stored}


def read(path: Path, shapes: Mapping[str, Shape], cut: Cut) -> Source:
    """Decode and check a file, of which only a part may be wanted.

    Raises:
        UsageError: `shapes` lacks an input, names one that is not there, or contradicts the file; or `cut` does.
        ModelError: the file is damaged, its opset is unknown, or it refers to what is not there.
    """
    budget = Budget()
    graph, opsets = _decode(path, budget)
    names = _node_names(graph.node)
    if cut:
        graph, names = cut_graph(graph, names, opsets, cut, shapes, str(path))
    initializers: dict[str, Any] = {}
    for tensor in graph.initializer:
        if tensor.name in initializers:
            raise ModelError("two initializers have this name", hint=_EXPORT_AGAIN, where=tensor.name)
        initializers[tensor.name] = tensor
    for name in {i.name for i in graph.input}.intersection(cut.kept):
        initializers.pop(name, None)
    if graph.sparse_initializer:
        raise ModelError("the model stores sparse tensors", hint="store them densely", where=str(path))
    declared = [i for i in graph.input if i.name not in initializers]
    outputs = tuple(o.name for o in graph.output)
    for count, what in ((len(declared), "inputs"), (len(outputs), "outputs")):
        if count > PORTS:
            raise LimitError(f"the model has {count:,} {what}; the limit is {PORTS:,}", _EXPORT_AGAIN, str(path))
    if not outputs:
        raise ModelError("the model has no outputs", hint=_EXPORT_AGAIN, where=str(path))
    if len(set(outputs)) != len(outputs):
        raise ModelError("two outputs have the same name", hint=_EXPORT_AGAIN, where=str(path))
    known = {*initializers, *(i.name for i in declared)}
    if len(known) != len(initializers) + len(declared):
        raise ModelError("two inputs have the same name", hint=_EXPORT_AGAIN, where=str(path))
    order = _order(graph.node, names, known, outputs)
    return Source(
        name=path.stem,
        opsets=opsets,
        nodes=tuple(graph.node[i] for i in order),
        node_names=tuple(names[i] for i in order),
        inputs=_inputs(declared, shapes),
        outputs=outputs,
        initializers=initializers,
        folder=path.parent,
        batch=_open_batch(declared, shapes),
        budget=budget,
    )


_EXPORT_AGAIN = "the file is damaged or was written by a faulty exporter; export the model again"


def _decode(path: Path, budget: Budget) -> tuple[Any, dict[str, int]]:
    """The graph message and the opsets, local functions expanded."""
    budget.stored(path.stat().st_size)
    data = path.read_bytes()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:
        raise ModelError("this is not an ONNX file, or it is damaged", hint=_EXPORT_AGAIN, where=str(path)) from error
    if not model.HasField("graph"):
        raise ModelError("the file holds no graph", hint=_EXPORT_AGAIN, where=str(path))
    if not all(isinstance(text, str) for text in texts(model)):
        raise ModelError("a name in the file is no text", hint=_EXPORT_AGAIN, where=str(path))
    budget.nodes(*expanded(model, str(path)))
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    opsets = {("" if o.domain == "ai.onnx" else o.domain): int(o.version) for o in model.opset_import}
    version, known = opsets.get(""), onnx.defs.onnx_opset_version()
    if version is None and opsets and all(node.domain not in ("", "ai.onnx") for node in model.graph.node):
        version = opsets[""] = min(OPSETS[-1], known)  # no operator of ONNX's own is in it
    if version is None or not OPSETS[0] <= version <= known:
        raise ModelError(
            "the model names no ONNX opset" if version is None else f"opset {version} is not supported",
            hint=f"export with an opset from {OPSETS[0]} to {known}, or convert with onnx.version_converter; "
            f"a newer onnx package may know more than this one, {onnx.__version__}",
            where=str(path),
        )
    return model.graph, opsets


def changed_since(kind: str, opset: int) -> int | None:
    """The version in which an operator of ONNX's own took a meaning later than `OPSETS`; None if it did not."""
    if opset in OPSETS or not onnx.defs.has(kind):
        return None
    version = int(onnx.defs.get_schema(kind, opset).since_version)
    return version if version > OPSETS[-1] else None


def type_name(code: int) -> str:
    """ONNX's name of an element type."""
    names: dict[int, str] = {number: name for name, number in onnx.TensorProto.DataType.items()}
    return names.get(code, f"type {code}").lower()


def read_tensor(tensor: Any, name: str, folder: Path, budget: Budget) -> Array:
    """Elements of a tensor message: float32 (also those of narrower real types), float64, integers or booleans.

    Raises:
        ModelError: the data is missing, damaged or of another type.
    """
    if len(tensor.dims) > MOST_DIMENSIONS:
        raise ModelError(f"a tensor has {len(tensor.dims)} dimensions", hint=_EXPORT_AGAIN, where=name)
    if any(d < 0 for d in tensor.dims) or prod(tensor.dims) > TENSOR_ELEMENTS:
        raise ModelError(f"a tensor cannot have the shape {tuple(tensor.dims)}", hint=_EXPORT_AGAIN, where=name)
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor = stored_inside(tensor, name, folder, budget)
        data: Array = np.asarray(numpy_helper.to_array(tensor))
    except EdgeqError:
        raise
    except Exception as error:
        message = f"the tensor's data cannot be read ({brief(error)})"
        raise ModelError(message, hint=_EXPORT_AGAIN, where=name) from error
    kind = data.dtype.name
    if kind == "bfloat16" or (kind.startswith("float") and data.dtype.itemsize < 4):
        return data.astype(np.float32)
    if kind not in NARROW and data.dtype.kind not in "fiub":
        raise ModelError(f"element type {kind} is not supported", hint="use float32 or int8", where=name)
    return data


def brief(error: BaseException) -> str:
    """The first line of an error's text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__


def _node_names(nodes: Sequence[Any]) -> list[str]:
    """The nodes' own names, else `<type>_<index>`; made unique."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    names = []
    for index, node in enumerate(nodes):
        base = node.name or f"{node.op_type.lower() or 'node'}_{index}"
        name = base
        while name in taken:
            counts[base] = counts.get(base, 1) + 1
            name = f"{base}_{counts[base]}"
        taken.add(name)
        names.append(name)
    return names


def _order(nodes: Sequence[Any], names: Sequence[str], known: set[str], outputs: Sequence[str]) -> list[int]:
    """Indices of nodes, each after those it reads from; as in the file where possible."""
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for out in node.output:
            if out and (out in producer or out in known):
                raise ModelError(f"tensor {out!r} is computed twice", hint=_EXPORT_AGAIN, where=names[index])
            if out:
                producer[out] = index
    readers: list[list[int]] = [[] for _ in nodes]
    waiting = [0] * len(nodes)
    for index, node in enumerate(nodes):
        for name in dict.fromkeys(n for n in node.input if n):
            if name in producer:
                readers[producer[name]].append(index)
                waiting[index] += 1
            elif name not in known:
                raise ModelError(f"tensor {name!r} is read but never given", hint=_EXPORT_AGAIN, where=names[index])
    for name in outputs:
        if name not in producer and name not in known:
            raise ModelError("this output is never computed", hint=_EXPORT_AGAIN, where=name)
    ready = [i for i, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) != len(nodes):
        stuck = next(i for i, count in enumerate(waiting) if count)
        raise ModelError("the node is part of a cycle", hint=_EXPORT_AGAIN, where=names[stuck])
    return order


def _inputs(declared: Sequence[Any], requested_shapes: Mapping[str, Shape]) -> dict[str, tuple[Shape, DType]]:
    """Shape and type of every input; the batch is 1 unless the file or the caller says otherwise."""
    names = [i.name for i in declared]
    for name in requested_shapes:
        if name not in names:
            raise UsageError(
                f"the model has no input {name!r}", hint=f"its inputs are {', '.join(names) or 'none'}", where=name
            )
    batch_symbols = {
        i.type.tensor_type.shape.dim[0].dim_param for i in declared if len(i.type.tensor_type.shape.dim) > 0
    } - {""}
    return {i.name: (_input_shape(i, requested_shapes.get(i.name), batch_symbols), _element_type(i)) for i in declared}


def _open_batch(declared: Sequence[Any], requested: Mapping[str, Shape]) -> str | None:
    """What the file calls the first dimension of its inputs, if it leaves that open for all of them."""
    names = set()
    for info in declared:
        dims = info.type.tensor_type.shape.dim
        if info.name in requested or not len(dims) or dims[0].WhichOneof("value") == "dim_value":
            return None
        names.add(dims[0].dim_param or "batch")
    return names.pop() if len(names) == 1 else None


def _element_type(declared: Any) -> DType:
    if not declared.type.HasField("tensor_type"):
        raise ModelError("the input is not a tensor", hint="edgeq takes dense tensors", where=declared.name)
    code = declared.type.tensor_type.elem_type
    if code in OTHER_TYPES:
        return OTHER_TYPES[code]
    if code not in ELEMENT_TYPES:
        raise ModelError(
            f"an input of type {type_name(code)} is not supported",
            hint="edgeq takes float, int8, uint8, int32, int64 and bool inputs; "
            "cut the model after the part that reads this one",
            where=declared.name,
        )
    return ELEMENT_TYPES[code]


def _input_shape(declared: Any, requested: Shape | None, batch_symbols: set[str]) -> Shape:
    """The shape of one input, from the file and from what the caller requested."""
    name, tensor = declared.name, declared.type.tensor_type
    example = _example(name, [d.dim_value for d in tensor.shape.dim])
    if not tensor.HasField("shape"):
        if requested is None:
            raise UsageError("the file does not say the shape of this input", hint=f"give it: {example}", where=name)
        return _checked(requested, name)
    dims: list[int | None] = [d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim]
    if requested is not None:
        if len(requested) != len(dims) or any(d is not None and d != g for d, g in zip(dims, requested, strict=True)):
            shown = ",".join("?" if d is None else str(d) for d in dims)
            raise UsageError(
                f"the shape {tuple(requested)} does not fit the model's {shown}",
                hint=f"change only the ?: {shown}" if None in dims else "leave it out: the model fixes the shape",
                where=name,
            )
        return _checked(requested, name)
    shape: list[int] = []
    for index, dim in enumerate(dims):
        if tensor.shape.dim[index].WhichOneof("value") == "dim_value" and tensor.shape.dim[index].dim_value == 0:
            raise UsageError(
                f"dimension {index} of this input has size 0: there would be nothing to compute",
                hint=f"where the exporter wrote 0 for an open size, give the shape, as in {example}",
                where=name,
            )
        if dim is None and index > 0 and tensor.shape.dim[index].dim_param not in batch_symbols:
            shown = ",".join(str(d) if d is not None else "1" if k == 0 else "?" for k, d in enumerate(dims))
            raise UsageError(
                f"dimension {index} of this input is not fixed: {shown}",
                hint=f"give the shape of every such input, as in {example}",
                where=name,
            )
        shape.append(1 if dim is None else dim)
    return _checked(shape, name)


def _example(name: str, dims: Sequence[int]) -> str:
    """An option that gives an input's shape: what is fixed as it is, plausible numbers for the rest."""
    typical = (1, 3, 224, 224) if len(dims) in (0, 4) else (1, *(64,) * (len(dims) - 1))
    shape = [d if d > 0 else t for d, t in zip(dims, typical, strict=True)] if dims else typical
    return f"--input-shape {name}={','.join(map(str, shape))}"


def _checked(shape: Sequence[int], name: str) -> Shape:
    if any(d < 1 for d in shape) or prod(shape) > TENSOR_ELEMENTS:
        raise UsageError(f"an input cannot have the shape {tuple(shape)}", hint="give positive sizes", where=name)
    return tuple(int(d) for d in shape)
