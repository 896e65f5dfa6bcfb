"""The row of normalizations: four elements at once."""

from __future__ import annotations

from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels.mve.isa import MVE
from edgeq.ops._normalize import Normalize, exactly, lower_ref, overlap


def fits(site: Site) -> bool:
    """At least four neighbours are in one set."""
    assert isinstance(site.op, Normalize)
    return site.op.sets(site, site.input(0).shape).inner >= 4


def normalize_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_normalize_mve",
        ("mve/normalize.c",),
        "eq/normalize_mve.h",
        "eq_normalize_params",
        lower_ref,
        isa=MVE,
        fits=fits,
        overlap=overlap,
        exactly=exactly,
    )
