"""Layers that call Arm's CMSIS-NN, for programs that ask for that library (`--kernels cmsis-nn`)."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels.cmsis_nn.convolutions import conv2d_rows, depthwise_rows
from edgeq.kernels.cmsis_nn.elementwise import add_rows, mul_rows
from edgeq.kernels.cmsis_nn.fully_connected import fully_connected_rows
from edgeq.kernels.cmsis_nn.pools import average_pool2d_rows, max_pool2d_rows
from edgeq.kernels.cmsis_nn.softmax import softmax_rows
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mul import Mul
from edgeq.ops.softmax import Softmax

ROWS: KernelTable = {
    Conv2D: conv2d_rows(),
    DepthwiseConv2D: depthwise_rows(),
    FullyConnected: fully_connected_rows(),
    Add: add_rows(),
    Mul: mul_rows(),
    AveragePool2D: average_pool2d_rows(),
    MaxPool2D: max_pool2d_rows(),
    Softmax: softmax_rows(),
}
