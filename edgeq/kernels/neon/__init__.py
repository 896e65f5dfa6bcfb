"""Kernels for Arm's application processors, with the vectors of Neon: Raspberry Pi 2 to 5."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels.neon.conv2d import conv2d_rows, fully_connected_rows
from edgeq.kernels.neon.depthwise import depthwise_rows
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected

ROWS: KernelTable = {
    Conv2D: conv2d_rows(),
    DepthwiseConv2D: depthwise_rows(),
    FullyConnected: fully_connected_rows(),
}
