"""Search: the assignment is exact, its front beats uniform settings, and what it writes builds the same."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from command_line import edgeq as run
from command_line import succeeds
from onnx import helper
from onnx_models import model_of, weights

from edgeq import api
from edgeq.api.flow import QuantizedModel
from edgeq.api.project import BuildOptions, load_project
from edgeq.api.searching import BITS, PICTURE, RESULT, STATE
from edgeq.codegen.lower import lower
from edgeq.codegen.manifest import read_manifest
from edgeq.ir.text import load_graph
from edgeq.numerics.fixedpoint import Numerics
from edgeq.search.assign import Choice, front
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


def built(options: BuildOptions, model: QuantizedModel) -> dict[str, Any]:
    """Stands for a build: what takes time is only the compiler."""
    program = lower(model.graph, load_target(options.target), "m", options.optimize)
    code = 900 + 300 * len({call.function for call in program.calls})
    return {"flash_bytes": program.constant_bytes + code, "ram_bytes": program.arena_bytes, "stack_bytes": 100}


@pytest.mark.slow
def test_search(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest program that is accurate enough; the same at once when it is looked for again."""
    output, samples = sources / "found", str(sources / "x.npz")
    words = [str(sources / "m.onnx"), "--target", "host", "--calibration", samples, "--output", str(output)]
    (sources / "edgeq.toml").write_text('model = "m.onnx"\nnumerics = "fast"\nname = "net"\n')
    words[0] = str(sources)
    monkeypatch.setattr("edgeq.api.searching.build", built)
    monkeypatch.setattr("edgeq.api.searching.VERIFIED", 2)
    monkeypatch.setattr("edgeq.api.searching.GOALS", ("size",))
    found = succeeds("search", *words, "--min-sqnr", "15", "--json").json
    chosen, uniform = found["chosen"], found["uniform"]
    assert {trial["mean_bits"] for trial in uniform} == set(map(float, BITS))
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

    monkeypatch.setattr("edgeq.api.searching.build", never)
    assert succeeds("search", *words, "--min-sqnr", "15", "--json").json == found
    assert (output / STATE).is_file()
    monkeypatch.setattr("edgeq.api.searching.build", built)
    ended = run("search", *words, "--flash", "10")
    assert ended.code == 5 and "no setting fits" in ended.err


def test_what_cannot_be_searched(sources: Path) -> None:
    words = [str(sources / "m.onnx"), "--output", str(sources / "none")]
    ended = run("search", *words)
    assert ended.code == 2 and "needs calibration samples" in ended.err
    ended = run("search", *words, "--calibration", str(sources / "x.npz"), "--max-drop", "1")
    assert ended.code == 2 and "--max-drop needs labels" in ended.err
    assert "search" in api.__all__
