"""The ways to get a program into a board that a target's file can name, and what it has to say about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.target.values import ADDRESS, TEXT, TEXTS, Value


@dataclass(frozen=True)
class FlasherKind:
    """What a table `[flash.<kind>]` holds.

    Attributes:
        settings: keys that must be there.
        optional: keys that may be there.
    """

    settings: Mapping[str, Value] = field(default_factory=dict)
    optional: Mapping[str, Value] = field(default_factory=dict)

    @property
    def keys(self) -> Mapping[str, Value]:
        """All keys."""
        return {**self.settings, **self.optional}


FLASHER_KINDS: Mapping[str, FlasherKind] = {
    "pyocd": FlasherKind({"target": TEXT}, {"pack": TEXT}),
    "openocd": FlasherKind({"config": TEXTS}),
    "probe-rs": FlasherKind({"chip": TEXT}),
    "jlink": FlasherKind({"device": TEXT}, {"interface": TEXT}),
    "stm32cubeprogrammer": FlasherKind(optional={"port": TEXT}),
    "uf2": FlasherKind({"family": ADDRESS}, {"volumes": TEXTS}),
    "picotool": FlasherKind(),
    "dfu-util": FlasherKind({"device": TEXT}, {"address": ADDRESS, "alt": TEXT}),
    "bossac": FlasherKind(optional={"offset": ADDRESS}),
    "gdb": FlasherKind(optional={"server": TEXT, "program": TEXT}),
}
"""pyocd and probe-rs: the chip as they call it; openocd: its configuration files; uf2: the family that blocks name, and
the drive's possible labels; dfu-util: the USB device."""
