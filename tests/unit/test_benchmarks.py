"""The benchmarks: which figures count as worse, the file of the committed ones, both commands on the examples."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import needs
import pytest

from benchmarks import committed, cortex_m, loops, matrix, pi
from benchmarks.cases import MLPERF_TINY, case_of, examples
from benchmarks.committed import Committed, compare, compiler, digest, updated, warnings
from benchmarks.cores import CORES, listed
from benchmarks.matrix import Cell
from benchmarks.measure import Job, Measured
from benchmarks.tables import markdown
from edgeq.errors import MismatchError, ToolError, UsageError
from edgeq.target import load_target

GCC = "arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205"
FIGURES = {"instructions": 1000, "flash": 500, "kernels": 200, "arena": 100, "stack": 50}
MODELS = {"kws": "a", "vww": "b"}
OLD = Committed("arm-none-eabi-gcc 12.2", MODELS, {("kws", "cortex-m4", "balanced"): FIGURES})


def _measured(**figures: int) -> Measured:
    return Measured("kws", "cortex-m4", "balanced", {**FIGURES, **figures}, GCC)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (GCC, "arm-none-eabi-gcc 12.2"),
        ("arm-none-eabi-gcc (Arm GNU Toolchain 13.3.Rel1 (Build arm-13.24)) 13.3.1 20240614", "arm-none-eabi-gcc 13.3"),
        ("zig 0.13.0", "zig 0.13"),
        ("cc", "cc"),
        ("", ""),
    ],
)
def test_compiler(version: str, expected: str) -> None:
    assert compiler(version) == expected


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({}, []),
        ({"instructions": 1020, "flash": 510, "arena": 102, "stack": 51}, []),
        ({"instructions": 980}, []),
        ({"kernels": 400}, []),
        ({"instructions": 1021}, ["kws on cortex-m4, balanced: instructions 1,000 → 1,021 (+2.1 %)"]),
        ({"instructions": 900}, ["kws on cortex-m4, balanced: instructions 1,000 → 900 (-10.0 %)"]),
        (
            {"flash": 511, "arena": 50, "stack": 52},
            [
                "kws on cortex-m4, balanced: flash 500 → 511 (+2.2 %)",
                "kws on cortex-m4, balanced: arena 100 → 50 (-50.0 %)",
                "kws on cortex-m4, balanced: stack 50 → 52 (+4.0 %)",
            ],
        ),
    ],
)
def test_compare(figures: dict[str, int], expected: list[str]) -> None:
    """Exactly 2 % is not yet worse."""
    found = compare(OLD, [_measured(**figures)], MODELS)
    assert [str(change) for change in found] == expected
    assert [change.worse for change in found] == ["+" in text for text in expected]


def test_nothing_to_compare_with() -> None:
    """No committed figures, none of this setting, a figure that the file does not have, another file of that name."""
    bad = _measured(instructions=9999)
    assert compare(Committed(), [bad], MODELS) == []
    assert compare(OLD, [replace(bad, goal="size"), replace(bad, core="cortex-m3")], MODELS) == []
    without = Committed(OLD.toolchain, MODELS, {("kws", "cortex-m4", "balanced"): {"flash": 500}})
    assert compare(without, [bad], MODELS) == []
    assert compare(OLD, [bad], {"kws": "another"}) == []


def test_a_figure_that_was_nothing() -> None:
    old = Committed(OLD.toolchain, MODELS, {("kws", "cortex-m4", "balanced"): {**FIGURES, "arena": 0}})
    (change,) = compare(old, [_measured()], MODELS)
    assert change.worse and str(change) == "kws on cortex-m4, balanced: arena 0 → 100"


def test_warnings() -> None:
    assert warnings(OLD, MODELS, OLD.toolchain) == warnings(Committed(), MODELS, "zig 0.13") == []
    assert warnings(OLD, {"kws": "a", "ic": "new"}, OLD.toolchain) == []
    assert warnings(OLD, {"kws": "x"}, "zig 0.13") == [
        "the committed figures are those of arm-none-eabi-gcc 12.2, these of zig 0.13",
        "the committed figures of kws are those of another file",
    ]


def test_updated() -> None:
    size = replace(_measured(instructions=7), goal="size")
    more = updated(OLD, [size], {"kws": "a"}, OLD.toolchain)
    assert more.models == MODELS
    assert more.figures == {**OLD.figures, ("kws", "cortex-m4", "size"): size.figures}
    other_file = updated(OLD, [size], {"kws": "x"}, OLD.toolchain)
    assert other_file == Committed(
        OLD.toolchain, {"kws": "x", "vww": "b"}, {("kws", "cortex-m4", "size"): size.figures}
    )
    other_compiler = updated(OLD, [size], {"kws": "a"}, "zig 0.13")
    assert other_compiler == Committed("zig 0.13", {"kws": "a"}, {("kws", "cortex-m4", "size"): size.figures})


def test_file(tmp_path: Path) -> None:
    """What is written is what is read; a program is a line."""
    path = tmp_path / "figures.json"
    assert committed.read(path) == Committed()
    made = updated(OLD, [replace(_measured(), core=core) for core in CORES], MODELS, OLD.toolchain)
    committed.write(made, path)
    assert committed.read(path) == made
    assert path.read_text().count("{ ") == len(CORES)
    assert (
        '"balanced": { "instructions": 1000, "flash": 500, "kernels": 200, "arena": 100, "stack": 50 }'
        in path.read_text()
    )


def test_committed_figures() -> None:
    """They are complete, of the examples as they are, and in the form in which they are written."""
    found = committed.read(committed.FILE)
    assert found.toolchain == "arm-none-eabi-gcc 12.2"
    assert committed.dumps(found) == committed.FILE.read_text()
    assert all(found.models[case.name] == digest(case.model) for case in examples())
    names = [case.name for case in examples()] + list(MLPERF_TINY)
    assert {(name, core, "balanced") for name in names for core in CORES} <= set(found.figures)
    assert all(set(cortex_m.FIGURES) == set(figures) for figures in found.figures.values())


def test_lists() -> None:
    read = listed(("a", "b", "c"))
    assert read("all") == ("a", "b", "c") and read("c,a") == ("c", "a")
    with pytest.raises(argparse.ArgumentTypeError, match="'d' is none of a, b, c, all"):
        read("a,d")


def test_case_of_a_file(tmp_path: Path) -> None:
    for name in ("kws_float.onnx", "kws_calib.npz"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match="no such file") as caught:
        case_of(tmp_path / "kws_float.onnx", tmp_path)
    assert caught.value.where.endswith("kws_eval.npz")
    (tmp_path / "kws_eval.npz").touch()
    found = case_of(tmp_path / "kws_float.onnx", tmp_path)
    assert (found.name, found.evaluation.name) == ("kws_float.onnx", "kws_eval.npz")


def test_markdown() -> None:
    assert markdown(["a", "b"], [["x", 1234567]]) == "| a | b |\n| --- | --- |\n| x | 1,234,567 |"


Fake = Callable[..., None]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Lets every job have these figures."""

    def use(toolchain: str = GCC, **figures: int) -> None:
        def measure_all(jobs: Sequence[Job], at_a_time: int) -> list[Measured]:
            return [Measured(j.case.name, j.core, j.goal, {**FIGURES, **figures}, toolchain) for j in jobs]

        monkeypatch.setattr(cortex_m, "measure_all", measure_all)

    return use


def test_command_compares(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = ["--committed", str(tmp_path / "figures.json")]
    fake()
    assert cortex_m.main([*file, "--update"]) == 0
    assert len(committed.read(tmp_path / "figures.json").figures) == 2 * len(CORES)
    assert cortex_m.main(file) == 0
    assert capsys.readouterr().err.count("WORSE") == 0
    fake(instructions=1100, stack=40)
    assert cortex_m.main([*file, "--cores", "cortex-m3,cortex-m4"]) == 1
    told = capsys.readouterr().err
    assert "WORSE  digits on cortex-m3, balanced: instructions 1,000 → 1,100 (+10.0 %)" in told
    assert told.count("WORSE") == told.count("better") == 4
    fake("zig 0.13.0", instructions=1100)
    assert cortex_m.main(file) == 0
    told = capsys.readouterr().err
    assert "WORSE" in told and "warning: the committed figures are those of arm-none-eabi-gcc 12.2" in told
    fake(instructions=1100)
    assert cortex_m.main([*file, "--update"]) == cortex_m.main(file) == 0


def test_command_prints(fake: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake()
    flags = ["--committed", str(tmp_path / "none.json"), "--cores", "cortex-m4,cortex-m55", "--optimize", "all"]
    assert cortex_m.main([*flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["toolchain"] == GCC and found["changes"] == [] and len(found["figures"]) == 12
    assert found["figures"][0] == {"model": "digits", "core": "cortex-m4", "optimize": "speed", **FIGURES}
    assert cortex_m.main([*flags, "--markdown"]) == 0
    shown = capsys.readouterr().out
    assert "| cortex-m55 | size | 1,000 | 1,000 |" in shown
    assert "| hello_sine | cortex-m4 | balanced | 1,000 | 500 | 200 | 100 | 50 |" in shown
    assert cortex_m.main(flags) == 0
    assert "instructions of one inference" in capsys.readouterr().out


def test_command_without_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cortex_m.main(["--models", str(tmp_path)]) == 2
    assert "kws_float.onnx: no such file" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.qemu
def test_figures_of_the_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--committed", str(tmp_path / "f.json"), "--cores", "cortex-m4", "--samples", "3"]
    assert cortex_m.main([*flags, "--update", "--json"]) == 0
    rows = {row["model"]: row for row in json.loads(capsys.readouterr().out)["figures"]}
    digits = rows["digits"]
    assert 50_000 < digits["instructions"] < 1_000_000 and 0 < digits["kernels"] < digits["flash"] < 60_000
    assert 0 < digits["arena"] < 10_000 and 0 < digits["stack"] < 4096
    assert rows["hello_sine"]["instructions"] < digits["instructions"]
    written = committed.read(tmp_path / "f.json")
    assert written.figures["digits", "cortex-m4", "balanced"] == {name: digits[name] for name in cortex_m.FIGURES}


def test_mismatch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a program that differs from the simulator nothing is measured."""
    monkeypatch.setattr("edgeq.build", lambda *a, **k: {})
    monkeypatch.setattr("edgeq.verify", lambda *a: {"samples": 3, "mismatches": 2})
    assert cortex_m.main(["--cores", "cortex-m4"]) == MismatchError.exit_code
    assert "digits on cortex-m4, balanced: 2 of 3 samples differ from the simulator" in capsys.readouterr().err


# matrix


@pytest.mark.slow
@pytest.mark.qemu
def test_matrix_of_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--targets", "cortex-m55", "--numerics", "fast,tflm", "--samples", "2", "--jobs", "2"]
    assert matrix.main([*flags, "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert len(cells) == 2 * 2
    assert all((cell["samples"], cell["mismatches"], cell["error"]) == (2, 0, "") for cell in cells)
    assert {cell["numerics"] for cell in cells} == {"fast", "tflm"}


def test_matrix_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By a mismatch, and by an error, which does not keep the rest from being checked."""

    def build(options: Any, model: Any) -> None:
        if options.target == "cortex-m3":
            raise ToolError("the compiler fell over", hint="help it up", where="gcc")

    monkeypatch.setattr("edgeq.build", build)
    monkeypatch.setattr("edgeq.verify", lambda folder, data, samples: {"samples": samples, "mismatches": 1})
    assert matrix.main(["--targets", "cortex-m3,cortex-m4", "--samples", "4", "--markdown"]) == 1
    shown = capsys.readouterr()
    row = "| digits | fast | balanced | error: gcc: the compiler fell over | 1 of 4 |"
    assert row in shown.out and "digits fast balanced cortex-m4: 1 of 4" in shown.err


def test_matrix_cells() -> None:
    good = Cell("m", "fast", "cortex-m4", "balanced", 20, 0)
    assert good.good and str(good) == "0 of 20"
    assert not replace(good, mismatches=1).good and not replace(good, error="x").good
    heads, rows = matrix.table([good, replace(good, target="cortex-m3", mismatches=2), replace(good, model="n")])
    assert heads == ["model", "numerics", "optimize", "cortex-m4", "cortex-m3"]
    assert rows == [["m", "fast", "balanced", "0 of 20", "2 of 20"], ["n", "fast", "balanced", "0 of 20", ""]]


@pytest.mark.slow
def test_instructions_on_a_raspberry_pi(capsys: pytest.CaptureFixture[str]) -> None:
    """The plugin counts all that an inference calls: no fewer than a product for every sixteen, far fewer than in C."""
    needs.programs("gcc", "qemu-aarch64")
    needs.compiler(load_target("rpi5"), "gcc")
    counts, layers = pi.measure(examples()[0], "rpi5", 5)
    assert len(counts.calls) >= len(layers) > 3
    assert 0 <= counts.total - sum(counts.calls) < 500
    assert 2_000 < counts.total < 50_000


@pytest.mark.slow
@pytest.mark.parametrize(("target", "most"), [("rpi3", 0.25), ("rpi4", 0.17), ("rpi5", 0.04)])
def test_cycles_of_inner_loops(target: str, most: float) -> None:
    needs.programs("llvm-mca")
    needs.compiler(load_target(target), "gcc")
    assert 1 / 64 < loops.cycles_per_product(target) <= most
