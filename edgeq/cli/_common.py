"""What the commands share: where text goes, progress, and options that mean the same everywhere.

Messages and progress go to stderr; stdout is for the result alone.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from edgeq.errors import UsageError
from edgeq.warnings import EdgeqWarning

# Names of layers and files are shown as they are: nothing in them is markup or an emoji.
messages = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
results = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout and sys.stdout.isatty() else 160)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A build folder.", show_default=False)]

ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="One of several models in the folder.", show_default=False),
]

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME",
        help="Which array the samples of a model's only input are; default: x.",
        show_default=False,
    ),
]

PortOption = Annotated[
    str | None,
    typer.Option(
        "--port",
        metavar="PORT",
        help="Ask a device in place of running the program here: /dev/ttyACM0, COM3, socket://HOST:PORT, "
        "rfc2217://HOST:PORT, rtt (a debug probe), stdio (the folder's own program), or auto (the port that the "
        "board's USB ids tell).",
        show_default=False,
    ),
]
BoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        metavar="BOARD",
        help="The board that is asked: its port is found by its USB ids; default: what the folder was built for.",
        show_default=False,
    ),
]
BaudOption = Annotated[
    int | None,
    typer.Option("--baud", metavar="N", help="Bits per second of the port; default: the board's.", show_default=False),
]

VoltsOption = Annotated[
    float | None, typer.Option("--volts", metavar="V", help="With --amps: measured, for the energy of an inference.")
]
AmpsOption = Annotated[
    float | None, typer.Option("--amps", metavar="A", help="What the device draws while it computes.")
]

HostOption = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="HOST",
        help="Run the program on another computer, by OpenSSH: pi@raspberrypi, or a name of ~/.ssh/config.",
        show_default=False,
    ),
]
SshOption = Annotated[
    str | None,
    typer.Option(
        "--ssh-options",
        metavar="TEXT",
        help='Further options of ssh for --host, such as "-p 2222 -i key".',
        show_default=False,
    ),
]

Advance = Callable[[int, int], None]
"""Called with how many steps are done and how many there are."""


@contextmanager
def progress(text: str, quiet: bool = False) -> Iterator[Advance]:
    """A progress bar on stderr while long work goes on; invisible when stderr is no terminal."""
    if quiet or _Talk.quiet or not messages.is_terminal:
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


class _Talk:
    """How much is said beside results, doubts and errors."""

    quiet = False
    began: float | None = None


@contextmanager
def talking(quiet: bool, verbose: bool) -> Iterator[None]:
    """A context in which nothing is said of progress, or each step with its time, and what the library logs.

    Raises:
        UsageError: both are asked for.
    """
    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", hint="leave one of them out")
    logger, handler = logging.getLogger("edgeq"), _Told()
    _Talk.quiet, _Talk.began = quiet, time.monotonic() if verbose else None
    level = logger.level
    if verbose:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        _Talk.quiet, _Talk.began = False, None


class _Told(logging.Handler):
    """Shows what is logged as remarks."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        remark(f"  {record.getMessage()}")


def remark(text: str) -> None:
    """A line on stderr, if there is one to say, and nobody wants quiet."""
    if text and not _Talk.quiet:
        since = "" if _Talk.began is None else f"{time.monotonic() - _Talk.began:6.1f} s  "
        messages.print(f"{since}{text}", style="dim")


def print_json(data: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")


class Number(str):
    """A number as text, as it is to be shown."""

    __slots__ = ()


def table(*columns: str, rows: list[list[Any]], title: str | None = None) -> None:
    """A table on stdout; every column whose cells are numbers is aligned to the right."""
    from rich.table import Table

    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float | Number) or row[index] == "" for row in rows)
        grid.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(c) for c in row))
    results.print(grid)


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


Fact = tuple[str, int | str, str]
"""A label, a text or a number of bytes, and a remark on it."""


def facts(rows: list[Fact]) -> None:
    """Lines of a label and what there is to say; numbers are bytes, one below the other."""
    label = max(len(row[0]) for row in rows) + 2
    digits = max((len(f"{row[1]:,}") for row in rows if isinstance(row[1], int)), default=0)
    for name, value, note in rows:
        text = f"{value:>{digits},} B" if isinstance(value, int) else value
        results.print(f"  {name:<{label}}{text}{note and f'  {note}'}", soft_wrap=True)


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count:,} B"
