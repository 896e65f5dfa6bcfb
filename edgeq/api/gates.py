"""Limits that the figures of `edgeq verify` are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from edgeq.errors import UsageError


class _Gate(NamedTuple):
    """A limit: the figure that it is about, when it is met, and what the figure needs."""

    figure: str
    met: Callable[[float, float], bool]
    needs: str


GATES: Mapping[str, _Gate] = {
    "min_sqnr": _Gate("sqnr_db", lambda value, limit: value >= limit, "an output that is not zero"),
    "max_drop": _Gate("drop", lambda value, limit: value <= limit, "labels `y` and an output with classes"),
    "min_agreement": _Gate("agreement", lambda value, limit: value >= limit, "an output with classes"),
}


def check_gates(figures: Mapping[str, Any], limits: Mapping[str, float | None], exact: bool) -> list[dict[str, Any]]:
    """How figures stand to their limits.

    Args:
        figures: of `edgeq.api.verify`.
        limits: by name of the gate; None for one that is not asked for.
        exact: whether the integer model's outputs are the float model's, so that the SQNR has no number.

    Returns:
        For each limit name, limit, value (None for an SQNR without error) and met.

    Raises:
        UsageError: a figure cannot be measured with what was given.
    """
    results = []
    for name, limit in limits.items():
        if limit is None:
            continue
        gate = GATES[name]
        value = figures[gate.figure]
        if value is None and not (exact and name == "min_sqnr"):
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{flag} cannot be checked: it needs {gate.needs}", hint="give other --data, or leave it out"
            )
        results.append({"name": name, "limit": limit, "value": value, "met": value is None or gate.met(value, limit)})
    return results
