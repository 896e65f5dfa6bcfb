"""What is asked of a search."""

from __future__ import annotations

from dataclasses import dataclass

ROUNDS = 1
"""How often an assignment is improved by what is measured around it."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a search: see `edgeq.api.search`, whose arguments have these names."""

    max_drop: float | None = None
    min_sqnr: float | None = None
    tried: tuple[str, ...] = ()
    budgets: tuple[int, ...] = ()
    latency_ms: float | None = None
    mean_bits: float | None = None
    rounds: int = ROUNDS
    trials: int = 0
