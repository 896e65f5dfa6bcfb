"""What rows of plain recurrent layers ask of a site."""

from __future__ import annotations

from edgeq.ir.site import Site
from edgeq.ops.simple_rnn import Integers

KEPT = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "clip", "zero_point", "table")
"""Members that are those of the portable kernel."""


def narrows(site: Site) -> bool:
    """Its hidden state has steps of more than two of those that its function has in 16 bits"""
    factor = Integers(site).narrowed
    return not factor.shift.any() and bool((factor.mantissa < 2**30).all())
