"""The functions of a linked program, what they call, and how deep the stack gets.

Calls through pointers are not followed: generated code and kernels have none.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from elftools.dwarf.callframe import FDE
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from edgeq.report.a32 import a32_frame_and_calls
from edgeq.report.riscv import riscv_frame_and_calls
from edgeq.report.thumb import frame_and_calls


@dataclass(frozen=True)
class Function:
    """A function: name, first address, bytes of code, the most bytes of stack it takes itself, and what it calls."""

    name: str
    start: int
    size: int
    frame: int
    calls: frozenset[int]


def call_graph(elf: ELFFile) -> dict[int, Function]:
    """Every function of a program, by its first address; empty for instruction sets that are not known here."""
    extents = _extents(elf)
    starts = sorted(extents)
    analyse = _analysis(elf)
    if analyse is None:
        return {}

    def owner(address: int) -> int | None:
        k = bisect.bisect_right(starts, address) - 1
        return starts[k] if k >= 0 and address < starts[k] + max(extents[starts[k]][1], 1) else None

    graph = {}
    for start in starts:
        name, size = extents[start]
        frame, targets = analyse(start, _bytes_at(elf, start, size))
        callees = {owner(target) for target in targets}
        graph[start] = Function(name, start, size, frame, frozenset(c for c in callees if c is not None and c != start))
    return graph


def reachable(graph: Mapping[int, Function], roots: Iterable[int]) -> set[int]:
    """The functions that are called from `roots`, however indirectly, and `roots` themselves."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        start = waiting.pop()
        if start not in seen:
            seen.add(start)
            waiting.extend(graph[start].calls)
    return seen


def deepest(graph: Mapping[int, Function], root: int) -> int:
    """The most bytes of stack in use at once from the call of `root` on. A recursion counts once."""
    depths: dict[int, int] = {}

    def depth(start: int, above: frozenset[int]) -> int:
        if start not in depths:
            inside = above | {start}
            below = [depth(callee, inside) for callee in sorted(graph[start].calls) if callee not in inside]
            depths[start] = graph[start].frame + max(below, default=0)
        return depths[start]

    return depth(root, frozenset())


Analysis = Callable[[int, bytes], "tuple[int, Iterable[int]]"]
"""From a function's address and code to the bytes of its frame and the targets of its calls."""


def _analysis(elf: ELFFile) -> Analysis | None:
    machine = elf["e_machine"]
    if machine == "EM_ARM":
        is_data, thumb = _data_map(elf), _thumb_functions(elf)
        return lambda start, code: (
            frame_and_calls(start, code, is_data) if start in thumb else a32_frame_and_calls(start, code)
        )
    if machine == "EM_RISCV":
        return riscv_frame_and_calls
    if machine in _DIRECT_CALLS:
        frames = _unwind_frames(elf)
        return lambda start, code: (
            max(frames.get(start, 0), _x86_framed(code) if machine == "EM_X86_64" else 0),
            _DIRECT_CALLS[machine](start, code),
        )
    return None


def _symbols(elf: ELFFile) -> list[Any]:
    table = elf.get_section_by_name(".symtab")
    return list(table.iter_symbols()) if table else []


def _extents(elf: ELFFile) -> dict[int, tuple[str, int]]:
    """Name and size of every function, by its first address."""
    thumb_bit = 1 if elf["e_machine"] == "EM_ARM" else 0
    extents: dict[int, tuple[str, int]] = {}
    for symbol in _symbols(elf):
        if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF":
            start = symbol["st_value"] & ~thumb_bit
            if start not in extents or symbol["st_size"] > extents[start][1]:
                extents[start] = (symbol.name, symbol["st_size"])
    return extents


def _thumb_functions(elf: ELFFile) -> frozenset[int]:
    """Addresses of the functions of a 32-bit Arm program that are Thumb code."""
    return frozenset(
        s["st_value"] & ~1 for s in _symbols(elf) if s["st_info"]["type"] == "STT_FUNC" and s["st_value"] & 1
    )


def _bytes_at(elf: ELFFile, start: int, size: int) -> bytes:
    for section in elf.iter_sections():
        offset = start - section["sh_addr"]
        loaded = section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & SH_FLAGS.SHF_ALLOC
        if loaded and 0 <= offset < section["sh_size"]:
            elf.stream.seek(section["sh_offset"] + offset)
            return bytes(elf.stream.read(size))
    return b""


def _data_map(elf: ELFFile) -> Callable[[int], bool]:
    """Whether an address holds data, according to the compiler's marks $d (data) and $t (Thumb code)."""
    marks = sorted((s["st_value"], s.name.startswith("$d")) for s in _symbols(elf) if s.name[:2] in ("$d", "$t"))
    starts = [start for start, _ in marks]

    def is_data(address: int) -> bool:
        k = bisect.bisect_right(starts, address) - 1
        return k >= 0 and marks[k][1]

    return is_data


def _unwind_frames(elf: ELFFile) -> dict[int, int]:
    """By function: the greatest distance of the stack pointer from where it was before the call."""
    dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False) if elf.has_dwarf_info() else None
    if dwarf is None or not dwarf.has_EH_CFI():
        return {}
    return {
        entry["initial_location"]: max((row["cfa"].offset or 0 for row in entry.get_decoded().table), default=0)
        for entry in dwarf.EH_CFI_entries()
        if isinstance(entry, FDE)
    }


PUSH_FRAME, MOVED_BEFORE = b"\x55", b"\x4c\x8d\x54\x24\x08"
"""push rbp; lea r10, [rsp + 8], of a stack pointer that is rounded down before."""
SET_FRAME, ROUND_DOWN = b"\x48\x89\xe5", b"\x48\x83\xe4"
"""mov rbp, rsp; and rsp, −immediate."""


def _x86_framed(code: bytes) -> int:
    """Frame of a function that keeps a frame pointer, which the unwind tables do not tell; 0 for others.

    Compilers put other instructions in between, and let the frame begin at an address that vectors can have.
    """
    entry = code.removeprefix(b"\xf3\x0f\x1e\xfa")[:96]
    if not entry.startswith((PUSH_FRAME, MOVED_BEFORE)) or SET_FRAME not in entry:
        return 0
    at = entry.find(ROUND_DOWN)
    rounded = -int.from_bytes(entry[at + 3 : at + 4], "little", signed=True) if at >= 0 else 0
    saved_at_most = 5 * 8 + rounded
    for opcode, width in ((b"\x48\x81\xec", 4), (b"\x48\x83\xec", 1)):  # sub rsp, immediate
        at = entry.find(opcode)
        if at >= 0:
            return 16 + saved_at_most + int.from_bytes(entry[at + 3 : at + 3 + width], "little")
    return 16 + saved_at_most


def _x86_calls(start: int, code: bytes) -> list[int]:
    """Targets of whatever looks like `call` or `jmp` with a 32-bit displacement; few other bytes hit a function."""
    return [
        start + k + 5 + int.from_bytes(code[k + 1 : k + 5], "little", signed=True)
        for k in range(len(code) - 4)
        if code[k] in (0xE8, 0xE9)
    ]


def _a64_calls(start: int, code: bytes) -> list[int]:
    """Targets of B and BL."""
    words = [(k, int.from_bytes(code[k : k + 4], "little")) for k in range(0, len(code) - 3, 4)]
    signed = [(k, (word & 0x3FFFFFF) - (word << 1 & 1 << 26)) for k, word in words if word >> 26 & 0x1F == 0b00101]
    return [start + k + 4 * offset for k, offset in signed]


_DIRECT_CALLS = {"EM_X86_64": _x86_calls, "EM_AARCH64": _a64_calls}
