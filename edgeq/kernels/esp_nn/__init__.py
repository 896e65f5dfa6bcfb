"""Layers that call Espressif's ESP-NN, for components of ESP-IDF that ask for that library (`--kernels esp-nn`)."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels.esp_nn.others import add_rows, fully_connected_rows, mul_rows, softmax_rows
from edgeq.kernels.esp_nn.windows import average_pool2d_rows, conv2d_rows, depthwise_rows, max_pool2d_rows
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
