"""Asking a device: requests and answers, again where they get lost (firmware/platform/links/serial/link.h)."""

from __future__ import annotations

import re
import secrets
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from edgeq.errors import ToolError
from edgeq.ir.tensor import Array
from edgeq.link.frames import Decoder, Frame, Noise, encode
from edgeq.link.stream import Stream

VERSION = 1
TRIES = 5
"""How often a request is sent before one gives up."""
QUICK = 0.5
"""Seconds that a device may take for an answer that needs no inference, beside the time on the line."""
FIRST_TRIES = 10
"""The same for the first request: opening a port may start the device anew."""
_HEAD = 4
_ANSWER_BYTES = 1 << 14
"""About how many bytes of outputs are asked for at once where the device can send any number."""
_READ_BYTES = 1024
_FAULT = re.compile(rb"edgeq: fault: [^\n]*\n")


class Command(IntEnum):
    """What is asked."""

    INFO = 1
    WRITE = 2
    RUN = 3
    READ = 4
    MANY = 5
    TABLE = 6
    PAINT = 7
    RESET = 8
    ECHO = 9
    MODEL = 10


class Status(IntEnum):
    """How it is answered."""

    OK = 0
    STARTED = 1
    DAMAGED = 2
    BAD_REQUEST = 3
    NOT_WRITTEN = 4
    MODEL_FAILED = 5


_BEGIN, _WATCH, _TIME, _INDEX, _INDICES = 1, 2, 4, 8, 32
_REFUSED = {
    Status.BAD_REQUEST: (
        "the device refuses a request",
        "it has firmware of another version: build and flash it again",
    ),
    Status.NOT_WRITTEN: ("the device has forgotten its input", "it started anew meanwhile: is its supply stable?"),
    Status.MODEL_FAILED: ("the model reported an error", ""),
}


class DeviceFault(ToolError):
    """The device's processor stopped the program; `report` is the line that firmware/platform/cores writes."""

    def __init__(self, report: str, where: str) -> None:
        super().__init__("the device reported a fault", hint=report, where=where)
        self.report = report


class Refusal(ToolError):
    """The device answers that it cannot do what was asked."""


@dataclass(frozen=True)
class Info:
    """What a device says of itself.

    Attributes:
        profiles: whether it can time layers.
        states: whether its model has states.
        data_bytes: the most data of one request.
        input_bytes, output_bytes: of one inference.
        arena_bytes, state_bytes: the model's memory.
        layers: how many layers there are.
        identity: the manifest's entry.
        name: the model's.
        weights_fault: what is wrong with weights apart from the program, or "".
        several: whether the device has more models than this one.
    """

    profiles: bool
    states: bool
    data_bytes: int
    input_bytes: int
    output_bytes: int
    arena_bytes: int
    state_bytes: int
    layers: int
    identity: str
    name: str
    weights_fault: str
    several: bool = False

    @staticmethod
    def read(body: bytes) -> Info:
        """From the answer to INFO. Raises ValueError or struct.error if it is none."""
        version, features, data, inputs, outputs, arena, state, layers, identity = struct.unpack_from("<BBH5IQ", body)
        if version != VERSION:
            raise ValueError(f"version {version}")
        texts, at = [], struct.calcsize("<BBH5IQ")
        for _ in range(2):
            length = body[at]
            texts.append(body[at + 1 : at + 1 + length].decode("utf-8", "replace"))
            at += 1 + length
        if at != len(body) or data < 16 or not inputs:
            raise ValueError("wrong length")
        profiles, states, several = (bool(features & bit) for bit in (1, 2, 4))
        name, fault = texts
        sizes = data, inputs, outputs, arena, state, layers
        return Info(profiles, states, *sizes, f"{identity:016x}", name, fault, several)


@dataclass(frozen=True, eq=False)
class Results:
    """What inferences gave.

    Attributes:
        outputs: (N, bytes of all outputs).
        stack: the most bytes of stack that any of them used; 0 where that is not known.
        arena: how many bytes of the arena the first of them used, up to the last; 0 where that was not watched.
    """

    outputs: Array
    stack: int
    arena: int


Advance = Callable[[int, int], None]


def _ignore(done: int, total: int) -> None:
    pass


class Device:
    """A device that answers."""

    def __init__(self, stream: Stream) -> None:
        """Ask who is there.

        Args:
            stream: how to reach it; it stays the caller's.

        Raises:
            ToolError: nobody answers, or not as edgeq's firmware does.
        """
        self._stream = stream
        self._decoder = Decoder()
        self._number = secrets.randbelow(1 << 16)  # not that of an answer that is still on its way
        self._heard = bytearray()
        self._index = 0
        self._quiet()
        self.info = self._info(Command.INFO, b"", FIRST_TRIES)

    def run(
        self, records: Array, steps: int | None, watch: bool, seconds: float, progress: Advance | None = None
    ) -> Results:
        """Run inferences.

        Args:
            records: (N, bytes of all inputs), uint8.
            steps: how many inferences make one sequence, for a model with states; None: all of them.
            watch: whether to tell how deep the stack gets and how much of the arena is used.
            seconds: that one inference may take.
            progress: called with how many are done, and how many there are.

        Raises:
            ToolError: the connection or the model failed.
        """
        advance = progress or _ignore
        group = self._group()
        done = stack = arena = 0
        rows: list[Array] = []
        while done < len(records):
            paint = watch and not done
            if group and not paint:
                some = records[done : done + group]
                found, used = self._many(some, watch, seconds * len(some))
                filled = 0
            else:
                begins = done % steps == 0 if steps else not done
                found, used, filled = self._one(records[done], begins, watch, seconds, paint)
            rows.append(found)
            done += len(found)
            stack, arena = max(stack, used), max(arena, filled)
            advance(done, len(records))
        outputs = np.concatenate(rows) if rows else np.zeros((0, self.info.output_bytes), np.uint8)
        return Results(outputs, stack, arena)

    def profile(self, record: Array, repeats: int, seconds: float) -> Array:
        """Time the layers of inferences.

        Args:
            record: (bytes of all inputs), uint8: one inference that is repeated, each time from a reset on; or
                (repeats, bytes of all inputs): the steps of one sequence.
            repeats: how often.
            seconds: that one inference may take.

        Returns:
            What timing costs each value, (1), and the times, (repeats · (layers + 2)), as firmware/runtime has them.

        Raises:
            ToolError: the connection or the model failed, or the device has no profiling firmware.
        """
        if not self.info.profiles:
            raise ToolError(
                "the program on the device does not time its layers",
                hint="flash the one that does: edgeq flash DIR --profile",
                where=self._stream.name,
            )
        values = self.info.layers + 3
        tables = []
        for index in range(repeats):
            self._write(record if record.ndim == 1 else record[index])
            begin = _BEGIN if record.ndim == 1 or index == 0 else 0
            self._ask(Command.RUN, self._flags(begin | _TIME), seconds=seconds)
            raw = b"".join(
                self._ask(Command.TABLE, struct.pack("<IH", first, min(64, values - first)))
                for first in range(0, values, 64)
            )
            if len(raw) != 8 * values:
                raise self._strange()
            tables.append(np.frombuffer(raw, "<u8"))
        return np.concatenate([np.array([min(table[0] for table in tables)], "<u8"), *(table[1:] for table in tables)])

    def choose(self, identity: str) -> tuple[Info, ...]:
        """Ask the model with an identity from now on, if the device has it; else the one that is asked stays.

        Args:
            identity: as in the manifest.

        Returns:
            What there is, up to the one that was chosen.

        Raises:
            ToolError: the connection failed.
        """
        if self.info.identity == identity or not self.info.several:
            return (self.info,)
        found: list[Info] = []
        with suppress(Refusal):
            while True:
                found.append(self._model(len(found)))
                if found[-1].identity == identity:
                    self.info, self._index = found[-1], len(found) - 1
                    return tuple(found)
        self._model(self._index)
        return tuple(found)

    def reset(self) -> None:
        """Start the device anew, and wait until it answers."""
        self._ask(Command.RESET, b"")
        self.info = self._info(Command.INFO, b"", FIRST_TRIES)
        if self._index:
            self.info = self._model(self._index)

    def _model(self, index: int) -> Info:
        """The model with a number, which is then the one that is asked. Raises Refusal if there is none."""
        return self._info(Command.MODEL, struct.pack("<H", index), TRIES)

    def _info(self, command: Command, body: bytes, tries: int) -> Info:
        try:
            return Info.read(self._ask(command, body, tries=tries))
        except (ValueError, struct.error, IndexError) as error:
            raise ToolError(
                f"the device speaks another language ({error})",
                hint="it has firmware of another version of edgeq: build and flash it again",
                where=self._stream.name,
            ) from error

    def _flags(self, flags: int) -> bytes:
        """Flags of an inference, with the model that they are about."""
        return bytes([flags | self._index % _INDICES * _INDEX])

    def echo(self, data: bytes) -> bytes:
        """What the device makes of `data`, which is the same: a test of the line."""
        return self._ask(Command.ECHO, data)

    def _group(self) -> int:
        """How many inferences one request can ask for; 0: none."""
        if self.info.states:
            return 0
        fitting = (self.info.data_bytes - 1) // self.info.input_bytes
        return min(fitting, max(1, _ANSWER_BYTES // max(self.info.output_bytes, 1)))

    def _many(self, records: Array, watch: bool, seconds: float) -> tuple[Array, int]:
        body = self._flags(_WATCH if watch else 0) + records.tobytes()
        expected = len(records) * self.info.output_bytes
        answer = self._ask(Command.MANY, body, answer=expected, seconds=seconds)
        if answer[-1:] == b"\1":
            raise self._failed(Status.MODEL_FAILED)
        if len(answer) != expected + 5:
            raise self._strange()
        stack = int.from_bytes(answer[expected : expected + 4], "little")
        return np.frombuffer(answer[:expected], np.uint8).reshape(len(records), -1), stack

    def _one(self, record: Array, begins: bool, watch: bool, seconds: float, paint: bool) -> tuple[Array, int, int]:
        if paint:
            self._ask(Command.PAINT, b"")
        self._write(record)
        flags = (_BEGIN if begins else 0) | (_WATCH if watch else 0)
        stack, arena = self._unpack("<II", self._ask(Command.RUN, self._flags(flags), seconds=seconds))
        parts = []
        for offset in range(0, self.info.output_bytes, _READ_BYTES):
            count = min(_READ_BYTES, self.info.output_bytes - offset)
            parts.append(self._ask(Command.READ, struct.pack("<IH", offset, count), answer=count))
        outputs = np.frombuffer(b"".join(parts), np.uint8)
        if outputs.size != self.info.output_bytes:
            raise self._strange()
        return outputs[None], stack, arena

    def _write(self, record: Array) -> None:
        data = record.tobytes()
        for offset in range(0, len(data), self.info.data_bytes):
            self._ask(Command.WRITE, struct.pack("<I", offset) + data[offset : offset + self.info.data_bytes])

    def _unpack(self, format: str, body: bytes) -> tuple[int, ...]:
        try:
            return struct.unpack(format, body)
        except struct.error:
            raise self._strange() from None

    def _strange(self) -> ToolError:
        hint = "it has firmware of another version: build and flash it again"
        return ToolError("the device gives an answer that makes no sense", hint=hint, where=self._stream.name)

    def _failed(self, status: Status) -> Refusal:
        message, hint = _REFUSED[status]
        return Refusal(message, hint=hint, where=self._stream.name)

    def _quiet(self) -> None:
        """Let what is still on its way arrive, which nobody asked for."""
        self._stream.write(b"\0\0")
        until = time.monotonic() + 1.0
        while time.monotonic() < until and self._stream.read():
            pass

    def _ask(self, command: Command, body: bytes, answer: int = 0, seconds: float = 0.0, tries: int = TRIES) -> bytes:
        """Ask, as often as it takes.

        Args:
            command, body: the request.
            answer: about how many bytes the answer has.
            seconds: that the device may take for what it does, once it says that it has started.
            tries: how often to ask.

        Returns:
            The answer's body.

        Raises:
            ToolError: there is no answer, or it is a refusal.
        """
        self._number = (self._number + 1) % (1 << 16)
        request = encode(struct.pack("<BH", command, self._number) + body)
        on_the_line = 15.0 * (len(request) + answer + 64) / self._stream.baud
        self._heard.clear()
        for _ in range(tries):
            self._stream.write(request)
            found = self._answer(command, QUICK * self._stream.slowness + on_the_line, seconds + on_the_line)
            if found is not None:
                return found
        raise self._silent()

    def _answer(self, command: Command, quick: float, long: float) -> bytes | None:
        """The answer to the request with this number; None where it is worth asking again."""
        until, started = time.monotonic() + quick, False
        while True:
            data = self._stream.read()
            self._heard += data
            del self._heard[:-4096]
            for event in self._decoder.feed(data):
                if isinstance(event, Noise):
                    self._look_for_fault(event.raw + b"\n")
                    if started:
                        return None
                    continue
                found = self._status(event, command)
                if found is None:
                    continue
                status, body = found
                if status is Status.OK:
                    return body
                if status is Status.STARTED:
                    started, until = True, time.monotonic() + quick + long
                elif status is Status.DAMAGED:
                    return None
                else:
                    raise self._failed(status)
            self._look_for_fault(self._decoder.pending)
            if time.monotonic() > until:
                return None

    def _status(self, frame: Frame, command: Command) -> tuple[Status, bytes] | None:
        """Status and body of a frame, if it answers the last request."""
        if len(frame.data) < _HEAD or frame.data[3] > max(Status):
            return None
        kind, number = frame.data[0] & 0x7F, int.from_bytes(frame.data[1:3], "little")
        status = Status(frame.data[3])
        if not frame.data[0] & 0x80 or (kind, number) != (
            (0, 0) if status is Status.DAMAGED else (command, self._number)
        ):
            return None
        return status, frame.data[_HEAD:]

    def _look_for_fault(self, text: bytes) -> None:
        found = _FAULT.search(text)
        if found:
            self._decoder = Decoder()
            raise DeviceFault(found[0].decode("ascii", "replace").strip(), self._stream.name)

    def _silent(self) -> ToolError:
        """The error for a device that does not answer as it should."""
        heard = bytes(self._heard).strip(b"\0")
        if not heard:
            return ToolError(
                "nothing answers",
                hint="is the board flashed (`edgeq flash`), is this its port, and is it running?",
                where=self._stream.name,
            )
        text = heard.decode("ascii", "replace")
        readable = sum(c.isprintable() or c.isspace() for c in text.replace("\ufffd", "\1")) > 0.9 * len(text)
        shown = f": {text.strip().splitlines()[-1][:80]!r}" if readable and text.strip() else ""
        return ToolError(
            f"what answers is not edgeq's firmware, or at another speed than {self._stream.baud} baud{shown}",
            hint="flash the board (`edgeq flash`), or give its --baud",
            where=self._stream.name,
        )
