"""Programs that call Arm's CMSIS-NN: what is generated without a copy, and the simulator's bits with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from cmake_project import build_project
from command_line import DIGITS, edgeq, succeeds

from edgeq import api
from edgeq.api.project import load_project
from edgeq.errors import ToolError, UsageError
from edgeq.numerics.fixedpoint import Numerics
from edgeq.target import load_target
from edgeq.toolchain import find_toolchain, run
from edgeq.toolchain.cmake import configure

TEST = DIGITS / "test.npz"
SAMPLES = 20


def build(output: Path, *arguments: str | Path) -> dict:  # type: ignore[type-arg]
    """The manifest of a folder that calls the library."""
    made = succeeds("build", *arguments, "--kernels", "cmsis-nn", "--output", output, "--json").json
    assert (made["kernels"], made["numerics"]) == ("cmsis-nn", "tflm")
    return dict(made)


def kernels(made: dict) -> list[str]:  # type: ignore[type-arg]
    """The layers' functions."""
    return [layer["kernel"] for layer in made["layers"]]


def test_generated_without_a_copy(tmp_path: Path) -> None:
    made = build(tmp_path / "out", DIGITS, "--target", "cortex-m4", "--no-compile")
    assert any(name.endswith("_cmsis_nn") for name in kernels(made))
    again = build(tmp_path / "again", DIGITS, "--target", "cortex-m4", "--no-compile")
    assert kernels(again) == kernels(made)
    files = {p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*")}
    assert files == {p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*")}
    for name in ("CMakeLists.txt", "src/digits.c", "src/digits_weights.c", "manifest.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_what_cannot_be_fetched(tmp_path: Path) -> None:
    build(tmp_path / "out", DIGITS, "--target", "host", "--no-compile")
    target = load_target("host")
    with pytest.raises(ToolError, match="CMSIS-NN cannot be fetched") as caught:
        configure(
            tmp_path / "out",
            target,
            find_toolchain(target),
            [f"CMSIS_NN_REPOSITORY={(tmp_path / 'nowhere').as_posix()}"],
        )
    assert "give a copy of release 7.0.0 with --cmsis-nn-root" in caught.value.hint


def test_what_is_no_copy(tmp_path: Path) -> None:
    """Where CMake alone is told."""
    build(tmp_path / "out", DIGITS, "--target", "host", "--no-compile")
    target = load_target("host")
    with pytest.raises(ToolError, match="failed with exit code") as caught:
        configure(tmp_path / "out", target, find_toolchain(target), [f"CMSIS_NN_ROOT={tmp_path.as_posix()}"])
    assert "CMSIS_NN_ROOT is no copy of CMSIS-NN" in caught.value.hint


@pytest.mark.parametrize("extra", [(), ("--sanitize",)], ids=["plain", "sanitized"])
def test_host(extra: tuple[str, ...], tmp_path: Path, cmsis_nn_root: Path) -> None:
    out = tmp_path / "out"
    made = build(out, DIGITS, "--target", "host", "--cmsis-nn-root", cmsis_nn_root, *extra)
    assert any(name.endswith("_cmsis_nn") for name in kernels(made))
    found = succeeds("verify", out, "--data", TEST, "--samples", str(SAMPLES), "--json").json
    assert (found["samples"], found["mismatches"]) == (SAMPLES, 0)


@pytest.mark.qemu
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_core(core: str, tmp_path: Path, cmsis_nn_root: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "edgeq.toml").write_text(
        f'model = "{(DIGITS / "digits.onnx").as_posix()}"\ncalibration = "{(DIGITS / "calibration.npz").as_posix()}"\n'
        f'name = "digits"\nkernels = "cmsis-nn"\ncmsis_nn_root = "{cmsis_nn_root.as_posix()}"\n'
    )
    made = build(out, tmp_path, "--target", core)
    found = succeeds("verify", out, "--data", TEST, "--samples", str(SAMPLES), "--json").json
    assert (found["samples"], found["mismatches"]) == (SAMPLES, 0)
    profile = succeeds("profile", out, "--json").json
    assert len(profile["layers"]) == len(kernels(made)) and profile["total"] > 0
    assert made["memory"]["kernels"] > 1000  # the library's functions count as kernels


@pytest.mark.shared
@pytest.mark.qemu
def test_benchmark_model(tmp_path: Path, shared_models: Path, shared_data: Path, cmsis_nn_root: Path) -> None:
    """Every kind of layer of an int8 .tflite, all of them by the library."""
    out = tmp_path / "out"
    made = build(out, shared_models / "ic_int8.tflite", "--target", "cortex-m4", "--cmsis-nn-root", cmsis_nn_root)
    assert all(name.endswith("_cmsis_nn") for name in kernels(made))
    found = succeeds("verify", out, "--data", shared_data / "ic_eval.npz", "--samples", "3", "--json").json
    assert found["mismatches"] == 0


def test_in_another_project(tmp_path: Path, cmsis_nn_root: Path) -> None:
    """The model's library brings that of Arm along."""
    build(tmp_path / "out", DIGITS, "--target", "host", "--no-compile")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(app C)\nadd_subdirectory(out)\n"
        "add_executable(app main.c)\ntarget_link_libraries(app PRIVATE digits)\n"
    )
    (tmp_path / "main.c").write_text(
        '#include "digits.h"\nstatic long long arena[DIGITS_ARENA_BYTES / 8 + 2];\n'
        "int main(void)\n{\n    static int8_t in[DIGITS_INPUT_SIZE], out[DIGITS_OUTPUT_SIZE];\n"
        "    return digits_run((void *)(((uintptr_t)arena + 15) / 16 * 16), in, out);\n}\n"
    )
    build_project(tmp_path, tmp_path / "b", f"CMSIS_NN_ROOT={cmsis_nn_root.as_posix()}")
    run([tmp_path / "b" / "app"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--kernels", "cmsis-nn", "--numerics", "fast"), "CMSIS-NN has no numerics 'fast'"),
        (("--kernels", "cmsis-nn", "--numerics", "tflite"), "implies --numerics tflm"),
        (("--kernels", "cmsis-nn", "--simulate", "cortex-m4"), "--simulate runs edgeq's kernels"),
        (("--kernels", "cmsis-nn", "--cmsis-nn-root", "."), "is no copy of CMSIS-NN"),
        (("--cmsis-nn-root", "."), "--cmsis-nn-root is for --kernels cmsis-nn"),
    ],
)
def test_options_that_do_not_go_together(options: tuple[str, ...], says: str, tmp_path: Path) -> None:
    ended = edgeq("build", DIGITS, "--target", "host", *options, "--output", tmp_path / "out")
    assert ended.code == 2 and says in " ".join(ended.err.split())
    assert not (tmp_path / "out").exists()


def test_model_of_another_arithmetic(tmp_path: Path) -> None:
    """A model that is quantized already does not become another one."""
    options = load_project(DIGITS).override(target="host", kernels="cmsis-nn", compile=False, output=tmp_path / "out")
    fast, tflm = (api.quantize(options.model, options.calibration, numerics=n) for n in (Numerics.FAST, Numerics.TFLM))
    with pytest.raises(UsageError, match="CMSIS-NN has no numerics 'fast'"):
        api.build(options, model=fast)
    made = api.build(options, model=tflm)
    assert any(name.endswith("_cmsis_nn") for name in kernels(made))


def test_project_names_the_copy(tmp_path: Path) -> None:
    """A relative path in edgeq.toml is relative to it."""
    (tmp_path / "edgeq.toml").write_text(
        f'model = "{(DIGITS / "digits.onnx").as_posix()}"\nkernels = "cmsis-nn"\ncmsis_nn_root = "library"\n'
    )
    ended = edgeq("build", tmp_path, "--output", tmp_path / "out")
    assert ended.code == 2 and f"{tmp_path / 'library'}: is no copy" in ended.err.replace("\n", "")
