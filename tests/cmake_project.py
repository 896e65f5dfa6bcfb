"""Configures and builds with whichever CMake, build program and compilers there are."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgeq.toolchain import Finished, find_cmake, find_generator, find_zig, run


def configure(source: Path, build: Path, *definitions: str) -> Finished:
    """Run CMake on a project; the result tells whether it succeeded."""
    generator, maker = find_generator()
    given = [f"CMAKE_MAKE_PROGRAM={maker}", *definitions]
    return run([find_cmake(), "-S", source, "-B", build, "-G", generator, *(f"-D{d}" for d in given)], check=False)


def build_project(source: Path, build: Path, *definitions: str) -> None:
    """Configure and build a project, and make sure that it worked."""
    done = configure(source, build, *definitions)
    assert done.code == 0, done.output + done.errors
    run([find_cmake(), "--build", build, "--parallel", "2"])


def cxx_compiler() -> str:
    """A C++ compiler as CMake's definition: the system's, else zig's."""
    zig = find_zig()
    assert shutil.which("c++") or zig, "neither c++ nor ziglang is installed"
    return "CMAKE_CXX_COMPILER=c++" if shutil.which("c++") else f"CMAKE_CXX_COMPILER={zig};c++"
