"""Kernels for cores with the DSP extension, Cortex-M4, M7 and M33, and for Armv6: Raspberry Pi Zero and 1."""

from __future__ import annotations

from edgeq.kernels._shared import KernelTable
from edgeq.kernels._shared.mat_mul import mat_mul_int16_rows, mat_mul_rows
from edgeq.kernels._shared.run_time import PORTABLE, run_time_rows
from edgeq.kernels.dsp.compact import compact_conv2d_rows, compact_fully_connected_rows
from edgeq.kernels.dsp.conv2d import conv2d_rows
from edgeq.kernels.dsp.depthwise_1x1 import row_1x1
from edgeq.kernels.dsp.depthwise_3x3 import rows_3x3, rows_compact
from edgeq.kernels.dsp.depthwise_any import row_any
from edgeq.kernels.dsp.depthwise_column import row_column
from edgeq.kernels.dsp.elementwise import mul_rows, sum_rows
from edgeq.kernels.dsp.fully_connected import fully_connected_rows
from edgeq.kernels.dsp.grouped import grouped_rows
from edgeq.kernels.dsp.gru import gru_row
from edgeq.kernels.dsp.int16 import (
    conv2d_int16_row,
    depthwise_int16_row,
    fully_connected_int16_row,
    function_int16_rows,
)
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.lstm import lstm_row
from edgeq.kernels.dsp.mean import mean_rows
from edgeq.kernels.dsp.narrow import narrow_conv2d_rows, narrow_fully_connected_rows
from edgeq.kernels.dsp.normalize import normalize_row
from edgeq.kernels.dsp.pools import average_pool2d_row, max_pool2d_row
from edgeq.kernels.dsp.signal import energy_row, rfft_row, root_row, scale_row, window_row
from edgeq.kernels.dsp.simple_rnn import simple_rnn_row
from edgeq.kernels.dsp.svdf import svdf_rows
from edgeq.kernels.dsp.trellis import trellis_rows
from edgeq.kernels.dsp.winograd import winograd_rows
from edgeq.ops._addsub import SumOp
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.energy import Energy
from edgeq.ops.fft_auto_scale import FftAutoScale
from edgeq.ops.filter_bank_square_root import FilterBankSquareRoot
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.rfft import Rfft
from edgeq.ops.signal_window import SignalWindow
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.svdf import Svdf

_RUN_TIME = {op: run_time_rows(op, "dsp/run_time.c", "dsp", DSP) for op in PORTABLE}

ROWS: KernelTable = {
    Conv2D: (*winograd_rows(), *compact_conv2d_rows(), *conv2d_rows(), *narrow_conv2d_rows(), conv2d_int16_row()),
    DepthwiseConv2D: (row_1x1(), row_column(), *rows_compact(), *rows_3x3(), row_any(), depthwise_int16_row()),
    FullyConnected: (
        *compact_fully_connected_rows(),
        *fully_connected_rows(),
        *narrow_fully_connected_rows(),
        *trellis_rows(),
        *grouped_rows(),
        fully_connected_int16_row(),
        *_RUN_TIME[FullyConnected],
    ),
    SumOp: sum_rows(),
    Mul: mul_rows(),
    AveragePool2D: (average_pool2d_row(),),
    MaxPool2D: (max_pool2d_row(),),
    Mean: mean_rows(),
    NormalizeLast: (normalize_row(),),
    GroupNorm: (normalize_row(),),
    MatMul: (*mat_mul_rows("dsp", DSP, 4, 2), *mat_mul_int16_rows("dsp", DSP, 4, 2), *_RUN_TIME[MatMul]),
    Lstm: (lstm_row(), *_RUN_TIME[Lstm]),
    Gru: (gru_row(), *_RUN_TIME[Gru]),
    SimpleRnn: (simple_rnn_row(), *_RUN_TIME[SimpleRnn]),
    Svdf: (*svdf_rows(), *_RUN_TIME[Svdf]),
    SignalWindow: (window_row(),),
    FftAutoScale: (scale_row(),),
    Rfft: (rfft_row(),),
    Energy: (energy_row(),),
    FilterBankSquareRoot: (root_row(),),
    **function_int16_rows(),
}
