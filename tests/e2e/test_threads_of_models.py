"""One model run by several threads at once, each with an arena of its own: they share nothing that is written. And one
run that a pool of threads shares: their parts do not disturb one another, and the bits are the same."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import DIGITS
from small_net import small_net
from state_nets import integrator
from state_nets import steps as steps_of

import edgeq as api
from edgeq.api.flow import quantize
from edgeq.codegen import lower
from edgeq.codegen.emit import render
from edgeq.codegen.program import Program
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.sequence import run_sequences
from edgeq.simulator import IntExecutor
from edgeq.target import load_target

HOST = load_target("host")
FLAGS = ("-O1", "-g", "-std=gnu11", "-ffp-contract=off", "-fsanitize=thread", "-pthread", "-Wall", "-Wextra", "-Werror")
THREADS, ROUNDS, STEPS = 4, 20, 3
DRIVER = """
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "edgeq_model.h"

enum {{ THREADS = {threads}, ROUNDS = {rounds}, STEPS = {steps} }};
static const uint8_t given[STEPS][{given}] = {{ {inputs} }};
static const uint8_t wanted[STEPS][{made}] = {{ {outputs} }};

#ifndef EQ_MODEL_STATE_BYTES
#define EQ_MODEL_STATE_BYTES 1
#define RUN(own, from, to) eq_model_run(arenas[own], from, to)
#define RESET(own) (void)0
#else
#define RUN(own, from, to) eq_model_run(arenas[own], states[own], from, to)
#define RESET(own) eq_model_reset(states[own])
#endif
static uint8_t arenas[THREADS][(EQ_MODEL_ARENA_BYTES + 63) & ~63] __attribute__((aligned(64)));
static uint8_t states[THREADS][(EQ_MODEL_STATE_BYTES + 63) & ~63] __attribute__((aligned(64)));
static char failed;

static void *work(void *argument)
{{
    const size_t own = (size_t)argument;
    for (int round = 0; round < ROUNDS; round++) {{
        memset(arenas[own], (int)own + round, sizeof arenas[own]);
        memset(states[own], 1, sizeof states[own]);
        RESET(own);
        for (size_t step = 0; step < STEPS; step++) {{
            uint8_t results[{made}];
            const void *inputs[] = {{ {input_places} }};
            void *outputs[] = {{ {output_places} }};
            if (RUN(own, inputs, outputs) != 0 || memcmp(results, wanted[step], sizeof results) != 0) {{
                return &failed;
            }}
        }}
    }}
    return NULL;
}}

int main(void)
{{
    pthread_t threads[THREADS];
    int wrong = work((void *)0) != NULL;
    for (size_t i = 0; i < THREADS; i++) {{
        wrong |= pthread_create(&threads[i], NULL, work, (void *)i);
    }}
    for (size_t i = 0; i < THREADS; i++) {{
        void *result = NULL;
        wrong |= pthread_join(threads[i], &result);
        wrong |= result != NULL;
    }}
    return wrong != 0;
}}
"""
RACE = """
#include <pthread.h>
static int shared;
static void *work(void *argument) { (void)argument; shared++; return NULL; }
int main(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) { pthread_create(&threads[i], NULL, work, NULL); }
    for (int i = 0; i < 2; i++) { pthread_join(threads[i], NULL); }
    return 0;
}
"""


def _digits() -> Graph:
    return quantize(DIGITS / "digits.onnx", DIGITS / "calibration.npz").graph


def _integrator() -> Graph:
    return quantize(integrator(), steps_of(integrator(), 24)).graph


def _run(program: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with ThreadSanitizer, which wants memory at the addresses that it expects."""
    words = ["setarch", "-R", program] if shutil.which("setarch") else [program]
    return subprocess.run(words, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module", autouse=True)
def _sanitizer(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where there is no ThreadSanitizer; where there is one, it finds a race that is there."""
    needs.compiler(HOST, "gcc")
    folder = tmp_path_factory.mktemp("race")
    (folder / "race.c").write_text(RACE)
    made = subprocess.run(["gcc", *FLAGS, folder / "race.c", "-o", folder / "race"], capture_output=True, text=True)
    if made.returncode or "ThreadSanitizer: data race" not in _run(folder / "race").stderr:
        pytest.skip("ThreadSanitizer does not work here (apt-get install gcc)")


def _numbers(values: list[list[Array]]) -> str:
    """Arrays of each step as initializers of their bytes."""
    steps = [np.concatenate([np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays]) for arrays in values]
    return ", ".join("{" + ", ".join(map(str, step)) + "}" for step in steps)


def _places(sizes: list[int], base: str) -> str:
    return ", ".join(f"{base} + {offset}" for offset in np.cumsum([0, *sizes])[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("core", ["host", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("make", [small_net, _digits, _integrator], ids=["small", "digits", "with a state"])
def test_threads_share_nothing(make: Callable[[], Graph], core: str, tmp_path: Path) -> None:
    graph = make()
    _check(graph, lower(graph, replace(HOST, isa=load_target(core).isa), "net"), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["host", "cortex-m4"])
def test_a_pool_shares_a_run(core: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thread has the pool for itself; of the others one has it at a time, and the rest compute alone."""
    monkeypatch.setattr("edgeq.codegen.parts.LEAST", 0)
    graph = _digits()
    program = lower(graph, replace(HOST, isa=load_target(core).isa), "net", threads=3)
    assert max(len(call.parts) for call in program.calls) == 3
    _check(graph, program, tmp_path)


CPP = """
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include "digits.hpp"
int main()
{
    auto pool = std::make_unique<digits::Pool>();
    auto alone = std::make_unique<digits::Model>(), shared = std::make_unique<digits::Model>(*pool);
    std::array<std::int8_t, digits::input_size> input{};
    std::array<std::int8_t, digits::output_size> one{}, two{};
    for (int round = 0; round < 20; round++) {
        std::memset(input.data(), 5 * round, input.size());
        if (alone->run(input, one) || shared->run(input, two) || one != two) {
            return 1;
        }
    }
    alignas(DIGITS_POOL_ALIGNMENT) unsigned char memory[DIGITS_POOL_BYTES + 1];
    std::puts(digits_pool_start(memory + 1, 2) == nullptr && pool->get() != nullptr ? "same" : "?");
    return 0;
}
"""


@pytest.mark.slow
def test_built_for_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python, in the program that edgeq runs, and in C++."""
    needs.programs("g++")
    monkeypatch.setattr("edgeq.codegen.parts.LEAST", 0)
    file = DIGITS / "digits.onnx"
    model = api.quantize(file, DIGITS / "calibration.npz")
    made = api.build(api.BuildOptions(file, output=tmp_path / "out", threads=2), model=model)
    assert made["threads"] == 2 and sorted({layer["parts"] for layer in made["layers"]})[-1] == 2
    assert 500 < made["stack_bytes"] < 8192  # of parts, called through a pointer, not of starting threads
    rng = np.random.default_rng(2)
    data = rng.normal(size=(12, *model.float_graph.type("image").shape[1:])).astype(np.float32)
    expected = model.predict({"image": data})["probabilities"]
    np.testing.assert_array_equal(api.run(tmp_path / "out", {"image": data})["probabilities"], expected)
    loaded = [api.load_compiled(tmp_path / "out"), api.load_compiled(tmp_path / "out", threads=1)]
    assert [bool(model._pool) for model in loaded] == [True, False]
    for compiled in loaded:
        with ThreadPoolExecutor(3) as executor:
            for found in executor.map(compiled.predict, [data] * 3):
                np.testing.assert_array_equal(found, expected)
    output = tmp_path / "library"
    api.build(api.BuildOptions(file, output=output, emit="library", threads=2), model=model)
    (tmp_path / "main.cpp").write_text(CPP)
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{output / 'include'}", "-pthread"]
    command = ["g++", *flags, tmp_path / "main.cpp", output / "lib" / "libdigits.a", "-o", tmp_path / "main"]
    subprocess.run(command, check=True, timeout=120)
    assert subprocess.run([tmp_path / "main"], capture_output=True, text=True, timeout=60).stdout == "same\n"
    assert "-ldigits -pthread\n" in (output / "lib" / "pkgconfig" / "digits.pc").read_text()


def _check(graph: Graph, program: Program, tmp_path: Path) -> None:
    """Run a program in several threads under ThreadSanitizer."""
    for name, text in render(program, HOST).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    rng = np.random.default_rng(4)
    types = {name: graph.type(name) for name in graph.public_inputs}
    steps = [{n: rng.integers(*t.dtype.range, t.shape, t.dtype.numpy) for n, t in types.items()} for _ in range(STEPS)]
    made = run_sequences(IntExecutor(graph), iter(steps), None)
    given = [[step[n] for n in graph.public_inputs] for step in steps]
    wanted = [[result[n] for n in graph.public_outputs] for result in made]
    driver = DRIVER.format(
        threads=THREADS,
        rounds=ROUNDS,
        steps=STEPS,
        given=sum(a.nbytes for a in given[0]),
        made=sum(a.nbytes for a in wanted[0]),
        inputs=_numbers(given),
        outputs=_numbers(wanted),
        input_places=_places([a.nbytes for a in given[0]], "given[step]"),
        output_places=_places([a.nbytes for a in wanted[0]], "results"),
    )
    (tmp_path / "driver.c").write_text(driver)
    places = ("include", "src", "kernels/include", "platform", "platform/models/net")
    sources = [p for below in ("src", "kernels", "platform/models") for p in sorted((tmp_path / below).rglob("*.c"))]
    includes = [f"-I{tmp_path / place}" for place in places]
    command = ["gcc", *FLAGS, *includes, tmp_path / "driver.c", *sources, "-lm", "-o", tmp_path / "threads"]
    compiled = subprocess.run(command, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr
    done = _run(tmp_path / "threads")
    assert (done.returncode, done.stderr) == (0, "")
