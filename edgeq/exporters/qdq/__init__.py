"""An integer graph as a standard QDQ ONNX model (opset 13, or what its operators need), for onnxruntime and others.

Every operator stands between DequantizeLinear and QuantizeLinear; weights are int8 per channel, biases int32,
activations uint8 (onnxruntime on x86 has fast and exact kernels for that combination, and fuses all layers). Inputs and
outputs are float tensors with the model's own names and layouts. Operators that ONNX defines in NCHW keep their
results in it, and a transpose appears only where the layout really changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from edgeq.errors import ModelError, UsageError
from edgeq.exporters.qdq import (  # the modules of exporters register themselves
    convolution,
    detection,
    elementwise,
    linear,
    movement,
    normalization,
    pooling,
    reduction,
    trees,
    whole,
)
from edgeq.exporters.qdq.registry import exporter_of
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Graph
from edgeq.warnings import listed, warn

__all__ = ["EXPORTER_MODULES", "save_qdq", "to_qdq"]

EXPORTER_MODULES = (
    convolution,
    detection,
    elementwise,
    linear,
    movement,
    normalization,
    pooling,
    reduction,
    trees,
    whole,
)


def to_qdq(graph: Graph) -> Any:
    """The ONNX model (onnx.ModelProto) of an integer graph.

    Raises:
        ModelError: operators that ONNX cannot express; all are listed.
        UsageError: the graph is not quantized, or nothing in it is.
    """
    if graph.numerics is None:
        raise UsageError("only a quantized graph can be exported", hint="quantize it first", where=graph.name)
    if graph.is_real:
        raise UsageError(
            "nothing in the model is quantized", hint="leave --numerics float out, or --output", where=graph.name
        )
    unknown = [f"{n.name} ({n.op.kind})" for n in graph.nodes if exporter_of(n.op) is None]
    if unknown:
        raise ModelError(
            f"no ONNX form is known for {', '.join(unknown)}",
            hint="build and verify the model without this file; other formats are not affected",
            where=graph.name,
        )
    coded = [
        f"{node.name} ({node.op.kind})"
        for node in graph.nodes
        if any(name is not None and graph.type(name).dtype.is_code for name in node.inputs)
    ]
    if coded:
        warn(
            f"weights of codes are written as INT8: {listed(coded)}",
            hint="the file gives the same results; build from the float model where the weights are to stay small",
            where=graph.name,
        )
    writer = QdqWriter(graph)
    for name in graph.inputs:
        writer.write(name, name)
    for node in graph.nodes:
        exporter = exporter_of(node.op)
        assert exporter is not None
        exporter(writer, node, node.op)
    model = writer.model()
    onnx.checker.check_model(model)
    return model


def save_qdq(graph: Graph, path: str | Path) -> None:
    """Write the ONNX model of an integer graph to a file.

    Raises:
        ModelError: see `to_qdq`.
        UsageError: the file cannot be written.
    """
    data = to_qdq(graph).SerializeToString(deterministic=True)
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise UsageError(f"the file cannot be written ({error.strerror})", where=str(path)) from error
