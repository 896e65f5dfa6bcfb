"""Target files: what is in those that exist, and what is said of wrong ones."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq.errors import UsageError
from edgeq.resources import folder
from edgeq.target import (
    Region,
    Speed,
    Target,
    Uart,
    is_file_name,
    list_boards,
    list_targets,
    load_board,
    load_target,
    load_target_file,
    target_name,
    target_text,
    with_console,
)
from edgeq.target.flashers import FLASHER_KINDS
from edgeq.target.runners import RUNNER_KINDS
from edgeq.target.schema import CONSOLES, COUNTERS, KEYS, PROVED, SYSTEMS
from edgeq.target.uart import KEYS as UART_KEYS
from edgeq.target.uart import pin_number

CPUS = ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "host"]
UART = "clock_hz = 1000\n[uart]\ndriver = 'nrf'\nbase = 16\n"
BASE = 'description = "x"\nfamily = "host"\ncpu = "x"\n'


def _file(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_every_file_is_valid() -> None:
    names = [t.name for t in list_targets()]
    assert [n for n in names if n in CPUS] == CPUS
    assert {"mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"} <= {t.name for t in list_boards()}


@pytest.mark.parametrize("target", [*list_targets(), *list_boards()], ids=lambda t: t.name)
def test_targets_are_complete(target: Target) -> None:
    """What compilers, linker script and emulator rely on."""
    assert "zig" in target.flags
    assert set(target.compilers) <= set(target.flags)
    assert set(target.packages) <= set(target.compilers)
    assert target.speed or target.counter == "ns", "a profile is to say how long it takes"
    if target.bare_metal:
        for one, other in itertools.combinations(target.memory.values(), 2):
            assert one.end <= other.origin or other.end <= one.origin
        ram = target.memory["ram"]
        assert 0 < target.stack_bytes < ram.size
        # The guard below the stack is an MPU region of 1 KB, which must lie at a multiple of its size.
        assert ram.origin % 0x400 == 0


def test_cpu_by_name_alias_and_board() -> None:
    by_name, by_alias, board = load_target("cortex-m4"), load_target("cortex-m"), load_target("mps2-an386")
    assert by_name == by_alias
    assert by_name.name == "cortex-m4" and board.name == "mps2-an386"
    assert by_name.isa == board.isa == {"thumb", "thumb2", "simd32", "dsp", "fpu"}
    regions = {"flash": Region(0, 0x400000), "ram": Region(0x20000000, 0x400000)}
    assert by_name.memory == board.memory == {**regions, "weights": Region(0x21000000, 0x1000000)}
    assert by_name.flags["gcc"] == ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")


def test_cortex_m0plus_runs_on_a_cortex_m3_but_is_none() -> None:
    target = load_target("cortex-m0plus")
    assert target.runners[0].text("machine") == "mps2-an385"
    assert target.isa == {"thumb"}
    assert target.flags["gcc"][0] == "-mcpu=cortex-m0plus"


def test_timer_of_an_emulator() -> None:
    assert load_target("cortex-m4").platform_defines == ("EQ_TICK_NS=40u", "EQ_TICKS=1u")
    assert load_target("cortex-m55").platform_defines == ("EQ_TICK_NS=125u", "EQ_TICKS=4u")
    assert load_target("host").platform_defines == ("EQ_LINK",)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cortex-m5", "did you mean"),
        ("mps2-an387", "mps2-an38"),
        ("z", "cortex-m, cortex-m0plus,"),
    ],
)
def test_unknown_target(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"unknown target '{name}'") as caught:
        load_target(name)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE, "there is no compiler"),
        (BASE + "[flags]\ngcc = []\n[compilers]\nclang = 'clang'\n", "there is no compiler"),
        (BASE + "clock = 1\n", "unknown key 'clock'"),
        (BASE + "isa = 'dsp'\n", "'isa' must be a list of texts"),
        (BASE + "clock_hz = -1\n", "'clock_hz' must be a number of Hz"),
        (BASE + "clock_hz = true\n", "'clock_hz' must be a number of Hz"),
        (BASE + "[memory]\nram = { origin = 0 }\n", "'memory' must be a table of regions"),
        (BASE + "[flags]\nicc = []\n", "'flags' must be a table"),
        (BASE + "[runner]\nhost = 1\n", "'runner' must be a table of runners"),
        (BASE + "[runner.hots]\n", "unknown runner 'hots'"),
        (BASE + "[runner.host]\nport = 1\n", "runner.host: unknown key 'port'"),
        (BASE + "[runner.qemu-system]\nmachine = 1\n", "runner.qemu-system: 'machine' must be a text"),
        (BASE + "[runner.qemu-system]\nmachine = 'x'\n", "runner.qemu-system: the key 'program' is missing"),
        (
            BASE + "[runner.qemu-system]\nmachine = 'x'\nprogram = 'x'\npackage = 'x'\n",
            "runner.qemu-system runs programs for system 'none', not 'native'",
        ),
        (BASE.replace('family = "host"', 'family = "cortex"'), "unknown family 'cortex'"),
        (BASE + "isa = ['thumb', 'dps']\n", "isa: unknown feature 'dps'"),
        (BASE + "system = 'windows'\n", "system = 'windows' is not known"),
        (BASE.replace('"x"', '"two\\nlines"'), "'description' must be a text of one line"),
        (BASE + "counter = 'miles'\n", "counter = 'miles' is not known"),
        (BASE + "counter = 'instructions'\n", "needs clock_hz"),
        (BASE.replace('family = "host"', 'family = "cortex-m"'), "memory needs the regions 'flash' and 'ram'"),
        (BASE.replace('cpu = "x"\n', ""), "the key 'cpu' is missing"),
        (BASE + "extends = 'nothing'\n", "refers to 'nothing', which does not exist"),
        (BASE + "extends = 'mine'\n", "refers to 'mine', which does not exist"),
        (BASE + "extends = 'mine.toml'\n", "extends itself"),
        (BASE + "board =\n", "cannot be read"),
        (BASE + "speed = { clock_mhz = 0, cpi = 1, part = 'x' }\n", "'speed' must be a table of clock_mhz, cpi"),
        (BASE + "speed = { clock_mhz = 1, cycles = 1 }\n", "'speed' must be a table"),
        (BASE + "speed = { clock_mhz = 1, part = 'x' }\n", "speed needs clock_mhz and cpi and part"),
        (BASE + "proved = 'tested'\n", "proved = 'tested' is not known"),
        (BASE + "console = 'usb'\n", "console = 'usb' is not known"),
        (BASE + "console = 'uart'\n", "needs the table [uart]"),
        (BASE + "[uart]\nport = 1\n", "'uart' must be a table of driver, base, baud"),
        (BASE + UART.replace("clock_hz = 1000", ""), "uart needs clock_hz"),
        (BASE + UART.replace("base = 16", ""), "uart: the key 'base' is missing"),
        (BASE + UART + "baud = 0\n", "'uart' must be a table"),
        (BASE + UART + "tx = 'PA16'\n", "uart: tx = 'PA16' is no pin"),
        (BASE + UART + "usb = ['483:374b']\n", "uart: usb has '483:374b'"),
        (BASE + "[flash]\npyocd = 1\n", "'flash' must be a table of ways to flash"),
        (BASE + "[flash.openodc]\n", "unknown way to flash 'openodc'"),
        (BASE + "[flash.openocd]\nconfig = 'x'\n", "flash.openocd: 'config' must be a list of texts"),
        (BASE + "[flash.pyocd]\n", "flash.pyocd: the key 'target' is missing"),
    ],
)
def test_wrong_file(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_target_file(_file(tmp_path, text))
    assert message in caught.value.message
    assert caught.value.where == "mine.toml"


def test_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_target_file(_file(tmp_path, BASE + "clock_hertz = 1\n"))
    assert caught.value.hint == "did you mean clock_hz?"


@pytest.mark.parametrize("target", [*list_targets(), *list_boards()], ids=lambda t: t.name)
def test_a_target_as_one_file(target: Target, tmp_path: Path) -> None:
    """It needs no other, and is written in one way only."""
    file = _file(tmp_path, target_text(target), "x")
    assert load_target_file(file) == target
    assert target_text(load_target_file(file)) == target_text(target)


def test_any_text_in_a_target(tmp_path: Path) -> None:
    odd = replace(load_target("host"), description='é "x" \\ 😀', memory={"my own": Region(1, 2)}, isa=frozenset())
    odd = replace(odd, speed=Speed(0.1, 1e-7, "'"), vectors=0, defines=('A="b"',))
    odd = replace(odd, uart=Uart("nrf", 16, tx="P0.01", usb=("0000:0000",)), clock_hz=1, sources=('"',))
    assert load_target_file(_file(tmp_path, target_text(odd))) == odd


def test_families_say_what_all_of_their_targets_share() -> None:
    m4, host = load_target("cortex-m4"), load_target("host")
    assert m4.bare_metal and not m4.native and m4.suffix == ".elf" and m4.stack_bytes == 0x4000
    assert m4.link == {"gcc": ("-nostartfiles",)} and m4.platform[0] == "cores/cortex-m"
    assert host.native and not host.bare_metal and host.suffix == "" and host.link == {}
    assert [spec.kind for spec in host.runners] == ["host"]


def test_a_file_may_have_the_name_of_what_it_extends(tmp_path: Path) -> None:
    text = 'description = "mine"\nextends = "mps2-an386"\nstack_bytes = 4096\n'
    target = load_target(str(_file(tmp_path, text, "mps2-an386")))
    assert target == replace(load_target("mps2-an386"), description="mine", stack_bytes=4096)


def test_file_beside_it(tmp_path: Path) -> None:
    _file(tmp_path, 'description = "base"\nextends = "mps2-an386"\nstack_bytes = 4096\n', "base")
    for reference in ("base", "base.toml", "./base.toml"):
        own = _file(tmp_path, f'description = "own"\nextends = "{reference}"\n', "own")
        assert load_target_file(own).stack_bytes == 4096


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    for size in (4096, 8192):
        own = _file(tmp_path, f'description = "own"\nextends = "mps2-an386"\nstack_bytes = {size}\n')
        assert load_target_file(own).stack_bytes == size


@pytest.mark.parametrize(
    ("name", "number"),
    [("PA0", 0), ("PD9", 57), ("PK15", 175), ("P0.06", 6), ("P1.11", 43), ("GP0", 0), ("GP25", 25), ("P801", 129),
     ("PB00", 176), ("PF00", None), ("PL1", None), ("P2.00", None), ("GP", None), ("", None)],
)  # fmt: skip
def test_pins_as_makers_call_them(name: str, number: int | None) -> None:
    assert pin_number(name) == number


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("nucleo-f446", "unknown board 'nucleo-f446'", "did you mean nucleo-f446re?"),
        ("F446RE", "unknown board 'F446RE'", "did you mean nucleo-f446re?"),
        ("nrf52840dk", "unknown board", "did you mean nrf52840-dk?"),
        ("rpi-pico3", "unknown board", "rpi-pico"),
        ("zzz", "unknown board 'zzz'", "the boards are arduino-nano-33-ble,"),
        ("esp32", "the board 'esp32' is not supported: its core is an Xtensa", "--board FILE.toml"),
        ("ESP32-C3-DevKit", "is not supported: its core is a RISC-V", "--board FILE.toml"),
        ("arduino-uno", "is not supported: its AVR", "--board FILE.toml"),
        ("cortex-m4", "unknown board 'cortex-m4'", "--board FILE.toml"),
    ],
)
def test_boards_that_are_not_there(name: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_board(name, "--board")
    assert message in caught.value.message and hint in caught.value.hint and caught.value.where == "--board"


def test_boards_by_alias_and_file(tmp_path: Path) -> None:
    assert load_board("pico").name == "rpi-pico" and load_target("pico").name == "rpi-pico"
    own = _file(tmp_path, 'description = "x"\nextends = "rpi-pico"\n')
    assert load_board(str(own)).name == own.stem


def test_a_part_takes_the_place_of_the_one_in_the_same_folder(tmp_path: Path) -> None:
    text = 'description = "x"\nextends = "mps2-an386"\nparts = ["families/nrf51", "timers/nrf-timer"]\n'
    own = load_target_file(_file(tmp_path, text))
    assert own.platform == (
        *("cores/cortex-m", "timers/nrf-timer", "consoles/semihosting", "programs/files", "layouts/flash-ram"),
        "families/nrf51",
    )
    assert "EQ_CLOCK_HZ=25000000u" in own.platform_defines


def test_console_of_a_target() -> None:
    board = load_target("netduinoplus2")
    assert with_console(board, None) == board and with_console(load_target("host"), None) == load_target("host")
    by_uart = with_console(board, "uart")
    assert {"consoles/uart", "uarts/stm32-v1"} <= set(by_uart.platform) and by_uart.console == "uart"
    assert {"programs/link", "links/serial"} <= set(by_uart.platform)
    assert not {"consoles/semihosting", "programs/files"} & set(by_uart.platform)
    told = ("EQ_UART_BASE=0x40011000u", "EQ_UART_BAUD=115200u", "EQ_UART_TX=22u", "EQ_UART_RX=23u")
    assert by_uart.platform_defines[-6:] == ("EQ_CLOCK_HZ=168000000u", *told, "EQ_UART_FUNCTION=7u")
    by_probe = with_console(by_uart, "rtt")
    assert "uarts/rtt" in by_probe.platform and by_probe.platform_defines[-1] == "EQ_CLOCK_HZ=168000000u"
    assert set(with_console(by_uart, "semihosting").platform) == set(board.platform)
    assert with_console(replace(board, console="uart"), None) == by_uart
    nobody_emulates = with_console(load_target("nucleo-f446re"), "semihosting")
    assert {"programs/files", "links/serial"} <= set(nobody_emulates.platform) and nobody_emulates.answers
    assert nobody_emulates.platform_defines.count("EQ_LINK") == 1
    assert "EQ_LINK" not in with_console(nobody_emulates, "rtt").platform_defines
    assert not with_console(board, "semihosting").answers


@pytest.mark.parametrize(
    ("target", "name", "message"),
    [
        ("netduinoplus2", "usart", "unknown console 'usart'"),
        ("host", "uart", "--console is for microcontrollers"),
        ("x", "uart", "it is not known which UART x has"),
    ],
)
def test_console_that_a_target_does_not_have(target: str, name: str, message: str) -> None:
    without = replace(load_target("netduinoplus2"), name="x", uart=None)
    with pytest.raises(UsageError, match=message):
        with_console(without if target == "x" else load_target(target), name)


def test_names_of_targets() -> None:
    assert [is_file_name(n) for n in ("host", "a.toml", "a/b", "cortex-m4")] == [False, True, True, False]
    assert [target_name(n) for n in ("host", "a.toml", "a/b.c.toml")] == ["host", "a", "b.c"]


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_target_file(tmp_path / "none.toml")


def test_board_of_ones_own(tmp_path: Path) -> None:
    """It has the CPU's flags, but not the emulator that stands for the CPU."""
    text = """
description = "mine"
extends = "cortex-m4"
counter = "cycles"
clock_hz = 80_000_000
[memory]
flash = { origin = 0x08000000, size = 0x100000 }
ram = { origin = 0x20000000, size = 0x20000 }
"""
    target = load_target_file(_file(tmp_path, text))
    assert target.name == "mine" and target.cpu == "cortex-m4" and target.runners == ()
    assert target.flags == load_target("cortex-m4").flags
    assert target.memory["flash"] == Region(0x08000000, 0x100000)
    again = load_target_file(_file(tmp_path, 'description = "again"\nextends = "mine"\n[flags]\ngcc = []\n', "again"))
    assert again.clock_hz == 80_000_000 and again.flags["gcc"] == () and again.flags["zig"] == target.flags["zig"]


def test_speed_of_a_board_of_ones_own(tmp_path: Path) -> None:
    text = 'description = "mine"\nextends = "cortex-m4"\nboard = "mps2-an386"\n[speed]\nclock_mhz = 64\npart = "mine"\n'
    assert load_target_file(_file(tmp_path, text)).speed == Speed(64, 1.5, "mine")


def test_documentation_lists_every_key_part_and_runner() -> None:
    text = (Path(__file__).parents[2] / "docs" / "targets.md").read_text("utf-8")
    families = sorted((folder("targets") / "families").glob("*.toml"))
    parts = {part for target in list_targets() for part in target.platform}
    parts |= {part for board in list_boards() for part in with_console(board, "rtt").platform}
    parts |= {part for board in list_boards() if board.uart for part in with_console(board, "uart").platform}
    words = [*KEYS, *SYSTEMS, *COUNTERS, *CONSOLES, *PROVED, *RUNNER_KINDS, *FLASHER_KINDS, *UART_KEYS]
    for name in (*words, *parts, *(f.stem for f in families)):
        assert f"`{name}`" in text, name
