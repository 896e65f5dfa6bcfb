"""A model that runs in an interrupt, in the middle of another one: the code of docs/firmware.md, in the emulator."""

from __future__ import annotations

import re
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import DIGITS, SINE, succeeds

from edgeq.ir.text import load_graph
from edgeq.runners.qemu_system import command
from edgeq.runners.runner import Job
from edgeq.runners.table import ways
from edgeq.simulator import run_int
from edgeq.target import load_target
from edgeq.toolchain import find_toolchain, run

PAGE = Path(__file__).parents[2] / "docs" / "firmware.md"
RUNS = 30
PERIOD = 509
"""Ticks of the timer from one interrupt to the next: a prime, so that they come at other places in each inference."""

MAIN = """
#include "eq_platform.h"

static const int8_t image[DIGITS_INPUT_SIZE] = {IMAGE};
static const int8_t right[DIGITS_OUTPUT_SIZE] = {RIGHT};
static volatile unsigned interrupts, failures;

void eq_systick(void)
{
    sine = 127;
    SysTick_Handler();
    interrupts++;
    failures += sine != RIGHT_SINE;
}

int eq_main(int argc, const char *const *argv)
{
    volatile uint32_t *const timer = (volatile uint32_t *)(uintptr_t)0xE000E010u;
    (void)argc;
    (void)argv;
    angle = ANGLE;
    timer[1] = PERIOD - 1;
    timer[2] = 0;
    timer[0] = 7;
    for (int i = 0; i < RUNS; i++) {
        int8_t scores[DIGITS_OUTPUT_SIZE] = {0};
        failures += classify(image, scores) != DIGITS_OK;
        for (int k = 0; k < DIGITS_OUTPUT_SIZE; k++) {
            failures += scores[k] != right[k];
        }
    }
    timer[0] = 0;
    eq_platform_message(interrupts > 2 * RUNS ? "often\\n" : "seldom\\n");
    return failures ? 1 : 0;
}
"""


def _answers(folder: Path) -> dict[str, str]:
    """Inputs of both models in a build folder, and what they must answer, as C."""
    random = np.random.default_rng(3)
    found = []
    for name in ("digits", "hello_sine"):
        graph = load_graph(folder / "models" / name / "reference" / "integer")
        given = random.integers(-128, 128, graph.values[graph.inputs[0]].type.shape, np.int8)
        found += [given, run_int(graph, {graph.inputs[0]: given})[graph.outputs[0]]]
    texts = [", ".join(map(str, values.ravel())) for values in found]
    return dict(zip(("IMAGE", "RIGHT", "ANGLE", "RIGHT_SINE"), texts, strict=True))


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("name", ["mps2-an386", "mps3-an547"])
def test_a_model_in_an_interrupt(name: str, tmp_path: Path) -> None:
    board = load_target(name)
    needs.compiler(board, "gcc")
    folder = tmp_path / "both"
    succeeds("build", DIGITS, SINE, "--board", name, "--no-compile", "--output", folder)
    answers = _answers(folder)
    (documented, *_) = re.findall(r"```c\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    main = MAIN.replace("{IMAGE}", f"{{{answers['IMAGE']}}}").replace("{RIGHT}", f"{{{answers['RIGHT']}}}")
    for word, text in {**answers, "PERIOD": str(PERIOD), "RUNS": str(RUNS)}.items():
        main = re.sub(rf"\b{word}\b", text, main)
    (folder / "platform" / "main.c").write_text(documented + main)
    kept = ("startup.c", "memory.c", "stack.c", "semihost.c", "main.c")
    sources = [*(f"platform/{file}" for file in kept), *(f"src/{file.name}" for file in (folder / "src").glob("*.c"))]
    sources += [str(path.relative_to(folder)) for path in sorted((folder / "kernels").rglob("*.c"))]
    places = ["-Iinclude", "-Iplatform", "-Ikernels/include", "-Ikernels", "-idirafter", "platform/libc"]
    flags = [*board.flags["gcc"], "-O2", "-Wall", "-Wextra", "-ffunction-sections", *board.link["gcc"]]
    end = ["-Tplatform/link.ld", "-Wl,--gc-sections", "-o", "both.elf"]
    run([find_toolchain(board, "gcc").program, *flags, *places, *sources, *end], cwd=folder)
    words = command(Job(folder / "both.elf", counting=True), ways(board)[0].spec)
    ended = run(words, timeout=60, check=False)
    assert ended.code == 0, ended.errors
    assert "often" in ended.output + ended.errors
