"""How large a model may be that edgeq reads. What is larger is a mistake, damaged, or made to do harm."""

from __future__ import annotations

NODES = 20_000
"""Nodes, once functions are expanded."""
DEPTH = 100
"""Functions within functions."""
PORTS = 1000
"""Inputs, and outputs."""
OPERANDS = 4096
"""Inputs, outputs or integers of one node of a .tflite file, where thousands of nodes may share one list of them."""
STORED_BYTES = 1 << 30
"""What a file stores as constants, in all."""
FOLDED_BYTES = 1 << 29
"""Constants that are computed of others while a model is read, in all."""
TENSOR_ELEMENTS = 1 << 28
"""One tensor."""
SAMPLE_BYTES = 1 << 33
"""Samples for calibration and verification."""
SECONDS = 600.0
"""Time in which a model is read."""


def size(count: int) -> str:
    """Bytes for people: a limit, or what is beyond it."""
    if count >= 1 << 70:
        return "over 1024 EiB"
    for unit, shift in (("EiB", 60), ("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.4g} {unit}"
    return f"{count} bytes"
