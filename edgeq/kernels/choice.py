"""Which kernel computes a site."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ir.kernel import Goal, Kernel, Library
from edgeq.ir.op import Site
from edgeq.kernels import rows


@dataclass(frozen=True)
class Wanted:
    """What decides which kernel computes a site.

    Attributes:
        isa: features that the target has.
        goal: what the program is optimized for.
        library: the library whose kernels come first; edgeq's own compute what it cannot.
    """

    isa: frozenset[str] = frozenset()
    goal: Goal = "balanced"
    library: Library = "edgeq"

    def choose(self, site: Site) -> Kernel | None:
        """The fastest row of the operator that fits; None if there is none."""
        return next(iter(self.fitting(site)), None)

    def fitting(self, site: Site) -> tuple[Kernel, ...]:
        """All rows that fit, those of the wanted library first, each group fastest first."""
        offered = [k for k in rows(type(site.op)) if k.runs_on(self.isa) and self.goal in k.goals]
        fitting = [k for k in offered if k.takes(site) and k.fits(site)]
        return tuple(k for library in dict.fromkeys((self.library, "edgeq")) for k in fitting if k.library == library)
