"""The row of normalizations of int16 activations, for cores that multiply to 64 bits."""

from __future__ import annotations

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT16, Kernel
from edgeq.ir.site import Site
from edgeq.kernels.thumb.isa import THUMB2
from edgeq.ops._normalize import exactly, few_enough, lower_int16, overlap

MOST_OFFSET = 2**29
"""What it is added to is beyond all bounds from 2³⁰ on."""


def has_narrow_products(site: Site) -> bool:
    """Offsets have 30 bits, and products with the scale lose 2 to 31 of theirs."""
    members = lower_int16(site)
    offset, right = members["offset"], members["product_shift"]
    assert isinstance(right, int)
    return 2 <= right < 32 and int(np.abs(np.asarray(offset, np.int64)).max()) <= MOST_OFFSET


def normalize_int16_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_normalize_int16_thumb2",
        ("thumb2/normalize_int16.c",),
        "eq/normalize_int16.h",
        "eq_normalize_int16_params",
        lower_int16,
        isa=THUMB2,
        fits=all_of(few_enough, has_narrow_products),
        elements=INT16,
        overlap=overlap,
        exactly=exactly,
    )
