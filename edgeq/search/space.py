"""What a search may choose: values of the options that layers can have, and of those that the program has.

Names and values are those of the options themselves, so that a new method is searched as soon as it is an option.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import escape
from itertools import product
from typing import Any

from edgeq.errors import UsageError
from edgeq.ir.goals import GOALS, Goal
from edgeq.options import Kind, Origin, choice, options
from edgeq.quantize.config import SINGLE_OBSERVERS, LayerConfig, QuantConfig
from edgeq.quantize.operands import WEIGHT_TYPES

COSTING = ("weight_bits", "activation_bits")
"""Options of a layer that change what it costs: which values layers get is decided exactly, for all at once."""
PROGRAM: Mapping[str, Kind] = {"optimize": choice(GOALS)}
"""Options of the program."""
EVERYTHING = "all"
"""What stands for all values of an option."""
_YES = {"true": True, "false": False}


@dataclass(frozen=True)
class Bits:
    """What a layer may do differently at a cost.

    Attributes:
        weight_bits, activation_bits: of its weights and of its outputs.
        optimize: what its kernel is chosen for; None: what the program is optimized for.
    """

    weight_bits: int | str = 8
    activation_bits: int = 8
    optimize: Goal | None = None

    def __str__(self) -> str:
        wide = "" if self.activation_bits == 8 else f", {self.activation_bits}-bit activations"
        return f"{self.weight_bits} bits{wide}" if isinstance(self.weight_bits, int) else f"{self.weight_bits}{wide}"


@dataclass(frozen=True)
class Space:
    """The values that are tried.

    Attributes:
        weight_bits, activation_bits: of each layer, the finest first; nothing: as in the rest of the options.
        goals: what the program may be optimized for.
        methods: by the name of an option that costs nothing when the program runs, its values.
    """

    weight_bits: tuple[int | str, ...] = (8, 4, 3, 2)
    activation_bits: tuple[int, ...] = ()
    goals: tuple[Goal, ...] = ("balanced", "size")
    methods: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: {"observer": SINGLE_OBSERVERS})

    def kinds(self, config: QuantConfig, by_layer: bool = False) -> tuple[Bits, ...]:
        """All that a layer may be; the first one is what everything is compared with.

        Args:
            config: what is not tried.
            by_layer: whether layers have goals of their own.
        """
        weights = self.weight_bits or (config.weight_bits,)
        activations = sorted(self.activation_bits) or (config.activation_bits,)
        goals = self.goals if by_layer and len(self.goals) > 1 else (None,)
        return tuple(Bits(w, a, goal) for goal, a, w in product(goals, activations, weights))

    @staticmethod
    def read(tried: Sequence[str], base: Space | None = None) -> Space:
        """What texts such as `weight-bits=8,4` and `observer=all` say of options; all else is as in `base`.

        Raises:
            UsageError: there is no such option, or no such value.
        """
        space = base or Space()
        kinds = {item.path[-1]: item.option.kind for item in options(LayerConfig)} | dict(PROGRAM)
        known = [name for name, kind in kinds.items() if kind.choices or kind.spelling == "on"]
        known = [name for name in known if name not in UNSEARCHED]
        for text in tried:
            name, _, listed = text.partition("=")
            name, where = name.strip().replace("-", "_"), f"--try {text}"
            if name not in known:
                raise UsageError(
                    f"there is no option {name!r} whose values are tried",
                    hint=f"one of {', '.join(n.replace('_', '-') for n in known)}",
                    where=where,
                )
            values = _values(kinds[name], listed, Origin(where))
            if name == "optimize":
                space = replace(space, goals=values)
            elif name in COSTING:
                finest = tuple(sorted(values, key=_fineness))
                space = replace(space, weight_bits=finest) if name == "weight_bits" else _with_wide(space, values)
            else:
                space = replace(space, methods={**space.methods, name: values})
        return space


def _with_wide(space: Space, values: tuple[Any, ...]) -> Space:
    return replace(space, activation_bits=tuple(sorted(values)))


UNSEARCHED = ("real", "float_weight_bits", "weight_group", "weight_zero_points", "dynamic")
"""Options of layers that change what the model is, and not only how well it is quantized."""


def _values(kind: Kind, listed: str, origin: Origin) -> tuple[Any, ...]:
    if kind.spelling == "on":
        words = list(_YES) if listed == EVERYTHING else listed.split(",")
        if not set(words) <= set(_YES):
            raise UsageError(f"{listed!r} is not true or false", where=origin.where)
        return tuple(_YES[word] for word in words)
    words = list(kind.choices) if listed == EVERYTHING else [word.strip() for word in listed.split(",")]
    return tuple(dict.fromkeys(kind.from_text(word, origin) for word in words))


def _fineness(value: int | str) -> tuple[int, str]:
    """Orders numbers of bits: the most first, words of as many bits behind numbers."""
    return (-value, "") if isinstance(value, int) else (-WEIGHT_TYPES[value].bits, value)


def with_bits(base: QuantConfig, bits: Mapping[str, Bits]) -> QuantConfig:
    """A configuration in which layers have these bits, and otherwise what it says of them."""
    entries = []
    for name, own in bits.items():
        entry = base.layer(name) or LayerConfig(name)
        same = own.activation_bits == base.activation_bits and entry.activation_bits is None
        entries.append(
            replace(
                entry,
                pattern=escape(name),
                weight_bits=own.weight_bits,
                activation_bits=entry.activation_bits if same else own.activation_bits,
            )
        )
    named = {entry.pattern for entry in entries}
    others = tuple(entry for entry in base.layers if entry.pattern not in named)
    return replace(base, weight_bits=8, layers=(*entries, *others))


def with_method(base: QuantConfig, layer: str | None, name: str, value: Any) -> QuantConfig:
    """A configuration with another value of an option, for one layer or, with None, for all that say nothing else."""
    if layer is None:
        return replace(base, **{name: value})
    entry = replace(base.layer(layer) or LayerConfig(layer), pattern=escape(layer))
    others = tuple(e for e in base.layers if e.pattern != entry.pattern)
    return replace(base, layers=(replace(entry, **{name: value}), *others))


def key_of(*items: Any) -> str:
    """A short text that is the same for the same settings."""
    return hashlib.sha256("\n".join(map(repr, items)).encode()).hexdigest()[:24]
