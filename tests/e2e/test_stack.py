"""The stack that an inference uses in the emulator is what was read off its program, and hardly less."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import DIGITS, SINE
from tiny_firmware import SPIN, asking, build_tiny

from edgeq import api
from edgeq.api.project import BuildOptions, load_project
from edgeq.codegen import emit, lower
from edgeq.codegen.manifest import make_manifest
from edgeq.report.size import measure
from edgeq.runners import Program, watch
from edgeq.target import load_target
from edgeq.toolchain import build

TARGETS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55")
LARGEST_RATIO = 1.2
"""Of the depth that was read off to the one that was seen: two branches of a function that both push count twice."""

pytestmark = [pytest.mark.qemu, pytest.mark.slow]


def _depths(options: BuildOptions, folder: Path) -> list[tuple[str, int, int]]:
    """For each target: its name, the stack that the program can use, and what one inference used."""
    model = api.quantize(options.model, options.calibration, options.quantize)
    rng = np.random.default_rng(1)
    inputs = [rng.integers(-128, 128, model.graph.type(n).shape).astype(np.int8) for n in model.graph.inputs]
    found = []
    for name in TARGETS:
        target = load_target(name)
        program = lower(model.graph, target, "model")
        emit(program, model.graph, None, target, folder / name)
        path = build(folder / name, "model", target, "gcc").program
        used = watch(Program.of_manifest(path, target, make_manifest(program, target)), inputs).stack
        assert used is not None
        found.append((name, measure(path, target).stack, used))
    return found


@pytest.mark.parametrize("example", [DIGITS, SINE], ids=lambda path: path.name)
def test_examples(example: Path, tmp_path: Path) -> None:
    for target, most, used in _depths(load_project(example), tmp_path):
        assert used <= most <= LARGEST_RATIO * used, target


@pytest.mark.shared
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_benchmark_models(name: str, shared_models: Path, tmp_path: Path) -> None:
    for target, most, used in _depths(BuildOptions(shared_models / f"{name}_int8.tflite"), tmp_path):
        assert used <= most <= LARGEST_RATIO * used, target


@pytest.mark.parametrize("kind", ["gcc", "zig"])
@pytest.mark.parametrize("core", TARGETS)
def test_paint(core: str, kind: str, tmp_path: Path) -> None:
    """The paint itself uses none, nor does what the program does between inferences count."""
    target = load_target(core)
    needs.compiler(target, kind)
    program = build_tiny(tmp_path / "build", target, kind)
    once = watch(program, asking(SPIN, 1))
    often = watch(program, [np.repeat(i, 100, 0) for i in asking(SPIN, 1)])
    assert once.stack is not None and once.stack == often.stack
    assert 0 < once.stack <= measure(program.path, target).stack  # of which this inference needs only a part
    assert len(often.outputs[0]) == 100


def test_figures_of_a_build_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    made = api.build(load_project(SINE).override(output=folder))
    assert api.verify(folder, samples=3)["stack_used_bytes"] == made["stack_bytes"]
    assert api.profile(folder)["stack_used_bytes"] == made["stack_bytes"]


def test_a_computer_does_not_tell(tmp_path: Path) -> None:
    program = build_tiny(tmp_path / "build", load_target("host"), "gcc")
    assert watch(program, asking(SPIN, 1)).stack is None
