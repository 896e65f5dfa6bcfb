"""Rows of real layers that are multiplied as integers, with steps found at run time: the same of every set."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.kernel import INT8, Kernel
from edgeq.ir.op import Op
from edgeq.ops import gru, lstm, simple_rnn, svdf
from edgeq.ops._matrix import are_dynamic
from edgeq.ops.fully_connected import DYNAMIC, FullyConnected
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.mat_mul import DYNAMIC_ROWS, MatMul
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.svdf import Svdf

PORTABLE: dict[type[Op], tuple[Kernel, ...]] = {
    FullyConnected: (DYNAMIC,),
    **{
        op: (replace(row, fits=are_dynamic),)
        for op, row in (
            (Lstm, lstm.REAL_ROW),
            (Gru, gru.REAL_ROW),
            (SimpleRnn, simple_rnn.REAL_ROW),
            (Svdf, svdf.REAL_ROW),
        )
    },
    MatMul: DYNAMIC_ROWS,
}


def run_time_rows(op: type[Op], source: str, name: str, isa: frozenset[str]) -> tuple[Kernel, ...]:
    """The rows of an operator in a set that has a function for products of four rows of bytes.

    Args:
        op: one of `PORTABLE`.
        source: the file, which defines the kernels of all operators.
        name: at the end of C names.
        isa: features of the target.
    """
    return tuple(
        replace(
            row,
            function=row.function.replace("_ref", f"_{name}"),
            sources=(source,),
            header="eq/run_time.h",
            isa=isa,
            weights=INT8,
        )
        for row in PORTABLE[op]
    )
