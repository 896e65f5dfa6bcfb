"""Writing down a graph after every step that changed it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgeq.api.paths import DUMP_HINT, check_dump
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.observe import Observe, unobserved
from edgeq.ir.text import print_graph, save_graph

_STEP = re.compile(r"\d{2,}_\w+\.txt")


def dump_into(path: str | Path | None) -> Observe:
    """An observer that writes the graph of every step that changed it: `00_import.txt`, `01_fold_constants.txt`, …

    Its constants are written beside each, so that `edgeq.ir.text.load_graph` can read it back. The first step removes
    what an earlier dump left in the folder; other files stay. Without a folder, nothing is written.

    Raises:
        UsageError: the folder is a file. The observer raises it too, if something cannot be written.
    """
    if path is None:
        return unobserved
    folder = Path(path)
    check_dump(folder)
    written: list[Graph] = []

    def observe(name: str, graph: Graph) -> None:
        if written and _same(written[-1], graph):
            return
        if not written:
            _prepare(folder)
        save_graph(graph, folder / f"{len(written):02}_{name}")
        written.append(graph)

    return observe


def _same(first: Graph, second: Graph) -> bool:
    """Whether both have the same text and the same constants."""
    if first is second:
        return True
    constants, others = ([v.data for v in g.values.values() if v.data is not None] for g in (first, second))
    return print_graph(first) == print_graph(second) and all(
        a is b or np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(constants, others, strict=True)
    )


def _prepare(folder: Path) -> None:
    """Make the folder, and remove the steps of an earlier dump: files that are there as text and as constants."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for text in sorted(folder.iterdir()):
            constants = text.with_suffix(".npz")
            if _STEP.fullmatch(text.name) and text.is_file() and constants.is_file():
                text.unlink()
                constants.unlink()
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", hint=DUMP_HINT, where=str(folder)) from error
