"""The command `edgeq`: finds the commands, and turns every error into one message and its exit code."""

from __future__ import annotations

import importlib
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from edgeq.cli import _streams
from edgeq.cli._common import messages, print_json, talking, warnings_shown
from edgeq.cli._streams import INTERRUPTED, SIGNALED, UNREAD, Ended, Unread
from edgeq.errors import CapacityError, EdgeqError, InternalError, UsageError

COMMANDS = {
    "init": "Write a commented edgeq.toml for a model.",
    "build": "Quantize models, generate C for a target, and compile it.",
    "run": "Run samples through a built model.",
    "verify": "Compare a program with the simulator.",
    "profile": "Measure what each layer costs.",
    "search": "Find how each layer is quantized best.",
    "report": "Report on builds, one or several side by side.",
    "flash": "Write a program into a board.",
    "monitor": "Show what a board sends on its serial line.",
    "quantize": "Quantize a model, write it as QDQ ONNX.",
    "inspect": "Show what a model or build folder holds.",
    "targets": "List the targets.",
    "boards": "List the boards, and which of them a model fits.",
    "ops": "List the operators, with kernels or names in files.",
    "doctor": "Show which tools this machine has.",
}
"""The modules of this package that are commands, and the first lines of their help, shown without importing them."""
ANYWHERE = ("--debug", "--quiet", "--verbose")
"""Options of all commands, which may stand before the command and behind it."""
SETTINGS: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}


class Commands(TyperGroup):
    """The commands, each imported when it is called: most of them need all of edgeq, which takes a second."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands.update(dict.fromkeys(COMMANDS))  # type: ignore[arg-type]  # known by name, not yet there

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None if there is none."""
        if cmd_name in COMMANDS and self.commands[cmd_name] is None:
            only = typer.Typer(add_completion=False, **SETTINGS)
            only.command(cmd_name)(importlib.import_module(f"edgeq.cli.{cmd_name}").command)
            self.commands[cmd_name] = typer.main.get_command(only)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    name="edgeq",
    cls=Commands,
    help="Quantize neural networks and generate verified C for microcontrollers, Raspberry Pi and host simulation.",
    no_args_is_help=True,
    **SETTINGS,
)


def _version(requested: bool) -> None:
    if requested:
        from edgeq.api.installed import installed  # looks through the packages

        typer.echo("\n".join(installed()))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show versions of edgeq and of what it uses, and exit."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show Python's traceback of an error.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing of progress, only results and doubts.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell every step, and what programs are run.")] = False,
) -> None:
    """Options before the command, or anywhere behind it."""


def _report(error: EdgeqError, as_json: bool) -> int:
    with suppress(OSError, UsageError, Unread):  # there may be nowhere to tell it
        _tell(error, as_json)
    return error.exit_code


def _tell(error: EdgeqError, as_json: bool) -> None:
    internal = isinstance(error, InternalError)
    messages.print("internal error:" if internal else "error:", style="bold red", end=" ")
    messages.print(f"{error.where}: {error.message}" if error.where else error.message)
    for line in error.hint.splitlines():
        messages.print(f"  {line}")
    if as_json:
        kind = type(error).__name__
        print_json({"error": {"type": kind, "message": error.message, "hint": error.hint, "where": error.where}})
        sys.stdout.flush()


def _stopped(code: int) -> int:
    """Say that a signal ended the command, and return the exit code."""
    number = code - SIGNALED
    with suppress(OSError):
        messages.print("interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}")
    return code


def _parser_error(error: Exception) -> EdgeqError | None:
    """The parser's complaint about the command line; None if `error` is not the parser's.

    The parser's exceptions have no public home that is the same in all versions of Typer.
    """
    format_message = getattr(error, "format_message", None)
    if format_message is None:
        return None
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else app.info.name
    return UsageError(str(format_message()).rstrip("."), hint=f"see `{path} --help`")


def _in_a_folder() -> bool:
    """Whether the current folder is still there: relative paths mean nothing where it was removed."""
    with suppress(FileNotFoundError):
        Path.cwd()
        return True
    return False


def _run(arguments: list[str], debug: bool) -> int:
    """Run a command; returns its exit code.

    Raises:
        EdgeqError: it failed. Other exceptions become one, unless `debug` asks for their tracebacks.
    """
    try:
        with warnings_shown():
            code = app(arguments or ["--help"], prog_name="edgeq", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # what some versions of the parser make of Ctrl-C, and others of typer.Abort
            raise KeyboardInterrupt
    except EdgeqError:
        raise
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except MemoryError as error:
        hint = "take a smaller model or fewer samples"
        raise CapacityError("this machine has too little memory", hint=hint) from error
    except Exception as error:
        usage = _parser_error(error)
        if usage is not None:
            raise usage from error
        if debug:
            raise
        if isinstance(error, FileNotFoundError) and not _in_a_folder():
            hint = "change into a folder that is there, and try again"
            raise UsageError("the current folder is no longer there", hint=hint) from error
        hint = "This is a defect of edgeq. Please report it with the output of the same command and --debug."
        raise InternalError(f"{type(error).__name__}: {error}", hint=hint) from error
    return code if isinstance(code, int) else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code (see edgeq.errors)."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        with talking(quiet="--quiet" in words, verbose="--verbose" in words):
            return _run([a for a in words if a not in ANYWHERE], debug)
    except EdgeqError as error:
        if debug:
            traceback.print_exception(error)
        return _report(error, "--json" in words)
    except KeyboardInterrupt:
        return _stopped(INTERRUPTED)
    except Ended as ended:
        return _stopped(SIGNALED + ended.number)
    except Unread:
        return UNREAD


def entry() -> None:
    """The console script. When asked to end, it cleans up as after Ctrl-C."""
    _streams.prepare()
    code = main()
    sys.stdout = None  # all is written, or cannot be: Python need not try again
    sys.exit(code)
