"""The page docs/options.md, from the declarations of the options.

python -m edgeq.api.reference docs/options.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.project import BuildOptions
from edgeq.options import Declared, options, sections

if TYPE_CHECKING:
    from edgeq.options.declare import Declaration

HEAD = """\
# Options

<!-- Written by `python -m edgeq.api.reference docs/options.md`; a test compares. -->

Whatever `edgeq build` can be told, it can be told in three places under one name: as an option of the command line, as
a key of an `edgeq.toml`, and as an argument of `edgeq.BuildOptions` in Python. The command line goes before the file:
it replaces what the file says, and adds to tables of names such as `input_shapes`. Paths in an `edgeq.toml` are
relative to its folder, and `_` and `-` are the same in its keys. `edgeq COMMAND --help` shows all options of a command,
also those that only this command has.
"""

COLUMNS = ("`edgeq.toml`", "command line", "default", "meaning")


def options_page() -> str:
    """The page as Markdown: a table of every dataclass that declares options."""
    return "\n".join([HEAD, *_tables(BuildOptions, ())])


def _tables(type: Declaration, path: tuple[str, ...]) -> Iterable[str]:
    yield _row(COLUMNS)
    yield _row(["---"] * len(COLUMNS))
    yield from (_row(_cells(item)) for item in options(type))
    yield ""
    for name, section in sections(type).items():
        below = (*path, name, *(['"NAME"'] if section.each else []))
        yield f"## [{'.'.join(below)}]\n\n{section.help}\n"
        yield from _tables(section.type, below)


def _cells(item: Declared) -> list[str]:
    written = f"`{item.key} = {item.option.kind.toml.format(item.metavar)}`"
    if item.key != item.path[-1]:
        written += f" (in Python `{item.path[-1]}`)"
    names = [item.option.short] if item.option.short else []
    names.append(f"{item.flag} {item.metavar}".rstrip())
    line = ", ".join(f"`{name}`" for name in names) if item.option.commands else ""
    if item.option.kind.gather is not None:
        line += " (repeatable)"
    return [written, line, item.default_text, _meaning(item)]


def _meaning(item: Declared) -> str:
    others = [command for command in item.option.commands if command != "build"]
    also = f" Also of {', '.join(f'`edgeq {name}`' for name in others)}." if others else ""
    return f"{item.meaning}.{also}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(options_page(), encoding="utf-8", newline="\n")
