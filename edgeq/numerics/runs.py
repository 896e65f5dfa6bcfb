"""How arrays are laid out for NumPy, which goes through long runs of memory several times faster than through short."""

from __future__ import annotations

RUN = 512
"""Elements that an operation should find side by side."""


def rows_at_once(rows: int, channels: int) -> int:
    """How many rows of so many channels to take as one: a divisor of their number, as (rows / n, n · channels)."""
    count = 1
    while rows % (2 * count) == 0 and count * channels < RUN:
        count *= 2
    return count
