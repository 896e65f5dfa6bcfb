"""What is asked of a setting, and which one keeps to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeq.errors import CapacityError, MismatchError

Trial = Mapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """None: there is no limit.

    Attributes:
        flash, ram: bytes; RAM with the stack.
        instructions: of an inference.
        mean_bits: of a weight, on average.
        max_drop: points of top-1 that may be lost.
        min_sqnr: of the output, in dB.
    """

    flash: int | None = None
    ram: int | None = None
    instructions: int | None = None
    mean_bits: float | None = None
    max_drop: float | None = None
    min_sqnr: float | None = None

    @property
    def asks_for_accuracy(self) -> bool:
        """Whether accuracy has a limit."""
        return self.max_drop is not None or self.min_sqnr is not None

    @property
    def asks_for_size(self) -> bool:
        """Whether what is to be saved has a limit."""
        return self.flash is not None or self.mean_bits is not None

    def within(self, flash: int) -> Limits:
        """The same with so much flash."""
        return replace(self, flash=flash)

    def fits(self, trial: Trial) -> bool:
        """Whether the device has room and time for it."""
        ram = trial["ram_bytes"] + (trial["stack_bytes"] or 0)
        pairs = (
            (trial["flash_bytes"], self.flash),
            (ram, self.ram),
            (trial["instructions"] or 0, self.instructions),
            (trial["mean_bits"], self.mean_bits),
        )
        return all(limit is None or value <= limit for value, limit in pairs)

    def accurate(self, quality: Trial) -> bool:
        """Whether it is accurate enough."""
        drop, sqnr = quality["drop"], quality["sqnr_db"]
        few = self.max_drop is None or (drop is not None and drop <= self.max_drop)
        return few and (self.min_sqnr is None or sqnr is None or sqnr >= self.min_sqnr)

    def chosen(self, trials: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The most accurate that fits; where accuracy has a limit and size has none, the smallest within it."""
        fitting = [t for t in trials if self.fits(t) and self.accurate(t)]
        if not fitting:
            return None
        if self.asks_for_accuracy and not self.asks_for_size:
            return min(fitting, key=lambda t: (t["flash_bytes"], -sqnr(t)))
        return min(fitting, key=lambda t: (-sqnr(t), t["flash_bytes"]))

    def refuse(self, trials: Sequence[Trial]) -> None:
        """Complain that nothing keeps to what is asked for.

        Raises:
            CapacityError: nothing fits.
            MismatchError: nothing that fits is accurate enough.
        """
        if not any(self.fits(trial) for trial in trials):
            raise CapacityError(
                "no setting fits", hint="give more --flash, --ram or --latency, or a smaller model", where="search"
            )
        raise MismatchError(
            "no setting that fits is accurate enough",
            hint="the front is in search.json; allow more --max-drop or a lower --min-sqnr, or give more --flash",
        )


def sqnr(trial: Trial) -> float:
    """SQNR in dB, infinite where there is no error."""
    return float("inf") if trial["sqnr_db"] is None else float(trial["sqnr_db"])


def undominated(trials: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are more accurate than all that take no more flash, the smallest first."""
    kept: list[dict[str, Any]] = []
    for trial in sorted(trials, key=lambda t: (t["flash_bytes"], -sqnr(t))):
        if not kept or sqnr(trial) > sqnr(kept[-1]):
            kept.append(trial)
    return kept
