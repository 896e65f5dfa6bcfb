"""What the user may choose about quantization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from edgeq.errors import UsageError

E = TypeVar("E", bound=Enum)


class Weights(Enum):
    """Whether weights have one scale per output channel or one per tensor."""

    PER_CHANNEL = "per-channel"
    PER_TENSOR = "per-tensor"


class WeightScale(Enum):
    """How a weight scale is found: from the greatest magnitude, or for the least squared error."""

    MAX = "max"
    MSE = "mse"


class Activations(Enum):
    """Whether activations have a zero-point of their own or zero_point = 0."""

    ASYMMETRIC = "asymmetric"
    SYMMETRIC = "symmetric"


class ObserverKind(Enum):
    """How the range of an activation is found from calibration data (see edgeq.quantize.observers)."""

    MIN_MAX = "min-max"
    MOVING_AVERAGE = "moving-average"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"


@dataclass(frozen=True)
class LayerConfig:
    """What one layer does differently. None: as the rest.

    Attributes:
        pattern: name of a node or of a graph input, or a glob of names.
        observer, activations: of the layer's outputs.
        weights, weight_scale: of the layer's weights.
        range: least and greatest real value of the layer's outputs; no calibration is needed for them.
        equalize, bias_correction: whether the layer takes part.
    """

    pattern: str
    observer: ObserverKind | None = None
    activations: Activations | None = None
    weights: Weights | None = None
    weight_scale: WeightScale | None = None
    range: tuple[float, float] | None = None
    equalize: bool | None = None
    bias_correction: bool | None = None


@dataclass(frozen=True)
class QuantConfig:
    """How a float model becomes int8. The defaults are what measured best (docs/quantization.md).

    Attributes:
        weights: one scale per output channel, or per tensor.
        weight_scale: how weight scales are found.
        activations: with or without a zero-point.
        observer: how activation ranges are found.
        percentile: the observer "percentile" clips what is above this percentile, and below 100 minus it.
        momentum: weight of the past in the observer "moving-average".
        bins: least resolution of histograms, in bins over the observed range.
        bias_correction: whether shifts of the mean are measured and taken out of the biases (16 samples or more).
        equalize: whether channels of unequal range are scaled to each other between layers, which changes nothing else.
        layers: exceptions; the first whose pattern fits a layer counts.
    """

    weights: Weights = Weights.PER_CHANNEL
    weight_scale: WeightScale = WeightScale.MSE
    activations: Activations = Activations.ASYMMETRIC
    observer: ObserverKind = ObserverKind.MIN_MAX
    percentile: float = 99.99
    momentum: float = 0.9
    bins: int = 2048
    bias_correction: bool = True
    equalize: bool = True
    layers: tuple[LayerConfig, ...] = ()

    def __post_init__(self) -> None:
        if not 50.0 < self.percentile <= 100.0:
            raise UsageError(f"percentile = {self.percentile} is not in (50, 100]", where="[quantize]")
        if not 0.0 <= self.momentum < 1.0:
            raise UsageError(f"momentum = {self.momentum} is not in [0, 1)", where="[quantize]")
        if not 256 <= self.bins <= 1 << 20:
            raise UsageError(f"bins = {self.bins} is not in 256 … 1048576", where="[quantize]")

    def layer(self, name: str) -> LayerConfig | None:
        """The exception that holds for the node or graph input `name`, or None."""
        return next((entry for entry in self.layers if fnmatchcase(name, entry.pattern)), None)

    def for_layer(self, name: str) -> QuantConfig:
        """This configuration with the exception for `name` worked in (its range apart)."""
        found = self.layer(name)
        if found is None:
            return self
        return replace(
            self,
            observer=found.observer or self.observer,
            activations=found.activations or self.activations,
            weights=found.weights or self.weights,
            weight_scale=found.weight_scale or self.weight_scale,
            equalize=self.equalize if found.equalize is None else found.equalize,
            bias_correction=self.bias_correction if found.bias_correction is None else found.bias_correction,
        )

    def override(self, table: Mapping[str, Any]) -> QuantConfig:
        """This configuration with the entries of a table as in `from_dict`.

        Raises:
            UsageError: an unknown key, or a value of the wrong kind.
        """
        given = QuantConfig.from_dict(table)
        names = {str(key).replace("-", "_") for key in table}
        return replace(self, **{f.name: getattr(given, f.name) for f in fields(QuantConfig) if f.name in names})

    @staticmethod
    def from_dict(table: Mapping[str, Any]) -> QuantConfig:
        """Read the table `[quantize]` of an edgeq.toml; its sub-tables `layers."pattern"` are the exceptions.

        Raises:
            UsageError: an unknown key, or a value of the wrong kind.
        """
        known = _read(table, "[quantize]", [f.name for f in fields(QuantConfig)])
        layers = known.pop("layers", {})
        if not isinstance(layers, Mapping):
            raise UsageError("layers is not a table", hint='write [quantize.layers."name"]', where="[quantize]")
        return QuantConfig(**known, layers=tuple(_layer(str(k), v) for k, v in layers.items()))


_ENUMS: dict[str, type[Enum]] = {
    "weights": Weights,
    "weight_scale": WeightScale,
    "activations": Activations,
    "observer": ObserverKind,
}
_FLAGS = ("bias_correction", "equalize")
_NUMBERS: dict[str, type] = {"percentile": float, "momentum": float, "bins": int}


def parse_choice(kind: type[E], text: object, where: str) -> E:
    """One of an enumeration's values from its text; `_` and `-` are the same.

    Raises:
        UsageError: it is none of them.
    """
    normal = text.strip().lower().replace("_", "-") if isinstance(text, str) else text
    for item in kind:
        if normal == item.value:
            return item
    raise UsageError(f"{text!r} is not possible", hint="use " + ", ".join(i.value for i in kind), where=where)


def _read(table: Mapping[str, Any], where: str, allowed: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in table.items():
        name = str(key).replace("-", "_")
        if name not in allowed:
            raise UsageError(f"unknown key {key!r}", hint="allowed: " + ", ".join(allowed), where=where)
        if name in _ENUMS:
            result[name] = parse_choice(_ENUMS[name], value, f"{where} {key}")
        elif name in _FLAGS:
            if not isinstance(value, bool):
                raise UsageError(f"{value!r} is neither true nor false", where=f"{where} {key}")
            result[name] = value
        elif name in _NUMBERS:
            kind = _NUMBERS[name]
            if isinstance(value, bool) or not isinstance(value, (int, kind)):
                raise UsageError(f"{value!r} is not a number", where=f"{where} {key}")
            result[name] = kind(value)
        else:
            result[name] = value
    return result


def _layer(pattern: str, table: Any) -> LayerConfig:
    where = f'[quantize.layers."{pattern}"]'
    if not isinstance(table, Mapping):
        raise UsageError("not a table", hint='write [quantize.layers."name"]', where=where)
    known = _read(table, where, [f.name for f in fields(LayerConfig) if f.name != "pattern"])
    if "range" in known:
        bounds = known["range"]
        numbers = isinstance(bounds, (list, tuple)) and all(
            isinstance(b, (int, float)) and not isinstance(b, bool) for b in bounds
        )
        if not numbers or len(bounds) != 2 or not float("-inf") < bounds[0] < bounds[1] < float("inf"):
            raise UsageError(f"range = {bounds!r} is not [low, high] with low < high", where=where)
        known["range"] = (float(bounds[0]), float(bounds[1]))
    return LayerConfig(pattern, **known)
