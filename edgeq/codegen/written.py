"""Which files in a build folder edgeq wrote. All others are the user's: they are neither deleted nor overwritten."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIST = ".edgeq-files"
"""The file with the paths of all files that edgeq wrote, one a line, below the folder it is in."""
_COMPILERS = re.compile(
    r"build/(?:cmake/|_deps/|CMakeFiles/|CMakeCache\.txt$|cmake_install\.cmake$|build\.ninja$|\.ninja_\w+$|Makefile$|"
    r"compile_commands\.json$)"
)
"""What CMake and the programs it calls leave in `build`, whoever started them."""
_UNLISTED = (
    r"manifest\.json|target\.toml|graph\.txt|CMakeLists\.txt|weights\.bin|reference/(?:integer|float)\.\w+|"
    r"include/(?:{name}|edgeq_model)\.h|src/{name}(?:_\w+)?\.[ch]|kernels/.*\.[chS]|platform/.*\.[chS]|"
    r"platform/[\w.-]+\.ld|toolchain/(?:gcc|clang|zig)\.cmake|build/(?:lib)?{name}(?:_\w+)?(?:\.\w+)?"
)
"""The files of a build folder without a list, as earlier versions wrote it."""


@dataclass(frozen=True)
class Own:
    """Tells edgeq's files in one folder from others'."""

    listed: frozenset[str]
    pattern: re.Pattern[str] | None = None

    def __contains__(self, path: str) -> bool:
        """Whether edgeq wrote the file of this path below the folder."""
        if path == LIST or path in self.listed or _COMPILERS.match(path):
            return True
        return self.pattern is not None and self.pattern.fullmatch(path) is not None


def own_files(folder: Path) -> Own:
    """What edgeq wrote of a build folder."""
    with suppress(OSError):
        return Own(frozenset((folder / LIST).read_text("utf-8", "surrogateescape").splitlines()))
    name = ""
    with suppress(OSError, ValueError, AttributeError):
        name = str(json.loads((folder / "manifest.json").read_text("utf-8")).get("name", ""))
    return Own(frozenset(), re.compile(_UNLISTED.format(name=re.escape(name))))


def write_list(folder: Path, paths: Iterable[str] | None = None) -> None:
    """Say that edgeq wrote these files of a folder, or all that are in it."""
    wanted = entries(folder) if paths is None else paths
    lines = sorted({path for path in wanted if not path.endswith("/")} - {LIST})
    part = folder / f"{LIST}.part"
    part.write_text("".join(f"{line}\n" for line in lines), "utf-8", "surrogateescape", newline="\n")
    part.replace(folder / LIST)


def add_to_list(folder: Path, path: str) -> None:
    """Say that edgeq has also written this file of a build folder that has a list."""
    with suppress(OSError):
        listed = (folder / LIST).read_text("utf-8", "surrogateescape").splitlines()
        if path not in listed:
            write_list(folder, [*listed, path])


def entries(folder: Path) -> Iterator[str]:
    """Paths below a folder of all that is no folder, and of empty folders, with a slash; links are not followed."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        found = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
        if below and not found:
            yield below
        for entry in found:
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{path}/")
            else:
                yield path
