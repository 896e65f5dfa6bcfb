"""Transposition in squares: what the rows of all instruction sets share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Kernel, Param, disjoint
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.ops._broadcast import MAX_RANK, Strides, collapse, contiguous_strides, require_same_scale
from edgeq.ops.transpose import Transpose

SIDE = 16
"""Bytes of a side of a square."""


@dataclass(frozen=True)
class Matrices:
    """A transposition as that of matrices: `output[j·step + i] = input[i·apart + j]` in each.

    Attributes:
        shape: of the matrices, in the order of the output, as many dimensions as `MAX_RANK`.
        in_stride, out_stride: bytes from a matrix to the next one.
        rows, columns: i, j.
        apart, step: bytes of the input and of the output.
    """

    shape: tuple[int, ...]
    in_stride: Strides
    out_stride: Strides
    rows: int
    columns: int
    apart: int
    step: int


def matrices(site: Site) -> Matrices | None:
    """What a transposition is of; None where nothing changes within the last dimension."""
    op, out = op_of(site, Transpose), site.outputs[0].shape
    shape, (reads,) = collapse(out, [op.walk(site.input(0).shape)[1]])
    writes = contiguous_strides(shape)
    across = next((d for d in range(MAX_RANK) if shape[d] > 1 and reads[d] == 1), None)
    last = MAX_RANK - 1
    if across is None or across == last:
        return None
    ones = tuple(1 if d in (across, last) else size for d, size in enumerate(shape))
    return Matrices(ones, reads, writes, shape[last], shape[across], reads[last], writes[across])


def _lower(site: Site) -> Mapping[str, Param]:
    require_same_scale(site, site.input(0).qp)
    m = matrices(site)
    assert m is not None
    return {
        "shape": m.shape,
        "in_stride": m.in_stride,
        "out_stride": m.out_stride,
        "rows": m.rows,
        "columns": m.columns,
        "apart": m.apart,
        "step": m.step,
        "size": site.outputs[0].size,
    }


def _has_squares(site: Site) -> bool:
    m = matrices(site)
    return m is not None and max(m.rows, m.columns) >= SIDE


def transpose_row(name: str, isa: frozenset[str]) -> Kernel:
    """The row of Transpose.

    Args:
        name: of the instruction set, in C names and folders: "x86/avx2" or "neon".
        isa: what it needs.
    """
    folder, _, ending = name.partition("/")
    return Kernel(
        f"eq_transpose_{ending or folder}",
        (f"{folder}/transpose{ending and '_' + ending}.c",),
        "eq/transpose.h",
        "eq_transpose_params",
        _lower,
        isa,
        Condition(
            f"Elements of the last dimension lie apart, and they or those at its place are {SIDE} or more", _has_squares
        ),
        overlap=disjoint,
    )
