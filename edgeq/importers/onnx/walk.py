"""Node after node of a model: computed if its inputs are constant, handled, or replaced by its definition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgeq.errors import EdgeqError
from edgeq.importers.budget import LimitError
from edgeq.importers.cut import part
from edgeq.importers.onnx.fold import fold, is_foldable
from edgeq.importers.onnx.functions import Body, bind_outputs, body_of, has_body
from edgeq.importers.onnx.handlers import HANDLERS, INTEGER_HANDLERS, WHOLE_HANDLERS
from edgeq.importers.onnx.hints import hint_for
from edgeq.importers.onnx.loops import UNROLLED
from edgeq.importers.onnx.model import OPSETS, Source, brief, changed_since
from edgeq.importers.onnx.node import Activation, Builder, Constant, OnnxNode
from edgeq.importers.problems import DEFAULT_HINT, Problem
from edgeq.ir.tensor import DType

QUANTIZED = (DType.BOOL, DType.INT8, DType.UINT8, DType.INT16)
"""Types of integers that stand for real numbers, or may do so."""
_UNROLLED = {("", kind) for kind in UNROLLED}
_NO_REALS = ("QuantizeLinear", "Shape", "Size")
"""Operators that do not read their input as real numbers."""


def import_nodes(builder: Builder) -> list[Problem]:
    """Import every node that the outputs depend on.

    Returns:
        Those that cannot be imported; those that depend on them are skipped.
    """
    needed, read = _needed(builder.source)
    builder.read_as_real = {name for m, _ in needed if m.op_type not in _NO_REALS for name in _read_by(m)}
    builder.read_as_real.update(builder.source.outputs)
    return _import((OnnxNode(builder, message, name) for message, name in needed), read, set())


def _needed(source: Source) -> tuple[list[tuple[Any, str]], set[str]]:
    """The nodes that the outputs depend on, with their names, in order; and the tensors that they and the caller read.

    What nothing reads must not leave parameters of its own on tensors that others read.
    """
    ends = [([i for i in _read_by(message) if i], [o for o in message.output if o]) for message in source.nodes]
    kept, read = part(ends, (), source.outputs)
    return [(source.nodes[k], source.node_names[k]) for k in sorted(kept)], read


def _read_by(message: Any) -> Iterable[str]:
    """Tensors that a node reads, those of its branches included."""
    yield from message.input
    for attribute in message.attribute:
        for child in attribute.g.node:
            yield from _read_by(child)
        yield from (output.name for output in attribute.g.output)


def _import(nodes: Iterable[OnnxNode], read: set[str], lost: set[str]) -> list[Problem]:
    """Import nodes in their order.

    Args:
        nodes: each after those it reads from.
        read: tensors that something reads, so that it matters if a node does not make them.
        lost: tensors of nodes that could not be imported; grows.
    """
    problems: list[Problem] = []
    for node in nodes:
        node.builder.source.budget.pause()
        found = _import_node(node, lost)
        problems.extend(found)
        missing = [o for o in node.outputs if o and o not in node.builder.tensors]
        silent = not found and not any(i in lost for i in node.inputs)
        for output in missing:
            if silent and output in read:
                number = node.outputs.index(output)
                why = f"its output {number} ({output}) is not supported"
                problems.append(Problem(node.name, node.kind, why, "use only the first output"))
        lost.update(missing)
    return problems


def _unsupported(node: OnnxNode) -> Problem:
    what = f"{node.domain}.{node.kind}" if node.domain else node.kind
    return Problem(node.name, node.kind, f"operator {what} is not supported", hint_for(node.kind))


def _import_node(node: OnnxNode, lost: set[str]) -> list[Problem]:
    """Import one node unless something it reads is lost already; returns what is wrong with it."""
    changed = changed_since(node.kind, node.opset) if node.domain == "" else None
    if changed is not None:
        why = f"operator {node.kind} changed in opset {changed}, which edgeq does not know yet"
        return [Problem(node.name, node.kind, why, f"export with opset {OPSETS[-1]} or an older one")]
    if any(i in lost for i in node.inputs):
        return [] if _is_known(node) else [_unsupported(node)]
    try:
        return _become(node, lost)
    except LimitError as error:
        error.where = error.where or f"{node.name} ({node.kind})"
        raise
    except EdgeqError as error:
        where = f"{error.where}: " if error.where and error.where != node.name else ""
        return [Problem(node.name, node.kind, where + error.message, error.hint or DEFAULT_HINT)]
    except Exception as error:
        why = f"it cannot be read ({brief(error)})"
        return [Problem(node.name, node.kind, why, "the file is damaged or unusual; check it with onnx.checker")]


def _is_known(node: OnnxNode) -> bool:
    """Whether the operator may be taken, depending on its inputs."""
    key = node.domain, node.kind
    if key in HANDLERS:
        return not node.subgraphs
    if node.domain:
        return has_body(node)
    if node.kind in UNROLLED:
        return True
    return is_foldable(node) or has_body(node)


def _become(node: OnnxNode, lost: set[str]) -> list[Problem]:
    """Fold, handle or expand a node whose inputs are all there."""
    key = node.domain, node.kind
    entry = HANDLERS.get(key)
    operands = [node.operand(k) for k in range(len(node.inputs)) if node.has(k)]
    integers = [o.integers for o in operands if isinstance(o, Activation) and o.integers is not None]
    foldable = is_foldable(node)
    if foldable and all(isinstance(o, Constant) for o in operands):
        fold(node)
    elif key in WHOLE_HANDLERS and any(node.holds_whole(o) for o in operands):
        WHOLE_HANDLERS[key](node)
    elif set(integers) - {DType.BOOL} and key in INTEGER_HANDLERS:
        INTEGER_HANDLERS[key](node)
        _keep_integers(node, integers)
    elif entry is not None and not node.subgraphs:
        if integers and not entry.integers:
            why = f"it computes on integers ({integers[0].value})"
            return [Problem(node.name, node.kind, why, "dequantize its inputs first (DequantizeLinear)")]
        entry.run(node)
        _keep_integers(node, integers)
    else:
        body = UNROLLED[node.kind](node) if key in _UNROLLED else body_of(node)
        if body is not None:
            return _expand(node, body, lost)
        if foldable:
            why = f"operator {node.kind} is supported only where its inputs are constant"
            return [Problem(node.name, node.kind, why, hint_for(node.kind))]
        return [_unsupported(node)]
    return []


def _expand(node: OnnxNode, body: Body, lost: set[str]) -> list[Problem]:
    """Import what takes a node's place; what is wrong with it is said of the node itself."""
    read = {n for message in body.nodes for n in _read_by(message)}
    read = {body.names.get(n, n) for n in read} | {inner for _, inner in body.outputs} | {*node.outputs}
    inside = set(lost)
    problems = _import(body.children(node), read, inside)
    if problems:
        lost.update(node.outputs)
        first = problems[0]
        inner = f"{first.kind}: {first.why}"
        why = (
            f"what it stands for cannot be imported: {inner}"
            if node.kind in ("If", *UNROLLED)
            else (f"operator {node.kind} is not supported here; in ONNX's definition of it, {inner}")
        )
        return [Problem(node.name, node.kind, why, first.hint)]
    if inside.isdisjoint(inner for _, inner in body.outputs):
        bind_outputs(node, body)
    return []


def _keep_integers(node: OnnxNode, integers: list[DType]) -> None:
    """An operator that only moves data turns integers into integers again."""
    if node.kind == "Where":  # the condition is not what is moved
        integers = [dtype for dtype in integers if dtype is not DType.BOOL]
    if (
        not integers
        or node.kind in ("QuantizeLinear", "DequantizeLinear", "Cast", "CastLike", "Gather")
        or node.kind.startswith("Q")
    ):
        return
    for name in node.outputs:
        operand: Any = node.builder.tensors.get(name)
        if isinstance(operand, Activation) and operand.integers is None:
            if integers[0] not in QUANTIZED and not node.type(operand.value).is_whole:
                continue  # real numbers were made of whole ones
            node.builder.tensors[name] = Activation(operand.value, integers[0])
