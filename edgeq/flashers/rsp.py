"""A client for gdb servers: those of emulators and of debuggers (GDB manual, appendix Remote Protocol)."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

from edgeq.errors import ToolError

SECONDS = 10.0
"""How long a server may take for an answer; erasing flash takes longer."""
ERASE_SECONDS = 120.0
_CHUNK = 0x400
_UNASKED = re.compile(r"O([0-9a-f]{2})+|[TS][0-9a-f]{2}.*", re.DOTALL)
"""What a server prints, and that the core stands still: neither is what was asked for."""


class Server:
    """A connection, with the core halted."""

    def __init__(self, address: str) -> None:
        """Connect to HOST:PORT.

        Raises:
            ToolError: there is no such server.
        """
        host, _, port = address.rpartition(":")
        self.address = address
        try:
            self._socket = socket.create_connection((host or "localhost", int(port)), timeout=SECONDS)
        except (OSError, ValueError) as error:
            raise ToolError(
                f"there is no gdb server: {error}",
                hint="start one, such as qemu-system-arm … -gdb tcp::1234, openocd, or pyocd gdbserver, "
                "and give its --port HOST:PORT",
                where=address,
            ) from error
        self._received = b""
        self.features = self.ask("qSupported:swbreak+").split(";")
        self.ask("qXfer:features:read:target.xml:0,ffb")  # QEMU sets registers only for who has read their list

    def ask(self, packet: str, seconds: float = SECONDS) -> str:
        """Send a packet, and return the answer.

        Raises:
            ToolError: there is none.
        """
        return self.ask_bytes(packet.encode(), seconds)

    def ask_bytes(self, packet: bytes, seconds: float = SECONDS) -> str:
        """The same for a packet with binary data, escaped already."""
        framed = b"$" + packet + b"#" + f"{sum(packet) % 256:02x}".encode()
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(framed)
            return self._answer()
        except TimeoutError as error:
            hint = "is the board powered, and no other debugger connected?"
            raise ToolError("the gdb server does not answer", hint=hint, where=self.address) from error
        except OSError as error:
            raise ToolError(f"the gdb server is gone: {error}", where=self.address) from error

    def _answer(self) -> str:
        while True:
            start = self._received.find(b"$")
            end = self._received.find(b"#", start)
            if 0 <= start < end and len(self._received) >= end + 3:
                raw, self._received = self._received[start + 1 : end], self._received[end + 3 :]
                self._socket.sendall(b"+")
                text = _unescaped(raw).decode("latin-1")
                if not _UNASKED.fullmatch(text):
                    return text
                continue
            more = self._socket.recv(4096)
            if not more:
                raise OSError("it closed the connection")
            self._received += more

    def expect_ok(self, packet: bytes, what: str, seconds: float = SECONDS) -> None:
        """Send a packet that is to be answered with OK."""
        answer = self.ask_bytes(packet, seconds)
        if answer != "OK":
            raise ToolError(f"{what}: the gdb server answers {answer or 'that it cannot'}", where=self.address)

    def read(self, address: int, size: int) -> bytes:
        """Memory."""
        found = b""
        while len(found) < size:
            count = min(_CHUNK, size - len(found))
            answer = self.ask(f"m{address + len(found):x},{count:x}")
            try:
                part = bytes.fromhex(answer)
            except ValueError:
                part = b""
            if not part:
                raise ToolError(f"the memory at {address + len(found):#x} cannot be read", where=self.address)
            found += part
        return found

    def write(self, address: int, data: bytes) -> None:
        """Memory that is not flash."""
        for at in range(0, len(data), _CHUNK):
            part = data[at : at + _CHUNK]
            packet = f"M{address + at:x},{len(part):x}:{part.hex()}".encode()
            self.expect_ok(packet, f"the memory at {address + at:#x} cannot be written")

    def erase(self, address: int, size: int) -> None:
        """Flash, whole sectors."""
        self.expect_ok(f"vFlashErase:{address:x},{size:x}".encode(), "the flash cannot be erased", ERASE_SECONDS)

    def program(self, address: int, data: bytes) -> None:
        """Erased flash."""
        for at in range(0, len(data), _CHUNK):
            head = f"vFlashWrite:{address + at:x}:".encode()
            self.expect_ok(head + _escaped(data[at : at + _CHUNK]), "the flash cannot be written", ERASE_SECONDS)

    def done(self) -> None:
        """All flash is written."""
        self.expect_ok(b"vFlashDone", "the flash cannot be written", ERASE_SECONDS)

    def monitor(self, command: str) -> bool:
        """A command of the server's own; whether it takes it."""
        answer = self.ask(f"qRcmd,{command.encode().hex()}", ERASE_SECONDS)
        return not answer.startswith("E") and answer != ""

    def set_register(self, number: int, value: int) -> None:
        """A 32-bit register, by gdb's number."""
        self.expect_ok(f"P{number:x}={value.to_bytes(4, 'little').hex()}".encode(), "registers cannot be set")

    def memory_map(self) -> str:
        """XML about which memory is flash; empty where the server does not tell."""
        if "qXfer:memory-map:read+" not in self.features:
            return ""
        text = ""
        while True:
            answer = self.ask(f"qXfer:memory-map:read::{len(text):x},{_CHUNK:x}")
            text += answer[1:]
            if not answer.startswith("m"):
                return text

    def close(self, running: bool) -> None:
        """Let the core run, or leave it as it is, and disconnect."""
        with suppress(ToolError, OSError):
            if running:
                self.ask("D")
        self._socket.close()


def _escaped(data: bytes) -> bytes:
    return b"".join(bytes([0x7D, b ^ 0x20]) if b in b"#$}*" else bytes([b]) for b in data)


def _unescaped(raw: bytes) -> bytes:
    """A packet without escapes and repetitions."""
    found, at = bytearray(), 0
    while at < len(raw):
        if raw[at] == 0x7D and at + 1 < len(raw):
            found.append(raw[at + 1] ^ 0x20)
            at += 2
        elif raw[at : at + 1] == b"*" and found and at + 1 < len(raw):
            found += found[-1:] * (raw[at + 1] - 29)
            at += 2
        else:
            found.append(raw[at])
            at += 1
    return bytes(found)
