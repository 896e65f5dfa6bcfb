"""Search: how each layer is quantized, measured layer by layer and decided for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeq.api.data import Samples
from edgeq.api.flow import Advance, Step, silent
from edgeq.api.paths import check_sources
from edgeq.api.project import BuildOptions
from edgeq.api.searching.limits import Limits
from edgeq.api.searching.task import Task
from edgeq.api.searching.workers import Workers, workers
from edgeq.api.searching.writing import write_project, write_result
from edgeq.api.threads import one_thread
from edgeq.errors import UsageError
from edgeq.report.cost import pace
from edgeq.search.asked import ROUNDS, Asked
from edgeq.search.space import Space
from edgeq.target import load_target, target_name


@one_thread()
def search(
    options: BuildOptions,
    output: str | Path | None = None,
    max_drop: float | None = None,
    min_sqnr: float | None = None,
    data: Samples | None = None,
    tried: Sequence[str] = (),
    budgets: Sequence[int] = (),
    latency_ms: float | None = None,
    mean_bits: float | None = None,
    rounds: int = ROUNDS,
    trials: int = 0,
    jobs: int = 1,
    scheduler: str | None = None,
    step: Step = silent,
    progress: Advance | None = None,
) -> dict[str, Any]:
    """Find how each layer is quantized best.

    Options that cost nothing, such as observers, are tried. How much each layer's weights of fewer bits do to the
    output is measured, one layer at a time, on the calibration samples; what they cost is counted in the programs of
    uniform settings. The assignment is then the best one, or one with a known distance from it, is improved by what is
    measured around it, and is quantized, built and measured.

    Args:
        options: model, calibration, target, and what holds for all layers; `flash` and `ram` are what there is.
        output: a folder for `edgeq.toml`, which builds the result, `search.json`, `search.svg`, and what was measured:
            a search that was interrupted goes on from there. None: nothing is written.
        max_drop, min_sqnr: how much accuracy may be lost: points of top-1, dB.
        data: samples on which they are measured; by default the calibration samples.
        tried: options and the values to try, such as `weight-bits=8,4` or `observer=all`; by default weight-bits 8, 4,
            3 and 2, optimize balanced and size, and all observers.
        budgets: bytes of flash, for each of which the best setting is wanted.
        latency_ms: how long an inference may take, as `edgeq.profile` estimates it.
        mean_bits: how many bits a weight may have on average.
        rounds: how often an assignment is improved by what is measured around it.
        trials: how many combinations of methods Optuna tries.
        jobs: processes that measure; 0: one for each core. With more than 1 each imports the calling program's
            `__main__`.
        scheduler: address of a Dask scheduler, or `local`.
        step: called with a line of text as each step begins.
        progress: called with measurements done and in all.

    Returns:
        front: the settings that were verified and that no other one beats, each with label, optimize, sqnr_db, drop,
        agreement, flash_bytes, ram_bytes, stack_bytes, mean_bits, instructions (predicted unless `counted`), bits by
        layer, and activation_bits and optimize_layers by layer where they differ from the rest; uniform: the same of
        settings that are the same for all layers; chosen: the one that keeps to what is asked for; budgets: for each
        `flash` the same as `chosen`; gap: how much
        predicted noise an assignment may have more than the best one, as a part of that of 8 bits; layers: what was
        measured of each; methods: what was chosen of them; cost_error_percent: by how much counted instructions and
        predicted ones differ at most.

    Raises:
        UsageError: there are no samples, no limit can be measured, or nothing can have fewer bits.
        CapacityError: nothing fits flash, RAM or time.
        MismatchError: nothing that fits is accurate enough.
    """
    asked = Asked(max_drop, min_sqnr, tuple(tried), tuple(budgets), latency_ms, mean_bits, rounds=rounds, trials=trials)
    with workers(jobs, scheduler) as staff:
        folder = None if output is None else Path(output)
        found, limits = searched(options, asked, data, folder, folder, staff, step, progress)
    if found["chosen"] is None:
        limits.refuse([*found["front"], *found["uniform"]])
    return found


@one_thread()
def search_all(
    models: Sequence[BuildOptions],
    output: str | Path | None = None,
    asked: Asked | None = None,
    data: Sequence[Samples | None] = (),
    jobs: int = 1,
    scheduler: str | None = None,
    step: Step = silent,
    progress: Advance | None = None,
) -> dict[str, Any]:
    """Search several models, or one for several targets. What is measured of a model counts for all its targets.

    Args:
        models: as `options` of `search`, for each model and target.
        output: a folder for NAME-TARGET with what `search` writes, and NAME with what was measured.
        asked: what is asked of all of them.
        data: for each of `models` samples on which accuracy is measured, or None.
        jobs, scheduler, step, progress: as for `search`.

    Returns:
        searches: for each of `models` what `search` returns; `chosen` is None where nothing keeps to the limits.

    Raises:
        UsageError: as `search`; or two searches would write one folder.
    """
    places = [f"{options.model_name}-{target_name(options.target)}" for options in models]
    twice = next((place for k, place in enumerate(places) if place in places[:k]), None)
    if twice is not None:
        raise UsageError(f"two searches would write {twice}", hint="give each model a --name of its own")
    samples = list(data) or [None] * len(models)
    if len(samples) != len(models):
        raise UsageError(f"{len(samples)} data for {len(models)} searches", hint="give as many --data as models")
    found = []
    with workers(jobs, scheduler) as staff:
        for options, own, place in zip(models, samples, places, strict=True):
            step(place)
            whole = None if output is None else Path(output)
            folder, state = (None, None) if whole is None else (whole / place, whole / options.model_name)
            found.append(searched(options, asked or Asked(), own, folder, state, staff, step, progress)[0])
    return {"searches": found}


def searched(
    options: BuildOptions,
    asked: Asked,
    data: Samples | None,
    folder: Path | None,
    state: Path | None,
    staff: Workers,
    step: Step,
    progress: Advance | None,
) -> tuple[dict[str, Any], Limits]:
    """One search: its result, and what was asked of it."""
    check_sources(options)
    if options.calibration is None:
        raise UsageError("a search needs calibration samples", hint="give them with --calibration")
    for place in {folder, state} - {None}:
        assert place is not None
        place.mkdir(parents=True, exist_ok=True)
    time = _instructions(options.target, asked.latency_ms)
    limits = Limits(options.flash, options.ram, time, asked.mean_bits, asked.max_drop, asked.min_sqnr)
    space = Space.read(asked.tried)
    task = Task(options, space, limits, asked.budgets, data, asked.rounds, asked.trials, state, staff, step, progress)
    found = task.solve()
    if folder is not None:
        write_result(folder, found)
        if found["chosen"] is not None:
            write_project(folder, options, task.trial_config(found["chosen"]), found["chosen"])
        for budget in found["budgets"]:
            if budget["chosen"] is not None:
                own = replace(options, flash=budget["flash"])
                place = folder / f"flash-{budget['flash']}"
                write_project(place, own, task.trial_config(budget["chosen"]), budget["chosen"])
    return found, limits


def _instructions(target: str, latency_ms: float | None) -> int | None:
    """How many instructions an inference may take.

    Raises:
        UsageError: none are counted for the target, or nothing says how long one takes.
    """
    if latency_ms is None:
        return None
    known = load_target(target)
    own = pace(known)
    if known.counter != "instructions" or not own.unit_ns:
        raise UsageError(
            f"nothing is known of how long a program takes on {known.name} before it runs there",
            hint="give a target such as cortex-m4, whose instructions are counted",
            where="--latency",
        )
    return int(latency_ms * 1e6 / own.unit_ns)
