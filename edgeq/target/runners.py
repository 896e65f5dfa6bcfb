"""The runners that a target's file can name, and what it has to say about each. `edgeq.runners` has the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.target.model import System
from edgeq.target.values import POSITIVE_COUNT, TEXT, TEXTS, Value


@dataclass(frozen=True)
class RunnerKind:
    """What a table `[runner.<kind>]` holds.

    Attributes:
        systems: the `system` of targets whose programs it can run.
        settings: keys that must be there.
        optional: keys that may be there.
    """

    systems: tuple[System, ...]
    settings: Mapping[str, Value] = field(default_factory=dict)
    optional: Mapping[str, Value] = field(default_factory=dict)

    @property
    def keys(self) -> Mapping[str, Value]:
        """All keys."""
        return {**self.settings, **self.optional}


RUNNER_KINDS: Mapping[str, RunnerKind] = {
    "host": RunnerKind(("native", "linux")),
    "qemu-user": RunnerKind(("linux",), {"program": TEXT, "package": TEXT, "cpu": TEXT}),
    "qemu-system": RunnerKind(("none",), {"program": TEXT, "package": TEXT, "machine": TEXT}, {"args": TEXTS}),
    "unicorn": RunnerKind(("none",), {"core": TEXT}),
    "serial": RunnerKind(
        ("none", "linux", "native"),
        optional={"port": TEXT, "baud": POSITIVE_COUNT, "usb": TEXTS, "board": TEXT, "core": TEXT},
    ),
    "ssh": RunnerKind(("native", "linux"), {"host": TEXT}, {"options": TEXTS}),
}
