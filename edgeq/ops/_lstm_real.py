"""Long short-term memory of real numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics import float32
from edgeq.ops._matrix import biased, clipped, limit, matrix, matrix_sums
from edgeq.ops._recurrent import initial_state, order

INPUT, FORGET, CELL, OUTPUT = range(4)
"""Gates, in the order of the weights' rows."""


class Options(Protocol):
    """The attributes of an Lstm that concern real numbers."""

    @property
    def reverse(self) -> bool: ...

    @property
    def cell_clip(self) -> float: ...

    @property
    def projection_clip(self) -> float: ...


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_float32_ref`."""
    op = cast(Options, site.op)
    batch, steps, depth = site.input(0).shape
    projected = site.const_or_none(7) is not None
    vectors = {"bias": 3, "projection_bias": 8, "peephole": 6}
    constants = {name: site.const_or_none(index) for name, index in vectors.items()}
    return {
        "batch": batch,
        "steps": steps,
        "in_c": depth,
        "units": site.outputs[2].shape[1],
        "out_c": site.outputs[1].shape[1],
        "reverse": int(op.reverse),
        **matrix(site, "weights", 1),
        **matrix(site, "recurrent", 2),
        **(matrix(site, "projection", 7) if projected else {"projection.rows": 0}),
        **{name: 0 if data is None else np.ravel(data) for name, data in constants.items()},
        "initial_hidden": initial_state(site, 4, 1),
        "initial_cell": initial_state(site, 5, 2),
        "cell_clip": limit(op.cell_clip),
        "projection_clip": limit(op.projection_clip),
    }


@np.errstate(all="ignore")
def run_real(op: Options, site: Site, inputs: Arrays) -> tuple[Array, ...]:
    """The outputs of an LSTM of real numbers, from all nine operands.

    What W makes of x has the bias added, then what R makes of h, then what peepholes see of the cell.
    """
    x, _, _, bias, h, c, hole, projection, offset = inputs
    assert x is not None and h is not None and c is not None
    (batch, steps, _), (_, units) = x.shape, site.outputs[2].shape
    h, c = np.broadcast_to(h, (batch, h.shape[1])), np.broadcast_to(c, (batch, units))
    sequence = np.empty((batch, steps, h.shape[1]), np.float32)

    def gate(z: Array, row: int, cell: Array) -> Array:
        return float32.sigmoid(z if hole is None else z + hole[row] * cell)

    for t in order(steps, op.reverse):
        z = biased(matrix_sums(site, 1, x[:, t]), bias) + matrix_sums(site, 2, h)
        z = z.reshape(batch, 4, units)
        i, f = gate(z[:, INPUT], 0, c), gate(z[:, FORGET], 1, c)
        cells: Array = f * c + i * float32.tanh(z[:, CELL])
        c = clipped(cells, op.cell_clip)
        h = float32.number(gate(z[:, OUTPUT], 2, c) * float32.tanh(c))
        if projection is not None:
            h = clipped(biased(matrix_sums(site, 7, h), offset), op.projection_clip)
        sequence[:, t] = h
    return sequence, h, c
