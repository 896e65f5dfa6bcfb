"""The table of exporters: how an operator, or a family of them, is expressed in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ir.op import Op

O = TypeVar("O", bound=Op)  # noqa: E741 - an operator
Exporter = Callable[[QdqWriter, Node, Any], None]
"""Writes a node; the third argument is its operator."""

EXPORTERS: dict[type[Op], Exporter] = {}
"""Exporters by operator or by the base of a family; they register themselves."""


def exports(kind: type[O]) -> Callable[[Callable[[QdqWriter, Node, O], None]], Callable[[QdqWriter, Node, O], None]]:
    """Register the exporter of an operator, or of a family whose members say their ONNX operator (`Op.onnx`)."""

    def register(exporter: Callable[[QdqWriter, Node, O], None]) -> Callable[[QdqWriter, Node, O], None]:
        EXPORTERS[kind] = exporter
        return exporter

    return register


def exporter_of(op: Op) -> Exporter | None:
    """What writes nodes of an operator; None if nothing does."""
    kind = type(op)
    families = kind.__mro__[1:] if op.onnx else ()
    return next((EXPORTERS[base] for base in (kind, *families) if base in EXPORTERS), None)
