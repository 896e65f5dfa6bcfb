"""Firmware of boards on the registers of their chips, simulated: `pytest --svd-root DIR`, with makers' CMSIS-SVD files.

The files are those of https://github.com/cmsis-svd/cmsis-svd-data; several makers publish them, and none is in this
project.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from documented import documented_board
from tiny_firmware import build_tiny, expected

from edgeq.codegen import sources
from edgeq.errors import ToolError
from edgeq.link import Device, open_stream
from edgeq.resources import folder
from edgeq.target import Target, list_boards, load_target, with_console
from edgeq.toolchain.images import write_images

SIMULATOR = Path(__file__).parents[1] / "board_simulator.py"
CORES = {"cortex-m0plus": "M0", "cortex-m3": "M3", "cortex-m4": "M4", "cortex-m7": "M7", "cortex-m33": "M33"}
SVD = {
    "STM32F100RB": "STM32F100xx", "STM32F405RG": "STM32F405", "STM32F407VG": "STM32F407", "STM32F411RE": "STM32F411",
    "STM32F446RE": "STM32F446", "STM32G0B1RE": "STM32G0B1", "STM32H743ZI": "STM32H743x", "STM32L4R5ZI": "STM32L4R5",
    "STM32L476RG": "STM32L4x6", "STM32U575ZI": "STM32U575", "nRF51822-QFAA": "nrf51", "nRF52833": "nrf52833",
    "nRF52840": "nrf52840", "RP2040": "rp2040", "RP2350": "rp2350",
}  # fmt: skip
"""The file of a chip."""
LACKING = {"STM32L4R5ZI": {"0x40007080": "PWR.CR5"}}
"""Registers that a chip's reference manual has and its file does not (RM0432, 5.4.5)."""
BOARDS = [board for board in list_boards() if board.chip in SVD]

Bits = Callable[[str, int, int], int]


@dataclass(frozen=True)
class Speeds:
    """What the registers of a family must amount to.

    Attributes:
        core: Hz of the core's clock.
        baud: bits per second.
        waits: the flash's wait states; None where there are none to set.
        waits_expected: what they must be, by chip.
    """

    core: Callable[[Bits], float] | None
    baud: Callable[[Bits, float], float]
    waits: Mapping[str, int] = field(default_factory=dict)


def _brr(register: str, divided_by: float, times: float = 1) -> Callable[[Bits, float], float]:
    return lambda bits, core: times * core / divided_by / bits(register, 0, 20)


def _pl011(bits: Bits, core: float) -> float:
    return core / (16 * (bits("UART0.UARTIBRD", 0, 16) + bits("UART0.UARTFBRD", 0, 6) / 64))


SPEEDS = {
    "stm32f1": Speeds(lambda bits: 4e6 * (bits("RCC.CFGR", 18, 4) + 2), _brr("USART1.BRR", 1)),
    "stm32f4": Speeds(
        lambda bits: 16e6 / bits("RCC.PLLCFGR", 0, 6) * bits("RCC.PLLCFGR", 6, 9)
        / (2 * bits("RCC.PLLCFGR", 16, 2) + 2),
        _brr("USART2.BRR", 4),
        {"STM32F446RE": 5, "STM32F411RE": 3, "STM32F407VG": 5, "STM32F405RG": 5},
    ),
    "stm32g0": Speeds(
        lambda bits: 16e6 * bits("RCC.PLLCFGR", 8, 7) / (bits("RCC.PLLCFGR", 29, 3) + 1),
        _brr("USART2.BRR", 1),
        {"STM32G0B1RE": 2},
    ),
    "stm32l4": Speeds(
        lambda bits: 16e6 / (bits("RCC.PLLCFGR", 4, 4) + 1) * bits("RCC.PLLCFGR", 8, 7) / 2,
        lambda bits, core: 256 * 16e6 / bits("LPUART1.BRR", 0, 20),
        {"STM32L4R5ZI": 5, "STM32L476RG": 4},
    ),
    "stm32h7": Speeds(
        lambda bits: 64e6 / bits("RCC.PLLCKSELR", 4, 6) * (bits("RCC.PLL1DIVR", 0, 9) + 1)
        / (bits("RCC.PLL1DIVR", 9, 7) + 1),
        _brr("USART3.BRR", 4),
        {"STM32H743ZI": 4},
    ),
    "stm32u5": Speeds(
        lambda bits: 16e6 * (bits("RCC.PLL1DIVR", 0, 9) + 1) / (bits("RCC.PLL1DIVR", 24, 7) + 1),
        _brr("USART1.BRR", 1),
        {"STM32U575ZI": 4},
    ),
    "rp2": Speeds(
        lambda bits: 12e6 * bits("PLL_SYS.FBDIV_INT", 0, 12) / bits("PLL_SYS.PRIM", 16, 3)
        / bits("PLL_SYS.PRIM", 12, 3),
        _pl011,
    ),
    "nrf51": Speeds(None, lambda bits, core: bits("UART0.BAUDRATE", 0, 32) * 16e6 / 2**32),
    "nrf52": Speeds(None, lambda bits, core: bits("UART0.BAUDRATE", 0, 32) * 16e6 / 2**32),
}  # fmt: skip
"""As the reference manuals compute them, independently of the firmware's arithmetic."""


@dataclass
class Report:
    """What the simulator found, once its line is closed."""

    problems: list[str] = field(default_factory=list)
    registers: dict[str, int] = field(default_factory=dict)

    def bits(self, register: str, low: int, width: int) -> int:
        """Bits of what was last written to a register."""
        found = {name.upper(): value for name, value in self.registers.items()}
        return found[register.upper()] >> low & ((1 << width) - 1)


@contextmanager
def simulated(board: Target, program: Path, svd_root: Path) -> Iterator[tuple[str, Report]]:
    """A context with the port of a simulated board; its report is complete after it."""
    files = {path.stem.lower(): path for path in sorted(svd_root.rglob("*.svd"))}
    svd = files.get(SVD[board.chip].lower())
    if svd is None:
        pytest.skip(f"{needs.OPTIONAL}there is no {SVD[board.chip]}.svd below {svd_root}")
    with run_simulated(board, program, svd) as (port, report):
        yield port, report


def _used(board: Target) -> tuple[str, ...]:
    """The regions of memory that programs for a board use; flash and RAM first."""
    return tuple(dict.fromkeys(["flash", "ram", *(region for regions in board.place.values() for region in regions)]))


@contextmanager
def run_simulated(board: Target, program: Path, svd: Path) -> Iterator[tuple[str, Report]]:
    """The same with the registers of a given file."""
    pytest.importorskip("unicorn")
    spec = {
        "elf": str(program),
        "svd": str(svd),
        "core": f"CORTEX_{CORES[board.cpu]}",
        "memory": [(board.memory[name].origin, board.memory[name].size) for name in _used(board)],
        "vectors": board.memory["flash"].origin,
        "uart": board.uart.base if board.uart else 0,
        "boot2": board.chip == "RP2040",
        "extra": LACKING.get(board.chip, {}),
        "rtt": board.console == "rtt",
        "semihosting": board.console == "semihosting",
    }
    file = program.with_suffix(".json")
    file.write_text(json.dumps(spec))
    command = [sys.executable, str(SIMULATOR), str(file)]
    report = Report()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"socket://127.0.0.1:{int(process.stdout.readline())}", report
            found: dict[str, Any] = json.loads(process.communicate(timeout=60)[0])
            report.problems, report.registers = found["problems"], found["registers"]
        finally:
            process.kill()


def _built(board: Target, place: Path) -> Path:
    needs.compiler(board, "gcc")
    program = build_tiny(place / "tiny", board, "gcc").path
    write_images(program, board)
    return program


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_simulated_board(board: Target, tmp_path: Path, svd_root: Path) -> None:
    """The firmware starts, touches nothing that the chip does not have, and computes over its serial line what it must;
    clock, wait states and baud rate are those that the registers amount to."""
    _check(board, tmp_path, svd_root)


@pytest.mark.slow
def test_the_board_that_the_documentation_adds(tmp_path: Path, svd_root: Path) -> None:
    """It has another chip of a family than edgeq's own boards, and another UART."""
    _check(documented_board(tmp_path), tmp_path, svd_root, _brr("USART2.BRR", 1))


def _check(board: Target, tmp_path: Path, svd_root: Path, baud: Callable[[Bits, float], float] | None = None) -> None:
    board = with_console(board, "uart")
    program = _built(board, tmp_path)
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 100, (20, 5)).astype(np.int8), rng.integers(-128, 128, (20, 3)).astype(np.int8)
    with simulated(board, program, svd_root) as (port, report), closing(open_stream(port)) as stream:
        device = Device(stream)
        got = device.run(np.concatenate([a, b], axis=1).view(np.uint8), None, False, 10.0)
    x, y = expected(a, b)
    np.testing.assert_array_equal(got.outputs, np.concatenate([x, y], axis=1).view(np.uint8))
    assert report.problems == []
    (family,) = (part.removeprefix("families/") for part in board.platform if part.startswith("families/"))
    speeds = SPEEDS[family]
    core = speeds.core(report.bits) if speeds.core else board.clock_hz
    assert core == board.clock_hz
    if board.name != "netduinoplus2":  # which has another USART, on a faster bus
        assert (baud or speeds.baud)(report.bits, core) == pytest.approx(115200, rel=0.01)
    if board.chip in speeds.waits:
        assert report.bits("FLASH.ACR", 0, 4) == speeds.waits[board.chip]


@pytest.mark.qemu
@pytest.mark.parametrize("console", ["rtt", "semihosting"])
def test_firmware_that_talks_through_a_probe(console: str, tmp_path: Path) -> None:
    """Through memory, as to a probe that knows RTT, and through a debugger's console, for a board whose programs nobody
    gives words. Neither needs a register beyond the core's own, and so no file of them."""
    pytest.importorskip("unicorn")
    board = with_console(replace(load_target("mps2-an386"), runners=()), console)
    program = _built(board, tmp_path)
    (tmp_path / "none.svd").write_text("<device/>")
    a, b = np.zeros((80, 5), np.int8), np.arange(240).astype(np.uint8).view(np.int8).reshape(80, 3)
    with (
        run_simulated(board, program, tmp_path / "none.svd") as (port, report),
        closing(open_stream(port)) as stream,
    ):
        got = Device(stream).run(np.concatenate([a, b], axis=1).view(np.uint8), None, False, 10.0)
    x, y = expected(a, b)
    np.testing.assert_array_equal(got.outputs, np.concatenate([x, y], axis=1).view(np.uint8))
    assert report.problems == []
    assert program.read_bytes().count(b"SEGGER RTT") == 0, "a probe would find it where it is not"


def _wrong(text: str, replaced: str, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file of the firmware hold something else in one place."""
    original = sources._text

    def changed(path: Path) -> str:
        found = original(path)
        return found.replace(replaced, by, 1) if path == folder("firmware") / "platform" / text else found

    assert replaced in original(folder("firmware") / "platform" / text)
    monkeypatch.setattr(sources, "_text", changed)


F4, H7, NRF = (f"families/{name}/family.c" for name in ("stm32f4", "stm32h7", "nrf52"))
RP = "chips/rp2040/chip.h"
WRONG = [
    ("nucleo-f446re", "", "", "", "USART2.GTPR is used before RCC.APB1ENR.USART2EN"),
    ("nucleo-f446re", F4, "0x40023830u", "0x40023930u", "at 0x40023930, where the chip has no register"),
    ("nucleo-f446re", F4, "RCC_AHB1ENR |=", "RCC_AHB1ENR &=", "is used before RCC.AHB1ENR.GPIOAEN"),
    ("nucleo-h743zi", H7, "0x58020000u", "0x50020000u", "at pc="),
    ("rpi-pico", RP, "(1u << 22)", "(1u << 21)", "is used before RESETS.RESET.uart0"),
    ("nrf52840-dk", NRF, "0x4001E540u", "0x4001E550u", "at 0x4001e550, where the chip has no register"),
]
"""Board, file, what is changed in it (nothing: the UART's base), and what is found."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file", "replaced", "by", "problem"), WRONG)
def test_a_wrong_address_is_found(
    name: str,
    file: str,
    replaced: str,
    by: str,
    problem: str,
    tmp_path: Path,
    svd_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The simulation is worth something: a base address that is wrong, or a clock that is off, ends it."""
    board = with_console(load_target(name), "uart")
    if file:
        _wrong(file, replaced, by, monkeypatch)
    else:
        assert board.uart is not None
        board = replace(board, uart=replace(board.uart, base=board.uart.base + 0x10))
    program = _built(board, tmp_path)
    with (
        simulated(board, program, svd_root) as (port, report),
        closing(open_stream(port)) as stream,
        pytest.raises(ToolError),
    ):
        Device(stream)
    assert any(problem in found for found in report.problems), report.problems
