"""Graphs written down step by step: `--dump-ir`, and the observer that it is made of."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS, contents, fails, succeeds
from pass_graphs import Net, assert_same_float

import edgeq
from edgeq.api.dump import dump_into
from edgeq.ir.graph import Graph
from edgeq.ir.text import load_graph, print_graph
from edgeq.ir.verify import verify
from edgeq.ops.clip import Clip
from edgeq.ops.tanh import Tanh
from edgeq.passes.pipeline import FLOAT_PASSES, INTEGER_PASSES, optimize_float

BUILD = ("build", DIGITS, "--no-compile", "--output")


def _steps(folder: Path) -> list[str]:
    """Names of the steps, in order; each is there as text and as constants."""
    stems = sorted({path.stem for path in folder.iterdir()})
    assert sorted(path.name for path in folder.iterdir()) == [f"{s}.{e}" for s in stems for e in ("npz", "txt")]
    assert [int(stem.split("_")[0]) for stem in stems] == list(range(len(stems)))
    return stems


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `edgeq build` of examples/digits dumps."""
    folder = tmp_path_factory.mktemp("dump")
    succeeds(*BUILD, folder / "out", "--dump-ir", folder / "steps")
    return folder / "steps"


def test_every_step_that_changed_the_graph(steps: Path, tmp_path: Path) -> None:
    stems = _steps(steps)
    assert stems[0] == "00_import" and len(stems) > 4
    names = [re.sub(r"^\d+_", "", stem) for stem in stems]
    assert {p.__name__ for p in FLOAT_PASSES} & set(names) and "convert" in names
    graphs = [verify(load_graph(steps / stem)) for stem in stems]
    texts = [(steps / f"{stem}.txt").read_text("utf-8") for stem in stems]
    assert [print_graph(graph) for graph in graphs] == texts
    for before, after in pairwise(graphs):
        if after.numerics is None:
            assert_same_float(before, after, 1e-4)
    files = contents(steps)
    pairs = [(files[f"{stem}.txt"], files[f"{stem}.npz"]) for stem in stems]
    assert all(a != b for a, b in pairwise(pairs)), "a step that changed nothing is not written"
    made = succeeds(*BUILD, tmp_path / "out").code
    assert made == 0
    final = load_graph(tmp_path / "out" / "reference" / "integer")
    assert print_graph(final) == texts[-1], "the last step is what the program is made of"


def test_the_same_bytes_again_and_nothing_of_an_earlier_dump(steps: Path, tmp_path: Path) -> None:
    folder = tmp_path / "steps"
    shutil.copytree(steps, folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "07_notes.txt").write_text("mine too")
    for suffix in (".txt", ".npz"):
        shutil.copy(folder / f"00_import{suffix}", folder / f"93_of_before{suffix}")
    succeeds(*BUILD, tmp_path / "out", "--dump-ir", folder)
    files = contents(folder)
    assert files.pop("notes.txt") and files.pop("07_notes.txt")
    assert files == contents(steps)


def test_quantize_and_inspect(steps: Path, tmp_path: Path) -> None:
    succeeds("quantize", DIGITS, "--samples", "1", "--dump-ir", tmp_path / "quantize")
    assert contents(tmp_path / "quantize") == contents(steps)
    succeeds("inspect", DIGITS, "--dump-ir", tmp_path / "deep" / "inspect")
    inspected = contents(tmp_path / "deep" / "inspect")
    assert "00_import.txt" in inspected and inspected.items() <= contents(steps).items()
    shutil.copytree(DIGITS, tmp_path / "project")
    project = tmp_path / "project" / "edgeq.toml"
    project.write_text(f'dump_ir = "steps"\n{project.read_text("utf-8")}')
    succeeds("inspect", tmp_path / "project", "--json")
    assert contents(tmp_path / "project" / "steps") == inspected


def test_folders_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    succeeds(*BUILD, tmp_path / "out")
    build = (*BUILD, tmp_path / "out", "--dump-ir")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        fails(2, *build, folder, says=(str(folder), "--dump-ir"), folder=tmp_path)
        fails(2, "inspect", DIGITS, "--dump-ir", folder, says=(str(folder),), folder=tmp_path)
    for folder in (tmp_path / "out", tmp_path / "out" / "steps"):
        fails(2, *build, folder, says=("build folder", "outside of it"), folder=tmp_path)
    says = ("is a build folder", "--dump-ir")
    fails(2, "inspect", tmp_path / "out", "--dump-ir", tmp_path / "d", says=says, folder=tmp_path)
    fails(2, *BUILD, tmp_path / "new", "--target", "none", "--dump-ir", tmp_path / "d", folder=tmp_path)


def test_observers_see_every_pass_of_every_round() -> None:
    net = Net()
    y = net.add(Clip(-1.0, 1.0), net.add(Clip(-9.0, 9.0), net.input("x", 2, 3)))
    graph = net.finish(net.add(Tanh(), y))
    seen: list[tuple[str, Graph]] = []
    after = optimize_float(graph, lambda name, graph: seen.append((name, graph)))
    order = [p.__name__ for p in FLOAT_PASSES]
    assert [name for name, _ in seen] == order * (len(seen) // len(order))
    assert seen[-1][1] is after and len(seen) > len(order)


def test_what_is_observed_of_quantization() -> None:
    names: list[str] = []
    samples = str(DIGITS / "calibration.npz")
    model = edgeq.quantize(DIGITS / "digits.onnx", samples, observe=lambda name, graph: names.append(name))
    assert names[0] == "import" and names[-1] == INTEGER_PASSES[-1].__name__
    assert names.index("equalize") < names.index("convert") < names.index("correct_biases")
    assert model.graph.numerics is not None


def test_snippets_of_the_page(steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/passes.md; its step names are those of examples/digits."""
    shutil.copy(DIGITS / "digits.onnx", tmp_path / "model.onnx")
    shutil.copy(DIGITS / "calibration.npz", tmp_path / "samples.npz")
    shutil.copytree(steps, tmp_path / "steps")
    monkeypatch.chdir(tmp_path)
    page = (DIGITS.parent.parent / "docs" / "passes.md").read_text("utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == 2
    names: dict[str, object] = {"image": np.load(DIGITS / "test.npz")["x"][:1].astype(np.float32)}
    for snippet in snippets:
        exec(snippet, names)
    assert "probabilities" in str(names["values"]) and "import" in str(names["sizes"])


def test_constants_alone_make_a_step(tmp_path: Path) -> None:
    observe = dump_into(tmp_path / "steps")
    for name, value in (("one", 1.0), ("same", 1.0), ("two", 2.0), ("no_number", np.nan), ("still_none", np.nan)):
        net = Net()
        observe(name, net.finish(net.add(Tanh(), net.add(Tanh(), net.input("x", 1)), name="y"), net.data([value])))
    assert _steps(tmp_path / "steps") == ["00_one", "01_two", "02_no_number"]
