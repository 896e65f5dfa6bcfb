"""What edgeq knows about one C kernel: a row in the table of its operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edgeq.ir.goals import GOALS as GOALS
from edgeq.ir.goals import Goal as Goal
from edgeq.ir.goals import Library as Library
from edgeq.ir.tensor import Array, DType
from edgeq.numerics.fixedpoint import Rounding

if TYPE_CHECKING:
    from edgeq.ir.site import Site

Param = int | float | Array | Sequence[int | float]
"""A member of a kernel's parameter struct: a scalar; an array, which becomes a constant of its own that the member
points to (0 stands for NULL); or a tuple of scalars, which becomes an array inside the struct."""


INT8 = frozenset({DType.INT8})
INT16 = frozenset({DType.INT16})
BYTES = frozenset({DType.INT8, DType.UINT8})
"""Elements of one byte, for rows that only move them."""


NAMED = frozenset({Rounding.FAST, Rounding.SINGLE, Rounding.DOUBLE})
"""Roundings that stand in the names of kernels."""


def no_scratch(site: Site) -> int:
    """Scratch bytes of a kernel that needs none."""
    return 0


def disjoint(site: Site) -> tuple[int | None, ...]:
    """No input of this call may share a byte with the output."""
    return (None,) * len(site.inputs)


def nowhere(site: Site) -> tuple[int | None, ...]:
    """No distance is allowed beyond those of `overlap`."""
    return (None,) * len(site.inputs)


def in_place(site: Site) -> tuple[int | None, ...]:
    """Element i of the output is written after element i of every input of its size was read."""
    return tuple(0 if t is not None and t.nbytes == site.outputs[0].nbytes else None for t in site.inputs)


def always(site: Site) -> bool:
    """The kernel can compute every site of its operator."""
    return True


def never(site: Site) -> bool:
    """A kernel that is not worth a copy at any site."""
    return False


@dataclass(frozen=True)
class Kernel:
    """One C function that computes an operator.

    Attributes:
        function: C name; when `rounded`, `_fast`, `_single` or `_double` is appended.
        sources: files below firmware/kernels that define it.
        header: file below firmware/include that declares it and its struct.
        struct: C type of its parameters.
        lower: the members of that struct for a site; packs weights.
        elements: types of the activations that it computes with: computed operands, constant operands other than
            weights, and outputs.
        weights: types of the weights that it takes.
        isa: features the target must have, all of them.
        fits: whether it can compute a site.
        scratch: bytes of scratch memory it needs, 4-byte aligned, possibly none at some sites; the C function of a row
            that sets it takes `void *scratch` last.
        overlap: for every input, the least number of bytes by which the output may start *before* that input and still
            never overwrite a byte yet to be read (0: in place; negative: after it); None: they must be disjoint.
            The memory planner relies on it.
        exactly: for every input, the one distance (as in `overlap`) at which the output may lie over it although it may
            not at a greater one, such as 0 for a kernel that computes one channel after another; None: there is none.
        rounded: whether the C name carries the rounding.
        roundings: those that it then has functions for; `fits` takes sites of no other.
        goals: goals for which it is offered: a fast kernel with much code or many bytes of weights is not offered for
            `size`.
        library: the library that the function belongs to. Edgeq's own rows serve every program, those of another
            library only the programs that ask for it.
        variadic: "inputs" if the C function takes its runtime inputs as one `const int8_t *const *inputs` (Concat),
            "outputs" if it takes its outputs as one `int8_t *const *outputs` (Split), even if there is only one;
            else "".
        lacks: features the target must not have: with them, the function would be compiled to something else.
        groups: whether its weights have a factor for every group along the sum (QParams.groups), or none have.
        negative_scales: whether it also takes weights of which channels are stored with a negative scale
            (docs/adr/0036), where the rounding is FAST; `lower` then gets the site as it is stored.
        instances: whether a copy specialized to a site's parameters is worth its code where speed is what matters. The
            kernel's first source defines it, and defines no functions other than those of rows.
    """

    function: str
    sources: tuple[str, ...]
    header: str
    struct: str
    lower: Callable[[Site], Mapping[str, Param]]
    isa: frozenset[str] = field(default_factory=frozenset)
    fits: Callable[[Site], bool] = always
    scratch: Callable[[Site], int] = no_scratch
    overlap: Callable[[Site], tuple[int | None, ...]] = disjoint
    exactly: Callable[[Site], tuple[int | None, ...]] = nowhere
    rounded: bool = False
    roundings: frozenset[Rounding] = NAMED
    goals: frozenset[Goal] = frozenset(GOALS)
    library: Library = "edgeq"
    variadic: Literal["", "inputs", "outputs"] = ""
    lacks: frozenset[str] = field(default_factory=frozenset)
    instances: Callable[[Site], bool] = never
    elements: frozenset[DType] = INT8
    weights: frozenset[DType] = INT8
    groups: bool = False
    negative_scales: bool = False

    @property
    def takes_scratch(self) -> bool:
        """Whether the C function takes scratch memory."""
        return self.scratch is not no_scratch

    @property
    def variants(self) -> tuple[Kernel, ...]:
        """For each of several instruction sets the row that computes it there; empty: it is the same everywhere."""
        return ()

    def takes(self, site: Site) -> bool:
        """Whether it can compute with the element types of a site, and the signs of its scales."""
        return self.takes_types(site) and self.takes_signs(site)

    def takes_types(self, site: Site) -> bool:
        """Whether it can compute with the element types of a site."""
        activations, weights = site.element_types
        return activations <= self.elements and weights <= self.weights and site.has_groups == self.groups

    def takes_signs(self, site: Site) -> bool:
        """Whether it can compute with the signs of a site's scales."""
        return not site.has_negative_scales or (self.negative_scales and site.rounding is Rounding.FAST)

    def params(self, site: Site) -> Mapping[str, Param]:
        """The members of its struct for a site."""
        return self.lower(site.stored)

    def runs_on(self, isa: frozenset[str]) -> bool:
        """Whether it can be used on a target with these features."""
        return self.isa <= isa and not self.lacks & isa


@dataclass(frozen=True)
class Joint(Kernel):
    """Rows of several instruction sets for one site, between which the program chooses when it is loaded.

    They share a place in memory: scratch for the greediest, and overlaps that all of them can bear.
    """

    rows: tuple[Kernel, ...] = ()

    @staticmethod
    def of(rows: Sequence[Kernel]) -> Joint:
        """The rows of the instruction sets, in their order."""

        def scratch(site: Site) -> int:
            return max(row.scratch(site) for row in rows)

        def overlap(site: Site) -> tuple[int | None, ...]:
            every = zip(*(row.overlap(site) for row in rows), strict=True)
            return tuple(None if None in o else max(k for k in o if k is not None) for o in every)

        def exactly(site: Site) -> tuple[int | None, ...]:
            """The distance that each row bears, as its one or because it is no less than its least."""
            each = [(row.overlap(site), row.exactly(site)) for row in rows]
            return tuple(_common([(least[i], one[i]) for least, one in each]) for i in range(len(site.inputs)))

        first = rows[0]
        return Joint(
            function=first.function,
            sources=first.sources,
            header=first.header,
            struct=first.struct,
            lower=first.lower,
            isa=rows[-1].isa,
            fits=lambda site: all(row.fits(site) for row in rows),
            scratch=scratch if any(row.takes_scratch for row in rows) else no_scratch,
            overlap=overlap,
            exactly=exactly,
            rounded=first.rounded,
            library=first.library,
            elements=frozenset.intersection(*(row.elements for row in rows)),
            weights=frozenset.intersection(*(row.weights for row in rows)),
            groups=first.groups,
            negative_scales=all(row.negative_scales for row in rows),
            rows=tuple(rows),
        )

    @property
    def variants(self) -> tuple[Kernel, ...]:
        return self.rows


def _common(bounds: Sequence[tuple[int | None, int | None]]) -> int | None:
    """A distance that is the only one allowed by some rows, and allowed by all others.

    Args:
        bounds: of each row the least distance, or None, and the one distance besides, or None.
    """
    ones = {one for _, one in bounds if one is not None}
    for distance in sorted(ones):
        if all(distance == one or (least is not None and distance >= least) for least, one in bounds):
            return distance
    return None
