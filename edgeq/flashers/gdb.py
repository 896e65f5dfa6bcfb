"""Any gdb server: QEMU's, OpenOCD's, pyOCD's, J-Link's. The protocol is spoken here; no gdb is needed."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from edgeq.errors import ToolError
from edgeq.flashers.flasher import Flasher, Plan, Step
from edgeq.flashers.rsp import Server

DEFAULT = "localhost:1234"
_CPUID = 0xE000ED00
_PARTS = {0xC20: "cortex-m0", 0xC60: "cortex-m0plus", 0xC23: "cortex-m3", 0xC24: "cortex-m4", 0xC27: "cortex-m7"}
_PARTS |= {0xD21: "cortex-m33", 0xD22: "cortex-m55"}
"""Bits 4 to 15 of CPUID, as the technical reference manuals of the cores have them."""
_RANK = ("cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
"""A core executes programs for those before it, M33 those of M7 where they do without its wider FPU."""
_SP, _LR, _PC, _XPSR = 13, 14, 15, 25


def _steps(plan: Plan) -> tuple[Step, ...]:
    address = plan.port or plan.setting("server", DEFAULT)
    size = sum(map(len, plan.image.parts.values()))

    def load() -> None:
        load_by_server(address, plan)

    return (Step(f"gdb server at {address}: load {size} bytes, compare them, start the program", action=load),)


def load_by_server(address: str, plan: Plan) -> None:
    """Load, compare, start.

    Raises:
        ToolError: there is no server, its core is another, or memory cannot be written or holds something else
            afterwards.
    """
    parts = plan.image.parts
    vectors = plan.target.memory["flash"].origin if plan.target.vectors is None else plan.target.vectors
    server, runnable = Server(address), True
    try:
        _check_core(server, plan)
        emulated = server.ask("qqemu.sstepbits").startswith("ENABLE")
        if not emulated:
            server.monitor("reset halt")
        runnable = False  # half a program stays halted
        _write(server, parts)
        for start, data in parts.items():
            _compare(server, start, data)
        # A reset of QEMU would bring back what it was started with.
        if emulated or not (server.monitor("reset run") or server.monitor("reset")):
            _start(server, server.read(vectors, 8))
        runnable = True
    finally:
        server.close(runnable)


def _check_core(server: Server, plan: Plan) -> None:
    """Make sure that the core executes what the program is made of.

    Raises:
        ToolError: it does not.
    """
    try:
        part = int.from_bytes(server.read(_CPUID, 4), "little") >> 4 & 0xFFF
    except ToolError:  # a server that does not let registers be read
        return
    found, wanted = _PARTS.get(part), plan.target.cpu
    if found in _RANK and wanted in _RANK and _RANK.index(found) < _RANK.index(wanted):
        raise ToolError(
            f"wrong chip: its core is a {found}, which does not execute programs for {wanted}",
            hint=f"is it the board {plan.target.name}? Else build for the one that it is",
            where=server.address,
        )


def _write(server: Server, parts: Mapping[int, bytes]) -> None:
    sectors = _sectors(server.memory_map())
    flashed = False
    for start, data in parts.items():
        sector = next((size for low, high, size in sectors if low <= start < high), 0)
        if not sector:
            server.write(start, data)
            continue
        first = start - start % sector
        server.erase(first, -(-(start + len(data) - first) // sector) * sector)
        flashed = True
    for start, data in parts.items():
        if any(low <= start < high for low, high, _ in sectors):
            server.program(start, data)
    if flashed:
        server.done()


def _sectors(text: str) -> list[tuple[int, int, int]]:
    """Flash of a memory map: its first address, the one after its last, and the size of its sectors."""
    if not text:
        return []
    try:
        found = []
        for memory in ElementTree.fromstring(text).iter("memory"):
            size = memory.find("property[@name='blocksize']")
            if memory.get("type") == "flash" and size is not None and size.text:
                low = int(memory.get("start", "0"), 0)
                found.append((low, low + int(memory.get("length", "0"), 0), int(size.text, 0)))
        return found
    except (ElementTree.ParseError, ValueError):
        return []


def _compare(server: Server, start: int, data: bytes) -> None:
    there = server.read(start, len(data))
    if there != data:
        at = next(k for k in range(len(data)) if there[k] != data[k])
        raise ToolError(
            f"what is in the board is not what was written: the first difference is at {start + at:#x}",
            hint="is there such memory, and can it be written? Is it protected?",
            where=server.address,
        )


def _start(server: Server, vectors: bytes) -> None:
    """As a reset would, but for the peripherals."""
    stack, entry = (int.from_bytes(vectors[k : k + 4], "little") for k in (0, 4))
    server.set_register(_XPSR, 1 << 24)
    server.set_register(_SP, stack)
    server.set_register(_LR, 0xFFFFFFFF)
    server.set_register(_PC, entry & ~1)


FLASHER = Flasher("gdb", (), "", _steps)
