"""Building a generated folder with CMake."""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq.codegen.cmsis_nn import REPOSITORY, VERSION
from edgeq.errors import CapacityError, ToolError, UsageError
from edgeq.target import Target
from edgeq.toolchain.compilers import Toolchain, find_toolchain
from edgeq.toolchain.process import Finished, run, shown

BUILD = "build"
_FETCHING = re.compile(r"cmsis_nn-(subbuild|populate)")
_OVERFLOW = re.compile(r"region [`'\"]?(\w+)['\"`]?:? overflowed by (\d+) bytes")


@dataclass(frozen=True)
class Built:
    """What a build produced.

    Attributes:
        program: the program that runs the model.
        library: the model alone, as a static library.
        toolchain: the compiler that was used.
    """

    program: Path
    library: Path
    toolchain: Toolchain


def _program_of_package(package: str, attribute: str, program: str) -> Path | None:
    """A program that comes with a Python package."""
    try:
        module = importlib.import_module(package)
        path = shutil.which(program, path=str(getattr(module, attribute)))
    except (ImportError, AttributeError):
        return None
    return Path(path) if path else None


def find_cmake() -> Path:
    """CMake: from the PATH, else from the Python package `cmake`.

    Raises:
        ToolError: neither is there.
    """
    path = shutil.which("cmake")
    program = Path(path) if path else _program_of_package("cmake", "CMAKE_BIN_DIR", "cmake")
    if program is None:
        raise ToolError("CMake is not installed", hint="pip install cmake")
    return program


def find_generator() -> tuple[str, Path]:
    """CMake's name for a build program, and that program: Ninja, else Make.

    Raises:
        ToolError: neither is there.
    """
    path = shutil.which("ninja")
    ninja = Path(path) if path else _program_of_package("ninja", "BIN_DIR", "ninja")
    if ninja is not None:
        return "Ninja", ninja
    make = shutil.which("make") or shutil.which("gmake")
    if make is None:
        raise ToolError("neither Ninja nor Make is installed", hint="pip install ninja")
    return "Unix Makefiles", Path(make)


def program_path(folder: Path, name: str, target: Target) -> Path:
    """Where the program of a build folder is once it is built."""
    return folder / BUILD / f"{name}{target.suffix}"


def emulated_path(folder: Path, name: str, target: Target) -> Path:
    """Where the emulator's own program is, if a build folder has one: its weights lie where the emulator has memory."""
    return program_path(folder, f"{name}_emulated", target)


def profile_path(folder: Path, name: str, target: Target) -> Path:
    """Where the profiling program of a build folder is once it is built."""
    return program_path(folder, f"{name}_profile", target)


def configure(folder: Path, target: Target, toolchain: Toolchain, options: Sequence[str] = ()) -> None:
    """Prepare DIR/build from scratch.

    Args:
        folder: a folder that `edgeq.codegen.emit` wrote.
        target: what it was written for.
        toolchain: the compiler to use.
        options: more definitions for CMake, "NAME=VALUE".

    Raises:
        ToolError: CMake or the compiler is missing or failed, or CMSIS-NN cannot be fetched.
    """
    generator, build_program = find_generator()
    definitions = [
        f"CMAKE_TOOLCHAIN_FILE={folder.resolve() / 'toolchain' / toolchain.kind}.cmake",
        f"CMAKE_MAKE_PROGRAM={build_program}",
        f"EDGEQ_ZIG={toolchain.program}" if toolchain.kind == "zig" else f"CMAKE_C_COMPILER={toolchain.program}",
        *options,
    ]
    shutil.rmtree(folder / BUILD, ignore_errors=True)
    command: list[str | Path] = [find_cmake(), "-S", folder, "-B", folder / BUILD, "-G", generator, "-Wno-dev"]
    command += [f"-D{definition}" for definition in definitions]
    finished = run(command, check=False)
    if finished.code and _FETCHING.search(finished.output + finished.errors):
        raise ToolError(
            f"CMSIS-NN cannot be fetched from {REPOSITORY}",
            hint=f"give a copy of release {VERSION} with --cmsis-nn-root PATH\n{finished.last_lines}",
        )
    if finished.code:
        raise ToolError(
            f"{Path(command[0]).name} failed with exit code {finished.code}",
            hint=f"{shown(command)}\n{finished.last_lines}".rstrip(),
        )


def _make(folder: Path, target: Target, goals: Sequence[str]) -> None:
    jobs = str(os.cpu_count() or 1)
    command: list[str | Path] = [find_cmake(), "--build", folder / BUILD, "--parallel", jobs, "--target", *goals]
    finished = run(command, timeout=3600, check=False)
    if finished.code:
        _fail(command, finished, target)


def _fail(command: Sequence[str | Path], finished: Finished, target: Target) -> None:
    overflows = _OVERFLOW.findall(finished.output + finished.errors)
    if overflows:
        worst: dict[str, int] = {}
        for region, excess in overflows:
            worst[region.lower()] = max(int(excess), worst.get(region.lower(), 0))
        figures = [
            f"{excess} bytes more than the {target.memory[name].size} of {name}"
            if name in target.memory
            else f"{excess} bytes too many in {name}"
            for name, excess in sorted(worst.items())
        ]
        raise CapacityError(
            f"the program does not fit {target.name}: {', '.join(figures)}",
            hint="take a smaller model, --optimize size, or a target with more memory",
        )
    raise ToolError(
        f"the generated code cannot be compiled for {target.name}",
        hint=f"{shown(command)}\n{finished.last_lines}",
    )


def build(
    folder: Path,
    name: str,
    target: Target,
    toolchain: str | None = None,
    sanitize: bool = False,
    werror: bool = False,
    cmsis_nn_root: Path | None = None,
) -> Built:
    """Compile a build folder into DIR/build.

    Args:
        folder: a folder that `edgeq.codegen.emit` wrote.
        name: the program's name.
        target: what it was written for.
        toolchain: "gcc", "clang" or "zig"; None takes the first that is installed.
        sanitize: instrument the program with AddressSanitizer and UndefinedBehaviorSanitizer; host only.
        werror: treat warnings of the compiler as errors.
        cmsis_nn_root: a copy of CMSIS-NN; without one, CMake fetches it if the folder's program calls it.

    Raises:
        UsageError: the target or compiler cannot do what is asked.
        ToolError: a program is missing, or compiling failed.
        CapacityError: the program is larger than the target's memory.
    """
    if sanitize and not target.native:
        raise UsageError(f"sanitizers are not offered for {target.name}", hint="use --sanitize with --target host")
    compiler = find_toolchain(target, toolchain)
    if sanitize and compiler.kind == "zig":
        raise ToolError("zig has no AddressSanitizer", hint="install gcc or clang for --sanitize")
    options = [f"EDGEQ_SANITIZE={'ON' if sanitize else 'OFF'}", f"EDGEQ_WERROR={'ON' if werror else 'OFF'}"]
    if cmsis_nn_root is not None:
        options.append(f"CMSIS_NN_ROOT={cmsis_nn_root.resolve()}")
    configure(folder, target, compiler, options)
    _make(folder, target, ["all"])
    return Built(program_path(folder, name, target), folder / BUILD / f"lib{name}.a", compiler)


def _is_configured(folder: Path) -> bool:
    """Whether CMake made DIR/build at this very path; a folder may have been moved since."""
    try:
        cache = (folder / BUILD / "CMakeCache.txt").read_text("utf-8", "replace")
    except OSError:
        return False
    return f"CMAKE_HOME_DIRECTORY:INTERNAL={folder.resolve().as_posix()}\n" in cache


def build_profile(folder: Path, name: str, target: Target, toolchain: str | None = None) -> Path:
    """Compile the program that times every layer, with the compiler and options of the last build; returns its path.

    Raises:
        ToolError: a program is missing, or compiling failed.
        CapacityError: the program is larger than the target's memory.
    """
    goals = [f"{name}_profile"]
    if not _is_configured(folder):
        if program_path(folder, name, target).is_file():
            goals = ["all", *goals]  # configuring removes them
        configure(folder, target, find_toolchain(target, toolchain))
    _make(folder, target, goals)
    return profile_path(folder, name, target)
