"""What rows of recurrent layers share: two matrices, four rows of each at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.recurrent import matrices
from edgeq.kernels.dsp.pack import fit_mixed, pack_groups

ROWS = 4
"""Rows at a time."""


def is_mixed(site: Site) -> bool:
    """Weights of two rows can share a half word: none is −128, and accumulators fit into 24 bits"""
    return all(bool((m.weights > -128).all()) and fit_mixed(m.weights, m.bias, ROWS) for m in matrices(site))


def packed(site: Site, rows: Array) -> Mapping[str, Param]:
    """Members of both matrices for arithmetic `fast`.

    Args:
        site: a recurrent layer.
        rows: in the order in which they are computed, −1: none; a multiple of four.
    """
    made = [m[rows] for m in matrices(site)]
    groups = range(0, len(rows), ROWS)
    words = [pack_groups(m.weights, m.bias, None, groups, ROWS, True).reshape(len(groups), -1) for m in made]
    mantissa = np.concatenate([m.factors.mantissa.reshape(-1, ROWS) for m in made], axis=1).astype(np.int64)
    return {
        "weights": np.concatenate(words, axis=1).ravel(),
        "mantissa": (2 * mantissa).astype(np.int32).ravel(),
        "left": int(made[0].factors.shift[0]),
        "recurrent_left": int(made[1].factors.shift[0]),
    }
