"""Looking at a graph on its way: whoever changes one step by step calls an observer with each."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.ir.graph import Graph

Observe = Callable[[str, Graph], None]
"""Called with the name of a step that is done and the graph it gave, be it another one than before or the same."""


def unobserved(name: str, graph: Graph) -> None:
    """The observer that does not look."""
