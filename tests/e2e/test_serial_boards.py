"""Programs for boards that are asked over their emulated UART: by edgeq's own emulator, and at a port."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import needs
import numpy as np
import pytest
from command_line import DIGITS, SINE, edgeq, fails, succeeds
from elftools.elf.elffile import ELFFile
from emulated_port import emulator, free_port
from tiny_firmware import BAD_ADDRESS, SPIN, UNDEFINED, asking, build_tiny, expected

from edgeq.errors import ToolError
from edgeq.flashers import Image, Plan, rsp
from edgeq.flashers.gdb import load_by_server
from edgeq.link import Device, Probed, probe
from edgeq.link.probe import RttStream
from edgeq.runners import Program, profile, run, watch
from edgeq.target import RunnerSpec, Target, list_boards, load_board, with_console

pytestmark = pytest.mark.qemu
EMULATED = [board for board in list_boards() if board.runners and board.uart]
FEW = ("lm3s6965evb", "microbit", "mps2-an505", "mps3-an547", "netduinoplus2")
"""One board of each kind of UART and generation of cores."""


def at(program: Program, port: str) -> Program:
    """A program that runs already."""
    return replace(program, target=replace(program.target, runners=(RunnerSpec("serial", {"port": port}),)))


@pytest.mark.slow
@pytest.mark.parametrize("board", EMULATED, ids=lambda board: board.name)
def test_every_emulated_board(board: Target, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It boots, its results are right, its layers are timed, a fault is told."""
    if board.name not in FEW and not request.config.getoption("--full"):
        pytest.skip(f"{needs.OPTIONAL}with --full")
    needs.compiler(board, "gcc")
    tiny = build_tiny(tmp_path / "build", with_console(board, "uart"), "gcc", profile=True)
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 100, (90, 5)).astype(np.int8), rng.integers(-128, 128, (90, 3)).astype(np.int8)
    watched = watch(tiny, [a, b])
    for found, right in zip(watched.outputs, expected(a, b), strict=True):
        np.testing.assert_array_equal(found, right)
    assert watched.arena == 43 and watched.stack is not None and 0 < watched.stack < 400
    if board.counter == "instructions":
        spin = profile(tiny, asking(SPIN, 1000)).layers[1] - profile(tiny, asking(SPIN, 500)).layers[1]
        assert spin == 1000
    with pytest.raises(ToolError, match=r"fault: .* in eq_model_run"):
        run(tiny, asking(UNDEFINED))


def test_a_port_of_an_emulator(tmp_path: Path) -> None:
    """After a fault the device starts anew, and answers again."""
    board = with_console(next(board for board in EMULATED if board.name == "mps2-an386"), "uart")
    tiny = build_tiny(tmp_path / "build", board, "gcc")
    a, b = np.ones((3, 5), np.int8), np.ones((3, 3), np.int8)
    server = f"127.0.0.1:{free_port()}"
    with emulator(board, tiny.path, "-gdb", f"tcp:{server}") as port:
        for _ in range(2):
            np.testing.assert_array_equal(run(at(tiny, port), [a, b])[0], expected(a, b)[0])
            with pytest.raises(ToolError, match="fault: bad data address in eq_model_run"):
                run(at(tiny, port), asking(BAD_ADDRESS))
        wrong = Plan(Image(tiny.path), load_board("mps2-an505"), RunnerSpec("gdb"))
        with pytest.raises(ToolError, match="its core is a cortex-m4, which does not execute programs for cortex-m33"):
            load_by_server(server, wrong)
        other = replace(tiny, identity="fedcba9876543210")
        with pytest.raises(
            ToolError, match="the device has another model, or another build of it: tiny, 0123456789abcd"
        ):
            run(at(other, port), [a, b])
        nowhere = replace(wrong, target=board, image=Image(tiny.path, parts={0xB0000000: b"x"}))
        with pytest.raises(ToolError, match="memory at 0xb0000000 cannot be"):
            load_by_server(server, nowhere)  # which leaves the core halted


class GdbMemory:
    """The memory of a program that runs in QEMU, as pyOCD shows that of a chip: it halts for every access."""

    def __init__(self, address: str) -> None:
        self.address = address

    @contextmanager
    def _server(self) -> Iterator[rsp.Server]:
        """One that takes connections again a moment after the last."""
        for left in reversed(range(100)):
            try:
                server = rsp.Server(self.address)
                break
            except ToolError:
                if not left:
                    raise
                time.sleep(0.05)
        with closing(SimpleNamespace(close=lambda: server.close(running=True))):
            yield server

    def _read(self, at: int, size: int) -> bytes:
        with self._server() as server:
            return server.read(at, size)

    def read_memory_block8(self, at: int, size: int) -> list[int]:
        return list(self._read(at, size))

    def read_memory_block32(self, at: int, words: int) -> list[int]:
        return [int(word) for word in np.frombuffer(self._read(at, 4 * words), "<u4")]

    def read32(self, at: int) -> int:
        return self.read_memory_block32(at, 1)[0]

    def write_memory_block8(self, at: int, data: bytes) -> None:
        with self._server() as server:
            server.write(at, bytes(data))

    def write32(self, at: int, value: int) -> None:
        self.write_memory_block8(at, value.to_bytes(4, "little"))


def test_a_debug_probe(tmp_path: Path) -> None:
    """pyOCD's RTT, with QEMU's gdb server in place of a probe; what is said where there is none."""
    pytest.importorskip("pyocd", reason=f"{needs.OPTIONAL}pyocd is not installed (pip install edgeq[flash])")
    board = with_console(load_board("mps2-an386"), "rtt")
    tiny = build_tiny(tmp_path / "build", board, "gcc")
    with tiny.path.open("rb") as file:
        (buffers,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name("_SEGGER_RTT")
    server, around = f"127.0.0.1:{free_port()}", buffers["st_value"] - 100
    closed: list[bool] = []
    with emulator(board, tiny.path, "-gdb", f"tcp:{server}"):
        probed = Probed("cortex_m", "", around, 1000)
        with closing(RttStream("rtt", GdbMemory(server), probed, lambda: closed.append(True))) as stream:
            device = Device(stream)
            assert device.info.name == "tiny" and device.echo(bytes(range(256))) == bytes(range(256))
            a, b = np.arange(10, dtype=np.int8).reshape(2, 5), np.arange(6, dtype=np.int8).reshape(2, 3)
            records, right = (np.concatenate(parts, axis=1).view(np.uint8) for parts in ((a, b), expected(a, b)))
            np.testing.assert_array_equal(device.run(records, None, False, 20.0).outputs, right)
        assert closed == [True]
        nowhere = Probed("cortex_m", "", around, 16)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(ToolError, match="the device has no buffers for RTT"):
            patch.setattr(probe, "FIND_SECONDS", 0.0)
            RttStream("rtt", GdbMemory(server), nowhere)
    folder = tmp_path / "sine"
    succeeds("build", SINE, "--board", "nucleo-f446re", "--console", "rtt", "--no-compile", "--output", folder)
    fails(6, "verify", folder, "--port", "rtt:0123", says=("there is no debug probe",))


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    """A build for a UART is run by the emulator, or at a port; a device is told from another."""
    folder = tmp_path / "digits"
    succeeds("build", DIGITS, "--board", "mps2-an386", "--console", "uart", "--output", folder)
    exact = succeeds("verify", folder, "--data", DIGITS / "test.npz", "--samples", "20", "--json").json
    assert exact["mismatches"] == 0 and exact["samples"] == 20 and exact["top1_int8"] >= 90
    assert 0 < exact["stack_used_bytes"] < 2000 and 0 < exact["arena_used_bytes"] <= 4000
    costs = succeeds("profile", folder, "--volts", "3", "--amps", "0.01", "--json").json
    assert costs["unit"] == "instructions" and 150_000 < costs["total"] < 250_000
    assert costs["energy_uj"] == pytest.approx(30 * costs["estimate_ms"])
    board = with_console(next(board for board in EMULATED if board.name == "mps2-an386"), "uart")
    server = f"127.0.0.1:{free_port()}"
    with emulator(board, folder / "build" / "digits.elf", "-gdb", f"tcp:{server}") as port:
        assert succeeds("verify", folder, "--samples", "20", "--port", port, "--json").json["mismatches"] == 0
        ran = succeeds("run", folder, "--input", DIGITS / "test.npz", "--port", port, "--json").json
        assert ran["samples"] > 100
        fails(6, "profile", folder, "--port", port, says=("does not time its layers", "edgeq flash DIR --profile"))
        # Another model into the emulator that is running, and the first one once more, with a profile.
        sine = tmp_path / "sine"
        succeeds("build", SINE, "--board", "mps2-an386", "--console", "uart", "--output", sine)
        flashed = succeeds("flash", sine, "--runner", "gdb", "--port", server, "--json").json
        assert flashed["verified"] and flashed["done"] and flashed["runner"] == "gdb"
        assert succeeds("verify", sine, "--samples", "20", "--port", port, "--json").json["mismatches"] == 0
        fails(6, "verify", folder, "--port", port, says=("the device has another model", "edgeq flash DIR"))
        succeeds("flash", folder, "--profile", "--runner", "gdb", "--port", server)
        at_port = succeeds("profile", folder, "--port", port)
        assert "-icount shift=0" in at_port.err and "conv" in at_port.out.lower()
        said = succeeds("monitor", "--port", port, "--seconds", "0.2", "--json").json
        assert said == {"port": port, "baud": 115200, "text": ""}
    fails(6, "verify", folder, "--port", port, says=("nothing accepts a connection there",))
    gone = edgeq("flash", folder, "--port", server)
    assert gone.code == 6 and "there is no gdb server" in gone.err


def test_what_does_not_go_together(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    succeeds("build", DIGITS, "--target", "host", "--output", folder, "--no-compile")
    fails(2, "verify", folder, "--baud", "9600", says=("--baud is the speed of a serial port",))
    fails(2, "verify", folder, "--port", "auto", says=("it is not known which port host is at",))
    fails(2, "verify", folder, "--port", "rtt", says=("no debug probe reaches host",))
    fails(2, "verify", folder, "--port", "x", "--baud", "0", says=("--baud 0 is not a positive number",))
    fails(2, "profile", folder, "--volts", "3", says=("the energy needs --volts and --amps",))
    fails(6, "verify", folder, "--port", "stdio", says=("is not there",))
    fails(6, "verify", folder, "--board", "nucleo-f446re", says=("no port belongs to nucleo-f446re", "0483:374b"))
    assert edgeq("run", folder, "--input", DIGITS / "test.npz", "--board", "nucleo-f466re").code == 2
