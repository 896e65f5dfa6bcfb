"""Layers with a copy of their kernel: what is generated, and that it compiles beside another model's."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_net import small_net

from edgeq.codegen import lower, render
from edgeq.codegen.instances import functions_of, instances
from edgeq.ir.kernel import Goal, never
from edgeq.ir.op import registry
from edgeq.kernels import rows
from edgeq.resources import folder
from edgeq.target import load_target
from edgeq.toolchain import Toolchain, find_toolchain, run

M4 = load_target("cortex-m4")
HOST = load_target("host")
WARNINGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror")
ROWS = [row for op in registry().values() for row in rows(op) if row.instances is not never]


@pytest.fixture(scope="module")
def gcc() -> Toolchain:
    return find_toolchain(HOST, "gcc")


def generated(name: str, goal: Goal = "speed") -> dict[str, str]:
    return render(lower(small_net(), M4, name, goal), HOST)


def test_only_for_speed() -> None:
    made = [lower(small_net(), M4, "net", goal).has_instances for goal in ("speed", "balanced", "size")]
    assert made == [True, False, False]
    assert not any("instance" in path or "instance" in text for path, text in generated("net", "balanced").items())


def test_what_is_generated() -> None:
    """The kernel's source is there, included and not compiled on its own; its parameters are where it is."""
    program, files = lower(small_net(), M4, "net", "speed"), generated("net")
    (found,) = instances(program)
    assert (found.path, found.source) == ("kernels/instances/net_dsp_conv2d.c", "dsp/conv2d.c")
    assert [call.name for call in found.calls] == ["stem/conv */", "body"]
    text = files[found.path]
    assert '#include "../dsp/conv2d.c"' in text
    assert "#define eq_conv2d_dsp_mixed net_eq_conv2d_dsp_mixed" in text
    assert "EQ_FLATTEN void net_body_instance(const int8_t *input0, int8_t *output0, void *scratch)" in text
    assert "net_body_params = {" in text
    assert "net_body_params" not in files["src/net.c"]
    assert "    net_body_instance(memory + " in files["src/net.c"]
    assert "kernels/dsp/conv2d.c" in files
    assert "kernels/dsp/conv2d.c" not in files["CMakeLists.txt"]
    assert found.path in files["CMakeLists.txt"]
    assert "kernels/dsp/gemm.c" in files["CMakeLists.txt"]


def test_two_models_in_one_program(gcc: Toolchain, tmp_path: Path) -> None:
    """Nothing that is defined with one model is defined with the other."""
    objects = []
    for name in ("net", "other"):
        for path, text in generated(name).items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text, "utf-8")
        include = [f"-I{tmp_path / name / place}" for place in ("src", "include", "kernels/include")]
        for source in (f"kernels/instances/{name}_dsp_conv2d.c", f"src/{name}.c", f"src/{name}_weights.c"):
            objects.append(tmp_path / name / f"{Path(source).stem}.o")
            run([gcc.program, *WARNINGS, *include, "-c", tmp_path / name / source, "-o", objects[-1]])
    run([gcc.program, "-r", "-nostdlib", *objects, "-o", tmp_path / "both.o"])


@pytest.mark.parametrize("source", sorted({row.sources[0] for row in ROWS}))
def test_sources_define_what_rows_name(source: str, gcc: Toolchain, tmp_path: Path) -> None:
    """All of it gets other names where the source is included."""
    firmware = folder("firmware")
    made = tmp_path / "kernel.o"
    run([gcc.program, "-std=c99", f"-I{firmware / 'include'}", "-c", firmware / "kernels" / source, "-o", made])
    listed = run(["nm", "-g", "--defined-only", made]).output.splitlines()
    assert tuple(sorted(line.split()[-1] for line in listed)) == functions_of(source)
