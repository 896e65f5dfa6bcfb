"""Names of a model as identifiers of C and C++."""

from __future__ import annotations

import re


def identifier(text: str) -> str:
    """`text` in lower case, everything but letters, digits and underscores replaced; never empty."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "x"


def symbol_prefix(text: str) -> str:
    """An identifier that the symbols of a model can start with: not a digit, nor edgeq's own `eq_`."""
    name = identifier(text)
    return f"m_{name}" if name[0].isdigit() or f"{name}_".startswith("eq_") else name


class Names:
    """Hands out identifiers, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, text: str) -> str:
        """An identifier for `text` that was not handed out before: `conv`, `conv_2`, …"""
        base = name = identifier(text)
        count = 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
