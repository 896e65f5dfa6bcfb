"""Kernels against the integer simulator: every operator, every kernel row, no tolerance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import needs
import numpy as np
import pytest
from c_program import Call, calls, compile_program, failures
from cases import PLAIN, Case, all_cases, generator, of_operator
from shapes import channel_sweep, random_shapes

from edgeq.ir.graph import GraphEditor
from edgeq.ir.kernel import GOALS, Kernel
from edgeq.ir.op import registry
from edgeq.ir.tensor import SIGNED, DType, QParams, TensorType
from edgeq.isa import FEATURES, with_implied
from edgeq.kernels import rows
from edgeq.kernels.choice import Wanted
from edgeq.kernels.x86.isa import VECTORS
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.runners import Job, way_to_run, ways
from edgeq.target import list_targets, load_target, native_features
from edgeq.toolchain import find_toolchain, run

SANITIZE = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
ZIG = ("cortex-m0plus", "cortex-m4", "cortex-m55")
"""Cores for which Clang compiles, too: one of each kernel set."""
LIKE_M4 = ("cortex-m7", "cortex-m33")
"""Cores that have the M4's kernels."""
X86 = [vectors.feature for vectors in VECTORS]
COMPUTERS = [("rpi-zero", "zig"), ("rpi2", "gcc"), ("rpi4", "gcc"), ("rpi5", "gcc"), ("linux-riscv64", "gcc")]
"""Those with Linux, each of another instruction set, and a compiler."""
CORES = [t.name for t in list_targets() if t.family == "cortex-m"]


def simulated() -> dict[str, set[frozenset[str]]]:
    """Cores whose instructions have a twin in C, with the features of the rows that no core with fewer has."""
    asked = {row.isa for op in registry().values() for row in rows(op) if row.library == "edgeq"} - {frozenset()}
    cores: dict[str, set[frozenset[str]]] = {}
    for target in sorted(list_targets(), key=lambda t: (len(t.isa), t.name)):
        own = {isa for isa in asked if isa <= target.isa}
        asked -= own
        if own:
            cores[target.name] = own
    return cores


def test_every_operator_has_samples_and_kernels() -> None:
    without = [kind for kind, op in registry().items() if not op.samples() or not (rows(op) or op.is_view)]
    assert without == []


def test_names_are_unique() -> None:
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)


def own_rows() -> Iterator[tuple[str, Kernel]]:
    """The project's own, with their operators."""
    for kind, op in registry().items():
        yield from ((kind, kernel) for kernel in rows(op) if kernel.library == "edgeq")


def of_kinds(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of each operator."""
    found: dict[str, list[Case]] = {kind: [] for kind in registry()}
    for case in cases:
        found[case.node.op.kind].append(case)
    return found


def test_every_kernel_row_is_exercised() -> None:
    """A kernel that no case reaches would be untested."""
    cases = of_kinds(all_cases())

    def is_reached(kind: str, kernel: Kernel) -> bool:
        return any(kernel.takes(case.site) and kernel.fits(case.site) for case in cases[kind])

    reached = {(kind, kernel.function) for kind, kernel in own_rows() if is_reached(kind, kernel)}
    assert {(kind, kernel.function) for kind, kernel in own_rows()} - reached == set()


def test_rows_that_take_negative_scales_are_exercised_with_them() -> None:
    cases = of_kinds(case for case in all_cases() if case.site.has_negative_scales)
    wanted = [(kind, row) for kind, row in own_rows() if row.negative_scales and row.weights & SIGNED]
    untried = [
        row.function
        for kind, row in wanted
        if not any(row.takes(case.site) and row.fits(case.site) for case in cases[kind])
    ]
    assert len(wanted) > 10 and untried == []


@pytest.mark.slow
def test_every_row_is_chosen_by_a_core() -> None:
    """A row behind one that takes all that it takes would never be called."""
    cases = of_kinds(every_case())
    sets = {t.isa for t in list_targets()} | {with_implied([name]) for name in X86}
    wanted = [Wanted(isa, goal) for isa in sorted(sets, key=lambda s: (len(s), sorted(s))) for goal in GOALS]

    def choices(kind: str, kernel: Kernel) -> Iterator[Kernel | None]:
        able = [w for w in wanted if kernel.runs_on(w.isa)]
        taken = (case.site for case in cases[kind] if kernel.takes(case.site) and kernel.fits(case.site))
        return (w.choose(site) for site in taken for w in able)

    def is_chosen(kind: str, kernel: Kernel) -> bool:
        asked = (kernel.function, kernel.isa)
        return any(k is not None and (k.function, k.isa) == asked for k in choices(kind, kernel))

    assert [(kind, kernel.function) for kind, kernel in own_rows() if not is_chosen(kind, kernel)] == []


def test_every_case_has_a_portable_kernel() -> None:
    def portable(case: Case) -> bool:
        offered = (k for k in rows(type(case.node.op)) if not k.isa and k.takes(case.site))
        return case.node.op.is_view or any(k.fits(case.site) for k in offered)

    without = [case.name for case in all_cases() if not portable(case)]
    assert without == []


@cache
def shapes() -> tuple[Case, ...]:
    """Random shapes, and all small numbers of channels, of the operators that kernels are made for."""
    return (*random_shapes(), *channel_sweep())


def every_case() -> tuple[Case, ...]:
    """Of all operators, and `shapes`."""
    return (*all_cases(), *shapes())


def run_on_host(place: Path, wanted: tuple[Call, ...]) -> list[str]:
    """The failures of a program with sanitizers: they see reads beyond inputs and parameters, guards see writes."""
    target = load_target("host")
    # Without optimization the kernels compile twelve times as fast, and no access is optimized away.
    program = compile_program(place, wanted, target, find_toolchain(target, "gcc"), SANITIZE, optimize="-O0")
    return failures(run([program], check=False))


def test_host_with_sanitizers(tmp_path: Path) -> None:
    assert run_on_host(tmp_path, calls(every_case(), load_target("host").isa)) == []


@pytest.mark.slow
@pytest.mark.parametrize("core", simulated())
def test_simulated_core_with_sanitizers(core: str, tmp_path: Path) -> None:
    """The kernels of a processor's own instructions, on the host."""
    every, own = calls(every_case(), load_target(core).isa), simulated()[core]
    wanted = tuple(call for call in every if call.kernel.isa in own)
    assert wanted != ()
    assert run_on_host(tmp_path, wanted) == []


def own_calls(feature: str, cases: tuple[Case, ...]) -> tuple[Call, ...]:
    """Cases under the rows that need the vectors of x86 called `feature`."""
    return tuple(c for c in calls(cases, with_implied([feature])) if feature in c.kernel.isa)


@pytest.mark.slow
@pytest.mark.parametrize("feature", X86)
def test_x86_vectors_in_c(feature: str, tmp_path: Path) -> None:
    """What the instructions mean that this machine lacks, and those of AVX2: one quantization of each case."""
    if feature in native_features() and feature != X86[-1]:
        pytest.skip(f"{needs.OPTIONAL}this machine has {feature}: the instructions themselves are tried")
    wanted = own_calls(feature, plain_cases())
    assert wanted != ()
    assert run_on_host(tmp_path, wanted) == []


@pytest.mark.slow
@pytest.mark.parametrize("feature", X86)
@pytest.mark.parametrize(("options", "level"), [((), "-O3"), (SANITIZE, "-O1")])
def test_x86_vectors(feature: str, options: tuple[str, ...], level: str, tmp_path: Path) -> None:
    """The instructions themselves; with sanitizers, which look at addresses, one quantization of each case."""
    if feature not in native_features():
        pytest.skip(f"{needs.OPTIONAL}this machine has no {feature}")
    target = load_target("host")
    flags = [flag for name in sorted(with_implied([feature])) for flag in FEATURES[name].flags]
    gcc = needs.compiler(target, "gcc")
    wanted = own_calls(feature, plain_cases() if options else every_case())
    program = compile_program(tmp_path, wanted, target, gcc, (*flags, *options), optimize=level)
    assert failures(run([program], check=False)) == []


@pytest.mark.slow
def test_host_with_clang(tmp_path: Path) -> None:
    """All kernels, optimized by another compiler."""
    target, every = load_target("host"), calls(plain_cases(), frozenset(FEATURES))
    program = compile_program(tmp_path, every, target, needs.clang(target), ())
    assert failures(run([program], check=False)) == []


def is_plain(case: Case) -> bool:
    """It is no variant of quantization."""
    return f"/{PLAIN}/" in case.name or "/port_" in case.name


def plain_cases() -> tuple[Case, ...]:
    """Without the variants of quantization."""
    return tuple(case for case in every_case() if is_plain(case))


def test_failing_cases_are_named(tmp_path: Path) -> None:
    """The program finds one wrong bit, and an overlap that is one byte too large."""
    found = {case.name: case for case in of_operator("Conv2D")}
    good, bad, greedy = (found[f"Conv2D/{n}/plain/fast"] for n in ("batch", "no_bias", "1x1"))
    wrong = Case(bad.name, bad.graph, bad.inputs)
    flipped = bad.expected[0].copy()
    flipped.flat[-1] ^= 1
    wrong.__dict__["expected"] = (flipped,)
    wanted = list(calls([good, wrong, greedy], frozenset()))
    kernel = wanted[2].kernel
    wanted[2] = Call(greedy, dataclasses.replace(kernel, overlap=lambda site: (0, None, None)))
    assert run_on_host(tmp_path, tuple(wanted)) == [
        f"FAIL {bad.name} eq_conv2d_ref_fast: output differs from the simulator's",
        f"FAIL {greedy.name} eq_conv2d_ref_fast: overwrites an input that it has still to read",
    ]


def run_on_core(place: Path, core: str, kind: str, cases: tuple[Case, ...], kept: Path | None = None) -> list[str]:
    """The failures of a program in the emulator, with all kernels that the core has.

    The portable ones, of which the host tries every case, with the plain cases. Programs for the same core that give a
    folder `kept` compile their kernels once.
    """
    target = load_target(core)
    wanted = tuple(c for c in calls(cases, target.isa) if c.kernel.isa or is_plain(c.case))
    program = compile_program(place, wanted, target, find_toolchain(target, kind), (), kept=kept)
    return failures(way_to_run(target).run(Job(program)))


def test_winograd_sums_at_their_bound(tmp_path: Path) -> None:
    """Four times a sum is almost 2^31, and what comes between leaves 32 bits."""
    rng, shape, w = generator("bound"), (1, 5, 7, 64), (8, 3, 3, 64)
    unit, sums = QParams.per_tensor(1.0, 0), QParams.per_channel(np.ones(8), 0, 0)
    bias = np.array([1, -1] * 4) * (2**29 - 1 - 128 * 127 * 9 * 64)
    editor = GraphEditor("case")
    x = editor.input("x0", TensorType(shape, DType.INT8, unit))
    weights = editor.constant("weights", rng.choice(np.array([-127, 127], np.int8), w), sums)
    operands = [x, weights, editor.constant("bias", bias.astype(np.int32), sums)]
    type = TensorType((1, 5, 7, 8), DType.INT8, QParams.per_tensor(2.0**29 / 127, 0))
    editor.outputs = list(editor.add(Conv2D(padding=(1, 1, 1, 1)), operands, "node", types=[type]))
    editor.numerics = Numerics.FAST
    case = Case("Conv2D/bound", editor.finish(), {x: rng.choice(np.array([-128, 127], np.int8), shape)})
    wanted = tuple(c for c in calls([case], load_target("cortex-m4").isa) if "winograd" in c.function)
    assert wanted != ()
    assert case.expected[0].min() < -120 < 120 < case.expected[0].max()
    assert run_on_host(tmp_path, wanted) == []


def octaves() -> Case:
    """Weights of 4 bits whose factors are whole octaves apart, some above 1, so that sums are shifted to the left."""
    rng, channels, depth = generator("octaves"), 13, 94
    edit = GraphEditor("case")
    x = edit.input("x0", TensorType((1, depth), DType.INT8, QParams.per_tensor(1.0, 3)))
    factors = np.array([0.75, 0.625])[np.arange(channels) % 2] * 2.0 ** (np.arange(channels) % 8 - 4)
    q = QParams.per_channel(factors, 0, 0)
    narrow = TensorType((channels, depth), DType.INT4, q)
    weights = edit.constant("weights", rng.integers(-1, 2, (channels, depth)).astype(np.int8), q, narrow)
    bias = edit.constant("bias", rng.integers(-99, 99, channels).astype(np.int32), q)
    type = TensorType((1, channels), DType.INT8, QParams.per_tensor(1.0, -5))
    edit.outputs = list(edit.add(FullyConnected(), [x, weights, bias], "node", types=[type]))
    edit.numerics = Numerics.FAST
    return Case("FullyConnected/octaves", edit.finish(), {x: rng.integers(-9, 10, (1, depth)).astype(np.int8)})


def test_octaves_of_shifted_sums(tmp_path: Path) -> None:
    wanted = tuple(c for c in calls([octaves()], load_target("cortex-m4").isa) if "octave" in c.function)
    assert [c.kernel.lower(c.case.site)["left"] for c in wanted] == [3]
    assert run_on_host(tmp_path, wanted) == []


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", CORES)
def test_emulated_core(core: str, tmp_path: Path) -> None:
    """In several programs, for the memory of the machine; of cores with another's kernels fewer cases."""
    cases, programs = (plain_cases(), 2) if core in LIKE_M4 else (all_cases(), 3)
    for part, wanted in enumerate([*(cases[k::programs] for k in range(programs)), shapes()]):
        place = tmp_path / str(part)
        place.mkdir()
        assert run_on_core(place, core, "gcc", wanted, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), COMPUTERS)
def test_emulated_computer(name: str, kind: str, tmp_path: Path) -> None:
    target = load_target(name)
    needs.programs(*(needed.program for way in ways(target) for needed in way.requires))
    needs.compiler(target, kind)
    assert run_on_core(tmp_path, name, kind, all_cases()) == []


@pytest.mark.slow
def test_a_few_channels_with_clang(tmp_path: Path) -> None:
    """Six bytes of a pixel go to addresses that no vector store with a hint of alignment takes."""
    target = load_target("rpi2")
    needs.programs(*(needed.program for way in ways(target) for needed in way.requires))
    needs.compiler(target, "zig")
    six = tuple(case for case in of_operator("Conv2D") if f"/1x1_even/{PLAIN}/" in case.name)
    assert six and run_on_core(tmp_path, "rpi2", "zig", six) == []


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", ZIG)
def test_emulated_core_with_zig(core: str, tmp_path: Path) -> None:
    """The same with Clang, which has assembly of its own for some kernels and C for others."""
    for part in range(2):
        place = tmp_path / str(part)
        place.mkdir()
        assert run_on_core(place, core, "zig", plain_cases()[part::2], tmp_path) == []
