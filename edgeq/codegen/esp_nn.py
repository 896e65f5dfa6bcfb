"""Espressif's ESP-NN: which releases generated components call, and which of its files are portable C."""

from __future__ import annotations

from pathlib import Path

COMPONENT = "espressif/esp-nn"
VERSION = ">=1.2.0,<2.0.0"
"""As a component's manifest asks for it."""
HEADER = "include/esp_nn.h"
INCLUDES = ("include", "src/common")
SOURCES = tuple(
    f"src/{folder}/*_{kind}.c"
    for folder in ("basic_math", "convolution", "fully_connected", "pooling", "softmax")
    for kind in ("ansi", "opt")
)
"""Patterns of the files that every chip can compile, with the functions that are called."""


def is_copy(root: Path) -> bool:
    """Whether a folder holds the library."""
    return (root / HEADER).is_file()
