"""The link with a program of this machine: over pipes, TCP and a terminal; damaged frames and lost connections."""

from __future__ import annotations

import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import needs
import numpy as np
import pytest
from link_server import Server
from serial.urlhandler import protocol_socket
from tiny_firmware import FAILING, SPIN, build_tiny, expected

from edgeq.errors import ToolError, UsageError
from edgeq.link import Device, device, open_stream
from edgeq.link.frames import Decoder, Frame, encode
from edgeq.link.stream import ProgramStream
from edgeq.target import load_target

SECONDS = 20.0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With sanitizers, which end it where it reads or writes what it should not."""
    needs.programs("gcc")
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    host = replace(load_target("host"), flags={"gcc": flags})
    return build_tiny(tmp_path_factory.mktemp("link") / "tiny", host, "gcc", profile=True).path


@pytest.fixture(scope="module")
def server(program: Path) -> Iterator[Server]:
    with closing(Server([program, "link"])) as found:
        yield found


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyserial waits 0.3 s whenever it closes a socket."""
    monkeypatch.setattr(protocol_socket, "time", SimpleNamespace(sleep=lambda seconds: None))


def records(count: int, seed: int = 1) -> np.ndarray:
    found = np.random.default_rng(seed).integers(0, 256, (count, 8)).astype(np.uint8)
    found[:, 0] &= 63  # nothing that the model misbehaves at
    return found


def outputs(found: np.ndarray) -> np.ndarray:
    x, y = expected(found[:, :5].view(np.int8), found[:, 5:].view(np.int8))
    return np.concatenate([x, y], axis=1).view(np.uint8)


def check(port: str, count: int = 3, seed: int = 1) -> None:
    """The device answers, and rightly."""
    with closing(open_stream(port)) as stream:
        asked = records(count, seed)
        np.testing.assert_array_equal(Device(stream).run(asked, None, True, SECONDS).outputs, outputs(asked))


def test_a_program_over_pipes(program: Path) -> None:
    with closing(ProgramStream([program, "link"])) as stream:
        tiny = Device(stream)
        info = tiny.info
        assert (info.name, info.identity, info.layers, info.arena_bytes) == ("tiny", "0123456789abcdef", 3, 64)
        assert (info.input_bytes, info.output_bytes, info.states, info.profiles) == (8, 8, False, True)
        told: list[tuple[int, int]] = []
        asked = records(200)
        found = tiny.run(asked, None, True, SECONDS, lambda done, total: told.append((done, total)))
        np.testing.assert_array_equal(found.outputs, outputs(asked))
        assert found.arena == 43 and found.stack == 0  # as far as outputs reach; what a computer does not know
        assert told[0] == (1, 200) and told[-1] == (200, 200) and len(told) < 10
        assert tiny.run(asked[:0], None, False, SECONDS).outputs.shape == (0, 8)
        for data in (bytes(500), bytes(range(256)) * 2, b"\xff" * 512, b""):
            assert tiny.echo(data) == data
        asked[50, 0] = FAILING
        with pytest.raises(ToolError, match="the model reported an error"):
            tiny.run(asked, None, False, SECONDS)
        tiny.reset()
        np.testing.assert_array_equal(tiny.run(asked[:1], None, False, SECONDS).outputs, outputs(asked[:1]))


def test_inputs_larger_than_a_request(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One inference after the other, its input in several requests and its outputs in several answers."""
    with closing(ProgramStream([program, "link"])) as stream:
        tiny = Device(stream)
        monkeypatch.setattr(device, "_READ_BYTES", 3)
        tiny.info = replace(tiny.info, data_bytes=3)
        asked = records(5)
        np.testing.assert_array_equal(tiny.run(asked, 2, True, SECONDS).outputs, outputs(asked))
        with pytest.raises(ToolError, match="has forgotten its input"):
            tiny._ask(device.Command.RUN, b"\0")


def test_profile(program: Path) -> None:
    spinning = np.array([SPIN, 0, 0, 0, 0, 255, 255, 0], np.uint8)
    with closing(ProgramStream([program, "link"])) as stream:
        tiny = Device(stream)
        table = tiny.profile(spinning, 3, SECONDS)
        short = np.where(spinning == 255, 0, spinning)
        sequence = tiny.profile(np.stack([spinning, short, spinning]), 3, SECONDS)
        tiny.info = replace(tiny.info, profiles=False)
        with pytest.raises(ToolError, match="does not time its layers"):
            tiny.profile(spinning, 1, SECONDS)
    assert table.shape == (1 + 3 * 5,)
    layers = np.median(table[1:].reshape(3, 5), axis=0)
    assert layers[2] > 20 * layers[1]  # the second layer counts to 65535
    long, less, again = sequence[1:].reshape(3, 5)[:, 2]
    assert min(long, again) > 2 * less  # each step is another inference


def test_a_terminal(program: Path) -> None:
    """A pseudo terminal is to pyserial what a serial port is."""
    tty = pytest.importorskip("tty", reason=f"{needs.OPTIONAL}no terminals on this system")
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    port = os.ttyname(slave)
    with subprocess.Popen([program, "link"], stdin=master, stdout=master) as process:
        check(port, 100)
        with closing(open_stream(port)) as stream:
            with pytest.raises(ToolError, match="another program uses this port"):
                open_stream(port)
            process.kill()
            os.close(master)
            with pytest.raises(ToolError, match="the connection was lost"):
                Device(stream)
    os.close(slave)
    with pytest.raises(ToolError, match="there is no such port"):
        open_stream(port)


REMOTE = """
import serial, serial.rfc2217, socket, sys, threading
port = serial.serial_for_url(sys.argv[1], timeout=0.02)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
class Link:
    write = staticmethod(connection.sendall)
manager = serial.rfc2217.PortManager(port, Link)
def back():
    while True:
        if data := port.read(port.in_waiting or 1):
            connection.sendall(b"".join(manager.escape(data)))
threading.Thread(target=back, daemon=True).start()
while data := connection.recv(4096):
    port.write(b"".join(manager.filter(data)))
"""


def test_a_port_of_another_machine(server: Server, tmp_path: Path) -> None:
    """RFC 2217, as pyserial's own server speaks it."""
    (tmp_path / "remote.py").write_text(REMOTE)
    words = [sys.executable, tmp_path / "remote.py", server.port]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as remote:
        assert remote.stdout is not None
        check(f"rfc2217://127.0.0.1:{int(remote.stdout.readline())}", 100)
        remote.kill()


def test_what_is_no_port(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="there is no such port"):
        open_stream(str(tmp_path / "ttyACM7"))
    with pytest.raises(UsageError, match="cannot be a port"):
        open_stream("carrier-pigeon://home")
    with pytest.raises(ToolError, match="nothing accepts a connection there"):
        open_stream("socket://127.0.0.1:1")
    with pytest.raises(UsageError, match="there is no program to start"):
        open_stream("stdio")
    with pytest.raises(ToolError, match="is not there"):
        open_stream("stdio", program=tmp_path / "none")


def talker(text: bytes) -> list[str | Path]:
    """A program that says something and then only listens."""
    code = f"import sys\nsys.stdout.buffer.write({text!r})\nsys.stdout.flush()\nsys.stdin.read()"
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "nothing answers"),
        (b"Hello from blinky 1.2\r\n", "Hello from blinky 1.2"),
        (bytes(range(128, 256)) * 20, "at another speed than"),
        (encode(b"\x81\0\0\0" + bytes(40)), "at another speed than"),
        (b"edgeq: fault: bad luck: pc=0x00000010\n", "reported a fault"),
    ],
)
def test_what_is_no_device(said: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "QUICK", 0.05)
    monkeypatch.setattr(device, "FIRST_TRIES", 2)
    start = time.monotonic()
    with closing(ProgramStream(talker(said))) as stream, pytest.raises(ToolError, match=message):
        time.sleep(0.3)  # it is said while nobody has asked
        monkeypatch.setattr(Device, "_quiet", lambda self: None)
        Device(stream)
    assert time.monotonic() - start < 10


def test_a_program_that_ends() -> None:
    with closing(ProgramStream([sys.executable, "-c", "import sys; sys.exit('it rains')"])) as stream:
        with pytest.raises(ToolError, match="the program ended with exit code 1") as caught:
            Device(stream)
        assert caught.value.hint == "it rains"


def test_a_device_that_falls_silent(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call hangs: neither when nothing comes, nor when an inference does not end."""
    with closing(ProgramStream([program, "link"])) as stream:
        tiny = Device(stream)
        monkeypatch.setattr(device, "QUICK", 0.05)
        monkeypatch.setattr(stream, "write", lambda data: None)
        start = time.monotonic()
        with pytest.raises(ToolError, match="nothing answers"):
            tiny.echo(b"x")
        assert time.monotonic() - start < 5


def frames(random_one: random.Random) -> Iterator[bytes]:
    """Requests, and what became of them: random bytes, truncated, flipped, doubled; and right frames of nonsense."""
    while True:
        body = random_one.randbytes(random_one.choice([0, 1, 4, 5, 6, 9, 200, 520, 700]))
        command = random_one.choice([*range(11), 128, 255])
        whole = encode(struct.pack("<BH", command, random_one.randrange(1 << 16)) + body)
        at = random_one.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << random_one.randrange(8)
        yield from (random_one.randbytes(at), whole[:at], whole[at:], bytes(flipped), whole + whole, whole)


def test_damaged_frames(server: Server, request: pytest.FixtureRequest) -> None:
    """Whatever arrives, the program answers a good request afterwards."""
    count = 10_000 if request.config.getoption("--full") else 600
    random_one = random.Random(7)
    source = frames(random_one)
    server.mangle = bytes
    for index in range(0, count, 100):
        with closing(open_stream(server.port)) as stream:
            for position in range(100):
                stream.write(next(source))
                if position % 6 == 5:
                    stream.read()
        check(server.port, 40, index)
    assert server.process.poll() is None


def test_a_line_that_loses_bytes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gets lost or changed is asked for again, and results are right."""
    random_one = random.Random(3)

    def mangle(data: bytes) -> bytes:
        changed = bytearray(data)
        if data and random_one.random() < 0.2:
            changed[random_one.randrange(len(data))] ^= 1 << random_one.randrange(8)
        elif data and random_one.random() < 0.05:
            del changed[random_one.randrange(len(data)) :]
        return bytes(changed)

    monkeypatch.setattr(device, "QUICK", 0.05)
    monkeypatch.setattr(device, "TRIES", 20)
    server.mangle = mangle
    try:
        for seed in range(3):
            check(server.port, 300, seed)
    finally:
        server.mangle = bytes


def test_lost_connections(server: Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ends after any number of bytes is an error at once, and the next one works."""
    count = 1000 if request.config.getoption("--full") else 30
    random_one = random.Random(5)
    server.mangle = bytes
    asked = records(150)
    lost = 0
    for index in range(count):
        server.room = random_one.choice([random_one.randrange(120), random_one.randrange(3000)])
        start = time.monotonic()
        try:
            with closing(open_stream(server.port)) as stream:
                Device(stream).run(asked, None, False, SECONDS)
        except ToolError as error:
            assert "connection was lost" in error.message, error
            lost += 1
        assert time.monotonic() - start < 5
        server.room = None
        check(server.port, 1, index)
    assert lost > count // 2
    assert server.process.poll() is None


def test_answers_of_the_firmware(program: Path) -> None:
    """What link.h says, without the code that usually asks."""
    with subprocess.Popen([program, "link"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None

        def answers(raw: bytes) -> list[bytes]:
            process.stdin.write(raw)
            process.stdin.flush()
            decoder, found = Decoder(), []
            while select.select([process.stdout], [], [], 0.1)[0]:
                found += decoder.feed(os.read(process.stdout.fileno(), 4096))
            assert decoder.pending == b""
            return [event.data for event in found if isinstance(event, Frame)]

        def ask(command: int, body: bytes = b"", number: int = 0x1234) -> list[bytes]:
            return answers(encode(struct.pack("<BH", command, number) + body))

        head = struct.pack("<BH", 0x80 | 9, 0x1234)
        assert ask(9, b"abc") == [head + b"\0abc"]
        assert answers(b"rubbish\0") == [b"\x80\0\0\x02"]
        assert answers(b"\0\0\0") == []
        assert ask(0x89, b"abc") == []  # an answer
        assert ask(77) == [struct.pack("<BHB", 0x80 | 77, 0x1234, 3)]
        assert ask(2, struct.pack("<I", 1) + bytes(8)) == [struct.pack("<BHB", 0x82, 0x1234, 3)]  # beyond the inputs
        assert ask(2, struct.pack("<I", 0xFFFFFFFF) + bytes(8)) == [struct.pack("<BHB", 0x82, 0x1234, 3)]
        assert ask(4, struct.pack("<IH", 8, 1)) == [struct.pack("<BHB", 0x84, 0x1234, 3)]
        assert ask(3, b"\0", 5) == [struct.pack("<BHB", 0x83, 5, 4)]  # nothing was written
        asked = records(1)
        assert ask(2, struct.pack("<I", 0) + asked[0, :7].tobytes()) == [struct.pack("<BHB", 0x82, 0x1234, 0)]
        assert ask(3, b"\0", 5) == [struct.pack("<BHB", 0x83, 5, 4)]  # nor all of it
        assert ask(2, struct.pack("<I", 6) + asked[0, 6:].tobytes()) == [struct.pack("<BHB", 0x82, 0x1234, 0)]
        done = struct.pack("<BHBII", 0x83, 5, 0, 0, 0)
        assert ask(3, b"\1", 5) == [struct.pack("<BHB", 0x83, 5, 1), done]
        assert ask(3, b"\1", 5) == [done]  # the same number: not done again, and the outputs are still there
        assert ask(4, struct.pack("<IH", 3, 5)) == [
            struct.pack("<BHB", 0x84, 0x1234, 0) + outputs(asked)[0, 3:].tobytes()
        ]
        assert ask(3, b"\1", 6) == [struct.pack("<BHB", 0x83, 6, 4)]  # the input is used up
        assert ask(5, b"\0" + bytes(7)) == [struct.pack("<BHB", 0x85, 0x1234, 3)]  # a part of an input
        assert ask(6, struct.pack("<IH", 6, 1)) == [struct.pack("<BHB", 0x86, 0x1234, 3)]  # there are 6 values
        process.stdin.close()
        assert process.wait(5) == 0
