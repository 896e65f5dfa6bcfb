"""Options that cost nothing when the program runs: found by trying them, since what they do does not add up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgeq.errors import UsageError
from edgeq.quantize.config import QuantConfig
from edgeq.search.space import with_method

WORTH = 0.98
"""An option is changed if the noise becomes less than this part of what it was: less is chance."""
SEED = 1
Measure = Callable[[Sequence[QuantConfig], str], Sequence[float]]


def chosen_methods(
    base: QuantConfig,
    methods: Mapping[str, tuple[Any, ...]],
    layers: Sequence[str],
    measure: Measure,
    trials: int = 0,
    batch: int = 4,
) -> QuantConfig:
    """The configuration of least noise that was found.

    First each option for all layers, one after the other, then for each layer by itself; what helps alone is taken
    together as far as that helps. Then `trials` by Optuna's estimator, which begins with what was found.

    Args:
        base: where to begin.
        methods: by the name of an option the values to try.
        layers: for which it is decided by itself.
        measure: gives the noise of configurations, and takes what to say of them.
        trials: how many more to try.
        batch: how many of them at a time.

    Raises:
        UsageError: there are to be trials, and Optuna is not installed.
    """
    (noise,) = measure([base], "measuring")
    for name, values in methods.items():
        others = [with_method(base, None, name, value) for value in values if value != getattr(base, name)]
        if others:
            base, noise = _best(base, noise, others, measure, f"{name}: all")
        base, noise = _by_layer(base, noise, name, values, layers, measure)
    if trials:
        base, noise = _estimated(base, noise, methods, layers, measure, trials, batch)
    return base


def _best(
    base: QuantConfig, noise: float, tried: Sequence[QuantConfig], measure: Measure, what: str
) -> tuple[QuantConfig, float]:
    least, index = min((error, k) for k, error in enumerate(measure(tried, what)))
    return (tried[index], least) if least < WORTH * noise else (base, noise)


def _by_layer(
    base: QuantConfig,
    noise: float,
    name: str,
    values: Sequence[Any],
    layers: Sequence[str],
    measure: Measure,
) -> tuple[QuantConfig, float]:
    """Each layer's own value of an option."""
    moves = [(layer, v) for layer in layers for v in values if v != getattr(base.for_layer(layer), name)]
    if not moves:
        return base, noise
    errors = measure([with_method(base, layer, name, value) for layer, value in moves], f"{name}: layer by layer")
    best: dict[str, tuple[float, Any]] = {}
    for (layer, value), error in zip(moves, errors, strict=True):
        if error < min(best.get(layer, (noise, None))[0], noise):
            best[layer] = (error, value)
    helpful = sorted((error, layer) for layer, (error, _) in best.items())
    # All that help, half of them, a quarter: what each layer gains alone they may not gain together.
    joined, count = [], len(helpful)
    while count:
        config = base
        for _, layer in helpful[:count]:
            config = with_method(config, layer, name, best[layer][1])
        joined.append(config)
        count //= 2
    return _best(base, noise, joined, measure, f"{name}: together") if joined else (base, noise)


def _estimated(
    base: QuantConfig,
    noise: float,
    methods: Mapping[str, tuple[Any, ...]],
    layers: Sequence[str],
    measure: Measure,
    trials: int,
    batch: int,
) -> tuple[QuantConfig, float]:
    """The best of some trials that Optuna proposes, a batch at a time; the same for the same seed and batch."""
    try:
        import optuna
    except ImportError as error:
        raise UsageError("--trials needs Optuna", hint='pip install "edgeq[search]"', where="--trials") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=SEED, multivariate=True, constant_liar=True)
    study = optuna.create_study(sampler=sampler, direction="minimize")
    places = [(name, layer) for name in methods for layer in layers]
    present = {_place(p): _index(methods[p[0]], getattr(base.for_layer(p[1]), p[0])) for p in places}
    study.enqueue_trial(present)
    done = 0
    while done < trials:
        asked = [study.ask() for _ in range(min(batch, trials - done))]
        tried = []
        for trial in asked:
            config = base
            for name, layer in places:
                values = methods[name]
                index = trial.suggest_categorical(_place((name, layer)), list(range(len(values))))
                if values[index] != getattr(config.for_layer(layer), name):
                    config = with_method(config, layer, name, values[index])
            tried.append(config)
        done += len(asked)
        errors = measure(tried, f"trial {done} of {trials}")
        for trial, least in zip(asked, errors, strict=True):
            study.tell(trial, least)
        least, index = min((e, k) for k, e in enumerate(errors))
        if least < noise:
            base, noise = tried[index], least
    return base, noise


def _place(place: tuple[str, str]) -> str:
    return f"{place[0]} of {place[1]}"


def _index(values: Sequence[Any], value: Any) -> int:
    return values.index(value) if value in values else 0
