"""Search: the assignment is exact, its front beats uniform settings, and what it writes builds the same."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from command_line import edgeq as run
from command_line import succeeds
from onnx import helper
from onnx_models import model_of, weights

from edgeq import api
from edgeq.api.project import BuildOptions, load_project
from edgeq.api.searching.costs import Costs
from edgeq.api.searching.measuring import FUNCTIONS
from edgeq.api.searching.memory import STATE, Memory
from edgeq.api.searching.methods import chosen_methods
from edgeq.api.searching.problem import Problem
from edgeq.api.searching.task import identity
from edgeq.api.searching.workers import Processes, workers
from edgeq.api.searching.writing import PICTURE, RESULT
from edgeq.codegen.lower import lower
from edgeq.codegen.manifest import read_manifest
from edgeq.errors import UsageError
from edgeq.ir.text import load_graph
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.config import SINGLE_OBSERVERS, ObserverKind, QuantConfig
from edgeq.search.asked import Asked
from edgeq.search.assign import Choice, Front, best_of, front
from edgeq.search.exchange import improved
from edgeq.search.space import Bits, Space, with_bits, with_method
from edgeq.target import load_target


def some_layers(count: int, seed: int) -> list[list[Choice]]:
    """Layers with three settings each, which cost less and make more noise."""
    rng = np.random.default_rng(seed)
    layers = []
    for _ in range(count):
        costs, noises = np.sort(rng.integers(1, 60, 3)), np.sort(rng.exponential(size=3))[::-1]
        layers.append([Choice(k, int(costs[k]), float(noises[k])) for k in range(3)])
    return layers


@pytest.mark.parametrize("seed", range(3))
def test_the_front_is_that_of_all_assignments(seed: int) -> None:
    layers = some_layers(5, seed)
    every = [(sum(c.bytes for c in chosen), sum(c.noise for c in chosen)) for chosen in itertools.product(*layers)]
    found = front(layers)
    assert found.gap == 0.0
    for limit in range(max(cost for cost, _ in every) + 2):
        least = min((noise for cost, noise in every if cost <= limit), default=None)
        point = found.within(limit)
        assert (point is None) == (least is None)
        if point is not None:
            assert point.noise == pytest.approx(least)
            own = [next(c for c in layer if c.setting == s) for layer, s in zip(layers, point.settings, strict=True)]
            assert point.bytes == sum(c.bytes for c in own) <= limit


@pytest.mark.parametrize("seed", range(3))
def test_the_front_within_a_time_is_that_of_all_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = [
        [
            Choice(k, *(int(x) for x in (rng.integers(1, 30),)), float(rng.normal()), int(rng.integers(1, 20)))
            for k in range(3)
        ]
        for _ in range(5)
    ]
    every = list(itertools.product(*layers))
    for time in (30, 45, 100):
        found = front(layers, time=time)
        for limit in range(10, 120, 7):
            within = [c for c in every if sum(x.bytes for x in c) <= limit and sum(x.time for x in c) <= time]
            point = found.within(limit)
            assert (point is None) == (not within)
            if point is not None:
                assert point.noise == pytest.approx(min(sum(x.noise for x in c) for c in within))
                assert point.time <= time and point.bytes <= limit


def test_a_front_that_is_thinned_knows_what_it_lost() -> None:
    layers = some_layers(9, 7)
    exact, thin = front(layers), front(layers, most=8)
    assert thin.gap > 0.0 and len(thin.points) < len(exact.points)
    for point in exact.points:
        other = thin.within(point.bytes)
        assert other is not None and other.noise <= point.noise + thin.gap + 1e-12


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers, one of them with most of the weights, and samples."""
    folder = tmp_path_factory.mktemp("search")
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["a"], "first [x]"),
        helper.make_node("Relu", ["a"], ["r"], "relu"),
        helper.make_node("Gemm", ["r", "w2"], ["y"], "second"),
    ]
    constants = {"w1": weights(16, 48), "b1": weights(48), "w2": weights(48, 3)}
    onnx.save(model_of(nodes, {"x": (1, 16)}, ["y"], constants), folder / "m.onnx")
    x = np.random.default_rng(1).normal(size=(40, 16)).astype(np.float32)
    np.savez(folder / "x.npz", x=x)
    return folder


def test_fronts_of_several_programs_are_one() -> None:
    layers = some_layers(4, 3)
    alone = front(layers)
    cheap = Front(tuple(p for p in alone.points[:1]), 0.0)
    both = best_of([alone, cheap], [100, 0])
    assert both.points[0].bytes == alone.points[0].bytes and both.points[1].bytes == alone.points[1].bytes + 100


def test_what_does_not_add_up_is_found_by_measuring() -> None:
    """Two layers that only help together, which a prediction by single layers cannot know."""
    layers = [[Choice(0, 1, 1.0), Choice(1, 2, 0.5)] for _ in range(3)]

    def noise(at: tuple[int, ...]) -> float:
        return 3.0 - 0.4 * at[0] - 0.1 * at[1] - 0.1 * at[2] - 2.0 * at[1] * at[2]

    asked: list[tuple[int, ...]] = []

    def measure(tried: Any) -> list[float]:
        asked.extend(tried)
        return [noise(at) for at in tried]

    found, least = improved(layers, (1, 1, 0), 5, measure, 3)
    assert found == (0, 1, 1) and least == pytest.approx(noise((0, 1, 1)))
    assert len(set(asked)) <= 8
    assert improved(layers, (0, 0, 0), 3, measure, 3)[0] == (0, 0, 0), "nothing else is within the limit"


def test_costs_know_the_kernels_that_a_program_needs() -> None:
    """A kind of kernels costs its code once, functions that several call once; what is small is worth no new kernel."""
    eight, four = Bits(8), Bits(4)
    code = {"f8": {"f8": 100, "shared": 30}, "f4": {"f4": 200, "shared": 30}, "pool": {"pool": 10}}

    def build(function: str, sizes: tuple[int, int]) -> dict[str, Any]:
        constants = dict(zip(("a", "b", "pool"), (*sizes, 0), strict=True))
        functions = {"a": function, "b": function, "pool": "pool"}
        own = {name: code[name] for name in (function, "pool")}
        flash = sum(sizes) + sum({k: v for c in own.values() for k, v in c.items()}.values()) + 7
        return {"constants": constants, "functions": functions, "code": own, "flash_bytes": flash, "values": None}

    offered = {"a": (eight, four), "b": (eight, four)}
    costs = Costs(offered, {eight: build("f8", (1000, 50)), four: build("f4", (500, 25))})
    assert costs.besides([eight]) == 100 + 30 + 10 + 7 and costs.besides([eight, four]) == 100 + 200 + 30 + 10 + 7
    noises = {"a": {eight: 0.0, four: 1.0}, "b": {eight: 0.0, four: 1.0}}
    points = costs.front(noises).points
    assert [(p.bytes, p.settings) for p in points] == [
        (500 + 25 + 247, (1, 1)),
        (500 + 50 + 347, (1, 0)),
        (1197, (0, 0)),
    ]
    assert costs.instructions({"a": eight, "b": four}) is None


def test_the_space_takes_its_names_from_the_options() -> None:
    space = Space.read(["weight-bits=4,8,ternary", "activation-bits=16,8", "optimize=speed", "equalize=true,false"])
    assert space.weight_bits == (8, 4, "ternary") and space.activation_bits == (8, 16) and space.goals == ("speed",)
    assert space.methods == {"observer": SINGLE_OBSERVERS, "equalize": (True, False)}
    kinds = space.kinds(QuantConfig())
    assert kinds[0] == Bits(8, 8) and len(kinds) == 6
    config = with_method(QuantConfig(), "b", "observer", ObserverKind.MSE)
    assert [entry.pattern for entry in with_bits(config, {"b": Bits(4, 16)}).layers] == ["b"], "a table in a file"
    both = with_bits(config, {"b": Bits(4, 16)}).for_layer("b")
    assert (both.weight_bits, both.activation_bits, both.observer) == (4, 16, ObserverKind.MSE)


def built(
    problem: Problem, config: QuantConfig, goal: Any, layer_goals: Any, target: str, counted: bool
) -> dict[str, Any]:
    """Stands for a build: what takes time is only the compiler. Small kernels are slow, and have small constants."""
    by_layer = {escape(name): own for name, own in layer_goals.items()}
    program = lower(problem.quantized(config).graph, load_target(target), "m", goal, layer_goals=by_layer)
    bytes_of = {constant.name: constant.array.nbytes for constant in program.constants}
    small = {call.name: "compact" in call.function for call in program.calls}
    constants = {
        call.name: sum(bytes_of[m] for m in call.params.values() if isinstance(m, str) and m in bytes_of)
        // (1 + small[call.name])
        for call in program.calls
    }
    functions = {call.name: call.function for call in program.calls}
    return {
        "flash_bytes": sum(constants.values()) + 900 + 20 * len(set(functions.values())),
        "ram_bytes": program.arena_bytes,
        "stack_bytes": 100,
        "constants": constants,
        "functions": functions,
        "code": {name: {name: 20} for name in functions.values()},
        "values": {c.name: (30 if small[c.name] else 10) * c.macs + 5 for c in program.calls} if counted else None,
    }


@pytest.mark.slow
def test_search(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest program that is accurate enough; the same at once when it is looked for again."""
    output, samples = sources / "found", str(sources / "x.npz")
    words = [str(sources / "m.onnx"), "--target", "host", "--calibration", samples, "--output", str(output)]
    (sources / "edgeq.toml").write_text('model = "m.onnx"\nnumerics = "fast"\nname = "net"\n')
    words[0] = str(sources)
    monkeypatch.setitem(FUNCTIONS, "builds", built)
    words += ["--jobs", "1", "--try", "optimize=size", "--budgets", "3K,4K", "--try", "observer=min-max,mse"]
    found = succeeds("search", *words, "--min-sqnr", "15", "--json").json
    chosen, uniform = found["chosen"], found["uniform"]
    assert {trial["mean_bits"] for trial in uniform} == {8.0, 4.0, 3.0, 2.0}
    assert chosen["sqnr_db"] >= 15.0 and chosen["mean_bits"] < 8.0
    assert set(chosen["bits"]) == {"first [x]", "second"}
    for trial in uniform:
        better = [t for t in found["front"] if t["flash_bytes"] <= trial["flash_bytes"]]
        assert max(t["sqnr_db"] for t in better) >= trial["sqnr_db"], "no uniform setting beats the front"
    assert (output / PICTURE).read_text("utf-8").startswith("<svg xmlns=")
    assert json.loads((output / RESULT).read_text("utf-8")) == found

    assert load_project(output).numerics is Numerics.FAST and load_project(output).name == "net"
    succeeds("build", output, "--output", sources / "built", "--no-compile")
    graph = load_graph(sources / "built" / "reference" / "integer")
    held = {
        node.name: min(graph.type(n).dtype.bits for n in node.inputs if n is not None and graph.data(n) is not None)
        for node in graph.nodes
        if node.name in chosen["bits"]
    }
    assert held == chosen["bits"], "the file that was written builds the setting that was chosen"
    assert read_manifest(sources / "built")["optimize"] == chosen["optimize"]

    def never(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("all is in the state file")

    for kind in FUNCTIONS:
        monkeypatch.setitem(FUNCTIONS, kind, never)
    assert succeeds("search", *words, "--min-sqnr", "15", "--json").json == found
    assert (output / STATE).is_file()
    ended = run("search", *words, "--flash", "10")
    assert ended.code == 5 and "no setting fits" in ended.err


def test_measurements_are_of_a_model_and_of_options(tmp_path: Path) -> None:
    """Weights and names alone do not tell models apart: operators and their attributes do."""
    found = []
    data = {"x": weights(16, 6)}
    for kind, more in (("Relu", {}), ("Sigmoid", {}), ("Relu", {"weights_in": "ram"}), ("Relu", {"model": "other"})):
        nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node(kind, ["h"], ["y"], "act")]
        path = tmp_path / "model.onnx"
        path.write_bytes(model_of(nodes, {"x": (1, 6)}, ["y"], {"w": weights(6, 3)}).SerializeToString())
        model = api.quantize(path, data)
        assert model.samples is not None
        options = BuildOptions(**{"model": path, "target": "host", **more})
        found.append(identity(options, model, model.samples.inputs, None))
    assert len(set(found[:3])) == 3 and found[3] == found[0]


@pytest.mark.parametrize("text", ["", "[]", "3", '{"identity": "i"}', '{"identity": "i", "errors": []}'])
def test_a_damaged_state_is_measured_again(text: str, tmp_path: Path) -> None:
    (tmp_path / STATE).write_text(text)
    assert not Memory.at(tmp_path / STATE, "i").has("errors", "key")


def test_what_cannot_be_searched(sources: Path) -> None:
    words = [str(sources / "m.onnx"), "--output", str(sources / "none")]
    ended = run("search", *words)
    assert ended.code == 2 and "needs calibration samples" in ended.err
    ended = run("search", *words, "--calibration", str(sources / "x.npz"), "--max-drop", "1")
    assert ended.code == 2 and "--max-drop needs labels" in ended.err
    assert "search" in api.__all__


def test_layers_have_kernels_of_their_own_where_time_is_short(
    sources: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Small kernels for the layer that hardly counts, fast ones for the other: neither goal alone keeps to the time."""
    monkeypatch.setitem(FUNCTIONS, "builds", built)
    options = BuildOptions(sources / "m.onnx", "cortex-m4", calibration=sources / "x.npz")
    tried = ("observer=min-max", "weight-bits=8")
    free = api.search(options, None, tried=tried)
    by_goal = {trial["optimize"]: trial for trial in free["uniform"]}
    fast, small = by_goal["balanced"], by_goal["size"]
    assert fast["instructions"] < small["instructions"]
    between = fast["instructions"] + (small["instructions"] - fast["instructions"]) // 2
    speed = load_target("cortex-m4").speed
    assert speed is not None
    ms = between * speed.cpi / speed.clock_mhz / 1e3
    found = api.search(options, tmp_path, tried=tried, latency_ms=ms, min_sqnr=0.0)
    chosen = found["chosen"]
    assert chosen["optimize_layers"] and fast["instructions"] < chosen["instructions"] <= between
    assert load_project(tmp_path).optimize_layers == {escape(n): g for n, g in chosen["optimize_layers"].items()}


def test_wide_activations_as_far_as_there_is_room(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some layers get 16-bit activations, which are more accurate; where RAM is short none that takes more does."""
    monkeypatch.setitem(FUNCTIONS, "builds", built)
    options = BuildOptions(sources / "m.onnx", "cortex-m4", calibration=sources / "x.npz")
    tried = ("observer=min-max", "weight-bits=8", "activation-bits=8,16", "optimize=balanced")
    free = api.search(options, None, tried=tried, rounds=0)
    narrow = next(trial for trial in free["uniform"] if not trial["activation_bits"])
    assert free["chosen"]["activation_bits"] and free["chosen"]["sqnr_db"] > narrow["sqnr_db"] + 6.0
    assert free["chosen"]["ram_bytes"] > narrow["ram_bytes"]
    ram = narrow["ram_bytes"] + narrow["stack_bytes"]
    found = api.search(replace(options, ram=ram), None, tried=tried, rounds=0)
    assert found["chosen"]["ram_bytes"] <= narrow["ram_bytes"]
    assert found["chosen"]["sqnr_db"] >= narrow["sqnr_db"]


@pytest.mark.slow
def test_a_cluster_finds_the_same_after_a_worker_was_killed(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models, each for a target, on processes of a Dask cluster, one of which dies while it measures."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setitem(FUNCTIONS, "builds", built)
    models = [
        BuildOptions(sources / "m.onnx", target, calibration=sources / "x.npz", name=name)
        for name, target in (("one", "host"), ("two", "cortex-m4"))
    ]
    asked = Asked(tried=("optimize=size", "observer=min-max", "weight-bits=8,4"), mean_bits=5.0, rounds=0)
    serial = api.search_all(models, None, asked)
    killed: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:

        def kill(done: int, total: int) -> None:
            if done == 2 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        clustered = api.search_all(models, None, asked, scheduler=cluster.scheduler_address, progress=kill)
    assert killed
    assert clustered == serial
    assert [found["target"] for found in serial["searches"]] == ["host", "cortex-m4"]
    assert all(found["chosen"]["mean_bits"] <= 5.0 for found in serial["searches"])


def test_processes_measure_the_same(sources: Path) -> None:
    """Results come with the index of what they are of, in whatever order they are done."""
    tasks = [(str(k), (k,)) for k in range(5)]
    with ThreadPoolExecutor(3) as pool:  # what a pool of processes does, without their starting
        found = dict(Processes(cast(ProcessPoolExecutor, pool)).run(named, cast(Problem, Named("p")), tasks))
    assert found == {k: f"p{k}" for k in range(5)}
    with workers(2) as staff:
        assert dict(staff.run(named, cast(Problem, Named("p")), tasks[:1])) == {0: "p0"}
    with pytest.raises(UsageError, match="no Dask scheduler answers"), workers(1, "tcp://127.0.0.1:9"):
        pass
    with pytest.raises(UsageError, match="less than none"), workers(-1):
        pass


@dataclass
class Named:
    """What stands for a problem."""

    name: str


def named(problem: Named, number: int) -> str:
    """What stands for a measurement."""
    return f"{problem.name}{number}"


def test_methods_are_found_by_trying() -> None:
    """What helps one layer is taken for it; what helps each alone but not together is not taken for all."""
    kinds = tuple(ObserverKind)

    def noise(config: QuantConfig) -> float:
        own = {name: config.for_layer(name).observer for name in "abc"}
        less = 0.1 * (own["a"] is ObserverKind.MSE) + 0.2 * (own["b"] is ObserverKind.ENTROPY)
        more = 0.3 * (own["c"] is not ObserverKind.MIN_MAX)
        return 1.0 - less + more + 0.25 * (own["b"] is ObserverKind.MSE)

    measured: list[QuantConfig] = []

    def measure(configs: Sequence[QuantConfig], what: str) -> list[float]:
        measured.extend(configs)
        return [noise(config) for config in configs]

    found = chosen_methods(QuantConfig(), {"observer": kinds}, "abc", measure)
    assert [found.for_layer(name).observer.value for name in "abc"] == ["mse", "entropy", "min-max"]
    pytest.importorskip("optuna")
    before = len(measured)
    again = chosen_methods(QuantConfig(), {"observer": kinds}, "abc", measure, trials=6, batch=3)
    assert noise(again) <= noise(found) and len(measured) == 2 * before + 6
