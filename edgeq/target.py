"""Targets: what is known about a CPU or a board, one TOML file each in `targets/`.

A CPU's file holds its features, its compiler flags and, in `board`, the emulated board that stands for it when the CPU
is asked for by its own name. A board's file extends a CPU and holds memory, clock and emulator. Where both say
something, the one that was asked for decides.
"""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from edgeq.errors import UsageError
from edgeq.resources import folder

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

FAMILIES = ("host", "cortex-m")
COUNTERS = ("ns", "cycles", "instructions")
COMPILER_KINDS = ("gcc", "clang", "zig")


@dataclass(frozen=True)
class Region:
    """A stretch of memory: first address and size, in bytes."""

    origin: int
    size: int

    @property
    def end(self) -> int:
        """The address after the last byte."""
        return self.origin + self.size


@dataclass(frozen=True)
class Emulator:
    """A QEMU machine: program, the Debian package that has it, machine name, further arguments."""

    program: str
    package: str
    machine: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Speed:
    """What instructions are turned into time with.

    Attributes:
        clock_mhz: a typical clock of the CPU, or a board's own.
        cpi: cycles per instruction of kernels, an estimate (docs/performance.md says where it comes from).
        part: the chip that runs at this clock.
    """

    clock_mhz: float
    cpi: float
    part: str


@dataclass(frozen=True)
class Target:
    """What code is generated for.

    Attributes:
        name: how it is asked for.
        description: one line.
        family: "host" or "cortex-m"; also what is common to the runners and toolchains of several CPUs.
        cpu: the CPU's name as compilers know it.
        isa: features that kernels can ask for, such as "dsp" or "mve".
        flags: compiler and linker flags for each kind of compiler that can build for it.
        compilers: programs of kind "gcc" and "clang" to look for on the PATH; zig comes as a Python package.
        packages: for a kind of compiler, the Debian package that has it.
        memory: regions of a bare-metal target: "flash" (code, constants), "ram" and, where some memory, such as an
            external flash, is meant for weights alone, "weights".
        vectors: address of the vector table, where it has to be elsewhere than at the start of flash.
        stack_bytes: memory set aside for the stack of a bare-metal program.
        platform: folder below firmware/platform.
        emulator: how its programs run on this machine, or None.
        clock_hz: what the cycle or tick counter counts, per second; 0: none.
        counter: unit of a profile.
        speed: what instructions are turned into time with, or None where time is measured.
        defines: preprocessor definitions of the platform's files, "NAME=VALUE".
    """

    name: str
    description: str
    family: str
    cpu: str
    isa: frozenset[str] = frozenset()
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compilers: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, Region] = field(default_factory=dict)
    vectors: int | None = None
    stack_bytes: int = 0
    platform: str = "host"
    emulator: Emulator | None = None
    clock_hz: int = 0
    counter: str = "ns"
    speed: Speed | None = None
    defines: tuple[str, ...] = ()

    @property
    def bare_metal(self) -> bool:
        """Whether there is no operating system: programs need startup code and a linker script."""
        return bool(self.memory)

    @property
    def platform_defines(self) -> tuple[str, ...]:
        """`defines`, with those that follow from the clock and the counter.

        An emulator that counts one instruction per nanosecond shows them through a timer that is slower than that:
        it ticks every EQ_TICK_NS / EQ_TICKS nanoseconds.
        """
        if self.counter != "instructions":
            return self.defines
        common = math.gcd(10**9, self.clock_hz)
        return (*self.defines, f"EQ_TICK_NS={10**9 // common}u", f"EQ_TICKS={self.clock_hz // common}u")


def load_target(name: str) -> Target:
    """The CPU or board called `name`, or of which `name` is an alias.

    Raises:
        UsageError: there is none; or its file is wrong, which only happens to files one has written oneself.
    """
    files = _files()
    resolved = _aliases().get(name, name)
    if resolved not in files:
        known = sorted({*files, *_aliases()})
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the targets are {', '.join(known)}"
        raise UsageError(f"unknown target {name!r}", hint=hint)
    return load_target_file(files[resolved])


def list_targets() -> tuple[Target, ...]:
    """Every CPU."""
    return tuple(load_target_file(path) for path in _folder_files("cpus"))


def list_boards() -> tuple[Target, ...]:
    """Every board."""
    return tuple(load_target_file(path) for path in _folder_files("boards"))


def load_target_file(path: Path) -> Target:
    """The target that a TOML file describes.

    Raises:
        UsageError: the file cannot be read, a key is unknown or missing, or a value is of the wrong kind.
    """
    data = _extended(path, ())
    if "board" in _checked(path):
        data = _merged(_checked(_other(path, str(data["board"]))), data)
    return _target(path, data)


def _extended(path: Path, seen: tuple[Path, ...]) -> Mapping[str, Any]:
    """What the file says, on top of what the files that it extends say."""
    own = _checked(path)
    if path in seen:
        raise UsageError(f"extends itself by way of {', '.join(p.stem for p in seen)}", where=path.name)
    return _merged(_extended(_other(path, str(own["extends"])), (*seen, path)), own) if "extends" in own else own


def _target(path: Path, data: Mapping[str, Any]) -> Target:
    missing = [key for key in ("description", "family", "cpu", "platform") if key not in data]
    if missing:
        raise UsageError(f"the key {missing[0]!r} is missing", hint="targets/cpus has examples", where=path.name)
    for key, allowed in (("family", FAMILIES), ("counter", COUNTERS)):
        if key in data and data[key] not in allowed:
            raise UsageError(
                f"{key} = {data[key]!r} is not known", hint=f"it is one of {', '.join(allowed)}", where=path.name
            )
    speed = data.get("speed")
    if speed and set(speed) != _SPEED:
        raise UsageError(f"speed needs {' and '.join(sorted(_SPEED))}", where=path.name)
    memory = {name: Region(**region) for name, region in data.get("memory", {}).items()}
    if data["family"] != "host" and not {"flash", "ram"} <= set(memory):
        raise UsageError("memory needs the regions 'flash' and 'ram'", where=path.name)
    if data.get("counter") == "instructions" and not data.get("clock_hz"):
        raise UsageError("counter = 'instructions' needs clock_hz, the rate of the timer", where=path.name)
    emulator = data.get("emulator")
    return Target(
        name=path.stem,
        description=data["description"],
        family=data["family"],
        cpu=data["cpu"],
        isa=frozenset(data.get("isa", ())),
        flags={kind: tuple(flags) for kind, flags in data.get("flags", {}).items()},
        compilers=dict(data.get("compilers", {})),
        packages=dict(data.get("packages", {})),
        memory=memory,
        vectors=data.get("vectors"),
        stack_bytes=data.get("stack_bytes", 0x4000 if memory else 0),
        platform=data["platform"],
        emulator=Emulator(**{**emulator, "args": tuple(emulator.get("args", ()))}) if emulator else None,
        clock_hz=data.get("clock_hz", 0),
        counter=data.get("counter", "ns"),
        speed=Speed(**speed) if speed else None,
        defines=tuple(data.get("defines", ())),
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_regions(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(r, dict) and set(r) == {"origin", "size"} and all(_is_size(v) for v in r.values())
        for r in value.values()
    )


def _table_of(kind: Callable[[object], bool], keys: tuple[str, ...] = COMPILER_KINDS) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, dict) and all(key in keys for key in value) and all(kind(v) for v in value.values())
    )


def _is_emulator(value: object) -> bool:
    texts = {"program", "package", "machine"}
    return (
        isinstance(value, dict)
        and texts <= set(value) <= texts | {"args"}
        and all(_is_text(value[k]) for k in texts)
        and _is_texts(value.get("args", []))
    )


_SPEED = frozenset({"clock_mhz", "cpi", "part"})


def _is_speed(value: object) -> bool:
    """A file may say a part of it only: tables are merged with those of the file that it extends."""
    return (
        isinstance(value, dict)
        and set(value) <= _SPEED
        and all(_is_positive(v) for k, v in value.items() if k != "part")
        and _is_text(value.get("part", ""))
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


_KEYS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "description": ("a text", _is_text),
    "extends": ("the name of a CPU or board", _is_text),
    "board": ("the name of a board", _is_text),
    "aliases": ("a list of texts", _is_texts),
    "family": ("a text", _is_text),
    "cpu": ("a text", _is_text),
    "isa": ("a list of texts", _is_texts),
    "flags": ("a table: a list of texts for each of gcc, clang, zig", _table_of(_is_texts)),
    "compilers": ("a table: a program for gcc, clang", _table_of(_is_text, ("gcc", "clang"))),
    "packages": ("a table: a Debian package for gcc, clang", _table_of(_is_text, ("gcc", "clang"))),
    "memory": ("a table of regions, each with origin and size", _is_regions),
    "vectors": ("an address", _is_size),
    "stack_bytes": ("a number of bytes", _is_size),
    "platform": ("a text", _is_text),
    "emulator": ("a table of program, package, machine and, possibly, args", _is_emulator),
    "clock_hz": ("a number of Hz", _is_size),
    "counter": ("a text", _is_text),
    "speed": ("a table of clock_mhz, cpi and part", _is_speed),
    "defines": ("a list of texts", _is_texts),
}


@cache
def _checked(path: Path) -> Mapping[str, Any]:
    """The file's tables, every key known and of the right kind."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=path.name) from error
    for key, value in data.items():
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(_KEYS)}"
            raise UsageError(f"unknown key {key!r}", hint=hint, where=path.name)
        words, kind = _KEYS[key]
        if not kind(value):
            raise UsageError(f"{key!r} must be {words}", where=path.name)
    return data


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `own` says instead; tables key by key, and everything else whole."""
    merged = {key: value for key, value in base.items() if key not in ("aliases", "extends", "board")}
    for key, value in own.items():
        before = merged.get(key)
        merged[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _other(path: Path, name: str) -> Path:
    found = {**_files(), **{p.stem: p for p in path.parent.glob("*.toml")}}
    if name not in found:
        raise UsageError(f"refers to {name!r}, which does not exist", where=path.name)
    return found[name]


def _folder_files(kind: str) -> list[Path]:
    """Sorted with numbers as numbers: m7 before m33."""
    files = (folder("targets") / kind).glob("*.toml")
    return sorted(files, key=lambda path: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", path.stem)])


def _files() -> dict[str, Path]:
    return {path.stem: path for kind in ("boards", "cpus") for path in _folder_files(kind)}


def _aliases() -> dict[str, str]:
    return {alias: name for name, path in _files().items() for alias in _checked(path).get("aliases", ())}
