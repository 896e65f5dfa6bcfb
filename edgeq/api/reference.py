"""The pages of docs/ that are written from the code: options, which kernels there are, boards.

python -m edgeq.api.reference docs
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.project import BuildOptions
from edgeq.importers import taken
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op, registry
from edgeq.isa import FEATURES
from edgeq.kernels import SETS, set_rows
from edgeq.options import Declared, options, sections
from edgeq.target import list_boards

if TYPE_CHECKING:
    from edgeq.options.declare import Declaration

OPTIONS = """\
# Options

<!-- Written by `python -m edgeq.api.reference docs`; a test compares. -->

Whatever `edgeq build` can be told, it can be told in three places under one name: as an option of the command line, as
a key of an `edgeq.toml`, and as an argument of `edgeq.BuildOptions` in Python. The command line goes before the file:
it replaces what the file says, and adds to tables of names such as `input_shapes`. Paths in an `edgeq.toml` are
relative to its folder, and `_` and `-` are the same in its keys. `edgeq COMMAND --help` shows all options of a command,
also those that only this command has.
"""

COLUMNS = ("`edgeq.toml`", "command line", "default", "meaning")


def options_page() -> str:
    """The page as Markdown: a table of every dataclass that declares options."""
    return "\n".join([OPTIONS, *_tables(BuildOptions, ())])


def _tables(type: Declaration, path: tuple[str, ...]) -> Iterable[str]:
    yield _row(COLUMNS)
    yield _row(["---"] * len(COLUMNS))
    yield from (_row(_cells(item)) for item in options(type))
    yield ""
    for name, section in sections(type).items():
        below = (*path, name, *(['"NAME"'] if section.each else []))
        yield f"## [{'.'.join(below)}]\n\n{section.help}\n"
        for kinds, inner in section.variants.items():
            if kinds:
                yield (
                    f"With `kind = {json.dumps(kinds[0])}`"
                    + "".join(f" or `{json.dumps(k)}`" for k in kinds[1:])
                    + ":\n"
                )
            yield from _tables(inner, below)


def _cells(item: Declared) -> list[str]:
    key = f"`{item.assignment}`"
    if item.key != item.path[-1]:
        key += f" (in Python `{item.path[-1]}`)"
    names = [item.option.short] if item.option.short else []
    names.append(f"{item.flag} {item.metavar}".rstrip())
    flags = ", ".join(f"`{name}`" for name in names) if item.option.commands else ""
    if item.option.kind.gather is not None:
        flags += " (repeatable)"
    if item.option.each:
        flags += " (once, or once for each of several models)"
    return [key, flags, item.default_text, _meaning(item)]


def _meaning(item: Declared) -> str:
    others = [command for command in item.option.commands if command != "build"]
    also = f" Also of {', '.join(f'`edgeq {name}`' for name in others)}." if others else ""
    return f"{item.meaning}.{also}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


KERNELS = """\
# Kernels

<!-- Written by `python -m edgeq.api.reference docs`; a test compares. -->

Which operators have kernels, for which instruction sets and element types. Every operator has portable ones, in C99;
those of the other columns are taken where a layer's shapes and scales allow it, in the order of the columns from left
to right (`edgeq ops` names the functions). A layer of other types is refused by name.
"""

CELLS = """\

A cell lists element types of activations; where weights have types of their own, they follow behind a ×.
"""

FEATURES_OF_TARGETS = """\

## Features

What rows of kernels ask of a target, and targets say that they have (`isa` in [their files](targets.md)); a target has
all that its features imply.
"""


def kernels_page() -> str:
    """The page as Markdown: operators × instruction sets, with the element types of the rows; features."""
    columns = ("operator", *(f"`{name}`" for name in SETS), "portable")
    lines = [KERNELS, *(f"- `{name}`: {_about(name)}" for name in SETS), CELLS]
    lines += [_row(columns), _row(["---"] * len(columns))]
    for kind, op in registry().items():
        cells = [", ".join(_types(op, set_rows(name, op))) for name in SETS]
        portable = "a view: no code" if op.is_view else ", ".join(portable_types(op))
        lines.append(_row([kind, *cells, portable]))
    lines += [FEATURES_OF_TARGETS, _row(("feature", "", "implies")), _row(["---"] * 3)]
    for name, feature in FEATURES.items():
        lines.append(_row([f"`{name}`", feature.description, ", ".join(f"`{other}`" for other in feature.implies)]))
    return "\n".join([*lines, ""])


def _about(name: str) -> str:
    """What the package of a set of kernels says of itself."""
    return (import_module(f"edgeq.kernels.{name}").__doc__ or "").split("\n")[0]


def portable_types(op: type[Op]) -> list[str]:
    """The element types with which an operator runs everywhere: of activations and, behind a ×, of weights."""
    return _types(op, op.kernels)


def _types(op: type[Op], rows: Iterable[Kernel]) -> list[str]:
    """The element types of some rows of an operator."""
    weighted = any(sample.op.linear is not None for sample in op.samples())
    named: dict[str, None] = {}
    for row in rows:
        activations = "/".join(sorted(t.value for t in row.elements))
        weights = "/".join(sorted(t.value for t in row.weights))
        named[f"{activations} × {weights}" if weighted else activations] = None
    return list(named)


BOARDS = """\
# Boards

<!-- Written by `python -m edgeq.api.reference docs`; a test compares. -->

What `--board` takes, each a file in `targets/boards`; [how to use them, and how to add one](boards.md). No board is at
hand where edgeq is tested, so none is called tested. Emulated: QEMU emulates the board, programs run there and answer
on its serial line. Simulated: images run on the chip's registers as its maker describes them, where every access must
be to one that exists. Build-only: images are built and looked at.
"""


def boards_page() -> str:
    """The page as Markdown: every board with its chip, memory, serial line, ways to flash, and sources."""
    columns = (
        "board",
        "chip",
        "core",
        "MHz",
        "flash, RAM in KB",
        "serial line",
        "flashed by",
        "proved",
        "figures are from",
    )
    lines = [BOARDS, _row(columns), _row(["---"] * len(columns))]
    for board in list_boards():
        names = ", ".join(f"`{name}`" for name in (board.name, *board.aliases))
        pins = f"{board.uart.tx}, {board.uart.rx}".strip(", ") if board.uart else ""
        sizes = ", ".join(f"{board.memory[name].size // 1024:,}" for name in ("flash", "ram"))
        flashers = ", ".join(f"`{spec.kind}`" for spec in board.flashers)
        mhz = str(board.clock_hz // 1_000_000)
        lines.append(
            _row([names, board.chip, board.cpu, mhz, sizes, pins, flashers, board.proved, "; ".join(board.sources)])
        )
    return "\n".join([*lines, ""])


OPERATORS = """\
# Operators of models' files

<!-- Written by `python -m edgeq.api.reference docs`; a test compares. -->

What is taken of each, by its name in ONNX, .tflite or Keras, and what to do about those that are not: what `edgeq ops
--onnx`, `--tflite`, `--keras` and `--refused` print. Element types and cores are in the [table of kernels](kernels.md).
Operators of ONNX that it defines by others, such as Attention or RotaryEmbedding, and that are in none of these lists,
are taken where all of their parts are; loops with a known number of rounds are unrolled, branches with a known
condition taken. Operators of other domains and of StableHLO are refused. Of 351 layers and functions of TensorFlow, as
its converter writes them, 338 are right in float32, 313 equal with 8 bits, 276 with 16
([numerics](numerics.md#what-the-converter-makes-of-tensorflow)).
"""


def operators_page() -> str:
    """The page as Markdown: for each kind of file what is taken, and what is not."""
    kinds = (
        ("ONNX", "operator", taken.onnx_operators, taken.onnx_refused),
        ("TensorFlow Lite", "operator", taken.tflite_operators, taken.tflite_refused),
        ("Keras", "layer", taken.keras_layers, taken.keras_refused),
    )
    lines = [OPERATORS]
    for title, what, known, others in kinds:
        for head, second, rows in ((title, "taken", known()), (f"{title}: not taken", "what to do", others())):
            lines += [f"## {head}\n", _row((what, second)), _row(["---"] * 2)]
            lines += [_row((f"`{name}`", text)) for name, text in rows.items()]
            lines.append("")
    return "\n".join(lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "options.md": options_page,
    "kernels.md": kernels_page,
    "operators.md": operators_page,
    "board-list.md": boards_page,
}
"""The pages, by file name in the folder docs."""


if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(sys.argv[1]) / name).write_text(page(), encoding="utf-8", newline="\n")
