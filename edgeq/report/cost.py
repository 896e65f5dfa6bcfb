"""What the figures of a profile mean: cost per multiply-accumulate, shares, and an estimate of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgeq.errors import UsageError
from edgeq.target import Target


@dataclass(frozen=True)
class Pace:
    """How long one unit of a profile takes.

    Attributes:
        unit_ns: nanoseconds of one instruction, cycle or nanosecond; None where that is not known.
        clock_mhz: the clock that was assumed; None where time itself is measured.
        cpi: the cycles of an instruction that were assumed; None where no instructions are counted.
    """

    unit_ns: float | None
    clock_mhz: float | None = None
    cpi: float | None = None

    def ms(self, value: int) -> float | None:
        """Milliseconds of `value` units."""
        return None if self.unit_ns is None else value * self.unit_ns / 1e6


def pace(target: Target, clock_mhz: float | None = None, cpi: float | None = None) -> Pace:
    """How long one unit of a target's profile takes.

    Args:
        target: its file says what is counted, and at which clock it typically runs.
        clock_mhz: the clock, where instructions or cycles are counted; by default the target's.
        cpi: cycles per instruction, where instructions are counted; by default the target's.

    Raises:
        UsageError: a number is not positive, or has no meaning for the target.
    """
    for what, value in (("--clock", clock_mhz), ("--cpi", cpi)):
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{what} {value:g} is not a positive number")
    return _PACES[target.counter](target, clock_mhz, cpi)


def _of_instructions(target: Target, clock_mhz: float | None, cpi: float | None) -> Pace:
    clock = clock_mhz or (target.speed.clock_mhz if target.speed else None)
    cycles = cpi or (target.speed.cpi if target.speed else None)
    return Pace(1e3 * cycles / clock if clock and cycles else None, clock, cycles)


def _of_cycles(target: Target, clock_mhz: float | None, cpi: float | None) -> Pace:
    if cpi is not None:
        raise UsageError(f"--cpi says nothing: cycles are counted on {target.name}", hint="leave it out")
    clock = clock_mhz or target.clock_hz / 1e6
    return Pace(1e3 / clock, clock) if clock else Pace(None)


def _of_time(target: Target, clock_mhz: float | None, cpi: float | None) -> Pace:
    if clock_mhz is not None or cpi is not None:
        raise UsageError(f"--clock and --cpi say nothing: time is measured on {target.name}", hint="leave them out")
    return Pace(1.0)


_PACES: Mapping[str, Callable[[Target, float | None, float | None], Pace]] = {
    "instructions": _of_instructions,
    "cycles": _of_cycles,
    "ns": _of_time,
}


def watts(volts: float | None, amps: float | None) -> float | None:
    """What a device draws while it computes; None where nobody has measured it.

    Raises:
        UsageError: only one of them is given, or one is not positive.
    """
    if volts is None and amps is None:
        return None
    if volts is None or amps is None:
        raise UsageError("the energy needs --volts and --amps", hint="give both, as measured while the device computes")
    for what, value in (("--volts", volts), ("--amps", amps)):
        if not 0 < value < float("inf"):
            raise UsageError(f"{what} {value:g} is not a positive number")
    return volts * amps


def per_mac(value: int, macs: int) -> float | None:
    """Cost of a multiply-accumulate; None for a layer without any."""
    return value / macs if macs else None


def share(value: int, total: int) -> float:
    """Percent of the total."""
    return 100.0 * value / total if total else 0.0
