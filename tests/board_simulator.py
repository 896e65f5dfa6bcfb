"""Runs a board's firmware in Unicorn, with the registers that a CMSIS-SVD file says the chip has.

    python board_simulator.py SPEC.json

A process of its own: Unicorn is under the GPL, and can crash. The UART is the TCP port whose number is the first line
on stdout. Once its connection ends, or something is wrong, a JSON object follows: `problems`, in words, and
`registers`, the last values of all that were written, by name. Every access outside of memory must be to a register of
the file (or of the core); chips' ready bits follow what switches them on; and what has a clock of its own, or is held
in reset, must have been switched on before it is touched.

SPEC.json: elf, svd, core (Unicorn's name), memory (list of origin, size), vectors, uart (base), boot2 (whether the
program starts with RP2040's second stage), extra (registers that the file lacks: address → name), rtt (whether the
program talks through memory, as to a debug probe, in place of a UART), semihosting (whether through a debugger that
answers its breakpoints).
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import xml.etree.ElementTree as ET
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 60
"""After which a program is ended that does not look at its UART."""
PAGE = 0x1000
CORE = {
    0xE0001000: "DWT.CTRL", 0xE0001004: "DWT.CYCCNT", 0xE000E010: "SYST.CSR", 0xE000E014: "SYST.RVR",
    0xE000E018: "SYST.CVR", **{0xE000E180 + 4 * n: f"NVIC.ICER{n}" for n in range(16)}, 0xE000ED04: "SCB.ICSR",
    0xE000ED08: "SCB.VTOR", 0xE000ED0C: "SCB.AIRCR", 0xE000ED14: "SCB.CCR", 0xE000ED28: "SCB.CFSR",
    0xE000ED2C: "SCB.HFSR", 0xE000ED34: "SCB.MMFAR", 0xE000ED38: "SCB.BFAR", 0xE000ED80: "SCB.CCSIDR",
    0xE000ED84: "SCB.CSSELR", 0xE000ED88: "SCB.CPACR", 0xE000ED90: "MPU.TYPE", 0xE000ED94: "MPU.CTRL",
    0xE000ED9C: "MPU.RBAR", 0xE000EDA0: "MPU.RASR", 0xE000EDFC: "SCB.DEMCR", 0xE000EF34: "FPU.FPCCR",
    0xE000EF50: "SCB.ICIALLU", 0xE000EF60: "SCB.DCISW",
}  # fmt: skip
"""Arm's own, which are not in makers' files."""


def number(text: str | None) -> int:
    """A number as SVD files write it."""
    plain = (text or "0").strip().lower()
    return int(plain[2:], 16) if plain.startswith("0x") else int(plain.lstrip("#"), 2 if plain[:1] == "#" else 10)


@dataclass
class Register:
    """A register: its name, its value after reset, and its fields: lowest bit and width."""

    name: str
    reset: int
    fields: dict[str, tuple[int, int]]


@dataclass
class Chip:
    """The registers of an SVD file, by address, and the addresses by name."""

    registers: dict[int, Register] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)


def read_svd(path: Path) -> Chip:
    """All registers of a file."""
    chip = Chip()
    peripherals = {p.findtext("name"): p for p in ET.parse(path).getroot().iter("peripheral")}
    for name, peripheral in peripherals.items():
        described = peripheral
        while described.find("registers") is None and described.get("derivedFrom"):
            described = peripherals[described.get("derivedFrom")]
        registers = described.find("registers")
        for where, register, node in _below(registers, 0, "") if registers is not None else ():
            address = number(peripheral.findtext("baseAddress")) + where
            full = f"{name}.{register}"
            chip.registers.setdefault(address, Register(full, number(node.findtext("resetValue")), _fields(node)))
            chip.addresses.setdefault(full, address)
    return chip


def _below(node: ET.Element, offset: int, prefix: str) -> list[tuple[int, str, ET.Element]]:
    found = []
    for child in node:
        if child.tag not in ("register", "cluster"):
            continue
        start, name = offset + number(child.findtext("addressOffset")), str(child.findtext("name"))
        for index in range(number(child.findtext("dim")) or 1):
            label = prefix + re.sub(r"\[?%s\]?", str(index), name)
            place = start + index * number(child.findtext("dimIncrement"))
            found += _below(child, place, f"{label}.") if child.tag == "cluster" else [(place, label, child)]
    return found


def _fields(node: ET.Element) -> dict[str, tuple[int, int]]:
    fields = {}
    for item in node.iter("field"):
        text = item.findtext("bitRange")
        if text:
            high, low = map(int, text.strip("[]").split(":"))
        elif item.findtext("bitOffset"):
            low = number(item.findtext("bitOffset"))
            high = low + number(item.findtext("bitWidth") or "1") - 1
        else:
            low, high = number(item.findtext("lsb")), number(item.findtext("msb"))
        fields[str(item.findtext("name"))] = (low, high - low + 1)
    return fields


class Flash:
    """The flash chip on RP2040's serial interface, as far as its second stage talks to it."""

    def __init__(self) -> None:
        self.answers: deque[int] = deque()
        self.command: list[int] = []
        self.status = [0x00, 0x00]
        self.enabled = False

    def send(self, value: int) -> None:
        """A byte, or a word that is an address, goes to the chip; an answer comes for each."""
        self.command.append(value)
        first = self.command[0]
        answer = {0x05: self.status[0], 0x35: self.status[1]}.get(first, 0) if len(self.command) > 1 else 0
        self.answers.append(answer)
        if first == 0x06:
            self.enabled = True
        if first == 0x01 and len(self.command) == 3 and self.enabled:
            self.status = self.command[1:]
        if len(self.command) == {0x05: 2, 0x35: 2, 0x06: 1, 0x01: 3, 0xEB: 2}.get(first, 1):
            self.command = []
            if first == 0xEB:
                self.answers = deque([0])


class Board:
    """What is behind the addresses that are not memory."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.chip = read_svd(Path(spec["svd"]))
        for address, name in {**CORE, **{int(k, 0): v for k, v in spec["extra"].items()}}.items():
            self.chip.registers.setdefault(address, Register(name, 0, {}))
            self.chip.addresses.setdefault(name, address)
        self.values: dict[int, int] = {}
        self.written: dict[str, int] = {}
        self.problems: list[str] = []
        self.line: socket.socket | None = None
        self.ended = False
        self.stop = lambda: None
        self.sent = bytearray()
        self.received: deque[int] = deque()
        self.uart = int(spec["uart"])
        self.aliases = any(name.startswith("XOSC.") for name in self.chip.addresses)
        self.flash = Flash()
        for name in ("io_qspi", "pads_qspi"):  # RP2040's boot ROM has used them
            found = self.chip.registers.get(self.chip.addresses.get("RESETS.RESET", 0))
            if found is not None and name in found.fields:
                found.reset &= ~(1 << found.fields[name][0])

    def problem(self, text: str) -> None:
        """Something that the firmware must not do."""
        if len(self.problems) < 20:
            self.problems.append(text)
        self.stop()

    def exchange(self) -> None:
        """The firmware looks whether a byte has come: what it has sent goes, and what has come is there."""
        if self.line is None or self.ended:
            return
        if self.sent:
            self.line.sendall(bytes(self.sent))
            self.sent.clear()
        if not self.received and select.select([self.line], [], [], 0.001)[0]:
            more = self.line.recv(4096)
            self.received.extend(more)
            if not more:
                self.ended = True
                self.stop()

    def field(self, register: str, name: str) -> int | None:
        """The present value of a field; None if there is none."""
        address = self.chip.addresses.get(register)
        if address is None or name not in self.chip.registers[address].fields:
            return None
        low, width = self.chip.registers[address].fields[name]
        return self._stored(address) >> low & ((1 << width) - 1)

    def _stored(self, address: int) -> int:
        return self.values.get(address, self.chip.registers[address].reset)

    def _register(self, address: int, what: str) -> tuple[int, Register] | None:
        plain = address & ~0x3000 if self.aliases and address >> 28 == 4 else address
        register = self.chip.registers.get(plain)
        if register is None:
            self.problem(f"{what} at {address:#010x}, where the chip has no register")
            return None
        self._check_on(register.name)
        return plain, register

    def _check_on(self, name: str) -> None:
        """A peripheral that has a bit for its clock, or its reset, must not be used before that is as it should be."""
        peripheral, _, _ = name.partition(".")
        for register, fields in self._switches().get(peripheral.upper(), ()):
            if self.field(register, fields) != (0 if register == "RESETS.RESET" else 1):
                self.problem(f"{name} is used before {register}.{fields} lets it work")

    def _switches(self) -> dict[str, list[tuple[str, str]]]:
        if not hasattr(self, "_found"):
            self._found: dict[str, list[tuple[str, str]]] = {}
            for register in self.chip.registers.values():
                for name in register.fields:
                    if re.match(r"RCC\.(AHB|APB|IOP)\w*EN", register.name) or re.match(r"RCC\.IOPENR", register.name):
                        port = re.sub(r"^IOP([A-K])EN$", r"GPIO\1EN", name)
                        self._found.setdefault(port.removesuffix("EN"), []).append((register.name, name))
                    if register.name == "RESETS.RESET":
                        self._found.setdefault(name.upper(), []).append((register.name, name))
            for held in ("CLK", "FLASH", "RCC"):
                self._found.pop(held, None)
        return self._found

    def read(self, address: int) -> int:
        """What a register tells."""
        found = self._register(address, "read")
        if found is None:
            return 0
        plain, register = found
        value = self._uart_read(plain)
        return self._told(plain, register) if value is None else value

    def write(self, address: int, value: int) -> None:
        """A register is set."""
        found = self._register(address, "write")
        if found is None:
            return
        plain, register = found
        if self.aliases and address >> 28 == 4:
            kind, before = address >> 12 & 3, self._stored(plain)
            value = (value, before ^ value, before | value, before & ~value)[kind]
        self.values[plain] = value
        self.written[register.name] = value
        self._uart_write(plain, value)
        if register.name == "XIP_SSI.DR0":
            self.flash.send(value)

    def _told(self, address: int, register: Register) -> int:
        """A register's value, with ready bits as what they tell of."""
        value, (peripheral, _, own) = self._stored(address), register.name.partition(".")
        for name, (low, width) in register.fields.items():
            bits = None
            if name.endswith("RDY"):
                base = name.removesuffix("RDY")
                near = [self.field(r, base + end) for r in self._of(peripheral) for end in ("ON", "EN", "SWEN")]
                bits = next((found for found in near if found is not None), 1)
            elif name.startswith("SWS"):
                bits = self.field(register.name, name.replace("SWS", "SW"))
            elif name == "STABLE":
                bits = int(self.field("XOSC.CTRL", "ENABLE") == 0xFAB)
            elif name == "LOCK" and peripheral.startswith("PLL"):
                bits = int(not self.field(f"{peripheral}.PWR", "PD") and not self.field(f"{peripheral}.PWR", "VCOPD"))
            if bits is not None:
                value = value & ~(((1 << width) - 1) << low) | bits << low
        if own.endswith("_SELECTED"):
            value = 1 << (self.field(f"{peripheral}.{own.replace('SELECTED', 'CTRL')}", "SRC") or 0)
        elif register.name == "RESETS.RESET_DONE":
            value = ~self._stored(self.chip.addresses["RESETS.RESET"]) & 0x1FFFFFFF
        elif own == "EVENTS_HFCLKSTARTED":
            value = self.values.get(self.chip.addresses["CLOCK.TASKS_HFCLKSTART"], 0)
        elif register.name == "XIP_SSI.SR":
            value = 1 << 2
        elif register.name == "XIP_SSI.DR0":
            value = self.flash.answers.popleft() if self.flash.answers else 0
        elif register.name == "SCB.CCSIDR":
            value = 3 << 13 | 3 << 3  # four sets of four ways
        return value

    def _of(self, peripheral: str) -> list[str]:
        return [r.name for r in self.chip.registers.values() if r.name.startswith(f"{peripheral}.")]

    def _uart_kind(self) -> str:
        names = {r.name.partition(".")[2] for a, r in self.chip.registers.items() if self.uart <= a < self.uart + 0x600}
        return next(kind for kind in ("TDR", "DR", "TXD", "UARTDR") if kind in names)

    def _uart_read(self, address: int) -> int | None:
        offset = address - self.uart
        if not 0 <= offset < 0x600:
            return None
        if not self.received:
            self.exchange()
        waiting = bool(self.received)
        data, state = {
            "TDR": (0x24, {0x1C: 0xC0 | waiting << 5}),
            "DR": (0x04, {0x00: 0xC0 | waiting << 5}),
            "TXD": (0x518, {0x108: int(waiting), 0x11C: 1}),
            "UARTDR": (0x00, {0x18: 0x10 * (not waiting)}),
        }[self._uart_kind()]
        if offset == data:
            return self.received.popleft() if self.received else 0
        return state.get(offset)

    def _uart_write(self, address: int, value: int) -> None:
        if not 0 <= address - self.uart < 0x600:
            return
        if address - self.uart == {"TDR": 0x28, "DR": 0x04, "TXD": 0x51C, "UARTDR": 0x00}[self._uart_kind()]:
            self.sent.append(value & 0xFF)


def machine(spec: dict[str, Any], board: Board) -> Any:
    """An emulated core with the program in its memory and the board around it, and where it starts."""
    import unicorn
    from elftools.elf.elffile import ELFFile
    from unicorn import arm_const

    core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    core.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{spec['core']}"))
    for origin, size in spec["memory"]:
        core.mem_map(origin, -(-size // PAGE) * PAGE)
    mapped = [(origin, origin + size) for origin, size in spec["memory"]]

    def read(_: Any, offset: int, size: int, base: int) -> int:
        value = board.read(base + offset) if size == 4 else board.read((base + offset) & ~3)
        return value & ((1 << 8 * size) - 1)

    def write(_: Any, offset: int, size: int, value: int, base: int) -> None:
        if size != 4:
            board.problem(f"a write of {size} bytes at {base + offset:#010x}")
        board.write(base + offset, value)

    pages = {address // PAGE for address in board.chip.registers}
    if board.aliases:
        pages |= {page & ~3 | alias for page in pages for alias in range(4)}
    for page in sorted(pages):
        start = page * PAGE
        if not any(low < start + PAGE and start < high for low, high in mapped):
            core.mmio_map(start, PAGE, read, start, write, start)
    with Path(spec["elf"]).open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            if segment["p_filesz"]:
                core.mem_write(segment["p_paddr"], segment.data())
    if spec["boot2"]:
        flash, copy = spec["memory"][0][0], 0x20041F00
        core.mem_write(copy, bytes(core.mem_read(flash, 256)))
        core.reg_write(arm_const.UC_ARM_REG_SP, 0x20041F00)
        return core, copy | 1
    stack, entry = (int.from_bytes(core.mem_read(spec["vectors"] + at, 4), "little") for at in (0, 4))
    core.reg_write(arm_const.UC_ARM_REG_SP, stack)
    return core, entry | 1


WAITING = ("eq_uart_read_byte", "eq_uart_can_write")
"""Functions that a program calls as long as it waits for the probe."""


class Probe:
    """A debug probe that moves bytes between the line and the program's buffers in RAM."""

    def __init__(self, core: Any, spec: dict[str, Any], board: Board) -> None:
        import unicorn
        from elftools.elf.elffile import ELFFile

        self.core, self.board, self.ram = core, board, spec["memory"][1]
        self.place = 0
        with Path(spec["elf"]).open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            waiting = [s["st_value"] & ~1 for s in table.iter_symbols() if s.name in WAITING]
        for function in waiting:
            core.hook_add(unicorn.UC_HOOK_CODE, self._polled, begin=function, end=function + 1)

    def _word(self, at: int) -> int:
        return int.from_bytes(self.core.mem_read(at, 4), "little")

    def _polled(self, *_: object) -> None:
        if not self.place:
            start, size = self.ram
            self.place = start + bytes(self.core.mem_read(start, size)).index(b"SEGGER RTT\0\0\0\0\0\0")
        up, down = self.place + 24, self.place + 48
        data, room, written, read = (self._word(up + offset) for offset in (4, 8, 12, 16))
        while read != written:
            self.board.sent.append(self.core.mem_read(data + read, 1)[0])
            read = (read + 1) % room
        self.core.mem_write(up + 16, read.to_bytes(4, "little"))
        self.board.exchange()
        data, room, written, read = (self._word(down + offset) for offset in (4, 8, 12, 16))
        while self.board.received and (written + 1) % room != read:
            self.core.mem_write(data + written, bytes([self.board.received.popleft()]))
            written = (written + 1) % room
        self.core.mem_write(down + 12, written.to_bytes(4, "little"))


class Debugger:
    """A debugger that answers semihosting calls (Arm's Semihosting for AArch32), its console being the line.

    Reading gives what has come, which may be nothing. There are no files, and no command line."""

    def __init__(self, core: Any, board: Board) -> None:
        import unicorn
        from unicorn import arm_const

        self.core, self.board, self.arm = core, board, arm_const
        self.opened: list[int] = []
        core.hook_add(unicorn.UC_HOOK_INTR, self._asked)

    def _words(self, at: int, count: int) -> list[int]:
        return [int.from_bytes(self.core.mem_read(at + 4 * n, 4), "little") for n in range(count)]

    def _asked(self, *_: object) -> None:
        pc, code, at = (self.core.reg_read(getattr(self.arm, f"UC_ARM_REG_{name}")) for name in ("PC", "R0", "R1"))
        if bytes(self.core.mem_read(pc, 2)) != b"\xab\xbe":
            self.board.problem(f"an exception at {pc:#010x}")
            self.core.emu_stop()
            return
        answer = {1: self._open, 5: self._write, 6: self._read}.get(code, lambda at: -1 & 0xFFFFFFFF)(at)
        self.core.reg_write(self.arm.UC_ARM_REG_R0, answer)
        self.core.reg_write(self.arm.UC_ARM_REG_PC, (pc + 2) | 1)

    def _open(self, at: int) -> int:
        name, mode, length = self._words(at, 3)
        if bytes(self.core.mem_read(name, length + 1)) != b":tt\0":
            self.board.problem("a file is opened that is not the console")
        self.opened.append(mode)
        return len(self.opened)

    def _write(self, at: int) -> int:
        file, data, length = self._words(at, 3)
        if self.opened[file - 1] < 4:
            self.board.problem("a write to what was opened for reading")
        self.board.sent.extend(self.core.mem_read(data, length))
        self.board.exchange()
        return 0

    def _read(self, at: int) -> int:
        file, data, length = self._words(at, 3)
        if self.opened[file - 1] >= 4:
            self.board.problem("a read from what was opened for writing")
        self.board.exchange()
        count = min(length, len(self.board.received))
        self.core.mem_write(data, bytes(self.board.received.popleft() for _ in range(count)))
        return length - count


def serve(spec: dict[str, Any], board: Board) -> None:
    """Run the program, its UART connected to whoever connects, until that one goes or something is wrong."""
    import unicorn
    from unicorn import arm_const

    core, start = machine(spec, board)
    if spec["rtt"]:
        Probe(core, spec, board)
    if spec["semihosting"]:
        Debugger(core, board)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        server.settimeout(SECONDS)
        board.line, _ = server.accept()
    board.stop = core.emu_stop
    with board.line as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            core.emu_start(start, 0xFFFFFFFE, timeout=SECONDS * 1_000_000)
        except unicorn.UcError as error:
            board.problem(f"{error} at pc={core.reg_read(arm_const.UC_ARM_REG_PC):#010x}")
        if not board.ended and not board.problems:
            board.problem(
                f"the program looked at its UART no more, at pc={core.reg_read(arm_const.UC_ARM_REG_PC):#010x}"
            )


def main() -> None:
    """Read what to run, run it, tell what happened."""
    spec = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    board = Board(spec)
    try:
        serve(spec, board)
    except OSError as error:
        board.problem(f"the line: {error}")
    print(json.dumps({"problems": board.problems, "registers": board.written}), flush=True)
    sys.exit(1 if board.problems else 0)


if __name__ == "__main__":
    main()
