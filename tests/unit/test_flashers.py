"""Flashers: command lines, what is taken for which board, what is said when it fails. A gdb server is in
e2e/test_serial_boards.py."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import needs
import pytest

from edgeq.api.probes import find_probes, udev_rules
from edgeq.cli.monitor import readable
from edgeq.errors import CapacityError, ToolError, UsageError
from edgeq.flashers import FLASHERS, Flasher, Image, Plan, choose, flash, plan, table
from edgeq.flashers import uf2 as drives
from edgeq.flashers.complaints import explained
from edgeq.flashers.gdb import _sectors
from edgeq.flashers.rsp import _escaped, _unescaped
from edgeq.target import RunnerSpec, list_boards, load_board
from edgeq.target.flashers import FLASHER_KINDS

NUCLEO = load_board("nucleo-f446re")
PICO = load_board("rpi-pico")


def image(folder: Path, extra: bool = False) -> Image:
    for kind in ("elf", "hex", "bin", "uf2"):
        (folder / f"net.{kind}").write_bytes(kind.encode())
    (folder / "weights.bin").write_bytes(b"weights")
    more = ((0x90000000, folder / "weights.bin"),) if extra else ()
    forms = (folder / f"net.{kind}" for kind in ("elf", "hex", "bin", "uf2"))
    return Image(*forms, more, {0x08000000: b"x" * 100})


def steps(kind: str, folder: Path, spec: dict | None = None, extra: bool = False, port: str = "") -> list[str]:
    program = next(iter(FLASHERS[kind].programs), "")
    work = Plan(image(folder, extra), NUCLEO, RunnerSpec(kind, spec or {}), program, port)
    return [step.text.replace(f"{folder}/", "") for step in FLASHERS[kind].steps(work)]


def test_every_kind_is_there_and_every_board_has_one_that_fits() -> None:
    assert set(FLASHERS) == set(FLASHER_KINDS)
    for board in list_boards():
        assert board.flashers, board.name
        for spec in board.flashers:
            assert set(FLASHER_KINDS[spec.kind].settings) <= set(spec.settings)


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("pyocd", {"target": "stm32f446re"}, [
            "pyocd load --no-wait -t stm32f446re net.elf",
            "pyocd cmd --no-wait -t stm32f446re -c 'compare 0x8000000 net.bin' -c reset",
        ]),
        ("openocd", {"config": ("interface/stlink.cfg", "target/stm32f4x.cfg")}, [
            "openocd -f interface/stlink.cfg -f target/stm32f4x.cfg -c 'program {net.elf} verify reset exit'",
        ]),
        ("probe-rs", {"chip": "STM32F446RE"}, [
            "probe-rs download --verify --chip STM32F446RE net.elf",
            "probe-rs reset --chip STM32F446RE",
        ]),
        ("jlink", {"device": "STM32F446RE"}, [
            'write net.jlink: r; loadfile "net.hex"; verifybin "net.bin" 0x8000000; r; g; q',
            "JLinkExe -NoGui 1 -ExitOnError 1 -AutoConnect 1 -Device STM32F446RE -If SWD -Speed 4000 "
            "-CommandFile net.jlink",
        ]),
        ("stm32cubeprogrammer", {}, ["STM32_Programmer_CLI -c port=SWD mode=UR reset=HWrst -w net.hex -v -rst"]),
        ("picotool", {}, ["picotool load -f -v -x net.uf2"]),
        ("dfu-util", {"device": "0483:df11"}, [
            "dfu-util -d 0483:df11 -a 0 -s 0x8000000 -D net.bin",
            "remove net.back if it is there",
            "dfu-util -d 0483:df11 -a 0 -s 0x8000000:3:leave -U net.back",
            "compare net.back with net.bin",
        ]),
        ("uf2", {"family": 1, "volumes": ("RPI-RP2",)}, [
            "copy net.uf2 to the drive RPI-RP2, and wait until the board has started",
        ]),
        ("gdb", {}, ["gdb server at localhost:1234: load 100 bytes, compare them, start the program"]),
    ],
)  # fmt: skip
def test_command_lines(kind: str, spec: dict, expected: list[str], tmp_path: Path) -> None:
    assert steps(kind, tmp_path, spec) == expected


def test_command_line_with_a_port(tmp_path: Path) -> None:
    assert steps("bossac", tmp_path, port="/dev/ttyACM0") == ["bossac --port=ttyACM0 -U -i -e -w net.bin -R"]
    assert steps("gdb", tmp_path, {"server": "board:3333"})[0].startswith("gdb server at board:3333")
    assert steps("gdb", tmp_path, {"server": "board:3333"}, port="x:1")[0].startswith("gdb server at x:1")


def test_weights_apart(tmp_path: Path) -> None:
    """They are written to their own address, or refused."""
    assert "weights.bin@0x90000000" in steps("pyocd", tmp_path, {"target": "t"}, True)[1]
    assert "program {weights.bin} verify 0x90000000" in steps("openocd", tmp_path, {"config": ("a",)}, True)[0]
    assert "--base-address 0x90000000 weights.bin" in steps("probe-rs", tmp_path, {"chip": "c"}, True)[1]
    assert 'loadfile "weights.bin" 0x90000000' in steps("jlink", tmp_path, {"device": "c"}, True)[0]
    assert "-w weights.bin 0x90000000 -v" in steps("stm32cubeprogrammer", tmp_path, {}, True)[0]
    for kind, spec in (("uf2", {"family": 1}), ("picotool", {}), ("bossac", {}), ("dfu-util", {"device": "a:b"})):
        with pytest.raises(ToolError, match="weights"):
            steps(kind, tmp_path, spec, True)


def test_the_first_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    there: set[str] = set()
    monkeypatch.setattr(table.shutil, "which", lambda name: name if name in there else None)
    with pytest.raises(ToolError, match="nothing that flashes nucleo-f446re is installed") as caught:
        choose(NUCLEO, None)
    assert (
        "openocd: apt-get install openocd" in caught.value.hint
        and "pyocd: pip install edgeq[flash]" in caught.value.hint
    )
    there |= {"pyocd", "JLinkExe"}
    assert choose(NUCLEO, None)[0].kind == "pyocd"
    there.add("openocd")
    assert choose(NUCLEO, None)[0].kind == "openocd"
    assert choose(NUCLEO, "jlink")[1].text("device") == "STM32F446RE"
    assert choose(PICO, None)[0].kind == "uf2"  # which needs no program
    assert choose(NUCLEO, "gdb")[1].settings == {}
    with pytest.raises(UsageError, match="unknown runner 'pyocdd'"):
        choose(NUCLEO, "pyocdd")
    with pytest.raises(UsageError, match="does not say what dfu-util needs to know"):
        choose(NUCLEO, "dfu-util")
    with pytest.raises(UsageError, match="it is not known how x is flashed"):
        choose(replace(NUCLEO, name="x", flashers=()), None)


def test_image_that_does_not_fit(tmp_path: Path) -> None:
    small = replace(image(tmp_path), parts={0x08000000: bytes(0x80001)})
    with pytest.raises(CapacityError, match="524289 bytes at 0x8000000, where the flash has 524288"):
        plan(NUCLEO, small, "gdb", None)
    with pytest.raises(CapacityError, match="does not fit nucleo-f446re"):
        plan(NUCLEO, replace(small, parts={0: b"x"}), "gdb", None)
    away = replace(image(tmp_path, True), parts={0x08000000: b"x", 0x90000000: b"weights"})
    assert plan(NUCLEO, away, "gdb", None)[0].kind == "gdb"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("No connected debug probes", "there is no probe"),
        ("0001763 E No target device available [load_cmd]", "there is no probe"),
        ("Error: open failed\nin procedure 'program'\n** OpenOCD init failed **", "there is no probe"),
        ("Error: unable to find a matching CMSIS-DAP device", "there is no probe"),
        ("dfu-util: No DFU capable USB device available", "there is no probe"),
        ("Error: No connected probes were found.", "there is no probe"),
        ("Connecting to J-Link via USB...FAILED: Cannot connect", "there is no probe"),
        ("Error: No debug probe detected.", "there is no probe"),
        ("No accessible RP-series devices in BOOTSEL mode were found.", "there is no probe"),
        ("libusb_open() failed with LIBUSB_ERROR_ACCESS", "you may not use the probe"),
        ("nRF52840 APPROTECT enabled: not automatically unlocking", "the chip is locked"),
        ("Error: Device Security Bit Set: device is secured", "the chip is locked"),
        ("** Verify Failed **\nError: checksum mismatch", "not what was written"),
        ("Mismatched byte at 0x08000010 (offset 0x10): 0xff (memory) != 0x00 (file)", "not what was written"),
        ("Warn : UNEXPECTED idcode: 0x0bc11477", "wrong chip"),
        ("Error: expected 1 of 1: 0x2ba01477 ... UNEXPECTED: 0x0bc11477", "wrong chip"),
        ("Error: Cannot identify target as an STM32 family.", "wrong chip"),
        ("Error: init mode failed (unable to connect to the target)", "does not reach the chip"),
        ("Error: no flash bank found for address 0x90000000", "does not fit"),
    ],
)
def test_what_programs_complain_of(said: str, message: str) -> None:
    found = explained(f"something\n{said}\n")
    assert found is not None and message in found.message and found.hint


def _fake(folder: Path, name: str, says: str, code: int) -> str:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\nprint({says!r})\nsys.exit({code})\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [
        ("all fine", 0, ""),
        ("No connected debug probes", 1, "there is no probe"),
        ("Mismatched byte at 0x0", 0, "what is in the board is not what was written"),
        ("it rains", 3, "pyocd failed with exit code 3"),
    ],
)
def test_a_program_that_is_called(says: str, code: int, message: str, tmp_path: Path) -> None:
    program = _fake(tmp_path, "pyocd", says, code)
    work = Plan(image(tmp_path), NUCLEO, RunnerSpec("pyocd", {"target": "t"}), program)
    told: list[str] = []
    done = FLASHERS["pyocd"].steps(work)
    if not message:
        flash(FLASHERS["pyocd"], done, told.append)
        assert told == [step.text for step in done]
        return
    with pytest.raises(ToolError, match=message) as caught:
        flash(FLASHERS["pyocd"], done, told.append)
    assert says in caught.value.hint


REAL = {
    "pyocd": ({"target": "nrf52840"}, "there is no probe"),
    "openocd": ({"config": ("interface/cmsis-dap.cfg", "target/nrf52.cfg")}, "there is no probe"),
    "dfu-util": ({"device": "0483:df11"}, "there is no probe"),
}


@pytest.mark.parametrize("kind", REAL)
def test_the_real_program_takes_the_command_line(kind: str, tmp_path: Path) -> None:
    """As far as it goes without a board."""
    program = shutil.which(kind)
    if program is None:
        pytest.skip(f"{needs.OPTIONAL}{kind} is not installed ({FLASHERS[kind].install})")
    if find_probes():
        pytest.skip(f"{needs.OPTIONAL}there is a probe, which this would write to")
    spec, message = REAL[kind]
    for step in FLASHERS[kind].steps(Plan(image(tmp_path), NUCLEO, RunnerSpec(kind, spec), program)):
        if step.command:
            with pytest.raises(ToolError, match=message):
                flash(FLASHERS[kind], [step])


def test_a_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board starts once it has the file, and then its drive is gone."""
    source = image(tmp_path).uf2
    assert source is not None
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    with pytest.raises(ToolError, match="there is no drive RPI-RP2"):
        drives.copy_to_drive(source, ["RPI-RP2"], "RPI-RP2", [drive])
    (drive / drives.INFO).write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
    assert drives.drives(["RPI-RP2"], [drive]) == [drive] and drives.drives(["RP2350"], [drive]) == []

    def board() -> None:
        until = time.monotonic() + 5
        while not (drive / source.name).is_file() and time.monotonic() < until:
            time.sleep(0.01)
        (drive / drives.INFO).unlink()

    thread = threading.Thread(target=board)
    thread.start()
    drives.copy_to_drive(source, ["RPI-RP2"], "RPI-RP2", [drive])
    thread.join()
    assert (drive / source.name).read_bytes() == b"uf2"
    (drive / drives.INFO).write_text("Board-ID: RPI-RP2\n")
    monkeypatch.setattr(drives, "SECONDS", 0.1)
    with pytest.raises(ToolError, match="the board has not started"):
        drives.copy_to_drive(source, ["RPI-RP2"], "RPI-RP2", [drive])
    other = tmp_path / "RP2"
    shutil.copytree(drive, other)
    with pytest.raises(ToolError, match="there are 2 such drives"):
        drives.copy_to_drive(source, [], "of the boot loader", [drive, other])


def test_read_back_by_dfu_util(tmp_path: Path) -> None:
    work = Plan(image(tmp_path), NUCLEO, RunnerSpec("dfu-util", {"device": "0483:df11"}), "dfu-util")
    compare = FLASHERS["dfu-util"].steps(work)[-1].action
    assert compare is not None
    (tmp_path / "net.back").write_bytes(b"bin")
    compare()
    (tmp_path / "net.back").write_bytes(b"bim")
    with pytest.raises(ToolError, match="not what was written"):
        compare()


def test_packets_of_gdb() -> None:
    assert _escaped(b"a#$}*b") == b"a}\x03}\x04}]}\x0ab"
    assert _unescaped(b"a}\x03}\x04}]}\x0ab") == b"a#$}*b"
    assert _unescaped(b"0* ") == b"0000"
    xml = (
        '<?xml version="1.0"?><!DOCTYPE memory-map PUBLIC "x" "y"><memory-map>'
        '<memory type="flash" start="0x08000000" length="0x80000"><property name="blocksize">0x4000</property></memory>'
        '<memory type="ram" start="0x20000000" length="0x20000"/></memory-map>'
    )
    assert _sectors(xml) == [(0x08000000, 0x08080000, 0x4000)]
    assert _sectors("") == [] and _sectors("<broken") == []


def test_probes_on_usb(tmp_path: Path) -> None:
    def device(name: str, **files: str) -> None:
        (tmp_path / "devices" / name).mkdir(parents=True)
        for key, text in files.items():
            (tmp_path / "devices" / name / key).write_text(f"{text}\n")

    device("1-1", idVendor="0483", idProduct="374b", product="STM32 STLink", busnum="1", devnum="7")
    device("1-2", idVendor="dead", idProduct="beef", product="My CMSIS-DAP v2", busnum="1", devnum="8")
    device("1-3", idVendor="dead", idProduct="beef", product="A mouse", busnum="1", devnum="9")
    device("1-4", idVendor="1366", idProduct="1015", busnum="2", devnum="3")
    (tmp_path / "nodes" / "001").mkdir(parents=True)
    (tmp_path / "nodes" / "001" / "007").touch()
    found = find_probes(tmp_path / "devices", tmp_path / "nodes")
    assert found is not None
    assert [(probe.name, probe.usb, probe.usable) for probe in found] == [
        ("STM32 STLink", "0483:374b", True),
        ("My CMSIS-DAP v2", "dead:beef", False),
        ("J-Link", "1366:1015", False),
    ]
    assert find_probes(tmp_path / "none") is None


def test_rules_for_udev() -> None:
    lines = udev_rules().splitlines()
    assert 'SUBSYSTEMS=="usb", ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", MODE="0660", TAG+="uaccess"' in lines
    assert all(line.startswith(("#", 'SUBSYSTEMS=="usb", ATTRS{')) for line in lines)


def test_what_a_monitor_shows() -> None:
    assert readable(b"ready\r\n\x1b[2J\xff\0") == "ready\n\\x1b[2J\\xff\\x00"


def test_commands_of_the_documentation() -> None:
    """Boards that it builds for are there, and are flashed by what it says; a serial line is asked where there is
    one."""
    page = (Path(__file__).parents[2] / "docs" / "flashing.md").read_text("utf-8")
    boards = []
    for line in re.findall(r"^\$ edgeq (.*?)(?:  +#.*)?$", page, re.MULTILINE):
        words = line.split()
        options = dict(pairwise(words))
        if words[0] == "build":
            boards.append(load_board(options["--board"]))
        if "--runner" in options and boards:
            assert options["--runner"] in [spec.kind for spec in boards[-1].flashers], line
        if words[0] == "verify" and options.get("--port") == "auto":
            assert boards[-1].uart is not None and boards[-1].uart.usb, line
    assert len({board.name for board in boards}) > 7


def test_names_are_unique() -> None:
    assert all(isinstance(flasher, Flasher) and flasher.kind == kind for kind, flasher in FLASHERS.items())
