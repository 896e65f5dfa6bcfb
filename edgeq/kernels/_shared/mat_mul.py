"""Matrix products whose second matrix is copied to scratch memory, some columns at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels._shared.int16 import MOST_SHIFT
from edgeq.kernels._shared.site import padded
from edgeq.ops._overlap import Overlaps, least_distance
from edgeq.ops.mat_mul import MatMul, batch_strides, multiplier


def _has_small_factor(site: Site) -> bool:
    return bool((multiplier(site).shift <= MOST_SHIFT).all())


SMALL_FACTOR = Condition("The factor of the sums is below 1/4", _has_small_factor)


def mat_mul_rows(name: str, isa: frozenset[str], step: int, size: int) -> tuple[Kernel, ...]:
    """The rows of MatMul of int8 of a set, which copy four columns at a time, and a word for each.

    Args:
        name: of the folder, which is the functions' too.
        isa: features of the target.
        step: the number of values of a column is filled up to a multiple of it.
        size: bytes of a value there.
    """
    return tuple(
        replace(_row(row, name, isa, 4), scratch=lambda site: 16 + _tile(site, 4, step, size))
        for row in MatMul.kernels
        if row.header == "eq/mat_mul.h"
    )


def mat_mul_int16_rows(name: str, isa: frozenset[str], at_once: int, step: int, size: int = 2) -> tuple[Kernel, ...]:
    """The rows of MatMul of int16 of a set; arguments as of `mat_mul_rows`, and columns that are copied at a time."""
    return tuple(
        replace(
            _row(row, name, isa, at_once),
            fits=all_of(row.fits, SMALL_FACTOR),
            scratch=lambda site: _tile(site, at_once, step, size),
        )
        for row in MatMul.kernels
        if row.header == "eq/mat_mul_int16.h"
    )


def _row(row: Kernel, name: str, isa: frozenset[str], at_once: int) -> Kernel:
    """A portable row as that of a set."""
    return replace(
        row,
        function=row.function.replace("_ref", f"_{name}"),
        sources=(row.sources[0].replace("ref/", f"{name}/"),),
        isa=isa,
        overlap=lambda site: _overlap(site, at_once),
    )


def _tile(site: Site, columns: int, step: int, size: int) -> int:
    """Bytes of columns of the second matrix."""
    return padded(size * columns * padded(site.input(1).shape[-2], step), 4)


def _overlap(site: Site, at_once: int) -> Overlaps:
    """For every matrix and every few columns all rows in order; the columns are copied before."""
    out, (count, depth) = site.outputs[0], site.input(0).shape[-2:]
    columns, batch = out.shape[-1], (1, *out.shape[:-2])
    places = np.indices(batch).reshape(len(batch), -1)
    a, b = (np.dot(batch_strides(t.shape, batch), places)[:, None, None] for t in (site.input(0), site.input(1)))
    before = np.arange(a.size)[:, None, None] * count * columns
    first, rows = np.arange(0, columns, at_once)[:, None], np.arange(count)
    whole = np.where(first > 0, (count - 1) * columns + first, 0)  # of the columns before these
    own = np.where(rows > 0, (rows - 1) * columns + np.minimum(first + at_once, columns), 0)
    written = before + np.maximum(whole, own)
    steps = (written, np.broadcast_to(a + rows * depth, written.shape)), (before + whole, b + first)
    return tuple(
        None if site.const_or_none(i) is not None else least_distance(site.input(i), out, (w.ravel(), r.ravel()))
        for i, (w, r) in enumerate(steps)
    )
