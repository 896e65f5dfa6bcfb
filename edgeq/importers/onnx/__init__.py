"""ONNX → Graph: float models, and models quantized as QDQ or with QLinear operators; opsets from 7 on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeq.errors import EdgeqError, ModelError
from edgeq.importers.onnx import (  # the modules of handlers register themselves
    activation,
    blocks,
    convolution,
    elementwise,
    integers,
    linear,
    movement,
    normalization,
    pooling,
    qdq,
    qlinear,
    reduction,
    resize,
    view,
)
from edgeq.importers.onnx.finish import finish
from edgeq.importers.onnx.fold import FOLDS, fold
from edgeq.importers.onnx.model import OPSETS, brief, changed_since, read
from edgeq.importers.onnx.node import HANDLERS, INTEGER_HANDLERS, Activation, Builder, Constant, OnnxNode
from edgeq.importers.problems import DEFAULT_HINT, Problem, all_in_one
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, Shape

__all__ = ["HANDLER_MODULES", "load"]

HANDLER_MODULES = (
    activation,
    blocks,
    convolution,
    elementwise,
    integers,
    linear,
    movement,
    normalization,
    pooling,
    qdq,
    qlinear,
    reduction,
    resize,
    view,
)

HINTS = {
    "If": "control flow is not supported: export without it, or fold it away with a model simplifier",
    "Loop": "control flow is not supported: export with the loop unrolled",
    "Scan": "control flow is not supported: export with the loop unrolled",
    "DynamicQuantizeLinear": "scales computed at run time are not supported: give the float model and calibration data",
    "MatMulInteger": "dynamic quantization is not supported: give the float model and calibration data",
    "ConvInteger": "dynamic quantization is not supported: give the float model and calibration data",
    "Reshape": "make the shape a constant when exporting the model",
}


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None) -> Graph:
    """Read an ONNX file. Arguments, result and errors as in `edgeq.importers.load`."""
    file = Path(path)
    try:
        builder = Builder(read(file, dict(input_shapes or {})))
        problems = _import_nodes(builder)
        if problems:
            raise all_in_one(problems, "nodes", str(path))
        return finish(builder)
    except EdgeqError:
        raise
    except Exception as error:
        raise ModelError(
            f"the file cannot be imported ({brief(error)})",
            hint="it is damaged or unusual; check it with onnx.checker, or export it again",
            where=str(path),
        ) from error


def _import_nodes(builder: Builder) -> list[Problem]:
    """Import every node; those that cannot be imported are listed, and those that depend on them are skipped."""
    problems: list[Problem] = []
    lost: set[str] = set()
    read = {name for message in builder.source.nodes for name in message.input} | set(builder.source.outputs)
    for message, name in zip(builder.source.nodes, builder.source.node_names, strict=True):
        node = OnnxNode(builder, message, name)
        problem = _import_node(node, lost)
        if problem is not None:
            problems.append(problem)
        missing = [o for o in node.outputs if o and o not in builder.tensors]
        silent = problem is None and not any(i in lost for i in node.inputs)
        for output in missing:
            if silent and output in read:
                number = node.outputs.index(output)
                why = f"its output {number} ({output}) is not supported"
                problems.append(Problem(name, node.kind, why, "use only the first output"))
        lost.update(missing)
    return problems


def _import_node(node: OnnxNode, lost: set[str]) -> Problem | None:
    """Import one node unless something it reads is lost already; returns what is wrong with it."""
    key = node.domain, node.kind
    entry = HANDLERS.get(key)
    foldable = node.domain == "" and node.kind in FOLDS
    if (entry is None and not foldable) or node.subgraphs:
        what = f"{node.domain}.{node.kind}" if node.domain else node.kind
        return Problem(node.name, node.kind, f"operator {what} is not supported", HINTS.get(node.kind, DEFAULT_HINT))
    changed = changed_since(node.kind, node.opset) if node.domain == "" else None
    if changed is not None:
        why = f"operator {node.kind} changed in opset {changed}, which edgeq does not know yet"
        return Problem(node.name, node.kind, why, f"export with opset {OPSETS[-1]} or an older one")
    if any(i in lost for i in node.inputs):
        return None
    try:
        operands = [node.operand(k) for k in range(len(node.inputs)) if node.has(k)]
        integers = [o.integers for o in operands if isinstance(o, Activation) and o.integers is not None]
        if foldable and all(isinstance(o, Constant) for o in operands):
            fold(node)
        elif integers and key in INTEGER_HANDLERS:
            INTEGER_HANDLERS[key](node)
            _keep_integers(node, integers)
        elif entry is None:
            why = f"operator {node.kind} is supported only where its inputs are constant"
            return Problem(node.name, node.kind, why, HINTS.get(node.kind, DEFAULT_HINT))
        else:
            if integers and not entry.integers:
                why = f"it computes on integers ({integers[0].value})"
                return Problem(node.name, node.kind, why, "dequantize its inputs first (DequantizeLinear)")
            entry.run(node)
            _keep_integers(node, integers)
    except EdgeqError as error:
        where = f"{error.where}: " if error.where and error.where != node.name else ""
        return Problem(node.name, node.kind, where + error.message, error.hint or DEFAULT_HINT)
    except Exception as error:
        why = f"it cannot be read ({brief(error)})"
        return Problem(node.name, node.kind, why, "the file is damaged or unusual; check it with onnx.checker")
    return None


def _keep_integers(node: OnnxNode, integers: list[DType]) -> None:
    """An operator that only moves data turns integers into integers again."""
    if not integers or node.kind in ("QuantizeLinear", "DequantizeLinear", "Cast") or node.kind.startswith("Q"):
        return
    for name in node.outputs:
        operand: Any = node.builder.tensors.get(name)
        if isinstance(operand, Activation) and operand.integers is None:
            node.builder.tensors[name] = Activation(operand.value, integers[0])
