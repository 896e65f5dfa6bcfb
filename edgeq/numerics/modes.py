"""The names of arithmetics and roundings; `edgeq.numerics.fixedpoint` says what they are."""

from __future__ import annotations

from enum import Enum
from typing import Literal


class Numerics(Enum):
    """Whose arithmetic a quantized graph follows (see docs/numerics.md)."""

    FAST = "fast"
    TFLITE = "tflite"
    TFLM = "tflm"


Float = Literal["float"]
FLOAT: Float = "float"
"""What is asked for in place of an arithmetic of integers: the whole model in float32 (edgeq.numerics.float32)."""


class Rounding(Enum):
    """How a requantization rounds."""

    FAST = "fast"
    SINGLE = "single"
    DOUBLE = "double"
    WIDE = "wide"
    REDUCED = "reduced"


Tables = Literal["micro-frontend", "tflm"]
"""Whose tables a front end of sound has: TensorFlow's micro front end, or TensorFlow Lite Micro's Python package."""

Shape = Literal["hann", "hamming", "none"]
"""Of a window."""
Mel = Literal["tensorflow", "htk", "slaney"]
"""Whose mel bands a front end of real numbers has."""
Dct = Literal["tensorflow", "ortho"]
"""How a cosine transform is scaled."""
Logarithm = Literal["natural", "log10", "db"]
"""What a front end makes of sums over bands."""
