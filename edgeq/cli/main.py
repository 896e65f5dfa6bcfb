"""The command `edgeq`: finds the commands, and turns every error into one message and its exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edgeq import __version__
from edgeq.cli import build, doctor, inspect, ops, profile, quantize, run, targets, verify
from edgeq.cli._common import messages, print_json
from edgeq.errors import EdgeqError

app = typer.Typer(
    name="edgeq",
    help="Quantize neural networks and generate verified C for microcontrollers, Raspberry Pi and host simulation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (build, run, verify, profile, quantize, inspect, targets, ops, doctor):
    app.command(module.__name__.rpartition(".")[2])(module.command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgeq {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show Python's traceback of an error (anywhere).")] = False,
) -> None:
    """Options before the command."""


def _report(error: EdgeqError, as_json: bool) -> int:
    messages.print(f"[bold red]error:[/] {error.where + ': ' if error.where else ''}", end="", markup=True)
    messages.print(error.message, markup=False)
    if error.hint:
        messages.print(f"  {error.hint}", markup=False)
    if as_json:
        kind = type(error).__name__
        print_json({"error": {"type": kind, "message": error.message, "hint": error.hint, "where": error.where}})
    return error.exit_code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (see edgeq.errors)."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    as_json = "--json" in given
    try:
        app([a for a in given if a != "--debug"])
    except EdgeqError as error:
        if debug:
            raise
        return _report(error, as_json)
    except SystemExit as done:  # how typer ends, with its own message for a wrong command line
        return done.code if isinstance(done.code, int) else 0
    except BrokenPipeError:
        return 0
    except Exception as error:
        if debug:
            raise
        messages.print(f"[bold red]internal error:[/] {type(error).__name__}: ", end="")
        messages.print(str(error), markup=False)
        messages.print("  This is a defect of edgeq. Please report it with the output of the same command and --debug.")
        return 70
    return 0


def entry() -> None:
    """Console script."""
    raise SystemExit(main())
