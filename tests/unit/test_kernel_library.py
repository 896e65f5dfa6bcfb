"""The kernels as a library of their own: no warnings, nothing but memcpy and memset from outside, usable by CMake."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeq.resources import folder
from edgeq.toolchain import find_cmake, find_generator, run

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FIRMWARE = folder("firmware")
REFERENCE = sorted((FIRMWARE / "kernels" / "ref").glob("*.c"))
COMPILERS = {"gcc": (), "clang": (), "arm-none-eabi-gcc": ("-mcpu=cortex-m0plus", "-mthumb")}
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only")
ALLOWED = {"memcpy", "memset", "memmove"}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warnings(compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    run([compiler, *COMPILERS[compiler], *WARNINGS, "-I", FIRMWARE / "include", *REFERENCE])


def test_headers_stand_alone(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    headers = sorted((FIRMWARE / "include" / "eq").glob("*.h"))
    for header in headers:
        (tmp_path / f"{header.stem}.c").write_text(f'#include "eq/{header.name}"\n#include "eq/{header.name}"\n')
    run(["gcc", *WARNINGS, "-I", FIRMWARE / "include", *sorted(tmp_path.glob("*.c"))])


def test_library_in_another_project(tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(app C)\n"
        f'add_subdirectory("{CHECKOUT.as_posix()}" edgeq)\n'
        "add_executable(app main.c)\ntarget_link_libraries(app PRIVATE edgeq_kernels)\n"
    )
    (tmp_path / "main.c").write_text(
        '#include "eq/flip.h"\n'
        "int main(void)\n{\n    const eq_flip_params p = {1};\n    const int8_t x = 5;\n    int8_t y = 0;\n"
        "    eq_flip_ref(&p, &x, &y);\n    return y != 5 - 128;\n}\n"
    )
    generator, _ = find_generator()
    run([find_cmake(), "-S", tmp_path, "-B", tmp_path / "build", "-G", generator, "-DEQ_SANITIZE=ON"])
    run([find_cmake(), "--build", tmp_path / "build", "--parallel", "2"])
    run([tmp_path / "build" / "app"])
    archive = next((tmp_path / "build").rglob("libedgeq_kernels.a"))
    assert archive.stat().st_size > 0


def test_kernels_use_nothing_from_outside(tmp_path: Path) -> None:
    if shutil.which("gcc") is None or shutil.which("nm") is None:
        pytest.skip("gcc or nm is not installed")
    flags = ("-std=c99", "-O2", "-ffreestanding", "-fno-stack-protector", "-c", "-I", FIRMWARE / "include")
    run(["gcc", *flags, *REFERENCE], cwd=tmp_path)
    objects = sorted(tmp_path.glob("*.o"))
    assert len(objects) == len(REFERENCE)
    wanted, defined, writable = set(), set(), set()
    for line in run(["nm", "-A", *objects]).output.splitlines():
        kind, symbol = line.split()[-2:]
        if kind == "U":
            wanted.add(symbol)
        elif kind in "DdBbCc":
            writable.add(symbol)
        else:
            defined.add(symbol)
    assert wanted - defined - ALLOWED == set()
    assert writable == set()
