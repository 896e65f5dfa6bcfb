"""Kernels for cores without SIMD: Cortex-M0+ (Armv6-M) and Cortex-M3 (Armv7-M)."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.mat_mul import mat_mul_int16_rows, mat_mul_rows
from edgeq.kernels.thumb.conv2d import conv2d_rows
from edgeq.kernels.thumb.depthwise import depthwise_rows
from edgeq.kernels.thumb.elementwise import average_pool2d_row, max_pool2d_row, mean_row, sum_row
from edgeq.kernels.thumb.fully_connected import fully_connected_rows
from edgeq.kernels.thumb.grouped import grouped_rows
from edgeq.kernels.thumb.gru import gru_rows
from edgeq.kernels.thumb.int16 import conv2d_int16_rows, depthwise_int16_row, fully_connected_int16_row
from edgeq.kernels.thumb.isa import THUMB, THUMB2
from edgeq.kernels.thumb.lstm import lstm_rows
from edgeq.kernels.thumb.mul_int16 import mul_int16_rows
from edgeq.kernels.thumb.narrow import narrow_conv2d_rows, narrow_fully_connected_rows
from edgeq.kernels.thumb.normalize_int16 import normalize_int16_row
from edgeq.kernels.thumb.reductions_int16 import (
    average_pool2d_int16_row,
    max_pool2d_int16_row,
    mean_int16_row,
)
from edgeq.kernels.thumb.simple_rnn import simple_rnn_rows
from edgeq.kernels.thumb.svdf import svdf_rows
from edgeq.ops._addsub import SumOp
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.gru import Gru
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.lstm import Lstm
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.rms_norm import RMSNorm
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.svdf import Svdf

ROWS: KernelTable = {
    Conv2D: (*conv2d_rows(), *narrow_conv2d_rows(), *conv2d_int16_rows()),
    DepthwiseConv2D: (*depthwise_rows(), depthwise_int16_row()),
    FullyConnected: (
        *fully_connected_rows(),
        *narrow_fully_connected_rows(),
        *grouped_rows(),
        fully_connected_int16_row(),
    ),
    SumOp: (sum_row(),),
    Mul: mul_int16_rows(),
    AveragePool2D: (average_pool2d_row(), average_pool2d_int16_row()),
    MaxPool2D: (max_pool2d_row(), max_pool2d_int16_row()),
    Mean: (mean_row(), mean_int16_row()),
    MatMul: (
        *mat_mul_rows("thumb", THUMB, 1, 4),
        *mat_mul_int16_rows("thumb2", THUMB2, 4, 1),
        *mat_mul_int16_rows("thumb", THUMB, 2, 1, 4),
    ),
    LayerNorm: (normalize_int16_row(),),
    RMSNorm: (normalize_int16_row(),),
    Lstm: lstm_rows(),
    Gru: gru_rows(),
    SimpleRnn: simple_rnn_rows(),
    Svdf: svdf_rows(),
}
