"""What rows of recurrent layers share: matrices whose rows are multiplied six at a time."""

from __future__ import annotations

import numpy as np

from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.recurrent import has_one_shift, shifted_bound
from edgeq.kernels._shared.site import padded
from edgeq.kernels.mve.pack import GROUP
from edgeq.numerics.fixedpoint import INT32_MAX

LANES = 4


def room(rows: int) -> int:
    """Entries of lists with one for each of `rows`."""
    return padded(rows, GROUP) + LANES


def filled(values: Array) -> Array:
    """A list with room for whole groups and vectors, as int32."""
    return np.pad(values, (0, room(len(values)) - len(values))).astype(np.int32)


def takes_sums(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128, whose accumulators fit into 32 bits when they are shifted"""
    return has_one_shift(site) and shifted_bound(site) <= INT32_MAX
