"""What a site must be so that a kernel can compute it, as predicates that have words.

A predicate is a function of a site. Its words are the first line of its docstring, a sentence that holds where the
predicate does; where a predicate is made from parameters, a `Condition` carries them. They are what users read about
rows that were not taken.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeq.ir.site import Site

Predicate = Callable[["Site"], bool]


@dataclass(frozen=True)
class Condition:
    """A predicate with its words.

    Attributes:
        words: a sentence without its full stop that holds where the predicate does.
        holds: the predicate.
    """

    words: str
    holds: Predicate

    def __call__(self, site: Site) -> bool:
        """Whether it holds."""
        return self.holds(site)


@dataclass(frozen=True)
class AllOf:
    """A predicate that holds where all of its parts do; later ones are only asked where the earlier ones hold."""

    parts: tuple[Predicate, ...]

    def __call__(self, site: Site) -> bool:
        """Whether all hold."""
        return all(part(site) for part in self.parts)


def all_of(*predicates: Predicate) -> AllOf:
    """A predicate that holds where all of these do, asked in this order."""
    return AllOf(tuple(part for predicate in predicates for part in parts_of(predicate)))


def parts_of(predicate: Predicate) -> tuple[Predicate, ...]:
    """The parts of a predicate, each with words of its own."""
    return predicate.parts if isinstance(predicate, AllOf) else (predicate,)


def words_of(predicate: Predicate) -> str:
    """What holds where a predicate does, to be continued; empty if it has no words."""
    text = predicate.words if isinstance(predicate, Condition) else (inspect.getdoc(predicate) or "").split("\n\n")[0]
    text = " ".join(text.split()).removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def first_unmet(predicate: Predicate, site: Site) -> str:
    """The words of the first part that does not hold; empty where all hold."""
    return next((words_of(part) or "the kernel can compute it" for part in parts_of(predicate) if not part(site)), "")
