"""What a search has measured, in a file that grows with every measurement."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STATE = "search-state.json"
KINDS = ("errors", "qualities", "builds", "arenas")


@dataclass
class Memory:
    """What was measured, by what was measured.

    Attributes:
        path: the file, or None.
        known: by kind of measurement and key.
    """

    path: Path | None
    known: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def at(path: Path | None, identity: str) -> Memory:
        """What an earlier search of the same model, samples and options left there."""
        if path is not None and path.is_file():
            try:
                data = json.loads(path.read_text("utf-8"))
                whole = all(isinstance(data.get(kind), dict) for kind in KINDS)
                if whole and data.get("identity") == identity:
                    return Memory(path, data)
            except (OSError, ValueError, AttributeError):
                pass  # measured again
        return Memory(path, {"identity": identity, **{kind: {} for kind in KINDS}})

    def has(self, kind: str, key: str) -> bool:
        """Whether that was measured."""
        return key in self.known[kind]

    def get(self, kind: str, key: str) -> Any:
        """What was measured."""
        return self.known[kind][key]

    def keep(self, kind: str, key: str, value: Any) -> None:
        """Remember a measurement."""
        self.known[kind][key] = value
        if self.path is not None:
            part = self.path.with_name(self.path.name + ".part")
            part.write_text(json.dumps(self.known, indent=1, sort_keys=True), encoding="utf-8")
            part.replace(self.path)
