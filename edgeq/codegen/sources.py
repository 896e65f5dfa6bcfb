"""The C files that a program needs from edgeq's firmware folder: its kernels, their headers, and the platform."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

from edgeq.errors import InternalError
from edgeq.resources import folder

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)


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
    found: dict[str, str] = {}
    waiting = [("", s) for s in sorted(sources)] + [("include", h) for h in sorted(headers)]
    while waiting:
        root, name = waiting.pop()
        key = posixpath.join(root, name)
        if key in found:
            continue
        found[key] = _text((firmware / "include" if root else firmware / "kernels") / name)
        for included in _INCLUDE.findall(found[key]):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), included))
            if (firmware / "include" / included).is_file():
                waiting.append(("include", included))
            elif not root and (firmware / "kernels" / beside).is_file():
                waiting.append(("", beside))
    return dict(sorted(found.items()))


def platform_files(platform: str) -> dict[str, str]:
    """Contents of the main program and of a platform's files, by path in the folder `platform`.

    They come from firmware/runtime and firmware/platform/<platform>. Names ending in `.j2` are templates, which `emit`
    renders with `program`, `target` and `version`.
    """
    found: dict[str, str] = {}
    for source in (folder("firmware") / "runtime", folder("firmware") / "platform" / platform):
        for path in sorted(source.rglob("*")):
            relative = path.relative_to(source)
            if path.is_file() and not any(part.startswith((".", "__")) for part in relative.parts):
                found[relative.as_posix()] = _text(path)
    return dict(sorted(found.items()))


def included_headers(texts: Iterable[str]) -> set[str]:
    """The headers `eq/…` that some C files include."""
    return {name for text in texts for name in _INCLUDE.findall(text) if name.startswith("eq/")}
