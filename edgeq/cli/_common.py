"""What the commands share: where text goes, progress, and options that mean the same everywhere.

Messages and progress go to stderr; stdout is for the result alone.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from edgeq.warnings import EdgeqWarning

# Names of layers and files are shown as they are: nothing in them is markup or an emoji.
messages = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
results = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout and sys.stdout.isatty() else 160)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A build folder.", show_default=False)]

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME",
        help="Which array the samples of a model's only input are; default: x.",
        show_default=False,
    ),
]

Advance = Callable[[int, int], None]
"""Called with how many steps are done and how many there are."""


@contextmanager
def progress(text: str, quiet: bool = False) -> Iterator[Advance]:
    """A progress bar on stderr while long work goes on; invisible when stderr is no terminal."""
    if quiet or not messages.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True) as bar:
        task = bar.add_task(text, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


@contextmanager
def warnings_shown() -> Iterator[None]:
    """A context in which every warning of edgeq's is one line on stderr; others are shown as Python shows them."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", EdgeqWarning)
        others = warnings.showwarning

        def show(message: Warning | str, *details: Any, **more: Any) -> None:
            if isinstance(message, EdgeqWarning):
                messages.print("warning:", style="bold yellow", end=" ")
                messages.print(str(message))
            else:
                others(message, *details, **more)

        warnings.showwarning = show
        yield


def remark(text: str) -> None:
    """A line on stderr, if there is one to say."""
    if text:
        messages.print(text, style="dim")


def print_json(data: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")


def table(*columns: str, rows: list[list[Any]], title: str | None = None) -> None:
    """A table on stdout; every column whose cells are numbers is aligned to the right."""
    from rich.table import Table

    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) or row[index] == "" for row in rows)
        grid.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(c) for c in row))
    results.print(grid)


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count:,} B" if count < 10240 else f"{count / 1024:,.1f} KiB"
