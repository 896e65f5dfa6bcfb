"""Runners: records in and out, commands, what is said when programs fail. Emulated cores are in e2e/test_qemu.py."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_firmware import BAD_ADDRESS, FAILING, SPIN, asking, build_tiny, expected

from edgeq.errors import ToolError, UsageError
from edgeq.runners import (
    RUNNERS,
    Capability,
    Fault,
    Job,
    Port,
    Profile,
    Program,
    profile,
    run,
    watch,
    watches_stack,
    way_to_run,
    ways,
)
from edgeq.runners.fault import function_at, reported_fault
from edgeq.runners.program import Spread
from edgeq.runners.qemu_system import command
from edgeq.target import RunnerSpec, list_boards, list_targets, load_target
from edgeq.target.runners import RUNNER_KINDS
from edgeq.toolchain import Finished

HOST = load_target("host")


def _script(folder: Path, body: str) -> Program:
    """A "program" that is a Python script: input of 2 + 4 bytes, output of 2 × int16."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\nimport sys\ncommand, source, result = sys.argv[1:4]\n{body}\n")
    path.chmod(0o755)
    inputs = (Port("a", (1, 2), "uint8"), Port("b", (1, 2, 1), "int16"))
    return Program(path, HOST, inputs, (Port("y", (1, 2), "int16"),))


def _inputs(count: int = 3) -> list[np.ndarray]:
    a = np.arange(2 * count, dtype=np.uint8).reshape(count, 2)
    return [a, 1000 + np.arange(2 * count, dtype=np.int16).reshape(count, 2, 1)]


COPY_B = """
data = open(source, "rb").read()
open(result, "wb").write(b"".join(data[k + 2 : k + 6] for k in range(0, len(data), 6)))
"""


@pytest.mark.parametrize("count", [0, 1, 3])
def test_records_are_interleaved(count: int, tmp_path: Path) -> None:
    (y,) = run(_script(tmp_path, COPY_B), _inputs(count))
    assert y.dtype == np.int16
    np.testing.assert_array_equal(y, _inputs(count)[1].reshape(count, 2))


def test_inputs_need_not_be_contiguous(tmp_path: Path) -> None:
    a, b = _inputs(6)
    (y,) = run(_script(tmp_path, COPY_B), [a[::-2], b[::2]])
    np.testing.assert_array_equal(y, b[::2].reshape(3, 2))


def test_model_with_a_batch(tmp_path: Path) -> None:
    """A batch of two is one inference; samples are counted along the first axis."""
    program = _script(tmp_path, "open(result, 'wb').write(open(source, 'rb').read())")
    port = Port("x", (2, 3), "int8")
    program = replace(program, inputs=(port,), outputs=(port,))
    x = np.arange(12, dtype=np.int8).reshape(4, 3)
    np.testing.assert_array_equal(run(program, [x])[0], x)
    with pytest.raises(UsageError, match="has shape"):
        run(program, [x[:3]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b: [a], "1 inputs are given where the model has 2"),
        (lambda a, b: [a.astype(np.float32), b], "is float32 where the program takes uint8"),
        (lambda a, b: [a[:, :1], b], "has shape (3, 1) where the program takes (N, 2)"),
        (lambda a, b: [a, b[..., 0]], "has shape (3, 2) where the program takes (N, 2, 1)"),
        (lambda a, b: [a[:2], b], "the inputs have different numbers of samples: 2, 3"),
        (lambda a, b: [np.uint8(1), b], "has shape ()"),
    ],
)
def test_inputs_that_do_not_fit(change, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run(_script(tmp_path, COPY_B), change(*_inputs()))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("sys.exit(3)", "the program ended with exit code 3", ""),
        ("sys.exit('edgeq: it rains')", "it rains", ""),
        ("print('late', file=sys.stderr); sys.exit(7)", "the program ended with exit code 7", "late"),
        ("import os; os.kill(os.getpid(), 11)", "the program was ended by signal 11", ""),
        ("open(result, 'wb').write(b'xyz')", "the program wrote 3 bytes where 3 inferences make 12", ""),
    ],
)
def test_program_that_fails(body: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run(_script(tmp_path, body), _inputs())
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert "program" in caught.value.where


def test_program_that_is_not_there(tmp_path: Path) -> None:
    program = replace(_script(tmp_path, ""), path=tmp_path / "none")
    with pytest.raises(ToolError, match="has not been compiled"):
        run(program, _inputs())


def test_target_without_runner(tmp_path: Path) -> None:
    program = replace(_script(tmp_path, ""), target=replace(load_target("cortex-m4"), runners=()))
    assert not watches_stack(program.target)
    with pytest.raises(ToolError, match="there is no runner for cortex-m4") as caught:
        run(program, _inputs())
    assert "that" not in caught.value.message
    assert "the runners are host, qemu-user, qemu-system, unicorn, serial" in caught.value.hint


def test_the_first_runner_that_can_do_it(tmp_path: Path) -> None:
    """What the host cannot do is left to the next, or refused."""
    target = replace(HOST, runners=(*HOST.runners, *load_target("cortex-m4").runners))
    assert [way.runner.kind for way in ways(target)] == ["host", "qemu-system", "unicorn"]
    assert way_to_run(target).runner.kind == "host"
    assert way_to_run(target, {Capability.PRELOADS_MEMORY}).runner.kind == "qemu-system"
    counting = replace(_script(tmp_path, ""), target=replace(HOST, counter="instructions", clock_hz=1))
    with pytest.raises(ToolError, match="there is no runner for host that counts instructions"):
        profile(counting, _inputs())


def test_every_kind_of_runner_is_there() -> None:
    """What targets' files can say, and what can be run, are the same; every target's runners say what they need."""
    assert list(RUNNERS) == list(RUNNER_KINDS)
    for target in (*list_targets(), *list_boards()):
        for way in ways(target):
            assert all(needed.program and needed.install for needed in way.requires)


@pytest.mark.parametrize(
    ("code", "errors", "fault"),
    [
        (100, "x\nedgeq: fault: bad luck: pc=0x00000010 r0=0x0\n", Fault("bad luck", "", "pc=0x00000010 r0=0x0")),
        (99, "edgeq: fault: bad luck: pc=0x00000010\n", None),
        (100, "edgeq: no memory\n", None),
    ],
)
def test_report_of_a_fault(code: int, errors: str, fault: Fault | None, tmp_path: Path) -> None:
    assert reported_fault(Job(tmp_path / "none"), Finished(code, "", errors)) == fault


def test_profile_is_the_median_without_the_cost_of_timing(tmp_path: Path) -> None:
    body = """
import array
rows = [[7, 15, 105, 8], [7, 25, 305, 4], [7, 5, 205, 9]]
repeats = int(sys.argv[4])
table = [5] + [v for k in range(repeats) for v in rows[k % 3]]
open(result, 'wb').write(array.array('Q', table).tobytes())
"""
    program = replace(_script(tmp_path, body), macs=10**9 // 9)
    spread = Spread(0, 10, 20), Spread(100, 200, 300)
    # A script takes any further word, and so seems to count cycles.
    assert profile(program, _inputs()) == Profile("ns", 2 + 10 + 200 + 3, (10, 200), spread, (10, 200))


@pytest.mark.parametrize("size", [0, 7, 8, 8 * 9])
def test_incomplete_table(size: int, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="incomplete table"):
        profile(_script(tmp_path, f"open(result, 'wb').write(bytes({size}))"), _inputs())


@pytest.mark.parametrize(
    ("told", "stack", "arena"), [([312], 312, None), ([0], None, None), ([312, 99], 312, 99), ([312, 0], 312, None)]
)
def test_stack(told: list[int], stack: int | None, arena: int | None, tmp_path: Path) -> None:
    body = f"import array\nopen(sys.argv[4], 'wb').write(array.array('Q', {told}).tobytes())"
    watched = watch(_script(tmp_path, COPY_B + body), _inputs())
    assert (watched.stack, watched.arena) == (stack, arena)
    np.testing.assert_array_equal(watched.outputs[0], _inputs()[1].reshape(3, 2))


def test_stack_that_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="did not tell how deep its stack got"):
        watch(_script(tmp_path, COPY_B + "open(sys.argv[4], 'wb')"), _inputs())


def test_program_of_a_manifest() -> None:
    manifest = {
        "macs": 12,
        "inputs": [{"name": "a", "shape": [1, 2], "dtype": "uint8", "scale": 1.0, "zero_point": 0}],
        "outputs": [{"name": "y", "shape": [1], "dtype": "int8", "scale": 1.0, "zero_point": 0}],
    }
    program = Program.of_manifest(Path("x"), HOST, manifest)
    assert program == Program(Path("x"), HOST, (Port("a", (1, 2), "uint8"),), (Port("y", (1,), "int8"),), 12)


def test_emulator_command() -> None:
    spec = RunnerSpec("qemu-system", {"program": "qemu", "package": "p", "machine": "board", "args": ("-cpu", "x")})
    words = command(Job(Path("/p/kws.elf"), ("run", "input")), spec)
    assert words[:5] == ["qemu", "-machine", "board", "-cpu", "x"]
    assert words[-4:] == [
        "-semihosting-config",
        "enable=on,target=native,arg=edgeq,arg=run,arg=input",
        "-kernel",
        "/p/kws.elf",
    ]
    assert "-icount" not in words
    assert "shift=0" in command(Job(Path("x"), counting=True), spec)
    assert words[words.index("-serial") + 1] == "none"
    by_uart = command(Job(Path("/p/kws.elf"), console="uart"), spec)
    assert by_uart[-4:] == ["-serial", "stdio", "-kernel", "/p/kws.elf"]
    loader = command(Job(Path("x"), memory={0x21000000: Path("/a,b")}), spec)
    assert "loader,file=/a,,b,addr=0x21000000,force-raw=on" in loader


def test_function_at_an_address(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    assert function_at(tmp_path / "text", "pc=0x10") == ""
    assert function_at(tmp_path / "none", "pc=0x10") == ""
    assert function_at(tmp_path / "text", "r0=0x10") == ""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return build_tiny(tmp_path_factory.mktemp("tiny") / "build", HOST, "gcc", profile=True)


def test_host_program(tiny: Program) -> None:
    """More than one block of 256 KB."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 100, (40_000, 5)).astype(np.int8), rng.integers(-128, 128, (40_000, 3)).astype(np.int8)
    x, y = run(tiny, [a, b])
    np.testing.assert_array_equal(x, expected(a, b)[0])
    np.testing.assert_array_equal(y, expected(a, b)[1])


def test_host_profile(tiny: Program) -> None:
    short, long = (profile(tiny, asking(SPIN, count)) for count in (1, 65535))
    assert short.unit == "ns"
    assert len(short.layers) == 3
    assert short.total >= sum(short.layers)
    assert long.layers[1] > 2000 > short.layers[1]


def test_host_program_that_crashes(tiny: Program) -> None:
    with pytest.raises(ToolError, match="was ended by signal 11"):
        run(tiny, asking(BAD_ADDRESS))
    with pytest.raises(ToolError, match="the model reported an error"):
        run(tiny, asking(FAILING))
