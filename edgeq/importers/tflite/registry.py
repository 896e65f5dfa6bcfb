"""The table of handlers: one function per operator of the schema."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import RawOp

Handler = Callable[[Builder, RawOp], None]
HANDLERS: dict[str, Handler] = {}


def handles(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of some operators. It raises Problem for what it cannot take."""

    def register(function: Handler) -> Handler:
        for kind in kinds:
            HANDLERS[kind] = function
        return function

    return register
