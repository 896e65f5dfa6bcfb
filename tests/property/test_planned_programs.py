"""Random networks as C, under AddressSanitizer: the generated program equals the simulator, and touches no gap.

Before every layer all bytes of the arena that the plan gives to nothing at that time are overwritten and poisoned, so
that a tensor that lies where the plan does not say, or a kernel that leaves its tensors, is found at once. Each network
runs with the caller's own memory, with inputs that are not aligned, and with inputs and outputs in the arena (NULL).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import needs
import numpy as np
import pytest
from planner_nets import mobilenet_v2, random_net, striped_net, unet
from small_net import samples, small_net

from edgeq.codegen import Program, lower, render
from edgeq.codegen.arena import present
from edgeq.codegen.literals import Constant, array_definition
from edgeq.errors import CapacityError, ToolError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.sequence import run_sequences
from edgeq.simulator import IntExecutor
from edgeq.target import Target, load_target
from edgeq.toolchain import run

HOST = load_target("host")
NETS = 8
STRIPED = (1, 4, 14)
SAMPLES = 2
STATEFUL = 10
STEPS = 5

CHECKS = """
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    uint32_t begin, end;
} gap;

static unsigned char *current;
static uint32_t arena_bytes;
static int failures;

static void enter_layer(const gap *gaps, uint32_t count)
{
    ASAN_UNPOISON_MEMORY_REGION(current, arena_bytes);
    for (uint32_t i = 0; i < count; i++) {
        memset(current + gaps[i].begin, 0xa5, gaps[i].end - gaps[i].begin);
        ASAN_POISON_MEMORY_REGION(current + gaps[i].begin, gaps[i].end - gaps[i].begin);
    }
}

static void expect(const char *name, const char *how, const void *found, const void *expected, size_t bytes)
{
    if (memcmp(found, expected, bytes) != 0) {
        printf("%s, %s: wrong\\n", name, how);
        failures++;
    }
}
"""


def gaps(program: Program, layer: int) -> list[tuple[int, int]]:
    """The parts of the arena that nothing uses during a layer."""
    found, end = [], 0
    for o in sorted(present(program.arena, layer), key=lambda o: o.offset):
        if o.offset > end:
            found.append((end, o.offset))
        end = max(end, o.offset + o.bytes)
    return [*found, (end, program.arena_bytes)] if end < program.arena_bytes else found


def _hook(program: Program) -> list[str]:
    name, lines = program.name, []
    cases = []
    for layer in range(len(program.calls)):
        free = gaps(program, layer) or [(0, 0)]
        listed = ", ".join(f"{{{a}, {b}}}" for a, b in free)
        lines.append(f"static const gap {name}_gaps{layer}[] = {{{listed}}};")
        cases.append(f"    case {layer}: enter_layer({name}_gaps{layer}, {len(free)}); break;")
    after = "    default: ASAN_UNPOISON_MEMORY_REGION(current, arena_bytes); break;"
    return [*lines, f"void {name}_layer_hook(int32_t layer)\n{{\n    switch (layer) {{", *cases, after, "    }", "}"]


def _arrays(program: Program, number: int, data: Mapping[str, Array]) -> list[str]:
    """Inputs and expected outputs of a sample as constants."""
    named = [(f"{program.name}_{p.id}{number}", data[p.name]) for p in (*program.inputs, *program.outputs)]
    return [array_definition(Constant(name, np.ascontiguousarray(a).view(np.int8))) for name, a in named]


class _Way(NamedTuple):
    """A way of handing over inputs and outputs; `{}` stands for a port's identifier."""

    name: str
    given: str
    taken: str
    prepared: str
    found: str


def _ways(program: Program) -> tuple[_Way, ...]:
    inside = f"{program.name}_{{}}_in_arena(arena)"
    return (
        _Way("caller's memory", f"(const void *){program.name}_{{}}{{number}}", "(void *)made_{}", "", "made_{}"),
        _Way("unaligned", "(const void *)(odd_{} + 1)", "(void *)made_{}", "odd_{} + 1", "made_{}"),
        _Way("in place", "NULL", "NULL", inside, inside),
    )


def _sample(program: Program, number: int, way: _Way) -> list[str]:
    """Statements that run a sample."""
    name, ports = program.name, [p.id for p in program.inputs]
    memory = ["arena", "state"] if program.states else ["arena"]
    inputs = [way.given.format(id, number=number) for id in ports]
    outputs = [way.taken.format(p.id) for p in program.outputs]
    lines = ["memset(arena, 0x5a, sizeof arena);"]
    if way.prepared:
        data = [f"{name}_{id}{number}" for id in ports]
        lines += [f"memcpy({way.prepared.format(id)}, {d}, sizeof {d});" for id, d in zip(ports, data, strict=True)]
    lines.append(f"failures += {name}_run({', '.join([*memory, *inputs, *outputs])}) != 0;")
    for p in program.outputs:
        expected = f"{name}_{p.id}{number}"
        lines.append(f'expect("{name}", "{way.name}", {way.found.format(p.id)}, {expected}, sizeof {expected});')
    return lines


def _samples(program: Program, count: int) -> list[str]:
    """Statements that run all samples in every way, each way from a reset on."""
    begin = [f"{program.name}_reset(state);"] if program.states else []
    return [
        line
        for way in _ways(program)
        for line in (*begin, *(line for number in range(count) for line in _sample(program, number, way)))
    ]


def _test(program: Program, runs: Sequence[Mapping[str, Array]]) -> list[str]:
    """A function that runs a network with every sample."""
    align = "__attribute__((aligned(16)))"
    body = [
        f"static unsigned char arena[{program.arena_bytes}] {align};",
        *([f"static unsigned char state[{program.state_bytes}] {align};"] if program.states else []),
        *(f"static unsigned char odd_{p.id}[{p.type.nbytes + 1}] {align};" for p in program.inputs),
        *(f"static unsigned char made_{p.id}[{p.type.nbytes}] {align};" for p in program.outputs),
        "current = arena;",
        "arena_bytes = sizeof arena;",
        *_samples(program, len(runs)),
    ]
    arrays = [line for number, data in enumerate(runs) for line in _arrays(program, number, data)]
    return [*arrays, f"static void test_{program.name}(void)", "{", *(f"    {line}" for line in body), "}"]


def tightened(graph: Graph, target: Target) -> Program:
    """A network in less memory than it needs without stripes; the least of some budgets that it keeps."""
    plain = lower(graph, target)
    for percent in (30, 45, 60, 80):
        try:
            return lower(graph, target, ram_budget=plain.arena_bytes * percent // 100)
        except CapacityError:
            pass
    return plain


def run_programs(
    place: Path, graphs: Sequence[Graph], target: Target, make: Callable[[Graph, Target], Program] | None = None
) -> str:
    """Compile all networks into one program, run it, and return what it says."""
    text, names = [CHECKS], []
    for graph in graphs:
        program = make(graph, target) if make else lower(graph, target)
        names.append(program.name)
        for file, content in render(program, target).items():
            if file.split("/")[0] in ("include", "src", "kernels"):
                path = place / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, "utf-8")
        steps = (
            {n: sample[n] for n in graph.public_inputs} for sample in samples(graph, STEPS if graph.states else SAMPLES)
        )
        runs = list(run_sequences(IntExecutor(graph), steps))
        text += [f'#include "{program.name}.h"', *_hook(program), *_test(program, runs)]
    calls = [f"    test_{name}();" for name in names]
    ended = ['    puts(failures ? "failed" : "all right");', "    return failures != 0;"]
    text += ["int main(void)", "{", *calls, *ended, "}", ""]
    (place / "main.c").write_text('#include "eq/align.h"\n' + "\n".join(text), "utf-8")
    sources = [place / "main.c", *sorted((place / "src").glob("*.c")), *sorted((place / "kernels").rglob("*.c"))]
    options = ["-std=gnu99", "-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    includes = ["-I", place / "include", "-I", place / "kernels" / "include"]
    defines = [f"-D{name.upper()}_PROFILE" for name in names]
    needs.programs("gcc")
    run(["gcc", *options, *includes, *defines, *sources, "-o", place / "program"])
    return run([place / "program"], environment={"ASAN_OPTIONS": f"log_path={place / 'asan'}"}).output


def graphs() -> list[Graph]:
    return [small_net(), *(random_net(seed) for seed in range(NETS)), unet(8, 4, 2)]


@pytest.mark.slow
@pytest.mark.parametrize("simulated", ["host", "cortex-m4"])
def test_program_equals_simulator_and_keeps_to_its_plan(simulated: str, tmp_path: Path) -> None:
    target = replace(HOST, isa=load_target(simulated).isa)
    assert run_programs(tmp_path, graphs(), target).strip() == "all right"


@pytest.mark.slow
@pytest.mark.parametrize("simulated", ["host", "cortex-m4"])
def test_states_are_handed_over_from_step_to_step(simulated: str, tmp_path: Path) -> None:
    """Whatever becomes a state, and whoever still reads the old one; in little memory, too."""
    target = replace(HOST, isa=load_target(simulated).isa)
    nets = [random_net(seed, states=1 + seed % 4) for seed in range(STATEFUL)]
    programs: list[Program] = []

    def make(graph: Graph, target: Target) -> Program:
        programs.append(tightened(graph, target) if len(programs) % 3 == 2 else lower(graph, target))
        return programs[-1]

    assert run_programs(tmp_path, nets, target, make).strip() == "all right"
    states = [state for program in programs for state in program.states]
    assert {state.call is None for state in states} == {state.arena_offset is None for state in states} == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize("simulated", ["host", "cortex-m4", "cortex-m55"])
def test_stripes_equal_the_simulator_and_keep_to_their_plan(simulated: str, tmp_path: Path) -> None:
    target = replace(HOST, isa=load_target(simulated).isa)
    streamed = []

    def make(graph: Graph, target: Target) -> Program:
        program = tightened(graph, target)
        if program.streaming is not None:
            streamed.append(graph.name)
        return program

    nets = [striped_net(seed) for seed in STRIPED]
    assert run_programs(tmp_path, nets, target, make).strip() == "all right"
    assert streamed == [net.name for net in nets]


def test_a_wrong_plan_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The poison works: a program whose plan leaves a tensor out does not come to its end."""
    graph = small_net()
    original = lower(graph, HOST)
    forgotten = next(o for o in original.arena if o.value == "body")
    broken = replace(original, arena=tuple(o for o in original.arena if o is not forgotten))
    monkeypatch.setattr("test_planned_programs.lower", lambda graph, target: broken)
    with pytest.raises(ToolError):
        run_programs(tmp_path, [graph], HOST)
    (log,) = tmp_path.glob("asan.*")
    assert "use-after-poison" in log.read_text()


@pytest.mark.parametrize("target", ["cortex-m4", "host"])
@pytest.mark.parametrize("size", [96, 160])
def test_mobilenet_v2_at_the_bound(size: int, target: str) -> None:
    graph = mobilenet_v2(size)
    start = time.process_time()
    program = lower(graph, load_target(target))
    assert time.process_time() - start < 10
    assert program.arena_bytes == program.arena_bound


@pytest.mark.parametrize("target", ["cortex-m4", "host"])
def test_unet_at_the_bound(target: str) -> None:
    program = lower(unet(), load_target(target))
    assert program.arena_bytes == program.arena_bound


@pytest.mark.parametrize("seed", range(30))
def test_random_nets_near_the_bound(seed: int) -> None:
    program = lower(random_net(seed), HOST)
    assert program.arena_bytes <= 1.06 * program.arena_bound
