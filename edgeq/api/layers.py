"""The layers of a model, as they are before it is quantized."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeq.api.dump import dump_into
from edgeq.codegen.names import file_prefix
from edgeq.importers import load as import_model
from edgeq.importers.cut import Cut
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Shape
from edgeq.passes.pipeline import optimize_float


def summary(
    path: Path,
    input_shapes: Mapping[str, Shape],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    dump_ir: str | Path | None,
) -> dict[str, Any]:
    """What `edgeq.inspect` says of a model; see there."""
    observe = dump_into(dump_ir)
    graph = import_model(path, dict(input_shapes), Cut(inputs, outputs))
    observe("import", graph)
    graph = optimize_float(graph, observe)
    layers = []
    for node in graph.nodes:
        site = graph.site(node)
        layers.append(
            {
                "name": node.name,
                "op": node.op.kind,
                "macs": node.op.macs(site),
                "weights_bytes": sum(c.size for c in site.consts if c is not None),
                "output_shape": list(site.outputs[0].shape),
            }
        )
    return {
        "name": file_prefix(path),
        "quantized": graph.preferred.value if any(graph.type(n).q for n in graph.inputs) else None,
        "inputs": [_port(graph, n) for n in graph.public_inputs],
        "outputs": [_port(graph, n) for n in graph.public_outputs],
        "macs": sum(layer["macs"] for layer in layers),
        "weights_bytes": sum(layer["weights_bytes"] for layer in layers),
        "layers": layers,
    }


def _port(graph: Graph, name: str) -> dict[str, Any]:
    kind = graph.type(name)
    dtype = graph.ports.get(name)
    return {
        "name": name,
        "shape": list(kind.shape),
        "dtype": dtype.value if dtype else "int8" if kind.q else kind.dtype.value,
        "scale": kind.q.s if kind.q else None,
        "zero_point": kind.q.zp if kind.q else None,
    }
