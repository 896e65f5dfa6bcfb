"""Reading targets' files (docs/targets.md).

A CPU's file holds its features, its compiler flags and, in `board`, the emulated board that stands for it when the CPU
is asked for by its own name. A board's file extends a CPU and holds memory, clock and runners. Where both set a key,
the one that was asked for prevails. Both build on the family's file, which holds what all its CPUs share.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeq.errors import UsageError, suggestion
from edgeq.isa import with_implied
from edgeq.resources import folder
from edgeq.target.model import Power, Price, Region, RunnerSpec, Setting, Speed, Target
from edgeq.target.parts import with_parts
from edgeq.target.schema import SYSTEMS, check_file, check_target
from edgeq.target.uart import read_uart

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

SUFFIX = ".toml"
_OWN_FILE = "`edgeq boards` lists them; a board of your own is a file of ten lines: --board FILE.toml (docs/porting.md)"
_XTENSA = "its core is an Xtensa, for which edgeq generates no firmware; the generated C of --target host is portable"
_UNSUPPORTED = {
    "esp32c": "its core is a RISC-V microcontroller, for which there is no start-up code; the C of --target host is "
    "portable",
    "esp32h": "its core is a RISC-V microcontroller, for which there is no start-up code; the C of --target host is "
    "portable",
    "esp32": _XTENSA,
    "esp8266": _XTENSA,
    "esp": _XTENSA,
    "arduinouno": "its AVR has 2 KB of RAM and no C99 compiler among edgeq's",
    "atmega": "an AVR has too little memory, and edgeq no compiler for it",
    "k210": "its core is a 64-bit RISC-V without an operating system, for which there is no start-up code",
}
"""What people ask for and cannot have, by the beginning of its name without punctuation; the longest first."""
_NOT_INHERITED = ("aliases", "extends", "board", "name")
"""Keys that are not inherited by what builds on the file."""


def is_file_name(name: str) -> bool:
    """Whether a target is asked for as a file of the user's own, not by its name."""
    return name.endswith(SUFFIX) or "/" in name or "\\" in name


def target_name(name: str) -> str:
    """The name of a target that is asked for as `name`; for a file, the file's name without its suffix."""
    return Path(name).stem if is_file_name(name) else name


def load_target(name: str) -> Target:
    """The CPU or board that is called `name`, has the alias `name`, or is described by the file `name`.

    Raises:
        UsageError: there is none; or its file is wrong, which only happens with files of the user's own.
    """
    if is_file_name(name):
        return load_target_file(Path(name))
    files = _files()
    if name not in files:
        aliases = {alias: path for path in files.values() for alias in _read(path).get("aliases", ())}
        if name not in aliases:
            raise UsageError(f"unknown target {name!r}", suggestion(name, sorted({*files, *aliases}), "targets"))
        return load_target_file(aliases[name])
    return load_target_file(files[name])


def load_board(name: str, where: str = "") -> Target:
    """The board that is called `name`, has the alias `name`, or is described by the file `name`. `where` it was given.

    Raises:
        UsageError: there is none; the hint says which are near, or why a kind of chip is not supported.
    """
    if is_file_name(name):
        return load_target_file(Path(name))
    boards = {path.stem: path for path in _folder_files("boards")}
    aliases = {alias: path for path in boards.values() for alias in _read(path).get("aliases", ())}
    known = {**aliases, **boards}
    if name in known:
        return load_target_file(known[name])
    plain = re.sub(r"[^a-z0-9]+", "", name.lower())
    for start, why in _UNSUPPORTED.items():
        if plain.startswith(start):
            raise UsageError(f"the board {name!r} is not supported: {why}", _OWN_FILE, where)
    near = [board for board in known if plain and plain in re.sub(r"[^a-z0-9]+", "", board)]
    hint = f"did you mean {' or '.join(near[:3])}?" if near else suggestion(name.lower(), sorted(known), "boards")
    raise UsageError(f"unknown board {name!r}", f"{hint}\n{_OWN_FILE}", where)


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
    own = _read(path)
    data = _extended(path, own, ())
    if "board" in own:
        data = _merged(_read(_referenced(path, str(own["board"]))), data)
    return _target(path, data)


def _extended(path: Path, own: Mapping[str, Any], seen: tuple[Path, ...]) -> Mapping[str, Any]:
    """What the file says, on top of what the files that it extends say."""
    if path in seen:
        raise UsageError(f"extends itself by way of {', '.join(p.stem for p in seen)}", where=path.name)
    if "extends" not in own:
        return own
    other = _referenced(path, str(own["extends"]))
    return _merged(_extended(other, _read(other), (*seen, path)), own)


def _target(path: Path, data: Mapping[str, Any]) -> Target:
    where = path.name
    for key in ("description", "family", "cpu"):
        if key not in data:
            raise UsageError(f"the key {key!r} is missing", hint="docs/targets.md has examples", where=where)
    families = {file.stem: file for file in _folder_files("families")}
    if data["family"] not in families:
        raise UsageError(f"unknown family {data['family']!r}", suggestion(data["family"], families, "families"), where)
    data = _merged(_read(families[data["family"]]), data)
    isa = with_implied(data.get("isa", ()), where)
    uart = read_uart(data["uart"], where) if "uart" in data else None
    check_target(data, where)
    return Target(
        name=data.get("name", path.stem),
        description=data["description"],
        family=data["family"],
        cpu=data["cpu"],
        system=next(system for system in SYSTEMS if system == data["system"]),
        machines=tuple(data.get("machines", ())),
        isa=isa,
        flags=_lists(data.get("flags", {})),
        link=_lists(data.get("link", {})),
        compilers=dict(data.get("compilers", {})),
        packages=dict(data.get("packages", {})),
        suffix=data["suffix"] or (".exe" if data["system"] == "native" and sys.platform == "win32" else ""),
        memory={name: _region(region) for name, region in data.get("memory", {}).items()},
        vectors=data.get("vectors"),
        stack_bytes=data["stack_bytes"],
        platform=with_parts(data["platform"], data.get("parts", ())),
        runners=tuple(RunnerSpec(kind, _settings(table)) for kind, table in data.get("runner", {}).items()),
        clock_hz=data.get("clock_hz", 0),
        counter=data["counter"],
        speed=Speed(**data["speed"]) if data.get("speed") else None,
        defines=tuple(data.get("defines", ())),
        emulated=data.get("emulated", False),
        chip=data.get("chip", ""),
        proved=data.get("proved", ""),
        sources=tuple(data.get("sources", ())),
        console=data.get("console", ""),
        uart=uart,
        aliases=tuple(data.get("aliases", ())),
        flashers=tuple(RunnerSpec(kind, _settings(table)) for kind, table in data.get("flash", {}).items()),
        place={key: (v,) if isinstance(v, str) else tuple(v) for key, v in data.get("place", {}).items()},
        power=Power(**data["power"]) if data.get("power") else None,
        price=Price(**data["price"]) if data.get("price") else None,
    )


def _region(table: Mapping[str, Any]) -> Region:
    kind = table.get("kind", "")
    return Region(table["origin"], table["size"], "" if kind == "ram" else kind)


def _lists(table: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(values) for key, values in table.items()}


def _settings(table: Mapping[str, Any]) -> dict[str, Setting]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _read(path: Path) -> Mapping[str, Any]:
    """The file's tables, every key known and of the right kind."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        hint = "give a name that `edgeq targets` lists, or a file that exists"
        raise UsageError(f"cannot be read: {error.strerror}", hint, str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=path.name) from error
    check_file(data, path.name)
    return data


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `own` says instead."""
    return _overlaid({key: value for key, value in base.items() if key not in _NOT_INHERITED}, own)


def _overlaid(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables as one: tables within them key by key, and everything else whole."""
    merged = dict(base)
    for key, value in own.items():
        before = merged.get(key)
        merged[key] = _overlaid(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _referenced(path: Path, name: str) -> Path:
    """The file that `path` calls `name`: beside it, or one of edgeq's own."""
    if is_file_name(name):
        return path.parent / name
    beside = {p.stem: p for p in path.parent.glob(f"*{SUFFIX}") if p.stem != path.stem}
    files = {**_files(), **beside}
    if name not in files:
        hint = suggestion(name, sorted(files), "targets")
        raise UsageError(f"refers to {name!r}, which does not exist", hint, path.name)
    return files[name]


def _folder_files(kind: str) -> list[Path]:
    """The files of a folder, sorted with numbers as numbers: m7 before m33."""
    files = (folder("targets") / kind).glob(f"*{SUFFIX}")
    return sorted(files, key=lambda path: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", path.stem)])


def _files() -> dict[str, Path]:
    return {path.stem: path for kind in ("boards", "cpus") for path in _folder_files(kind)}
