"""A Cortex-M with memory and semihosting in Unicorn: python unicorn_machine.py JOB.json

A process of its own, as Unicorn is native code under the GPL. JOB.json: program, words, memory (address → file), core
(Unicorn's name of it), clock_hz and counting. What the program says goes to stderr, and its exit code is the process's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

PAGE = 0x1000
PPB, PPB_BYTES = 0xE000E000, 0x1000
DWT = 0xE0001000
SYST_CSR, SYST_CVR, MPU_TYPE, CPACR = 0xE000E010, 0xE000E018, 0xE000ED90, 0xE000ED88
ROUND = 1 << 24
BREAKPOINT = 7
"""Unicorn's number of the exception that a `bkpt` is."""
SEMIHOSTING = 0xBEAB
EXIT_FAULT = 100
"""As in firmware/platform/cores/cortex-m."""


class Machine:
    """The core, and what it has asked for.

    Args:
        job: what to run.
    """

    def __init__(self, job: Mapping[str, Any]) -> None:
        import unicorn
        from unicorn import arm_const

        self.arm: Any = arm_const
        self.job = job
        self.core: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.core.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{job['core']}"))
        self.files: dict[int, IO[bytes]] = {}
        self.code: int | None = None
        self.instructions = 0
        self.conditional = (0, 0)
        self.blocks: dict[int, tuple[int, int]] = {}
        self.started = 0
        self.registers: dict[int, int] = {}
        self.symbols: dict[str, int] = {}
        self.core.mmio_map(PPB, PPB_BYTES, self._read, PPB, self._write, PPB)
        self.core.mmio_map(DWT, PAGE, self._read, DWT, self._write, DWT)
        self.core.hook_add(unicorn.UC_HOOK_INTR, self._exception)
        if job["counting"]:
            self.core.hook_add(unicorn.UC_HOOK_CODE, self._count)

    def load(self) -> int:
        """Put the program, and files that are there before it, into memory; returns its entry."""
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile

        try:
            with Path(self.job["program"]).open("rb") as file:
                elf = ELFFile(file)
                self.symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
                loaded = [(s["p_paddr"], s.data()) for s in elf.iter_segments("PT_LOAD") if s["p_filesz"]]
                vectors = elf.get_section_by_name(".vectors")["sh_addr"]
        except (ELFError, AttributeError, TypeError) as error:  # the latter where sections are missing
            sys.exit(f"the file is no program of edgeq's ({error}): build it again")
        loaded += [(int(address), Path(name).read_bytes()) for address, name in self.job["memory"].items()]
        ranges = [(start, start + len(data)) for start, data in loaded]
        ranges.append((self.symbols["eq_stack_guard"], self.symbols["eq_free_end"]))
        for start, end in _pages(ranges):
            self.core.mem_map(start, end - start)
        for start, data in loaded:
            self.core.mem_write(start, data)
        self._write(self.core, CPACR - PPB, 4, 0, PPB)
        stack, entry = (self._word(vectors + at) for at in (0, 4))
        self.core.reg_write(self.arm.UC_ARM_REG_SP, stack)
        return entry | 1

    def run(self) -> int:
        """Run to the end; returns the exit code."""
        import unicorn

        at = self.load()
        try:
            self.core.emu_start(at, 0xFFFFFFFE)
        except unicorn.UcError as error:
            if self.code is None:
                self.code = self._fault(error)
        for file in self.files.values():
            file.close()
        return EXIT_FAULT if self.code is None else self.code

    def _word(self, address: int) -> int:
        return int.from_bytes(self.core.mem_read(address, 4), "little")

    def _count(self, _: Any, address: int, *__: object) -> None:
        """An instruction begins. Those of an IT block count whether their condition holds or not, as on the core;
        Unicorn only tells of the former."""
        start, end = self.conditional
        if start <= address < end:
            return
        self.instructions += 1
        if address not in self.blocks:
            self.blocks[address] = self._block_after(address)
        count, end = self.blocks[address]
        if count:
            self.instructions += count
            self.conditional = (address + 2, end)

    def _block_after(self, address: int) -> tuple[int, int]:
        """How many instructions the IT instruction at an address makes conditional, and where they end."""
        code, end = self._half(address), address + 2
        if code >> 8 != 0xBF or not code & 15:
            return 0, 0
        count = 4 - ((code & 15 & -(code & 15)).bit_length() - 1)
        for _ in range(count):
            end += 4 if self._half(end) >> 11 in (0b11101, 0b11110, 0b11111) else 2
        return count, end

    def _half(self, address: int) -> int:
        return int.from_bytes(self.core.mem_read(address, 2), "little")

    def _read(self, _: Any, offset: int, size: int, base: int) -> int:
        address = base + offset
        if address == SYST_CVR:
            ticks = (self.instructions - self.started) * self.job["clock_hz"] // 10**9
            if ticks >= ROUND:
                sys.stderr.write("edgeq: the profile takes too long for this emulator\n")
                self.code = 1
                self.core.emu_stop()
            return ROUND - 1 - ticks % ROUND
        return 0 if address == MPU_TYPE else self.registers.get(address, 0)

    def _write(self, _: Any, offset: int, size: int, value: int, base: int) -> None:
        address = base + offset
        self.registers[address] = value
        if address == SYST_CSR and value & 1:
            self.started = self.instructions

    def _exception(self, _: Any, kind: int, __: object) -> None:
        pc = self.core.reg_read(self.arm.UC_ARM_REG_PC)
        code = int.from_bytes(self.core.mem_read(pc, 2), "little")
        if kind != BREAKPOINT or code != SEMIHOSTING:
            self.code = self._report("undefined instruction", pc)
            self.core.emu_stop()
            return
        operation, argument = (self.core.reg_read(getattr(self.arm, f"UC_ARM_REG_R{n}")) for n in (0, 1))
        result = SERVICES[operation](self, argument)
        self.core.reg_write(self.arm.UC_ARM_REG_R0, result & 0xFFFFFFFF)
        self.core.reg_write(self.arm.UC_ARM_REG_PC, (pc + 2) | 1)

    def _fault(self, error: Exception) -> int:
        """Tell of a fault as the firmware does; returns the exit code."""
        stack = self.core.reg_read(self.arm.UC_ARM_REG_SP)
        below = stack < self.symbols.get("eq_stack_limit", 0)
        text = str(error).lower()
        cause = "stack overflow" if below else "undefined instruction" if "instruction" in text else "bad data address"
        return self._report(cause, self.core.reg_read(self.arm.UC_ARM_REG_PC))

    def _report(self, cause: str, pc: int) -> int:
        stack = self.core.reg_read(self.arm.UC_ARM_REG_SP)
        sys.stderr.write(f"edgeq: fault: {cause}: sp={stack:#010x} pc={pc:#010x}\n")
        return EXIT_FAULT

    def _arguments(self, at: int, count: int) -> list[int]:
        return [self._word(at + 4 * n) for n in range(count)]

    def open(self, at: int) -> int:
        """SYS_OPEN: a file's number, or −1."""
        name, mode, length = self._arguments(at, 3)
        path = bytes(self.core.mem_read(name, length)).decode()
        try:
            file = Path(path).open("wb" if mode >= 4 else "rb")  # noqa: SIM115  the program closes it
        except OSError:
            return -1
        number = len(self.files) + 1
        self.files[number] = file
        return number

    def close(self, at: int) -> int:
        """SYS_CLOSE."""
        self.files[self._arguments(at, 1)[0]].close()
        return 0

    def write(self, at: int) -> int:
        """SYS_WRITE: bytes that are not written."""
        number, data, length = self._arguments(at, 3)
        try:
            return length - self.files[number].write(bytes(self.core.mem_read(data, length)))
        except OSError:
            return length

    def read(self, at: int) -> int:
        """SYS_READ: bytes that are not read."""
        number, data, length = self._arguments(at, 3)
        found = self.files[number].read(length)
        self.core.mem_write(data, found)
        return length - len(found)

    def say(self, at: int) -> int:
        """SYS_WRITE0: a text up to its zero."""
        text = bytearray()
        while byte := self.core.mem_read(at + len(text), 1)[0]:
            text.append(byte)
        sys.stderr.write(text.decode("utf-8", "replace"))
        return 0

    def command_line(self, at: int) -> int:
        """SYS_GET_CMDLINE: 0, or −1 where there is not enough room."""
        data, room = self._arguments(at, 2)
        text = " ".join(("edgeq", *self.job["words"])).encode() + b"\0"
        if len(text) > room:
            return -1
        self.core.mem_write(data, text)
        self.core.mem_write(at + 4, (len(text) - 1).to_bytes(4, "little"))
        return 0

    def exit(self, at: int) -> int:
        """SYS_EXIT_EXTENDED."""
        self.code = self._arguments(at, 2)[1]
        self.core.emu_stop()
        return 0


SERVICES: Mapping[int, Callable[[Machine, int], int]] = {
    0x01: Machine.open,
    0x02: Machine.close,
    0x04: Machine.say,
    0x05: Machine.write,
    0x06: Machine.read,
    0x15: Machine.command_line,
    0x20: Machine.exit,
}
"""Semihosting for AArch32, the calls that firmware/platform/consoles/semihosting makes."""


def _pages(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of whole pages that hold all of these."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((low // PAGE * PAGE, -(-high // PAGE) * PAGE) for low, high in ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


if __name__ == "__main__":
    sys.exit(Machine(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run())
