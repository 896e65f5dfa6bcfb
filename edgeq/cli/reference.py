"""Pages of docs/ that are written from the code: every command with its options, exit codes; a generated header.

python -m edgeq.cli.reference docs
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main

from edgeq import __version__, api, errors
from edgeq.cli._options import read_models
from edgeq.cli._streams import INTERRUPTED, SIGNALED, UNREAD
from edgeq.cli.main import ANYWHERE, COMMANDS, app
from edgeq.errors import EdgeqError

HEAD = f"""\
# Commands

<!-- Written by `python -m edgeq.cli.reference docs`; a test compares. -->

`edgeq COMMAND --help` says the same. {", ".join(f"`{name}`" for name in ANYWHERE)} are for all commands, and may
stand before the command, too: with the traceback of an error, without progress, with every step. `edgeq --version`
tells what is installed.
Options of `build` with their keys in an `edgeq.toml` are on a [page of their own](options.md).
"""
OTHER_CODES = {
    INTERRUPTED: "ended by Ctrl-C",
    SIGNALED + 15: "ended by SIGTERM; by another signal 128 and its number",
    UNREAD: "whoever read the output has gone",
}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    cells = list(heads)
    yield f"| {' | '.join(cells)} |"
    yield "|" + " --- |" * len(cells)
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _parameter(parameter: Any) -> tuple[str, str]:
    """How it is written, and what it is."""
    if parameter.param_type_name == "argument":
        word = parameter.metavar or parameter.name.upper()
        return f"`{word}`", _cell(parameter.help or "")
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return f"`{names}{value}`", _cell(parameter.help or "")


def _command(name: str) -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    command = group.get_command(None, name)
    yield f"## edgeq {name}"
    yield ""
    yield "\n\n".join(_cell(part) for part in (command.help or "").split("\n\n"))
    yield ""
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    yield from _table(("", "meaning"), map(_parameter, shown))
    yield ""


def _kinds() -> list[type[EdgeqError]]:
    """Every kind of error, by exit code; defects last."""
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EdgeqError)]
    return sorted((kind for kind in found if kind is not EdgeqError), key=lambda kind: kind.exit_code)


def commands_page() -> str:
    """docs/commands.md."""
    codes = [("0", "", "all is well")]
    codes += [(str(k.exit_code), f"`{k.__name__}`", _cell((k.__doc__ or "").splitlines()[0])) for k in _kinds()]
    codes += [(str(code), "", what) for code, what in OTHER_CODES.items()]
    lines = [HEAD, *(line for name in COMMANDS for line in _command(name)), "## Exit codes", ""]
    lines += [
        "An error is one line of what is wrong, and one of what to do. In Python it is an exception of `edgeq.errors`.",
        "",
    ]
    return "\n".join([*lines, *_table(("code", "in Python", "meaning"), codes), ""])


_C_HEAD = """\
# C interface

<!-- Written by `python -m edgeq.cli.reference docs`; a test compares. -->

Every model has a header of its own, with its name in front of everything. This is the one of
[examples/hello_sine](../examples/hello_sine/README.md), without the bodies of its inline functions. What else there is:

- for more inputs or outputs one argument, `_in_arena` function and set of figures each;
- `state`, `_STATE_BYTES` and `_reset` with [states](build-folder.md#models-with-states);
- `_run_with` and a pool with [threads](raspberry-pi.md), several arenas with [`--place`](memory.md), names of classes.

What is written for it compiles with every header of the same [`interface`](build-folder.md#manifestjson). For C++
there is a wrapper: [projects](projects.md).

```c
"""
_BODY = re.compile(r"\n\{\n.*?\n\}\n", re.DOTALL)


def c_page(docs: Path) -> str:
    """docs/c-api.md: the header of the smallest example, which is beside `docs`."""
    model = docs.parent / "examples" / "hello_sine"
    with tempfile.TemporaryDirectory() as place:
        (options,) = read_models([model], {"output": f"{place}/out", "compile": False})
        api.build(options)
        header = (Path(place) / "out" / "include" / "hello_sine.h").read_text("utf-8")
    shown = _BODY.sub(";\n", header).replace(__version__, "VERSION")
    return f"{_C_HEAD}{shown}```\n"


PAGES: Mapping[str, Callable[[Path], str]] = {"commands.md": lambda docs: commands_page(), "c-api.md": c_page}
"""The pages, by file name in the folder docs, which their functions are given."""


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, page in PAGES.items():
        (folder / name).write_text(page(folder), encoding="utf-8", newline="\n")
