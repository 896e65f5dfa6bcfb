"""How arrays are laid out for NumPy, which processes long runs of memory several times faster than short ones."""

from __future__ import annotations

RUN = 512
"""Elements that an operation should find side by side."""


def rows_at_once(rows: int, channels: int) -> int:
    """How many rows n to treat as one, so that the array is (rows / n, n · channels): a divisor of their number."""
    count = 1
    while rows % (2 * count) == 0 and count * channels < RUN:
        count *= 2
    return count
