"""A model at the other end of a serial line, asked in place of running a program (firmware/platform/links/serial)."""

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

if TYPE_CHECKING:
    from edgeq.link.device import Device, DeviceFault, Info, Results
    from edgeq.link.ports import PortFound, find_port, list_ports, without_board
    from edgeq.link.probe import RTT, Probed, is_rtt
    from edgeq.link.stream import BAUD, STDIO, Stream, open_stream

__all__ = [
    "BAUD",
    "RTT",
    "STDIO",
    "Device",
    "DeviceFault",
    "Info",
    "PortFound",
    "Probed",
    "Results",
    "Stream",
    "find_port",
    "is_rtt",
    "list_ports",
    "open_stream",
    "without_board",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.link.device": "Device DeviceFault Info Results",
        "edgeq.link.ports": "PortFound find_port list_ports without_board",
        "edgeq.link.probe": "RTT Probed is_rtt",
        "edgeq.link.stream": "BAUD STDIO Stream open_stream",
    },
)
