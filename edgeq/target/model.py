"""What a target is, once its files are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgeq.errors import InternalError
from edgeq.target.machine import this_machine
from edgeq.target.uart import Uart

_CLOCKED = ("families/", "uarts/")
"""Parts of a platform that are told the clock."""

System = Literal["native", "linux", "none"]
Setting = str | int | tuple[str, ...]


@dataclass(frozen=True)
class Region:
    """A stretch of memory.

    Attributes:
        origin: its first address.
        size: bytes.
        kind: "flash" if what lies there is programmed with the program, "data" for RAM that the core cannot execute
            code from, "" for any other.
    """

    origin: int
    size: int
    kind: str = ""

    @property
    def end(self) -> int:
        """The address after the last byte."""
        return self.origin + self.size


@dataclass(frozen=True)
class RunnerSpec:
    """One way in which a target's programs are run, or get into a board.

    Attributes:
        kind: the runner (`edgeq.target.runners`, `edgeq.target.flashers`).
        settings: what it needs to know, by key.
    """

    kind: str
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """A setting that is a text."""
        value = self.settings.get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def number(self, key: str) -> int:
        """A setting that is a number."""
        value = self.settings.get(key)
        if not isinstance(value, int):
            raise self._wrong(key, "number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A setting that is a list of texts; empty if it is not set."""
        value = self.settings.get(key, ())
        if not isinstance(value, tuple):
            raise self._wrong(key, "list of texts")
        return value

    def _wrong(self, key: str, what: str) -> InternalError:
        return InternalError(f"the runner {self.kind!r} has no {what} {key!r}")


@dataclass(frozen=True)
class Speed:
    """Figures from which the time of instructions is estimated.

    Attributes:
        clock_mhz: a typical clock of the CPU, or a board's own.
        cpi: cycles per instruction of kernels, an estimate (docs/performance.md says where it comes from).
        part: the chip that runs at this clock.
    """

    clock_mhz: float
    cpi: float
    part: str


@dataclass(frozen=True)
class Power:
    """What a board draws while it computes, from which the energy of an inference is estimated.

    Attributes:
        volts: of the supply.
        active_ma: milliamperes while the core computes at the clock of `Speed`.
    """

    volts: float
    active_ma: float

    @property
    def watts(self) -> float:
        """The power."""
        return self.volts * self.active_ma / 1e3


@dataclass(frozen=True)
class Price:
    """What a chip or board costs.

    Attributes:
        amount: in units of `currency`.
        currency: such as USD.
        of: what costs it, and when: "STM32F446RE, 1000 pieces, 2026".
    """

    amount: float
    currency: str
    of: str


@dataclass(frozen=True)
class Target:
    """What code is generated for.

    Attributes:
        name: the name by which it is asked for.
        description: one line.
        family: the name of a file in targets/families that holds what several CPUs have in common.
        cpu: the CPU's name as compilers know it.
        system: what programs run on: "native" (this machine), "linux" (another one) or "none" (bare metal).
        machines: names that such machines give themselves (`uname -m`), where they have an operating system.
        isa: features that kernels can ask for, such as "dsp" or "mve", with all that they imply.
        flags: compiler and linker flags for each kind of compiler that can build for it.
        link: further flags of the linker for programs, by kind of compiler.
        compilers: programs of kind "gcc" and "clang" to look for on the PATH; zig comes as a Python package.
        packages: for a kind of compiler, the Debian package that contains it.
        suffix: how the names of programs end.
        memory: regions of a bare-metal target: "flash" (code, constants), "ram" and, where some memory, such as an
            external flash, is meant for weights alone, "weights".
        vectors: address of the vector table, where that is not the start of flash.
        stack_bytes: memory set aside for the stack of a bare-metal program.
        platform: the folders below firmware/platform that programs are made of besides the model.
        runners: how its programs are run from this machine; the first that can do what is asked is taken.
        clock_hz: rate of the cycle or tick counter, per second; 0 if there is none.
        counter: unit of a profile.
        speed: figures from which time is estimated, or None where time is measured.
        defines: preprocessor definitions of the platform's files, "NAME=VALUE".
        emulated: whether its memory is that of an emulator, which says nothing of the chip that the user has.
        chip: the chip of a board, as its maker calls it.
        proved: of a board, "emulated", "simulated" or "build-only": how far it was tried that programs run on it.
        sources: documents that the board's figures are from.
        console: what programs talk through unless told otherwise: "semihosting" or "uart"; empty on computers.
        uart: the serial line of a board, if it has one.
        aliases: further names of a target of edgeq's own.
        flashers: the ways to get programs into a board, in the order in which they are tried.
        place: in which regions of memory arena, weights, code of kernels and stack lie unless told otherwise, the
            preferred one first; what is not there lies in "ram" or "flash" (`edgeq.codegen.places`).
        power: what it draws while it computes, or None where its file does not say.
        price: what it costs, or None where its file does not say.
    """

    name: str
    description: str
    family: str
    cpu: str
    system: System = "native"
    machines: tuple[str, ...] = ()
    isa: frozenset[str] = frozenset()
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    link: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compilers: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    memory: Mapping[str, Region] = field(default_factory=dict)
    vectors: int | None = None
    stack_bytes: int = 0
    platform: tuple[str, ...] = ()
    runners: tuple[RunnerSpec, ...] = ()
    clock_hz: int = 0
    counter: str = "ns"
    speed: Speed | None = None
    defines: tuple[str, ...] = ()
    emulated: bool = False
    chip: str = ""
    proved: str = ""
    sources: tuple[str, ...] = ()
    console: str = ""
    uart: Uart | None = None
    flashers: tuple[RunnerSpec, ...] = ()
    aliases: tuple[str, ...] = ()
    place: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    power: Power | None = None
    price: Price | None = None

    def programmed(self, region: str) -> bool:
        """Whether what lies in a region of memory is there before the program starts."""
        return region in ("flash", "weights") or self.memory[region].kind == "flash"

    @property
    def bare_metal(self) -> bool:
        """Whether there is no operating system: programs need startup code and a linker script."""
        return self.system == "none"

    @property
    def answers(self) -> bool:
        """Whether its programs answer over a line: one program then for all models of a build folder."""
        return "links/serial" in self.platform

    @property
    def here(self) -> bool:
        """Whether this machine is one of its kind: it has a compiler for its own programs, and runs them."""
        return self.native or this_machine() in self.machines

    @property
    def native(self) -> bool:
        """Whether its programs are for this very machine, and its own compiler builds them."""
        return self.system == "native"

    @property
    def platform_defines(self) -> tuple[str, ...]:
        """`defines`, with those that follow from the clock, the counter and the console.

        An emulator that counts one instruction per nanosecond shows the count through a slower timer, which ticks
        every EQ_TICK_NS / EQ_TICKS nanoseconds.
        """
        defines = list(self.defines)
        if self.counter == "instructions":
            common = math.gcd(10**9, self.clock_hz)
            defines += [f"EQ_TICK_NS={10**9 // common}u", f"EQ_TICKS={self.clock_hz // common}u"]
        if any(part.startswith(_CLOCKED) for part in self.platform):
            defines.append(f"EQ_CLOCK_HZ={self.clock_hz}u")
        if self.uart is not None and self.uart.part in self.platform:
            defines += self.uart.defines
        return tuple(defines)
