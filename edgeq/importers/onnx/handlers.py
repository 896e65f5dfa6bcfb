"""Which handler takes an operator type: they put themselves here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeq.importers.onnx.node import OnnxNode

Handler = Callable[[OnnxNode], None]


@dataclass(frozen=True)
class Entry:
    """A handler, and whether it may meet tensors that ONNX sees as quantized integers."""

    run: Handler
    integers: bool


HANDLERS: dict[tuple[str, str], Entry] = {}
"""Every ONNX operator that becomes something in a graph, by domain and type. Handlers put themselves here."""


def handles(*kinds: str, domain: str = "", integers: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler for operator types of a domain."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            HANDLERS[domain, kind] = Entry(handler, integers)
        return handler

    return register


WHOLE_HANDLERS: dict[tuple[str, str], Handler] = {}
"""Operators that compute on whole numbers, by domain and type, where at least one computed operand holds such."""


def handles_whole(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a handler for operator types of ONNX's own where an input holds whole numbers."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            WHOLE_HANDLERS["", kind] = handler
        return handler

    return register


INTEGER_HANDLERS: dict[tuple[str, str], Handler] = {}
"""Operators that compute something else on quantized integers than on real numbers, by domain and type."""


def handles_integers(*kinds: str, domain: str = "") -> Callable[[Handler], Handler]:
    """Register a handler for operator types of a domain where an input is quantized integers."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            INTEGER_HANDLERS[domain, kind] = handler
        return handler

    return register
