"""Which kernel computes a site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from edgeq.ir.condition import first_unmet
from edgeq.ir.kernel import GOALS, Goal, Joint, Kernel, Library
from edgeq.ir.site import Site
from edgeq.isa import with_implied
from edgeq.kernels import rows


@dataclass(frozen=True)
class PassedOver:
    """A row that was not taken although it is faster than the one that was.

    Attributes:
        function: its C function, without a rounding.
        needs: what does not hold, but would have to.
        runs_here: whether the target has the features that it asks for.
    """

    function: str
    needs: str
    runs_here: bool


@dataclass(frozen=True)
class Wanted:
    """What decides which kernel computes a site.

    Attributes:
        isa: features that the target has.
        goal: what the program is optimized for.
        library: the library whose kernels come first; edgeq's own compute what it cannot.
        variants: the features of several processors, between which the program chooses when it is loaded; `isa` is what
            all of them have. Empty: there is no choice.
        layers: by name of a node, or a glob of names, what these are optimized for; the first that fits counts.
    """

    isa: frozenset[str] = frozenset()
    goal: Goal = "balanced"
    library: Library = "edgeq"
    variants: tuple[frozenset[str], ...] = ()
    layers: tuple[tuple[str, Goal], ...] = ()

    def goal_of(self, name: str) -> Goal:
        """What the node `name` is optimized for."""
        return next((goal for pattern, goal in self.layers if fnmatchcase(name, pattern)), self.goal)

    def choose(self, site: Site) -> Kernel | None:
        """The fastest row of the operator that fits, of each variant where they differ; None if there is none."""
        return next(iter(self.fitting(site)), None)

    def _joint(self, site: Site) -> Kernel | None:
        """The fastest rows of all variants, if they differ and can take one another's place."""
        rows = [replace(self, isa=isa, variants=()).choose(site) for isa in self.variants]
        found = [row for row in rows if row is not None and not row.variadic]
        return Joint.of(found) if found and len(found) == len(rows) and len(set(found)) > 1 else None

    def passed_over(self, site: Site, taken: Kernel) -> tuple[PassedOver, ...]:
        """The rows that are faster than one that was taken, each with what kept it from being taken.

        Those for processors that have nothing in common with the target are left out.
        """
        ordered = [row for library in self._libraries for row in rows(type(site.op)) if row.library == library]
        faster = ordered[: ordered.index(taken)] if taken in ordered else ordered
        related = [row for row in faster if row.isa <= self.isa or with_implied(row.isa) & self.isa]
        return tuple(PassedOver(row.function, *self._obstacle(row, site)) for row in related)

    @property
    def _libraries(self) -> tuple[Library, ...]:
        return tuple(dict.fromkeys((self.library, "edgeq")))

    def _obstacle(self, row: Kernel, site: Site) -> tuple[str, bool]:
        """Why a row is not taken, and whether the target could run it."""
        if not row.runs_on(self.isa):
            lacking, superfluous = (", ".join(sorted(names)) for names in (row.isa - self.isa, row.lacks & self.isa))
            return (f"the target has {lacking}" if lacking else f"the target has no {superfluous}"), False
        if self.goal_of(site.name) not in row.goals:
            goals = " or ".join(goal for goal in GOALS if goal in row.goals)
            layer = "layer" if self.layers else "program"
            return f"the {layer} is optimized for {goals}", True
        if site.has_groups != row.groups:
            return f"weights have {'a scale for each group' if row.groups else 'one scale for each channel'}", True
        if not row.takes_signs(site):
            return "no channel of the weights has a negative scale", True
        if not row.takes(site):
            activations, weights = (" or ".join(sorted(t.value for t in ts)) for ts in (row.elements, row.weights))
            return f"activations are {activations}, and weights, if there are any, {weights}", True
        return first_unmet(row.fits, site) or "its scratch memory is within --ram-budget", True

    def fitting(self, site: Site) -> tuple[Kernel, ...]:
        """All rows that fit, those of the wanted library first, each group fastest first."""
        goal = self.goal_of(site.name)
        offered = [k for k in rows(type(site.op)) if k.runs_on(self.isa) and goal in k.goals]
        fitting = [k for k in offered if k.takes(site) and k.fits(site)]
        joint = self._joint(site)
        first = () if joint is None else (joint,)
        return (*first, *(k for library in self._libraries for k in fitting if k.library == library))
