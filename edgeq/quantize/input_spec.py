"""What the table `[input]` of an edgeq.toml says: how raw sensor bytes become a model's input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from edgeq.errors import UsageError
from edgeq.options import Document, Option, read_table
from edgeq.options.kind import NUMBERS, TEXT
from edgeq.quantize.config import QUANTIZING


@dataclass(frozen=True)
class InputSpec:
    """Preprocessing of raw sensor data: x = (raw · scale − mean) / std, one value of each or one per channel."""

    mean: Annotated[
        tuple[float, ...],
        Option(
            "Of raw bytes the model sees (raw * scale - mean) / std. One value, or one per channel",
            NUMBERS,
            QUANTIZING,
            flag="--input-mean",
        ),
    ] = (0.0,)
    std: Annotated[tuple[float, ...], Option("The same formula's std", NUMBERS, QUANTIZING, flag="--input-std")] = (
        1.0,
    )
    scale: Annotated[
        tuple[float, ...], Option("The same formula's scale", NUMBERS, QUANTIZING, flag="--input-scale")
    ] = (1.0,)
    name: Annotated[str | None, Option("The input of the model that it is about", TEXT, default="its only one")] = None

    def __post_init__(self) -> None:
        counts = {len(v) for v in (self.mean, self.std, self.scale)} - {1}
        if len(counts) > 1 or 0 in counts:
            raise UsageError("mean, std and scale have different numbers of channels", where="[input]")
        if not all(all(map(math.isfinite, v)) for v in (self.mean, self.std, self.scale)):
            raise UsageError("mean, std and scale must be finite", where="[input]")
        if min(*self.std, *self.scale) <= 0.0:
            raise UsageError("std and scale must be greater than 0", where="[input]")

    @staticmethod
    def from_dict(table: Mapping[str, Any]) -> InputSpec:
        """Read the table `[input]`: mean, std, scale (a number, or a list with one per channel) and name.

        Raises:
            UsageError: an unknown key or a value that is no number.
        """
        return read_table(InputSpec, table, Document(path=("input",)))

    def to_dict(self) -> dict[str, Any]:
        """The table that `from_dict` reads."""
        table: dict[str, Any] = {key: list(getattr(self, key)) for key in ("mean", "std", "scale")}
        return table if self.name is None else {**table, "name": self.name}

    @property
    def channels(self) -> int:
        """How many values there are of mean, std or scale; 1 if they are the same for all channels."""
        return max(len(self.mean), len(self.std), len(self.scale))

    @property
    def gain(self) -> tuple[float, ...]:
        """Factor of raw bytes, (1,) or (channels,)."""
        return tuple(scale / std for scale, std in self._paired(self.scale))

    @property
    def offset(self) -> tuple[float, ...]:
        """What is added to raw · gain, (1,) or (channels,)."""
        return tuple(-mean / std for mean, std in self._paired(self.mean))

    def _paired(self, values: tuple[float, ...]) -> list[tuple[float, float]]:
        """Values and deviations, one pair per channel or a single one."""
        count = max(len(values), len(self.std))
        return [(values[k % len(values)], self.std[k % len(self.std)]) for k in range(count)]
