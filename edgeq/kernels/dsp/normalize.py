"""The row of normalizations: four elements at once; what is left comes one by one."""

from __future__ import annotations

from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels.dsp.isa import DSP
from edgeq.ops._normalize import Normalize, exactly, lower_ref, overlap


def fits(site: Site) -> bool:
    """At least four neighbours are in one set."""
    assert isinstance(site.op, Normalize)
    return site.op.sets(site, site.input(0).shape).inner >= 4


def normalize_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_normalize_dsp",
        ("dsp/normalize.c",),
        "eq/normalize_dsp.h",
        "eq_normalize_params",
        lower_ref,
        isa=DSP,
        fits=fits,
        overlap=overlap,
        exactly=exactly,
    )
