"""The C files that a program needs from edgeq's firmware folder: its kernels, their headers, and the platform."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from edgeq.errors import InternalError, UsageError, suggestion
from edgeq.resources import folder

TEMPLATE = ".j2"
THREADS = "eq_threads.h"
"""The file below firmware/threads that a model's pool of threads consists of."""
PROGRAMS = "programs/"
"""How the names of parts begin that are main programs."""
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)

_KERNEL_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]+")(eq/[^"]+)(")', re.MULTILINE)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InternalError(f"the installation lacks {path.name}: {error.strerror}") from error


def kernel_files(sources: Iterable[str], headers: Iterable[str]) -> dict[str, str]:
    """Contents of kernels and of everything they include, by path in the folder `kernels`.

    Args:
        sources: files below firmware/kernels.
        headers: files below firmware/include.
    """
    firmware = folder("firmware")
    files: dict[str, str] = {}
    waiting = [("", s) for s in sorted(sources)] + [("include", h) for h in sorted(headers)]
    while waiting:
        root, name = waiting.pop()
        key = posixpath.join(root, name)
        if key in files:
            continue
        files[key] = _text((firmware / "include" if root else firmware / "kernels") / name)
        for included in _INCLUDE.findall(files[key]):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), included))
            if (firmware / "include" / included).is_file():
                waiting.append(("include", included))
            elif not root and (firmware / "kernels" / beside).is_file():
                waiting.append(("", beside))
    return dict(sorted(files.items()))


def thread_pool() -> str:
    """Contents of the file THREADS."""
    return _text(folder("firmware") / "threads" / THREADS)


def _files_below(source: Path) -> dict[str, Path]:
    """Files by their path below a folder, without what editors and operating systems leave there."""
    files = {path.relative_to(source): path for path in sorted(source.rglob("*")) if path.is_file()}
    return {name.as_posix(): p for name, p in files.items() if not any(n.startswith((".", "__")) for n in name.parts)}


def platform_files(parts: Sequence[str], where: str = "") -> dict[str, str]:
    """Contents of the runtime's and of a platform's files, by path in the folder `platform`.

    They come from firmware/runtime and, for each part, from firmware/platform/<part>. Names ending in `.j2` are
    templates, which `emit` renders with `programs`, `target` and `version`.

    Args:
        parts: folders below firmware/platform; without a main program among them, it is `programs/files`.
        where: the name of the platform's target.

    Raises:
        UsageError: there is no such part, two of them have the same file, or one includes a file of a part that is
            not there.
    """
    platform = folder("firmware") / "platform"
    known = {path.relative_to(platform).as_posix(): path for path in sorted(platform.glob("*/*")) if path.is_dir()}
    parts = [*parts, *([] if any(part.startswith(PROGRAMS) for part in parts) else [f"{PROGRAMS}files"])]
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise UsageError(f"platform: unknown part {unknown[0]!r}", suggestion(unknown[0], known, "parts"), where)
    sources = [("runtime", folder("firmware") / "runtime"), *((part, known[part]) for part in parts)]
    texts: dict[str, str] = {}
    origin: dict[str, str] = {}
    for part, source in sources:
        for name, path in _files_below(source).items():
            place = name.removesuffix(TEMPLATE)
            if place in origin:
                raise UsageError(f"platform: {origin[place]!r} and {part!r} both have {place}", "leave one out", where)
            origin[place] = part
            texts[name] = _text(path)
    _check_includes(texts, origin, known, where)
    return dict(sorted(texts.items()))


def _check_includes(texts: Mapping[str, str], origin: Mapping[str, str], known: Mapping[str, Path], where: str) -> None:
    """Make sure that headers which only other parts have are not missing, where they are included in any case."""
    there = {posixpath.basename(name) for name in origin}
    for name, text in sorted((name, text) for name, text in texts.items() if name.endswith((".c", ".S"))):
        always, _, _ = text.partition("\n#if")
        for header in sorted(set(_INCLUDE.findall(always)) - there):
            owners = [part for part, source in known.items() if header in _files_below(source)]
            if owners:
                raise UsageError(
                    f"platform: {origin[name.removesuffix(TEMPLATE)]!r} includes {header}, which none of the parts has",
                    f"add {' or '.join(repr(owner) for owner in owners)} to `parts`",
                    where,
                )


def relative_includes(files: Mapping[str, str]) -> dict[str, str]:
    """Files of a build folder in which kernels' headers are included by their place.

    Sources of several build folders can then be compiled together, whatever folders the compiler looks into: each finds
    the headers of its own folder, which may be of another version.
    """

    def relative(path: str, text: str) -> str:
        def place(found: re.Match[str]) -> str:
            target = f"kernels/include/{found[2]}"
            return f"{found[1]}{posixpath.relpath(target, posixpath.dirname(path) or '.')}{found[3]}"

        return _KERNEL_INCLUDE.sub(place, text)

    return {path: relative(path, text) if path.endswith((".c", ".h")) else text for path, text in files.items()}


def included_headers(texts: Iterable[str]) -> set[str]:
    """The headers `eq/…` that C files include."""
    return {name for text in texts for name in _INCLUDE.findall(text) if name.startswith("eq/")}
