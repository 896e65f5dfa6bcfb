"""How large a model may be that edgeq reads. What is larger is a mistake, damaged, or made to do harm."""

from __future__ import annotations

NODES = 50_000
"""Nodes, once functions are expanded."""
DEPTH = 100
"""Functions within functions."""
STORED_BYTES = 1 << 31
"""What a file stores as constants, in all."""
FOLDED_BYTES = 1 << 29
"""Constants that are computed of others while a model is read, in all."""
TENSOR_ELEMENTS = (1 << 31) - 1
"""One tensor."""
SECONDS = 600.0
"""Time in which a model is read."""


def size(count: int) -> str:
    """Bytes for people: a limit, or what is beyond it."""
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.4g} {unit}"
    return f"{count} bytes"
