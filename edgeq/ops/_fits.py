"""Conditions of kernel rows on the arithmetic of a site."""

from __future__ import annotations

from edgeq.ir.site import Site
from edgeq.numerics.fixedpoint import Numerics


def is_fast(site: Site) -> bool:
    """The arithmetic is `fast`."""
    return site.numerics is Numerics.FAST


def is_double(site: Site) -> bool:
    """The arithmetic is `tflite` or `tflm`."""
    return site.numerics is not Numerics.FAST
