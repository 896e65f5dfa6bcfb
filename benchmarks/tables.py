"""Tables, for the terminal and for documents."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

Cell = str | int


def _text(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else cell


def markdown(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """The lines of a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def show(heads: Sequence[str], rows: Sequence[Sequence[Cell]], title: str | None = None) -> None:
    """Print a table on stdout, numbers to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        numeric = bool(rows) and all(isinstance(row[index], int) for row in rows)
        table.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 160).print(table)
