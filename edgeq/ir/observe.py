"""Observing a graph as it changes: code that transforms one step by step calls an observer after each step."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.ir.graph import Graph

Observe = Callable[[str, Graph], None]
"""Called with the name of a finished step and the graph it returned, whether or not the step changed it."""


def unobserved(name: str, graph: Graph) -> None:
    """The observer that does nothing."""
