"""Matrix products of real numbers as integers of 8 bits, whose steps are found at run time where they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams, TensorType
from edgeq.numerics.float32 import Floats
from edgeq.ops._matmul import int_matmul
from edgeq.ops._stored import dynamic_sums, in_steps, stored_rows


def _has_integers(site: Site) -> bool:
    types = [site.input(k) for k in range(2) if site.const_or_none(k) is not None]
    return site.op.reads_stored and not any(type.dtype.is_float for type in types)


IS_DYNAMIC = Condition("Operands are quantized at run time; the constant, if there is one, has integers", _has_integers)


def _vectors(matrices: Array, index: int) -> Array:
    """Rows of the first operand, columns of the second: (…, vectors, K)."""
    return matrices if index == 0 else np.swapaxes(matrices, -1, -2)


def stored_vectors(site: Site, index: int) -> Mapping[str, Param]:
    """The members of an `eq_stored`: the vectors of all matrices of constant `index`, one matrix after the other."""
    vectors, type = _vectors(site.const(index), index), site.input(index)
    *matrices, count, depth = vectors.shape
    if prod(matrices) > 1:
        scales = np.tile(np.broadcast_to(type.qp.scale, count), prod(matrices))
        type = TensorType((len(scales), depth), type.dtype, QParams.per_channel(scales, 0, 0))
    return stored_rows(np.ascontiguousarray(vectors).reshape(-1, depth), type)


def scratch_dynamic(site: Site) -> int:
    """Integers of a vector; with two computed operands also those of a whole matrix, and their steps."""
    (rows, depth), cols = site.input(0).shape[-2:], site.input(1).shape[-1]
    if site.const_or_none(1) is not None:
        return -(-depth // 4) * 4
    if site.const_or_none(0) is not None:
        return 4 * rows + -(-depth // 4) * 4
    return 4 * cols + -(-(cols + 1) * depth // 4) * 4


@np.errstate(all="ignore")
def products(site: Site, a: Array, b: Array) -> Floats:
    """a (…, M, K) times b (…, K, N).

    Sums of products of integers, of a row of a and a column of b, are exact. They are multiplied with the step or scale
    of the column, then with that of the row; where a is constant, with that of the row and then of the column.
    """
    if site.const_or_none(0) is None and site.const_or_none(1) is None:
        (left, left_step), (right, right_step) = _in_steps(a), _in_steps(_vectors(b, 1))
        sums = int_matmul(left, np.swapaxes(right, -1, -2)).astype(np.float32)
        return np.asarray((np.float32(0.0) + sums * np.swapaxes(right_step, -1, -2)) * left_step, np.float32)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    found = np.empty((*batch, a.shape[-2], b.shape[-1]), np.float32)
    for k in np.ndindex(*batch):
        if site.const_or_none(0) is None:
            found[k] = dynamic_sums(a[k], b[k].T, site.input(1))
        else:
            found[k] = dynamic_sums(b[k].T, a[k], site.input(0)).T
    return found


def _in_steps(vectors: Array) -> tuple[Array, Floats]:
    """Vectors (…, K) as integers, and their steps (…, 1)."""
    integers, step = in_steps(vectors.reshape(-1, vectors.shape[-1]))
    return integers.reshape(vectors.shape), step.reshape(*vectors.shape[:-1], 1)
