"""Kernels for processors of the x86 family, with the vectors of AVX2, AVX-VNNI and AVX-512 VNNI."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.run_time import PORTABLE, run_time_rows
from edgeq.kernels._shared.transpose import transpose_row
from edgeq.kernels.x86.conv2d import conv2d_rows, fully_connected_rows
from edgeq.kernels.x86.depthwise import depthwise_rows
from edgeq.kernels.x86.elementwise import product_rows, sum_rows
from edgeq.kernels.x86.isa import AVX2
from edgeq.kernels.x86.mat_mul import mat_mul_rows
from edgeq.kernels.x86.movement import resize_rows, softmax_rows
from edgeq.kernels.x86.parts import grouped_rows, transposed_rows
from edgeq.kernels.x86.pools import average_pool2d_row, max_pool2d_row, mean_row
from edgeq.kernels.x86.winograd import winograd_rows
from edgeq.ops._addsub import SumOp
from edgeq.ops.average_pool2d import AveragePool2D
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
from edgeq.ops.resize import Resize
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.softmax import Softmax
from edgeq.ops.svdf import Svdf
from edgeq.ops.transpose import Transpose

_RUN_TIME = {op: run_time_rows(op, "x86/run_time_avx2.c", "avx2", AVX2) for op in PORTABLE}

ROWS: KernelTable = {
    Conv2D: (*conv2d_rows(before=winograd_rows()), *grouped_rows()),
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
    Resize: resize_rows(),
    Transpose: (transpose_row("x86/avx2", AVX2),),
}
