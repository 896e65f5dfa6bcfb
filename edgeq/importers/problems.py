"""Error messages about nodes that cannot be imported: all of them at once, each hint once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.errors import ModelError

DEFAULT_HINT = "replace it by supported operators (`edgeq ops` lists them), or cut the model before it"


@dataclass(frozen=True)
class Problem:
    """A node that cannot be imported: what it is called, its operator, why, and what to do."""

    node: str
    kind: str
    why: str
    hint: str = DEFAULT_HINT

    @property
    def label(self) -> str:
        """The node and its operator."""
        return f"{self.node} ({self.kind})"


def all_in_one(problems: Sequence[Problem], what: str, where: str) -> ModelError:
    """One error for all problems, of which there is at least one.

    Args:
        problems: in the model's order.
        what: the format's word for nodes.
        where: the file.
    """
    if len(problems) == 1:
        first = problems[0]
        return ModelError(first.why, hint=first.hint, where=first.label)
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(problem.hint, []).append(problem.kind)
    lines = [f"{problem.label}: {problem.why}" for problem in problems]
    return ModelError(
        f"{len(problems)} {what} cannot be imported:\n  " + "\n  ".join(lines),
        hint="\n".join(f"{', '.join(dict.fromkeys(names))}: {hint}" for hint, names in kinds.items()),
        where=where,
    )
