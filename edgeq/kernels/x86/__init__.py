"""Kernels for processors of the x86 family, with the vectors of AVX2, AVX-VNNI and AVX-512 VNNI."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels.x86.conv2d import conv2d_rows, fully_connected_rows
from edgeq.kernels.x86.depthwise import depthwise_rows
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected

ROWS: KernelTable = {
    Conv2D: conv2d_rows(),
    DepthwiseConv2D: depthwise_rows(),
    FullyConnected: fully_connected_rows(),
}
