"""The C of a build folder in one folder without subfolders, for tools that compile whatever lies in one."""

from __future__ import annotations

import posixpath
import re

from edgeq.exporters.projects.content import Content
from edgeq.exporters.projects.render import kernels_and_models, sources

_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]+")([^"]+)(")', re.MULTILINE)

_PRAGMA = """\
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("{level}", "fp-contract=off") /* as it was verified, whatever the project's own level */
#endif
"""


def flat(content: Content) -> dict[str, str]:
    """The models and kernels by file name. What is not to be compiled by itself ends in `.h` or `.inc`."""
    files = sources(content, "include", "src", "kernels")
    compiled = set(kernels_and_models(content))
    names = {path: _name(path, path in compiled) for path in files}

    def place(path: str, included: str) -> str | None:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), included))
        return next((names[p] for p in (beside, f"include/{included}") if p in names), None)

    def rewritten(path: str) -> str:
        def target(found: re.Match[str]) -> str:
            return f"{found[1]}{place(path, found[2]) or found[2]}{found[3]}"

        text = _INCLUDE.sub(target, files[path])
        return _PRAGMA.format(level=content.optimization.lstrip("-")) + text if path in compiled else text

    return {names[path]: rewritten(path) for path in sorted(files)}


def _name(path: str, is_compiled: bool) -> str:
    """`kernels/dsp/conv2d.c` → `eq_dsp_conv2d.c`, `kernels/include/eq/add.h` → `eq_add.h`, `src/net.c` → `net.c`."""
    folder, _, rest = path.partition("/")
    name = rest if folder != "kernels" else "eq_" + rest.removeprefix("include/eq/").replace("/", "_")
    return name if is_compiled or name.endswith(".h") else posixpath.splitext(name)[0] + ".inc"
