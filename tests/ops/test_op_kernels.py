"""Kernels against the integer simulator: every operator, every kernel row, no tolerance."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from c_program import Call, calls, compile_program, failures
from cases import Case, all_cases, generator, of_operator
from shapes import random_shapes

from edgeq.ir.graph import GraphEditor
from edgeq.ir.op import registry
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.runners.qemu import command
from edgeq.target import list_targets, load_target
from edgeq.toolchain import find_toolchain, run

SIMULATED = ("cortex-m4", "cortex-m55")
"""Cores whose instructions have a twin in C, fewest kernels first."""
SANITIZE = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CORES = [t.name for t in list_targets() if t.family == "cortex-m"]


def test_every_operator_has_samples_and_kernels() -> None:
    without = [kind for kind, op in registry().items() if not op.samples() or not (op.kernels or op.is_view)]
    assert without == []


def test_names_are_unique() -> None:
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)


def test_every_kernel_row_is_exercised() -> None:
    """A kernel that no case reaches would be untested."""
    features = frozenset[str]().union(*(t.isa for t in list_targets()))
    reached = {(c.case.node.op.kind, c.kernel.function) for c in calls(all_cases(), features)}
    own = [(kind, kernel) for kind, op in registry().items() for kernel in op.kernels if kernel.library == "edgeq"]
    rows = {(kind, kernel.function) for kind, kernel in own}
    assert rows - reached == set()


def test_every_case_has_a_portable_kernel() -> None:
    without = [
        case.name
        for case in all_cases()
        if not case.node.op.is_view and not any(not k.isa and k.fits(case.site) for k in case.node.op.kernels)
    ]
    assert without == []


def run_on_host(place: Path, wanted: tuple[Call, ...]) -> list[str]:
    """The failures of a program with sanitizers: they see reads beyond inputs and parameters, guards see writes."""
    target = load_target("host")
    program = compile_program(place, wanted, target, find_toolchain(target, "gcc"), SANITIZE)
    return failures(run([program], check=False))


def test_host_with_sanitizers(tmp_path: Path) -> None:
    assert run_on_host(tmp_path, calls(all_cases(), load_target("host").isa)) == []


@pytest.mark.parametrize("core", SIMULATED)
def test_simulated_core_with_sanitizers(core: str, tmp_path: Path) -> None:
    """The kernels of a microcontroller's own instructions, on the host."""
    before = frozenset[str]().union(*(load_target(c).isa for c in SIMULATED[: SIMULATED.index(core)]))
    own = tuple(call for call in calls(all_cases(), load_target(core).isa) if not call.kernel.isa <= before)
    assert own != ()
    assert run_on_host(tmp_path, own) == []


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


def test_host_with_random_shapes(tmp_path: Path) -> None:
    """Windows, strides, paddings and channel counts around what loops are cut into."""
    isa = load_target("host").isa.union(*(load_target(core).isa for core in SIMULATED))
    assert run_on_host(tmp_path, calls(random_shapes(), isa)) == []


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


@pytest.mark.qemu
@pytest.mark.parametrize("core", CORES)
def test_emulated_core(core: str, tmp_path: Path) -> None:
    target = load_target(core)
    assert target.emulator is not None
    wanted = calls(all_cases(), target.isa)
    program = compile_program(tmp_path, wanted, target, find_toolchain(target, "gcc"), ())
    assert failures(run(command(program, target.emulator, [], exact_time=False), check=False)) == []
