"""What edgeq has doubts about: it goes on, and says so.

A warning is given where the doubt arises, by `warn`. Python shows it as it shows every warning; the command line prints
it as one line; whoever wants to keep warnings opens a `collecting` context, as `edgeq.build` does for the manifest.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from edgeq.errors import EdgeqError, QuantizationError


class EdgeqWarning(UserWarning):
    """A doubt about a model, its data or its options.

    Attributes:
        message: what is doubtful, one sentence.
        hint: what the user can do about it, or an empty string.
        where: the file, node or tensor it concerns, or an empty string.
        strict: the error that it is where warnings are errors.
    """

    def __init__(self, message: str, hint: str, where: str, strict: type[EdgeqError]) -> None:
        super().__init__(message, hint, where)
        self.message = message
        self.hint = hint
        self.where = where
        self.strict = strict

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}; {self.hint}" if self.hint else head

    def to_dict(self) -> dict[str, str]:
        """As in the manifest."""
        return {"message": self.message, "hint": self.hint, "where": self.where}


_COLLECTORS: ContextVar[tuple[list[EdgeqWarning], ...]] = ContextVar("collectors", default=())


NAMED = 3
"""Of several layers alike so many are named."""


def listed(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def warn(message: str, hint: str = "", where: str = "", strict: type[EdgeqError] = QuantizationError) -> None:
    """Give a warning; within one collection the same one is given once.

    Args:
        message: what is doubtful, one sentence without its full stop.
        hint: what the user can do about it, a phrase that may follow a semicolon.
        where: the file, node or tensor it concerns.
        strict: the error that it is where warnings are errors; it decides the exit code then.
    """
    warning = EdgeqWarning(message, hint, where, strict)
    collectors = _COLLECTORS.get()
    if collectors and any(str(warning) == str(earlier) for earlier in collectors[0]):
        return
    for collector in collectors:
        collector.append(warning)
    warnings.warn(warning, stacklevel=3)


@contextmanager
def collecting(earlier: Iterable[EdgeqWarning] = ()) -> Iterator[list[EdgeqWarning]]:
    """A context whose value grows by every warning that is given within it.

    Args:
        earlier: warnings of what went before, which it begins with.
    """
    collector = list(earlier)
    token = _COLLECTORS.set((*_COLLECTORS.get(), collector))
    try:
        yield collector
    finally:
        _COLLECTORS.reset(token)


@contextmanager
def unheard() -> Iterator[None]:
    """A context in which warnings are for nobody: of a trial that may come to nothing."""
    token = _COLLECTORS.set(())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EdgeqWarning)
            yield
    finally:
        _COLLECTORS.reset(token)


def refuse(given: Sequence[EdgeqWarning]) -> None:
    """Raise the first of the warnings as an error whose hint lists the others; with none, do nothing.

    Raises:
        EdgeqError: there is a warning.
    """
    if given:
        first, *others = given
        hints = [hint for hint in (first.hint, *(f"and: {other}" for other in others)) if hint]
        raise first.strict(first.message, hint="\n".join([*hints, "--strict makes warnings errors"]), where=first.where)
