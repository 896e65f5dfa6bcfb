"""The names of arithmetics and roundings; `edgeq.numerics.fixedpoint` says what they are."""

from __future__ import annotations

from enum import Enum


class Numerics(Enum):
    """Whose arithmetic a quantized graph follows (see docs/numerics.md)."""

    FAST = "fast"
    TFLITE = "tflite"
    TFLM = "tflm"


class Rounding(Enum):
    """How a requantization rounds."""

    FAST = "fast"
    SINGLE = "single"
    DOUBLE = "double"
