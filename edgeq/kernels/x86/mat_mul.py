"""Rows of matrix products of two tensors."""

from __future__ import annotations

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import padded
from edgeq.kernels.x86.conv2d import BEYOND
from edgeq.kernels.x86.isa import VECTORS, Vectors
from edgeq.kernels.x86.pack import MOST, takes_multiplier
from edgeq.ops._overlap import Overlaps, least_distance
from edgeq.ops.mat_mul import OPERANDS, batch_strides, lower_ref, multiplier

ROWS = 48
"""Rows of the first matrix that are multiplied together: EQ_MAT_MUL_ROWS."""


def mat_mul_rows() -> tuple[Kernel, ...]:
    """The rows of MatMul, fastest first."""
    return tuple(_row(vectors, constant) for vectors in VECTORS for constant in OPERANDS)


def has_vector_factor(site: Site) -> bool:
    """Vectors can take the factor of requantization."""
    return takes_multiplier(multiplier(site), site.rounding)


def has_room(site: Site) -> bool:
    """Sums stay in the lower half of 32 bits."""
    return site.input(0).shape[-1] * 255 * 255 < MOST


def _row(vectors: Vectors, constant: str) -> Kernel:
    return Kernel(
        f"eq_mat_mul_{constant}{vectors.name}",
        (f"x86/mat_mul_{vectors.name}.c",),
        "eq/mat_mul_x86.h",
        "eq_mat_mul_params",
        lower_ref,
        vectors.isa,
        all_of(OPERANDS[constant], has_vector_factor, has_room),
        lambda site: _scratch(site, vectors),
        _overlap,
        rounded=True,
    )


def _scratch(site: Site, vectors: Vectors) -> int:
    depth, columns = site.input(1).shape[-2:]
    lanes, run = padded(columns, vectors.lanes), padded(depth, vectors.step)
    band = padded((ROWS * run + BEYOND) * vectors.activation_bytes, 4)
    return 4 * (3 * lanes + run // vectors.step + ROWS) + lanes * run + band


def _overlap(site: Site) -> Overlaps:
    """Rows that are multiplied together are copied before their outputs are written; so is the second matrix before
    the first output that it is needed for, and once for outputs one after another."""
    out, (count, depth) = site.outputs[0], site.input(0).shape[-2:]
    batch, matrix = (1, *out.shape[:-2]), count * out.shape[-1]
    places = np.indices(batch).reshape(len(batch), -1)
    a, b = (np.dot(batch_strides(t.shape, batch), places) for t in (site.input(0), site.input(1)))
    before, rows = np.arange(a.size) * matrix, np.arange(0, count, ROWS)
    packed = np.append(True, b[1:] != b[:-1])
    steps = (
        ((before[:, None] + rows * out.shape[-1]).ravel(), (a[:, None] + rows * depth).ravel()),
        (before[packed], b[packed]),
    )
    return tuple(
        None if site.const_or_none(i) is not None else least_distance(site.input(i), out, step)
        for i, step in enumerate(steps)
    )
