"""Names of kernels for the linker.

Several models in one program may each bring their kernels, from builds of different versions or for different goals. So
in a build folder the name of every function of a kernel ends in a digest of its source, and the function is weak: equal
ones become one, unlike ones stand side by side. The code that calls them keeps the plain names, which macros in
`eq/symbols.h` translate.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from edgeq.codegen.instances import functions_of
from edgeq.ir.kernel import Goal
from edgeq.resources import folder

HEADER = "eq/symbols.h"
"""The header of macros, below `kernels/include`."""

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_NAME = re.compile(r"\beq_\w+")
_OWN = re.compile(r"\b(static|typedef|EQ_INLINE)\b")
"""What declares nothing that other files can call."""
_DECLARATION = re.compile(r"\b(eq_\w+)\(")
_DEFINITION = re.compile(r"\b(\w+)[ \n*]+(eq_\w+)(##\w+)?\(")


def kernel_symbols(sources: Iterable[str], goal: Goal) -> dict[str, dict[str, str]]:
    """The name for the linker of each function that kernels define, by source and plain name, sorted.

    Args:
        sources: files below firmware/kernels.
        goal: what they are compiled for: the same source gives other code for another goal.
    """
    return {
        source: {name: f"{name}_{_digest(source, goal)}" for name in functions_of_source(source)}
        for source in sorted(sources)
    }


def functions_of_source(source: str) -> tuple[str, ...]:
    """The functions that other files can call and that a file below firmware/kernels defines, sorted."""
    return tuple(sorted(name for name, home in _homes().items() if home == source))


def with_weak_functions(text: str, names: Mapping[str, str]) -> str:
    """A kernel's source whose functions have these names for the linker and are weak.

    Args:
        text: the source, of a folder below `kernels`.
        names: those that it defines, by plain name. In a layer's copy of the kernel they are another's.
    """
    weak = "".join(f"#pragma weak {name}\n" for name in names.values())
    return f'#ifndef EQ_INSTANCE /* see {HEADER} */\n#include "{HEADER}"\n{weak}#endif\n{text}'


@cache
def _files() -> Mapping[str, str]:
    """Contents of all kernels and headers, without comments: `dsp/conv2d.c`, `dsp/gemm.h`, `include/eq/conv2d.h`."""
    firmware = folder("firmware")
    paths = {p.relative_to(firmware / "kernels").as_posix(): p for p in sorted((firmware / "kernels").glob("*/*.[ch]"))}
    paths |= {p.relative_to(firmware).as_posix(): p for p in sorted((firmware / "include").glob("eq/*.h"))}
    return {name: _COMMENT.sub(" ", path.read_text("utf-8")) for name, path in paths.items()}


@cache
def _homes() -> Mapping[str, str]:
    """For every function that other files can call, the source that defines it.

    Those of rows are where the rows say; those that they call in their turn are declared in headers.
    """
    declared = {name for path, text in _files().items() if path.endswith(".h") for name in _declared(text)}
    homes: dict[str, str] = {}
    for path, text in _files().items():
        if path.endswith(".c"):
            homes |= dict.fromkeys(functions_of(path), path)
            for name, is_whole in _defined(text):
                homes |= {n: path for n in declared if n == name or (not is_whole and n.startswith(name))}
    return homes


def _outside_braces(text: str) -> str:
    """What is not within braces, each outermost pair of which becomes `{}`."""
    kept, depth = [], 0
    for char in text:
        depth += char == "{"
        if depth == 0 or (char == "{" and depth == 1) or (char == "}" and depth == 1):
            kept.append(char)
        depth -= char == "}"
    return "".join(kept)


def _declared(header: str) -> Iterator[str]:
    """Names of the functions that a header declares for others."""
    for statement in re.split(r"[;}]", _outside_braces(_DIRECTIVE.sub("", header))):
        head = _DECLARATION.search(statement)
        if head is not None and not _OWN.search(statement):
            yield head[1]


def _defined(source: str) -> Iterator[tuple[str, bool]]:
    """Names of the functions that a source defines, or, where a macro makes the name's end, their beginnings; and
    whether it is the whole name. What follows a type is a definition: sources only declare what they define."""
    for before, name, pasted in _DEFINITION.findall(source):
        if before not in ("return", "else"):
            yield name, not pasted


@cache
def _digest(source: str, goal: Goal) -> str:
    """Eight hexadecimal digits that stand for a source, all that it includes, and all kernels that these may call."""
    files, seen, waiting = _files(), set[str](), [source]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for included in _INCLUDE.findall(files[path]):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), included))
            waiting += [p for p in (f"include/{included}", beside) if p in files]
        waiting += [_homes()[name] for name in _NAME.findall(files[path]) if name in _homes()]
        starts = [n for n in _NAME.findall(files[path]) if n.endswith("_")]
        waiting += [home for name, home in _homes().items() if any(name.startswith(s) for s in starts)]
    digest = hashlib.sha256(goal.encode())
    for path in sorted(seen):
        digest.update(f"{len(files[path])}:{path}:{files[path]}".encode())
    return digest.hexdigest()[:8]
