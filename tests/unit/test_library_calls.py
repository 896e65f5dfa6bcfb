"""What a model's object files call of compiler and C library."""

from __future__ import annotations

import io
import re
from pathlib import Path

import needs
import pytest

from edgeq.errors import ToolError
from edgeq.report.library_calls import KINDS, LibraryCall, layers_of, library_calls, members
from edgeq.toolchain import run

GOOD = (
    "#include <string.h>\nint f(char *a, int b) { memset(a, b, 99); return b / 3 + (int)(((long long)b * b) >> 31); }"
)
BAD = """
#include <stdio.h>
#include <stdlib.h>
float g(float x, int y) { char *p = malloc(x > 2.0f ? 3 : 4); printf("%p", (void *)p); return x * (float)y; }
"""
SLOW = "long long h(long long a, long long b) { return a / b; }"


def _library(folder: Path, sources: dict[str, str]) -> Path:
    needs.programs("arm-none-eabi-gcc")
    for name, text in sources.items():
        (folder / name).write_text(text)
        run(["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-O2", "-c", name, "-o", f"{name}.o"], cwd=folder)
    run(["arm-none-eabi-ar", "rcs", "lib.a", *(f"{name}.o" for name in sources)], cwd=folder)
    return folder / "lib.a"


def test_library_calls(tmp_path: Path) -> None:
    long_name = "a_kernel_with_quite_a_long_name.c"
    found = library_calls(_library(tmp_path, {"good.c": GOOD, long_name: BAD, "slow.c": SLOW}))
    by_symbol = {call.symbol: call for call in found}
    assert by_symbol["malloc"] == LibraryCall("the heap", "malloc", long_name, True)
    assert by_symbol["printf"].kind == "input and output" and by_symbol["printf"].never
    assert by_symbol["__aeabi_fmul"].kind == by_symbol["__aeabi_i2f"].kind == "floating point in software"
    assert by_symbol["__aeabi_ldivmod"] == LibraryCall(
        "64-bit division in software", "__aeabi_ldivmod", "slow.c", False
    )
    assert not [call for call in found if call.file == "good.c"], (
        "memset, 32-bit division and 64-bit products are allowed"
    )
    assert layers_of(by_symbol["__aeabi_ldivmod"], {"a": ["x.c", "slow.c"], "b": ["x.c"]}) == ("a",)


def test_no_library(tmp_path: Path) -> None:
    file = tmp_path / "lib.a"
    for content in (
        b"",
        b"!<arch>\nnonsense" + 100 * b" ",
        b"!<arch>\n" + b"x.o/".ljust(48) + b"900".ljust(10) + b"`\n",
    ):
        file.write_bytes(content)
        with pytest.raises(ToolError, match="cannot be examined"):
            library_calls(file)


def test_members_of_both_kinds_of_archives() -> None:
    def entry(name: bytes, content: bytes) -> bytes:
        head = name.ljust(16) + b"0".ljust(32) + str(len(content)).encode().ljust(10) + b"`\n"
        return head + content + b"\n" * (len(content) % 2)

    archive = io.BytesIO()
    archive.write(b"!<arch>\n")
    archive.write(entry(b"/", b"index") + entry(b"//", b"a_long_name_of_a_file.c.o/\n"))
    archive.write(entry(b"short.c.o/", b"abc") + entry(b"/0", b"de"))
    archive.write(entry(b"#1/8", b"bsd.c.o\0fg") + entry(b"#1/16", b"__.SYMDEF SORTED"))
    found = list(members(archive.getvalue()))
    assert found == [("short.c.o", b"abc"), ("a_long_name_of_a_file.c.o", b"de"), ("bsd.c.o", b"fg")]


def test_kinds_exclude_each_other() -> None:
    names = [
        "malloc",
        "_malloc_r",
        "snprintf",
        "printf",
        "puts",
        "abort",
        "__aeabi_dadd",
        "__aeabi_cfcmple",
        "__divdi3",
    ]
    for name in [*names, "__aeabi_f2iz", "__aeabi_uldivmod", "__floatsisf", "__mulsf3", "__truncdfsf2"]:
        assert len([kind for kind in KINDS if re.fullmatch(kind.pattern, name)]) == 1, name
    for name in (
        "memcpy",
        "__aeabi_memcpy4",
        "__aeabi_lmul",
        "__aeabi_idiv",
        "__aeabi_idivmod",
        "__aeabi_llsl",
        "eq_div",
    ):
        assert not [kind for kind in KINDS if re.fullmatch(kind.pattern, name)], name
