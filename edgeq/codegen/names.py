"""Names of a model as identifiers of C and C++."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_HEADERS = (
    "assert complex ctype errno features fenv float inttypes iso646 limits locale malloc math memory setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar "
    "unistd wchar wctype"
)
_GOALS = (
    "all clean depend edit_cache help install list_install_components package package_source preinstall rebuild_cache"
)
_OWN = "edgeq_model main platform test"
_TAKEN = frozenset(f"{_HEADERS} {_GOALS} {_OWN}".split())
"""Headers of C, which a model's header would shadow; goals of CMake; files of the build folder."""

MOST_CHARACTERS = 80
"""Of the names of several models in a row."""


def identifier(text: str) -> str:
    """`text` in lower case, everything but letters, digits and underscores replaced; never empty."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "x"


def symbol_prefix(text: str) -> str:
    """An identifier that a model's symbols and files can be named after: it starts neither with a digit nor with
    edgeq's own `eq_`, and is not a name that C, CMake or the build folder uses for something else."""
    name = identifier(text)
    return f"m_{name}" if name[0].isdigit() or f"{name}_".startswith("eq_") or name in _TAKEN else name


def file_prefix(file: Path) -> str:
    """The prefix of a model that is called after its file. Only a file's suffix is left out: `kws.v1.onnx` and
    `kws.v2.onnx` are two models."""
    path = file.resolve()
    return symbol_prefix((path.name if path.is_dir() else path.stem) or "model")


def project_name(models: Sequence[str]) -> str:
    """The name of what models of one build folder are together: that of the only one, all of them in a row, or that of
    the first where that would be too long for the name of a file."""
    name = "_".join(models)
    return name if len(models) == 1 or len(name) <= MOST_CHARACTERS else f"{models[0]}_and_{len(models) - 1}_more"


class Names:
    """Hands out identifiers, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, text: str) -> str:
        """An identifier for `text` that has not been handed out yet: `conv`, `conv_2`, …"""
        base = name = identifier(text)
        count = 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
