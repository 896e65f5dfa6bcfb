"""The keys of targets' files, and what each file, and a target as a whole, must hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeq.errors import UsageError, suggestion
from edgeq.target.flashers import FLASHER_KINDS
from edgeq.target.model import System
from edgeq.target.runners import RUNNER_KINDS
from edgeq.target.uart import KEYS as UART_KEYS
from edgeq.target.values import ADDRESS, BYTES, HERTZ, POSITIVE, TEXT, TEXTS, Value, record_of, table_of

SYSTEMS: tuple[System, ...] = ("native", "linux", "none")
COUNTERS = ("ns", "cycles", "instructions")
CONSOLES = ("semihosting", "uart", "rtt")
PROVED = ("emulated", "simulated", "build-only")
"""How it was tried that programs run on a board: in an emulator, on simulated registers, or only that they build."""
COMPILER_KINDS = ("gcc", "clang", "zig")
REGIONS = ("flash", "ram")
"""Memory that a program without an operating system needs."""

_REGION = {"origin": ADDRESS, "size": BYTES, "kind": TEXT}
REGION_KINDS = ("flash", "ram", "data")
PLACED = ("arena", "weights", "code", "stack")
"""What a target's file can place in regions of memory."""
SPEED = {"clock_mhz": POSITIVE, "cpi": POSITIVE, "part": TEXT}
POWER = {"volts": POSITIVE, "active_ma": POSITIVE}
PRICE = {"amount": POSITIVE, "currency": TEXT, "of": TEXT}


def _is_regions(value: object) -> bool:
    region = record_of(_REGION, "a region")
    return isinstance(value, dict) and all(
        region.accepts(r) and {"origin", "size"} <= set(r) and r.get("kind", "ram") in REGION_KINDS
        for r in value.values()
    )


def _is_names(value: object) -> bool:
    return TEXT.accepts(value) or (TEXTS.accepts(value) and bool(value))


def _is_tables(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(settings, dict) for settings in value.values())


KEYS: Mapping[str, Value] = {
    "name": TEXT,
    "description": TEXT,
    "extends": Value("the name of a CPU or board, or a file", TEXT.accepts),
    "board": Value("the name of a board", TEXT.accepts),
    "aliases": TEXTS,
    "family": TEXT,
    "cpu": TEXT,
    "system": TEXT,
    "machines": TEXTS,
    "isa": TEXTS,
    "flags": table_of(TEXTS, COMPILER_KINDS, "a table: a list of texts for each of gcc, clang, zig"),
    "link": table_of(TEXTS, COMPILER_KINDS, "a table: a list of texts for each of gcc, clang, zig"),
    "compilers": table_of(TEXT, ("gcc", "clang"), "a table: a program for gcc, clang"),
    "packages": table_of(TEXT, ("gcc", "clang"), "a table: a Debian package for gcc, clang"),
    "suffix": TEXT,
    "emulated": Value("true or false", lambda value: isinstance(value, bool)),
    "memory": Value("a table of regions, each with origin, size and perhaps a kind: flash, ram or data", _is_regions),
    "place": table_of(
        Value("a region", _is_names), PLACED, f"a table: for each of {', '.join(PLACED)} a region of memory, or several"
    ),
    "vectors": ADDRESS,
    "stack_bytes": BYTES,
    "platform": TEXTS,
    "parts": TEXTS,
    "runner": Value("a table of runners, each a table of its own: [runner.KIND]", _is_tables),
    "chip": TEXT,
    "proved": TEXT,
    "sources": TEXTS,
    "console": TEXT,
    "uart": record_of(UART_KEYS, f"a table of {', '.join(UART_KEYS)}"),
    "flash": Value("a table of ways to flash, each a table of its own: [flash.KIND]", _is_tables),
    "clock_hz": HERTZ,
    "counter": TEXT,
    "speed": record_of(SPEED, "a table of clock_mhz, cpi and part"),
    "power": record_of(POWER, "a table of volts and active_ma"),
    "price": record_of(PRICE, "a table of amount, currency and of"),
    "defines": TEXTS,
}


def check_file(data: Mapping[str, Any], where: str) -> None:
    """Check that a file has only known keys, and values of the right kinds.

    Raises:
        UsageError: it has an unknown key, or a value of the wrong kind.
    """
    for key, value in data.items():
        if key not in KEYS:
            raise UsageError(f"unknown key {key!r}", suggestion(key, KEYS, "keys"), where)
        if not KEYS[key].accepts(value):
            raise UsageError(f"{key!r} must be {KEYS[key].words}", where=where)
    for table, kinds, what in (("runner", RUNNER_KINDS, "runner"), ("flash", FLASHER_KINDS, "way to flash")):
        for kind, settings in data.get(table, {}).items():
            if kind not in kinds:
                raise UsageError(f"unknown {what} {kind!r}", suggestion(kind, kinds, f"{table} kinds"), where)
            _check_settings(f"{table}.{kind}", kinds[kind].keys, settings, where)


def _check_settings(table: str, keys: Mapping[str, Value], settings: Mapping[str, Any], where: str) -> None:
    for key, value in settings.items():
        if key not in keys:
            hint = suggestion(key, keys, "keys") if keys else f"{table!r} has no settings"
            raise UsageError(f"{table}: unknown key {key!r}", hint, where)
        if not keys[key].accepts(value):
            raise UsageError(f"{table}: {key!r} must be {keys[key].words}", where=where)


def check_target(data: Mapping[str, Any], where: str) -> None:
    """Check that a target's files together are complete.

    Args:
        data: the keys of a file and of all that it builds on.
        where: the file.

    Raises:
        UsageError: something is missing or contradictory.
    """
    allowed_of = {"system": SYSTEMS, "counter": COUNTERS, "console": CONSOLES, "proved": PROVED}
    for key, allowed in allowed_of.items():
        if key in data and data[key] not in allowed:
            raise UsageError(f"{key} = {data[key]!r} is not known", f"it is one of {', '.join(allowed)}", where)
    for table, keys in (("speed", SPEED), ("power", POWER), ("price", PRICE)):
        if data.get(table) and set(data[table]) != set(keys):
            raise UsageError(f"{table} needs {' and '.join(sorted(keys))}", where=where)
    if data["system"] == "none" and not set(REGIONS) <= set(data.get("memory", {})):
        raise UsageError("memory needs the regions 'flash' and 'ram'", where=where)
    for key, regions in data.get("place", {}).items():
        for region in [regions] if isinstance(regions, str) else regions:
            if region not in data.get("memory", {}):
                hint = suggestion(region, data.get("memory", {}), "regions")
                raise UsageError(f"place: {key} is in {region!r}, which is no region of memory", hint, where)
    if data["counter"] == "instructions" and not data.get("clock_hz"):
        raise UsageError("counter = 'instructions' needs clock_hz, the rate of the timer", where=where)
    if data.get("console") == "uart" and "uart" not in data:
        raise UsageError("console = 'uart' needs the table [uart], which says which one", where=where)
    if "uart" in data and not data.get("clock_hz"):
        raise UsageError("uart needs clock_hz, which its baud rate is divided from", where=where)
    for kind, settings in data.get("flash", {}).items():
        missing = [key for key in FLASHER_KINDS[kind].settings if key not in settings]
        if missing:
            raise UsageError(f"flash.{kind}: the key {missing[0]!r} is missing", where=where)
    for kind, settings in data.get("runner", {}).items():
        missing = [key for key in RUNNER_KINDS[kind].settings if key not in settings]
        if missing:
            raise UsageError(f"runner.{kind}: the key {missing[0]!r} is missing", where=where)
        if data["system"] not in RUNNER_KINDS[kind].systems:
            systems = " or ".join(map(repr, RUNNER_KINDS[kind].systems))
            raise UsageError(f"runner.{kind} runs programs for system {systems}, not {data['system']!r}", where=where)
    if not any(kind == "zig" or kind in data.get("compilers", {}) for kind in data.get("flags", {})):
        raise UsageError(
            "there is no compiler", "flags needs the key 'zig', or one whose program is among compilers", where
        )
