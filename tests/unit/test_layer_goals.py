"""Layers optimized for something else than the program: their kernels are chosen so, all others as ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_net import small_net

from edgeq.api.project import BuildOptions, load_project
from edgeq.codegen.lower import lower
from edgeq.errors import UsageError
from edgeq.options import read_arguments
from edgeq.target import load_target


def test_each_layer_has_the_kernel_of_its_own_goal() -> None:
    model = small_net()
    target = load_target("cortex-m4")
    whole = {goal: lower(model, target, optimize=goal) for goal in ("speed", "balanced", "size")}
    functions = {goal: {c.name: (c.function, c.instance) for c in p.calls} for goal, p in whole.items()}
    (first, *others) = [name for name, f in functions["size"].items() if f != functions["balanced"][name]]
    mixed = lower(model, target, optimize="balanced", layer_goals={first: "size"})
    found = {call.name: (call.function, call.instance) for call in mixed.calls}
    assert found == {**functions["balanced"], first: functions["size"][first]} and others
    assert mixed.optimize == "balanced", "how everything is compiled stays as it was"
    every = lower(model, target, optimize="balanced", layer_goals={"*": "size"})
    assert {c.name: (c.function, c.instance) for c in every.calls} == functions["size"]


def test_it_is_said_on_the_command_line_and_in_files(tmp_path: Path) -> None:
    said = read_arguments(BuildOptions, "build", {"optimize_layer": ["a*=size", "b=speed"]})
    assert said == {"optimize_layers": {"a*": "size", "b": "speed"}}
    (tmp_path / "edgeq.toml").write_text('model = "m.onnx"\n[optimize_layers]\n"a*" = "size"\n')
    assert load_project(tmp_path).optimize_layers == {"a*": "size"}
    (tmp_path / "edgeq.toml").write_text('model = "m.onnx"\n[optimize_layers]\na = "fast"\n')
    with pytest.raises(UsageError, match="'fast' is not possible"):
        load_project(tmp_path)
    with pytest.raises(UsageError, match="names no layer"):
        read_arguments(BuildOptions, "build", {"optimize_layer": ["size"]})
