"""Small ONNX models made on the spot, and their comparison with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx_reference import reference

from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.simulator import run_float

Array = npt.NDArray[Any]
Operand = tuple[int, ...] | Array | None
"""The shape of a computed input, the elements of a constant one, or None where an optional one is absent."""


def weights(*shape: int, low: float = -1.0, high: float = 1.0) -> Array:
    """Random float32 elements, the same for the same shape."""
    return np.random.default_rng(list(shape)).uniform(low, high, shape).astype(np.float32)


def ints(*values: int) -> Array:
    """A list of int64."""
    return np.asarray(values, np.int64)


@dataclass(frozen=True)
class Case:
    """One node as a model of its own."""

    name: str
    op: str
    inputs: Sequence[Operand]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 13
    outputs: int = 1
    low: float = -2.0
    high: float = 2.0


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Any],
    outputs: Sequence[str],
    constants: Mapping[str, Array] | None = None,
    opset: int = 13,
    dtypes: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """A model from nodes, input shapes, names of outputs and constants."""
    types = dict(dtypes or {})

    def info(name: str, shape: Any) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, types.get(name, TensorProto.FLOAT), shape)

    graph = helper.make_graph(
        list(nodes),
        "model",
        [info(n, s) for n, s in inputs.items()],
        [info(n, None) for n in outputs],
        [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def single(case: Case) -> onnx.ModelProto:
    """The model of a case; inputs are x0, x1 …, outputs y0, y1 …."""
    names = ["" if v is None else f"x{k}" for k, v in enumerate(case.inputs)]
    outputs = [f"y{k}" for k in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, name="the_node", **dict(case.attributes))
    shapes = {n: v for n, v in zip(names, case.inputs, strict=True) if isinstance(v, tuple)}
    constants = {n: v for n, v in zip(names, case.inputs, strict=True) if isinstance(v, np.ndarray)}
    return model_of([node], shapes, outputs, constants, case.opset)


def imported(model: onnx.ModelProto, folder: Path, **shapes: tuple[int, ...]) -> Graph:
    """The graph of a model that is written to a file first."""
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return load(path, shapes or None)


def random_feeds(graph: Graph, low: float, high: float) -> dict[str, Array]:
    """Random values for every input."""
    rng = np.random.default_rng(7)
    return {n: rng.uniform(low, high, graph.type(n).shape).astype(np.float32) for n in graph.inputs}


def check(model: onnx.ModelProto, folder: Path, low: float = -2.0, high: float = 2.0, tolerance: float = 1e-4) -> Graph:
    """Import a float model and compare every output with onnxruntime's; returns the graph."""
    graph = imported(model, folder)
    assert list(graph.inputs) == [i.name for i in model.graph.input]
    assert list(graph.outputs) == [o.name for o in model.graph.output]
    feeds = random_feeds(graph, low, high)
    found = run_float(graph, feeds)
    for name, expected in zip(graph.outputs, reference(model, feeds), strict=True):
        assert found[name].shape == expected.shape == graph.type(name).shape
        np.testing.assert_allclose(found[name], expected, rtol=tolerance, atol=tolerance)
    return graph


def kinds(graph: Graph) -> list[str]:
    """The operators of a graph, without what only changes the layout."""
    return [n.op.kind for n in graph.nodes if n.op.kind not in ("Transpose", "Reshape")]
