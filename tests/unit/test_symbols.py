"""Names of kernels for the linker: several build folders in one program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import needs
import numpy as np
import pytest
from small_net import samples, small_net

from edgeq.codegen import lower, render
from edgeq.codegen.symbols import HEADER, functions_of_source, kernel_symbols
from edgeq.ir.kernel import Goal
from edgeq.resources import folder
from edgeq.simulator import run_int
from edgeq.target import load_target
from edgeq.toolchain import run

HOST, M4 = load_target("host"), load_target("cortex-m4")
KERNELS = folder("firmware") / "kernels"
OTHERS = ("cmsis_nn", "esp_nn")
SOURCES = sorted(p.relative_to(KERNELS).as_posix() for p in KERNELS.glob("*/*.c") if p.parent.name not in OTHERS)
FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffunction-sections", "-Wl,--gc-sections")


@pytest.mark.parametrize("source", SOURCES)
def test_functions_of_source(source: str, tmp_path: Path) -> None:
    """Every function that the compiler makes visible has a name for the linker; some exist only on their own core."""
    gcc = needs.compiler(HOST, "gcc")
    needs.programs("nm")
    include = f"-I{folder('firmware') / 'include'}"
    run([gcc.program, "-std=c99", "-O0", include, "-c", KERNELS / source, "-o", tmp_path / "kernel.o"])
    listed = run(["nm", "-g", "--defined-only", tmp_path / "kernel.o"]).output.splitlines()
    visible, known = {line.split()[-1] for line in listed}, set(functions_of_source(source))
    assert visible <= known and (visible or "#if" in (KERNELS / source).read_text())
    assert visible == known or not visible


def test_digests() -> None:
    """One for a source and a goal, whatever else is in the folder."""
    alone = kernel_symbols(["ref/conv2d.c"], "balanced")
    both = kernel_symbols(["ref/softmax.c", "ref/conv2d.c"], "balanced")
    names = alone["ref/conv2d.c"]
    assert both["ref/conv2d.c"] == names and list(both) == ["ref/conv2d.c", "ref/softmax.c"]
    assert all(re.fullmatch(rf"{plain}_[0-9a-f]{{8}}", name) for plain, name in names.items())
    assert len({name[-8:] for name in names.values()}) == 1
    assert kernel_symbols(["ref/conv2d.c"], "size")["ref/conv2d.c"].keys() == names.keys()
    goals: tuple[Goal, ...] = ("speed", "balanced", "size")
    assert len({kernel_symbols(["ref/conv2d.c"], g)["ref/conv2d.c"]["eq_conv2d_ref_fast"] for g in goals}) == 3


def test_what_is_generated() -> None:
    files = render(lower(small_net(), M4, "net"), M4)
    name = kernel_symbols(["dsp/conv2d.c"], "balanced")["dsp/conv2d.c"]["eq_conv2d_dsp_mixed"]
    assert f"#define eq_conv2d_dsp_mixed {name}\n" in files[f"kernels/include/{HEADER}"]
    assert f'#include "../include/{HEADER}"\n' in files["kernels/dsp/conv2d.c"]
    assert f"#pragma weak {name}\n" in files["kernels/dsp/conv2d.c"]
    assert "    eq_conv2d_dsp_mixed(&net_stem_conv_params, " in files["src/net.c"], "the code has the plain names"
    assert not [p for p in files if p.startswith("src/") and "glue" in p]
    for path, text in files.items():
        if path.split("/")[0] in ("src", "kernels"):
            assert '#include "eq/' not in text, f"{path} depends on the folders that the compiler looks into"


def test_names_are_weak_on_the_core(tmp_path: Path) -> None:
    needs.programs("arm-none-eabi-gcc", "nm")
    files = render(lower(small_net(), M4, "net"), M4)
    _write(tmp_path, files)
    for source in (p for p in files if p.startswith("kernels/") and p.endswith(".c")):
        run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-c", tmp_path / source, "-o", tmp_path / "kernel.o"])
        listed = [
            line.split() for line in run(["nm", "-g", "--defined-only", tmp_path / "kernel.o"]).output.splitlines()
        ]
        assert listed and all(kind == "W" and re.search(r"_[0-9a-f]{8}$", name) for _, kind, name in listed)


def _write(place: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files; returns the sources of model and kernels."""
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, "utf-8")
    compiled = [*place.glob("src/*.c"), *place.glob("kernels/*/*.c")]
    return [p for p in compiled if p.parent.name == "src" or p.relative_to(place).as_posix() in files["CMakeLists.txt"]]


def _other_version(files: Mapping[str, str]) -> dict[str, str]:
    """The same build of a version whose fully connected layers return the negated numbers, and whose header puts the
    parameters in another order."""
    source = "kernels/ref/fully_connected.c"
    digest = re.search(r"eq_fully_connected_ref_fast_([0-9a-f]{8})", files[source])[1]  # type: ignore[index]
    changed = {path: text.replace(digest, "0" * 8) for path, text in files.items()}
    before = changed[source]
    changed[source] = re.sub(r"\*output\+\+ = eq_requantize", "*output++ = (int8_t)~eq_requantize", before)
    header = "kernels/include/eq/fully_connected.h"
    changed[header] = changed[header].replace("typedef struct {", "typedef struct {\n    int32_t padding[3];", 1)
    assert changed[source] != before and changed[header] != files[header]
    return changed


MAIN = """
#include <stdio.h>
#include "one.h"
#include "two.h"
#include "other.h"
static unsigned char arena[ONE_ARENA_BYTES + TWO_ARENA_BYTES + OTHER_ARENA_BYTES] __attribute__((aligned(16)));
int main(void)
{
    static const int8_t image[ONE_INPUT_IMAGE_0_SIZE] = {IMAGE};
    static const uint8_t gain[ONE_INPUT_GAIN_SIZE] = {GAIN};
    int8_t mixed[96], head[3][10];
    if (one_run(arena, image, gain, mixed, head[0]) || two_run(arena, image, gain, mixed, head[1]) ||
        other_run(arena, image, gain, mixed, head[2])) {
        return 1;
    }
    for (int i = 0; i < 30; i++) {
        printf("%d ", head[i / 10][i % 10]);
    }
    return 0;
}
"""


def test_build_folders_in_one_program(tmp_path: Path) -> None:
    """All sources of three folders, one of another version: equal kernels are there once, unlike ones side by side."""
    gcc = needs.compiler(HOST, "gcc")
    needs.programs("nm")
    seeds = {"one": 7, "two": 8, "other": 9}
    graphs = {name: small_net(seed=seed) for name, seed in seeds.items()}
    folders = {name: render(lower(graph, HOST, name), HOST) for name, graph in graphs.items()}
    folders["other"] = _other_version(folders["other"])
    sources = [source for name, files in folders.items() for source in _write(tmp_path / name, files)]
    assert len({p.name for p in sources}) < len(sources), "the folders have kernels in common"
    (sample,) = samples(graphs["one"], 1)
    image, gain = (", ".join(map(str, sample[n].ravel())) for n in graphs["one"].inputs)
    (tmp_path / "main.c").write_text(MAIN.replace("{IMAGE}", f"{{{image}}}").replace("{GAIN}", f"{{{gain}}}"))
    includes = [f"-I{tmp_path / name / 'include'}" for name in reversed(folders)]  # only for main.c
    run([gcc.program, *FLAGS, *includes, *sources, tmp_path / "main.c", "-o", tmp_path / "all"])
    heads = np.array(run([tmp_path / "all"]).output.split(), np.int64).reshape(3, 10)
    for name, head in zip(graphs, heads, strict=True):
        expected = run_int(graphs[name], sample)[graphs[name].outputs[1]].ravel()
        np.testing.assert_array_equal(head, ~expected if name == "other" else expected)
    symbols = [line.split()[-1] for line in run(["nm", tmp_path / "all"]).output.splitlines()]
    assert len([s for s in symbols if s.startswith("eq_conv2d_ref_fast_")]) == 1
    assert len([s for s in symbols if s.startswith("eq_fully_connected_ref_fast_")]) == 2
