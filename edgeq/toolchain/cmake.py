"""Building a generated folder with CMake."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from edgeq.codegen.cmsis_nn import REPOSITORY, VERSION
from edgeq.codegen.renames import locked
from edgeq.codegen.written import add_to_list
from edgeq.errors import CapacityError, ToolError, UsageError
from edgeq.target import Target
from edgeq.toolchain.compilers import Toolchain, find_toolchain
from edgeq.toolchain.images import write_images
from edgeq.toolchain.process import Finished, run, shown

BUILD = "build"
CMAKE = "cmake"
"""The folder in `build` for what CMake needs itself; the products are beside it."""
CONFIGURATION = "configuration.json"
"""The file in `build` that says with which compiler and definitions the program was made."""
_FETCHED = "_deps"
_SHARED = {"darwin": "dylib", "win32": "dll"}
"""How shared libraries end, where it is not "so"."""
_SPECIAL = {
    ";": "separates items of a list",
    '"': "ends a text",
    "\\": "begins an escape sequence",
    "${": "begins a variable",
    "$(": "begins a variable",
    "$<": "begins an expression",
    "|": "separates inputs of a rule",
    "\n": "ends a line",
    "\r": "ends a line",
}
"""What means something to CMake or Ninja, so that no path can have it."""
_SPECIAL_TO_MAKE = {"%": "stands for any text", ":": "ends the name of a rule", "\t": "separates names"}
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


def library_path(folder: Path, name: str) -> Path:
    """Where the static library of a model is once it is built."""
    return folder / BUILD / f"lib{name}.a"


def shared_path(folder: Path, name: str) -> Path:
    """Where the shared library of a build folder for a computer is once it is built."""
    return folder / BUILD / f"lib{name}.{_SHARED.get(sys.platform, 'so')}"


def emulated_path(folder: Path, name: str, target: Target) -> Path:
    """Where the emulator's own program is, if a build folder has one: its weights lie where the emulator has memory."""
    return program_path(folder, f"{name}_emulated", target)


def profile_path(folder: Path, name: str, target: Target) -> Path:
    """Where the profiling program of a build folder is once it is built."""
    return program_path(folder, f"{name}_profile", target)


def has_images(target: Target) -> bool:
    """Whether programs of a target are also written as images, for boards that are there to be flashed."""
    return target.bare_metal and not target.emulated


def check_compilable(path: Path, option: str = "--output") -> None:
    """Make sure that CMake can take a path, such as that of the folder to compile in.

    Args:
        path: the path.
        option: how the user can give another one.

    Raises:
        UsageError: it has a character that is special to CMake, or to the program that CMake calls.
        ToolError: no such program is installed.
    """
    text = str(path.resolve())
    generator, _ = find_generator()
    special = _SPECIAL | (_SPECIAL_TO_MAKE if generator != "Ninja" else {})
    found = next((characters for characters in special if characters in text), None)
    meaning = special[found] if found is not None else ""
    depth = list(accumulate({"[": 1, "]": -1}.get(character, 0) for character in text))
    if found is None and (min(depth) < 0 or depth[-1] != 0):
        found, meaning = "[" if depth[-1] > 0 else "]", "stands alone, and brackets come in pairs"
    if found is not None:
        raise UsageError(
            f"its path holds {found!r}, which {meaning} in a build of CMake: nothing can be compiled there",
            hint=f"choose another {option}" + (", or --no-compile" if option == "--output" else ""),
            where=str(path),
        )


def configure(folder: Path, target: Target, toolchain: Toolchain, options: Sequence[str] = ()) -> None:
    """Prepare DIR/build/cmake from scratch; what is made goes into DIR/build.

    Args:
        folder: a folder that `edgeq.codegen.emit` wrote.
        target: what it was written for.
        toolchain: the compiler to use.
        options: more definitions for CMake, "NAME=VALUE".

    Raises:
        ToolError: CMake or the compiler is missing or failed, or CMSIS-NN cannot be fetched.
    """
    generator, build_program = find_generator()
    products, fetched = folder.resolve() / BUILD, folder.resolve() / BUILD / _FETCHED
    definitions = [
        f"CMAKE_RUNTIME_OUTPUT_DIRECTORY={products}",
        f"CMAKE_ARCHIVE_OUTPUT_DIRECTORY={products}",
        f"CMAKE_LIBRARY_OUTPUT_DIRECTORY={products}",
        f"FETCHCONTENT_BASE_DIR={fetched}",
        f"CMAKE_TOOLCHAIN_FILE={folder.resolve() / 'toolchain' / toolchain.kind}.cmake",
        f"CMAKE_MAKE_PROGRAM={build_program}",
        f"EDGEQ_ZIG={toolchain.program}" if toolchain.kind == "zig" else f"CMAKE_C_COMPILER={toolchain.program}",
        *options,
    ]
    if (fetched / "cmsis_nn-src").is_dir():  # from the first time, before the folder was moved here
        definitions.append(f"FETCHCONTENT_SOURCE_DIR_CMSIS_NN={fetched / 'cmsis_nn-src'}")
    tree = products / CMAKE
    shutil.rmtree(tree, ignore_errors=True)
    command: list[str | Path] = [find_cmake(), "-S", folder, "-B", tree, "-G", generator, "-Wno-dev"]
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
    command: list[str | Path] = [
        find_cmake(),
        "--build",
        folder / BUILD / CMAKE,
        "--parallel",
        jobs,
        "--target",
        *goals,
    ]
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
            f"{excess:,} bytes more than the {target.memory[name].size:,} of {name}"
            if name in target.memory
            else f"{excess:,} bytes too many in {name}"
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
    others: Sequence[str] = (),
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
        others: names of other programs in the folder, of which images are wanted, too.

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
    check_compilable(folder)
    configure(folder, target, compiler, options)
    _make(folder, target, ["all"])
    for program in (name, *others) if has_images(target) else ():
        write_images(program_path(folder, program, target), target)
    configuration = {"toolchain": compiler.kind, "definitions": options}
    (folder / BUILD / CONFIGURATION).write_text(json.dumps(configuration, indent=2) + "\n", "utf-8", newline="\n")
    return Built(program_path(folder, name, target), folder / BUILD / f"lib{name}.a", compiler)


def forget_place(folder: Path) -> None:
    """Remove what names the place of a build folder, which is about to be moved; the products do not."""
    shutil.rmtree(folder / BUILD / CMAKE, ignore_errors=True)
    for made in ("cmsis_nn-subbuild", "cmsis_nn-build"):
        shutil.rmtree(folder / BUILD / _FETCHED / made, ignore_errors=True)


def _is_configured(folder: Path) -> bool:
    """Whether CMake made DIR/build/cmake at this very path; a folder may have been moved since."""
    try:
        cache = (folder / BUILD / CMAKE / "CMakeCache.txt").read_text("utf-8", "replace")
    except OSError:
        return False
    return f"CMAKE_HOME_DIRECTORY:INTERNAL={folder.resolve().as_posix()}\n" in cache


def _configuration(folder: Path) -> tuple[str | None, list[str]]:
    """Compiler and definitions of the last build."""
    try:
        made = json.loads((folder / BUILD / CONFIGURATION).read_text("utf-8"))
        return str(made["toolchain"]), [str(definition) for definition in made["definitions"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None, []


def build_profile(folder: Path, name: str, target: Target, toolchain: str | None = None) -> Path:
    """Compile the program that times every layer, with the compiler and options of the last build; returns its path.

    Raises:
        UsageError: the folder is where nothing can be compiled.
        ToolError: a program is missing, or compiling failed.
        CapacityError: the program is larger than the target's memory.
    """
    return _build_more(folder, f"{name}_profile", profile_path(folder, name, target), target, toolchain)


def build_shared(
    folder: Path,
    name: str,
    target: Target,
    toolchain: str | None = None,
    cmsis_nn_root: Path | None = None,
) -> Path:
    """Compile the models of a build folder for a computer as one shared library; returns its path.

    Compiler and options are those of the last build, unless some are given. Sanitizers are left out.

    Args:
        folder, target, cmsis_nn_root: as for `build`.
        name: what the models are called together.
        toolchain: "gcc", "clang" or "zig".

    Raises:
        UsageError: the folder is where nothing can be compiled.
        ToolError: a program is missing, or compiling failed.
    """
    more = [] if cmsis_nn_root is None else [f"CMSIS_NN_ROOT={cmsis_nn_root.resolve()}"]
    return _build_more(folder, f"{name}_shared", shared_path(folder, name), target, toolchain, more)


def _build_more(
    folder: Path, goal: str, path: Path, target: Target, toolchain: str | None, more: Sequence[str] = ()
) -> Path:
    """Compile what the last build left out, with its compiler and definitions."""
    check_compilable(folder)
    (folder / BUILD).mkdir(exist_ok=True)
    with locked(folder / BUILD):
        if not _is_configured(folder):
            kind, definitions = _configuration(folder)
            configure(folder, target, find_toolchain(target, toolchain or kind), [*definitions, *more])
        _make(folder, target, [goal])
        made = [path, *(write_images(path, target).values() if has_images(target) else ())]
        for product in made:
            add_to_list(folder, product.relative_to(folder).as_posix())
    return path
