"""What the object files of a model and its kernels ask of compiler and C library that firmware does not want.

Neither the heap nor the console has any business there. Arithmetic that the core has no instructions for is slow and
takes flash; layers that compute real numbers, or divide 64-bit numbers, may be worth it, and their user should know.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from edgeq.errors import ToolError


@dataclass(frozen=True)
class Kind:
    """A kind of functions that a model's code should not call.

    Attributes:
        description: what they are.
        pattern: a regular expression of their names.
        never: whether no layer justifies them.
    """

    description: str
    pattern: str
    never: bool


KINDS = (
    Kind("the heap", r"_?(malloc|calloc|realloc|free|memalign)(_r)?|_Zn[wa].*|_Zd[la].*", True),
    Kind("input and output", r"_?v?[fsd]?n?i?(printf|scanf)(_r)?|puts|putchar|fwrite|fopen|write", True),
    Kind("the end of the program", r"abort|_?exit|__assert\w*|__stack_chk_fail", True),
    Kind("64-bit division in software", r"__aeabi_u?ldivmod|__u?(div|mod|divmod)di[34]", False),
    Kind(
        "floating point in software",
        r"__aeabi_(c?[fd](add|r?sub|mul|div|cmp\w*|neg)|cr?[fd]cmp\w*|u?[il]2[fd]|[fd]2\w+|h2f|d2h|f2h)"
        r"|__(add|sub|mul|div|neg|eq|ne|lt|le|gt|ge|unord)[sdt]f[23]"
        r"|__(fix|fixuns)[sdt]f[sdt]i|__(float|floatun)[sdt]i[sdt]f|__(extend|trunc)\w+f2",
        False,
    ),
)


@dataclass(frozen=True)
class LibraryCall:
    """A function of compiler or C library that an object file calls.

    Attributes:
        kind: what it is, in words.
        symbol: its name.
        file: the object's source file, without folders.
        never: whether no layer justifies it.
    """

    kind: str
    symbol: str
    file: str
    never: bool


def library_calls(library: Path) -> tuple[LibraryCall, ...]:
    """The functions of `KINDS` that objects of a static library call, sorted by file and name.

    Raises:
        ToolError: it is no library of ELF files.
    """
    found = set()
    try:
        for name, content in members(library.read_bytes()):
            file = re.sub(r"\.(o|obj)$", "", name)
            for symbol in _undefined(content):
                kind = next((k for k in KINDS if re.fullmatch(k.pattern, symbol)), None)
                if kind is not None:
                    found.add((file, symbol, kind))
    except (OSError, ELFError, ValueError) as error:
        raise ToolError(f"cannot be examined: {error}", hint="only ELF libraries can", where=str(library)) from error
    calls = [LibraryCall(kind.description, symbol, file, kind.never) for file, symbol, kind in found]
    return tuple(sorted(calls, key=lambda call: (call.file, call.symbol)))


def _undefined(content: bytes) -> Iterator[str]:
    """Names that an object file needs and does not define."""
    table = ELFFile(io.BytesIO(content)).get_section_by_name(".symtab")
    for symbol in table.iter_symbols() if table else ():
        if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name:
            yield symbol.name


def members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in an archive of `ar`, with long names as GNU or BSD write them.

    Raises:
        ValueError: it is no such archive, or ends early.
    """
    if not archive.startswith(b"!<arch>\n"):
        raise ValueError("it is no archive")
    long_names, at = b"", 8
    while at + 60 <= len(archive):
        name, size = archive[at : at + 16].rstrip(b" "), int(archive[at + 48 : at + 58])
        content = archive[at + 60 : at + 60 + size]
        if len(content) < size:
            raise ValueError("it ends early")
        at += 60 + size + size % 2
        if name == b"//":
            long_names = content
        elif name.startswith(b"#1/"):
            length = int(name[3:])
            name, content = content[:length].rstrip(b"\0"), content[length:]
            if not name.startswith(b"__.SYMDEF"):
                yield name.decode(), content
        elif name not in (b"/", b"/SYM64/"):
            if name.startswith(b"/"):
                start = int(name[1:])
                name = long_names[start : long_names.index(b"\n", start)]
            yield name.removesuffix(b"/").decode(), content


def layers_of(call: LibraryCall, layers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The layers whose kernels' sources the calling object was compiled from.

    Args:
        call: what was found.
        layers: for every layer, the file names of its kernel's sources.
    """
    return tuple(name for name, files in layers.items() if call.file in files)
