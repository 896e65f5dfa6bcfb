"""Kernels for Arm's application processors, with the vectors of Neon: Raspberry Pi 2 to 5."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.run_time import PORTABLE, run_time_rows
from edgeq.kernels._shared.transpose import transpose_row
from edgeq.kernels.neon.conv2d import conv2d_rows, fully_connected_rows
from edgeq.kernels.neon.conv_parts import grouped_rows, transposed_rows
from edgeq.kernels.neon.depthwise import depthwise_rows
from edgeq.kernels.neon.elementwise import function_row, product_rows, requantize_row, sum_rows
from edgeq.kernels.neon.isa import DOTPROD, NEON
from edgeq.kernels.neon.mat_mul import mat_mul_rows
from edgeq.kernels.neon.movement import concat_row, resize_rows
from edgeq.kernels.neon.pools import average_pool2d_row, max_pool2d_row, mean_row
from edgeq.kernels.neon.softmax import softmax_rows
from edgeq.ops._addsub import SumOp
from edgeq.ops._table import TableOp
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.requantize import Requantize
from edgeq.ops.resize import Resize
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.softmax import Softmax
from edgeq.ops.svdf import Svdf
from edgeq.ops.transpose import Transpose

_RUN_TIME = {
    op: (
        *run_time_rows(op, "neon/run_time_dotprod.c", "dotprod", DOTPROD),
        *run_time_rows(op, "neon/run_time_neon.c", "neon", NEON),
    )
    for op in PORTABLE
}

ROWS: KernelTable = {
    Conv2D: (*conv2d_rows(), *grouped_rows()),
    ConvTranspose2D: transposed_rows(),
    DepthwiseConv2D: depthwise_rows(),
    FullyConnected: (*fully_connected_rows(), *_RUN_TIME[FullyConnected]),
    Lstm: _RUN_TIME[Lstm],
    Gru: _RUN_TIME[Gru],
    SimpleRnn: _RUN_TIME[SimpleRnn],
    Svdf: _RUN_TIME[Svdf],
    SumOp: sum_rows(),
    Mul: product_rows(),
    MatMul: (*mat_mul_rows(), *_RUN_TIME[MatMul]),
    AveragePool2D: (average_pool2d_row(),),
    MaxPool2D: (max_pool2d_row(),),
    Mean: (mean_row(),),
    Softmax: softmax_rows(),
    Concat: (concat_row(),),
    Resize: resize_rows(),
    TableOp: (function_row(),),
    Requantize: (requantize_row(),),
    Transpose: (transpose_row("neon", NEON),),
}
