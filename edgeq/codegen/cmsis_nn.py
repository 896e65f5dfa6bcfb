"""Arm's CMSIS-NN: which release generated folders call, where it comes from, and which of its files they compile."""

from __future__ import annotations

from pathlib import Path

VERSION = "7.0.0"
TAG = "v7.0.0"
COMMIT = "22080c68d040c98139e6cb1549473e3149735f4d"
REPOSITORY = "https://github.com/ARM-software/CMSIS-NN.git"
HEADER = "Include/arm_nnfunctions.h"
SOURCES = (
    "Source/BasicMathFunctions/*_s8.c",
    "Source/ConvolutionFunctions/*_s8*.c",
    "Source/FullyConnectedFunctions/*_s8.c",
    "Source/NNSupportFunctions/*_s8*.c",
    "Source/NNSupportFunctions/arm_q7_to_q15_with_offset.c",
    "Source/PoolingFunctions/*_s8.c",
    "Source/SoftmaxFunctions/*_s8.c",
    "Source/TransposeFunctions/*_s8.c",
)
"""Patterns of the files that contain its functions for int8."""


def is_copy(root: Path) -> bool:
    """Whether a folder holds the library."""
    return (root / HEADER).is_file()
