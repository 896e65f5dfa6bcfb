"""A stream through a debug probe: buffers in a device's RAM (SEGGER's Real Time Transfer), by way of pyOCD.

What pyOCD does not drive is a port all the same: OpenOCD and J-Link make one of RTT for `socket://HOST:PORT`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edgeq.errors import ToolError

RTT = "rtt"
"""The port, also with a probe's serial number behind a colon."""
INSTALL = "pip install edgeq[flash], or have OpenOCD or J-Link make a port of it: --port socket://HOST:PORT"
FIND_SECONDS = 3.0
"""That a device has to prepare its buffers, once it runs."""
WRITE_SECONDS = 30.0
_POLL = 0.005


def is_rtt(port: str) -> bool:
    """Whether a port is a debug probe's."""
    return port.partition(":")[0] == RTT


@dataclass(frozen=True)
class Probed:
    """What has to be known of a device to reach its RAM.

    Attributes:
        target: pyOCD's name of the chip; empty: whatever it finds by itself.
        pack: a CMSIS-Pack that describes the chip, if pyOCD does not know it.
        start, size: where the buffers are looked for.
    """

    target: str = ""
    pack: str = ""
    start: int = 0
    size: int = 0


class RttStream:
    """Bytes to and from the buffers of a running device.

    Args:
        name: what the user calls it.
        memory: the device's, as pyOCD's targets have it: `read_memory_block8`, `read_memory_block32`, `read32`,
            `write_memory_block8`, `write32`.
        probed: where to look.
        close: called once nobody needs the memory.

    Raises:
        ToolError: there are no such buffers.
    """

    def __init__(self, name: str, memory: Any, probed: Probed, close: Callable[[], None] = lambda: None) -> None:
        from pyocd.core.exceptions import Error

        self.name, self.baud, self.slowness, self._close = name, 1_000_000, 2.0, close
        self._error: type[Exception] = Error
        try:
            self._up, self._down = self._channels(memory, probed)
        except BaseException:
            close()
            raise

    def _channels(self, memory: Any, probed: Probed) -> tuple[Any, Any]:
        from pyocd.debug.rtt import RTTControlBlock

        until = time.monotonic() + FIND_SECONDS
        while True:
            block = RTTControlBlock.from_target(memory, probed.start, probed.size)
            try:
                block.start()
                return block.up_channels[0], block.down_channels[0]
            except (self._error, IndexError) as error:
                if time.monotonic() > until:
                    raise ToolError(
                        f"the device has no buffers for RTT ({error})",
                        hint="build for it with --console rtt, flash it, and see that it runs",
                        where=self.name,
                    ) from error
            time.sleep(0.1)

    def read(self) -> bytes:
        """See Stream."""
        try:
            data = bytes(self._up.read())
        except self._error as error:
            raise self._lost(error) from error
        if not data:
            time.sleep(_POLL)
        return data

    def write(self, data: bytes) -> None:
        """See Stream."""
        until = time.monotonic() + WRITE_SECONDS
        try:
            while data:
                data = data[self._down.write(data) :]
                if data and time.monotonic() > until:
                    raise ToolError("the device takes nothing", hint="is it running?", where=self.name)
        except self._error as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """See Stream."""
        with suppress(self._error):
            self._close()

    def _lost(self, error: Exception) -> ToolError:
        hint = "is the probe still plugged in, and does no other program use it?"
        return ToolError(f"the connection was lost: {error}", hint=hint, where=self.name)


def open_rtt(port: str, probed: Probed) -> RttStream:
    """The buffers of the device at a probe, which goes on running.

    Args:
        port: `rtt`, or `rtt:` and how the probe's serial number begins where there are several.
        probed: the device.

    Raises:
        ToolError: pyOCD is not installed, there is no such probe, or what is at it does not answer.
    """
    try:
        from pyocd.core.exceptions import Error
        from pyocd.core.helpers import ConnectHelper
        from pyocd.core.session import Session
        from pyocd.core.target import Target
    except ImportError as error:
        raise ToolError("pyOCD is not installed", hint=INSTALL, where=port) from error
    options = {"connect_mode": "attach", "resume_on_disconnect": True}
    options |= {"target_override": probed.target} if probed.target else {}
    options |= {"pack": probed.pack} if probed.pack else {}
    try:
        serial = port.partition(":")[2] or None
        probes = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=serial, print_wait_message=False)
        if not probes:
            hint = "plug it in; `edgeq doctor` shows the probes that there are"
            raise ToolError("there is no debug probe", hint=hint, where=port)
        session = Session(probes[0], options=options)
        session.open()
        target = session.target
        if target.get_state() == Target.State.HALTED:
            target.resume()
    except (Error, OSError, ValueError) as error:
        hint = "is the board powered, is it the one of --board, and does no other program use the probe?"
        raise ToolError(f"the probe does not reach the device: {error}", hint=hint, where=port) from error
    return RttStream(port, target, probed, session.close)
