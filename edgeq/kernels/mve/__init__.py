"""Kernels for cores with Helium, Arm's vectors for microcontrollers: Cortex-M55."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.mat_mul import mat_mul_int16_rows, mat_mul_rows
from edgeq.kernels._shared.run_time import PORTABLE, run_time_rows
from edgeq.kernels.mve.conv2d import conv2d_rows
from edgeq.kernels.mve.depthwise import depthwise_rows
from edgeq.kernels.mve.elementwise import function_row, mul_rows, requantize_row, sum_rows
from edgeq.kernels.mve.fully_connected import fully_connected_rows
from edgeq.kernels.mve.grouped import grouped_rows
from edgeq.kernels.mve.gru import gru_row
from edgeq.kernels.mve.int16 import (
    conv2d_int16_rows,
    depthwise_int16_row,
    fully_connected_int16_row,
    function_int16_rows,
    max_pool2d_int16_row,
    mul_int16_rows,
    softmax_int16_row,
    sum_int16_rows,
)
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.lstm import lstm_row
from edgeq.kernels.mve.mean import mean_row
from edgeq.kernels.mve.narrow import narrow_conv2d_rows, narrow_fully_connected_rows
from edgeq.kernels.mve.normalize import normalize_row
from edgeq.kernels.mve.pools import average_pool2d_row, max_pool2d_row
from edgeq.kernels.mve.simple_rnn import simple_rnn_row
from edgeq.kernels.mve.svdf import svdf_rows
from edgeq.ops._addsub import SumOp
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops._table import TableOp
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.requantize import Requantize
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.softmax import Softmax
from edgeq.ops.svdf import Svdf

_RUN_TIME = {op: run_time_rows(op, "mve/run_time.c", "mve", MVE) for op in PORTABLE}

ROWS: KernelTable = {
    Conv2D: (*conv2d_rows(), *narrow_conv2d_rows(), *conv2d_int16_rows()),
    DepthwiseConv2D: (*depthwise_rows(), depthwise_int16_row()),
    FullyConnected: (
        *fully_connected_rows(),
        *narrow_fully_connected_rows(),
        *grouped_rows(),
        fully_connected_int16_row(),
        *_RUN_TIME[FullyConnected],
    ),
    SumOp: (*sum_rows(), *sum_int16_rows()),
    Mul: (*mul_rows(), *mul_int16_rows()),
    AveragePool2D: (average_pool2d_row(),),
    MaxPool2D: (max_pool2d_row(), max_pool2d_int16_row()),
    Mean: (mean_row(),),
    NormalizeLast: (normalize_row(),),
    GroupNorm: (normalize_row(),),
    TableOp: (function_row(),),
    Requantize: (requantize_row(),),
    MatMul: (*mat_mul_rows("mve", MVE, 16, 1), *mat_mul_int16_rows("mve", MVE, 4, 8), *_RUN_TIME[MatMul]),
    Lstm: (lstm_row(), *_RUN_TIME[Lstm]),
    Gru: (gru_row(), *_RUN_TIME[Gru]),
    SimpleRnn: (simple_rnn_row(), *_RUN_TIME[SimpleRnn]),
    Softmax: (softmax_int16_row(),),
    Svdf: (*svdf_rows(), *_RUN_TIME[Svdf]),
    **function_int16_rows(),
}
