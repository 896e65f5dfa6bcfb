"""The kernels as a library of their own: no warnings, nothing but memcpy and memset from outside, usable by CMake."""

from __future__ import annotations

import shutil
from pathlib import Path

import needs
import pytest
from cmake_project import build_project

from edgeq.resources import folder
from edgeq.target import load_target
from edgeq.toolchain import run

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FIRMWARE = folder("firmware")
SETS = {path.name: sorted(path.glob("*.c")) for path in sorted((FIRMWARE / "kernels").iterdir()) if path.is_dir()}
OWN = [name for name in SETS if name not in ("cmsis_nn", "esp_nn")]
"""Not those that call another library."""
ARM = {"ref": "cortex-m0plus", "dsp": "cortex-m4", "thumb2": "cortex-m3", "mve": "cortex-m55"}
COMPILERS = ("gcc", "clang", "arm-none-eabi-gcc")
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
ALLOWED = {"memcpy", "memset", "memmove"}


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warnings(compiler: str, kernels: str, tmp_path: Path) -> None:
    command = needs.warnings_of(compiler)
    floats = ("-mfloat-abi=hard",) if kernels == "mve" else ()  # there are no vectors without
    core = (f"-mcpu={ARM.get(kernels, 'cortex-m0plus')}", "-mthumb", *floats) if compiler.startswith("arm") else ()
    library = () if kernels in OWN else ("-I", CHECKOUT / "tests" / "stand_in")
    run([*command, *WARNINGS, *core, "-I", FIRMWARE / "include", *library, *SETS[kernels]], cwd=tmp_path)


@pytest.mark.parametrize("level", ["-Os", "-O3"])
def test_assembly_finds_its_registers(level: str, tmp_path: Path) -> None:
    """However much of it is inlined, which the levels decide."""
    needs.programs("arm-none-eabi-gcc")
    core = (f"-mcpu={ARM['dsp']}", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
    sources = [path for path in SETS["dsp"] if "__asm__" in path.read_text()]
    run(["arm-none-eabi-gcc", *core, level, "-c", "-I", FIRMWARE / "include", *sources], cwd=tmp_path)
    assert len(list(tmp_path.glob("*.o"))) == len(sources) > 0


def test_assembly_is_of_both_states(tmp_path: Path) -> None:
    """What Thumb-2 and Armv6 share is taken in ARM state by the compiler that a Pi has; Clang runs it elsewhere."""
    needs.programs("arm-linux-gnueabihf-gcc")
    sources = [path for path in SETS["dsp"] if "__asm__" in path.read_text()]
    flags = (*load_target("rpi-zero").flags["gcc"], "-O0", "-c", "-I", FIRMWARE / "include")
    run(["arm-linux-gnueabihf-gcc", *flags, *sources], cwd=tmp_path)
    assert len(list(tmp_path.glob("*.o"))) == len(sources) > 0


def test_headers_stand_alone(tmp_path: Path) -> None:
    needs.programs("gcc")
    headers = sorted((FIRMWARE / "include" / "eq").glob("*.h"))
    for header in headers:
        (tmp_path / f"{header.stem}.c").write_text(f'#include "eq/{header.name}"\n#include "eq/{header.name}"\n')
    run(["gcc", *WARNINGS, "-fsyntax-only", "-I", FIRMWARE / "include", *sorted(tmp_path.glob("*.c"))])


@pytest.mark.slow
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
    build_project(tmp_path, tmp_path / "build", "EQ_SANITIZE=ON", "EQ_KERNELS=ref;dsp")
    run([tmp_path / "build" / "app"])
    archive = next((tmp_path / "build").rglob("libedgeq_kernels.a"))
    symbols = run(["nm", archive]).output if shutil.which("nm") else archive.read_bytes().decode("latin-1")
    assert all(f"eq_{name}" in symbols for name in ("flip_ref", "conv2d_dsp_mixed"))


@pytest.mark.slow
@pytest.mark.parametrize("kernels", OWN)
def test_kernels_use_nothing_from_outside(kernels: str, tmp_path: Path) -> None:
    needs.programs("gcc", "nm")
    flags = ("-std=c99", "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-pic", "-c", "-I", FIRMWARE / "include")
    run(["gcc", *flags, *SETS[kernels]], cwd=tmp_path)
    objects = sorted(tmp_path.glob("*.o"))
    assert len(objects) == len(SETS[kernels])
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
