"""Espressif's ESP-NN against the integer simulator: all sites that its rows take, with its portable C."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from c_program import Call, calls, compile_program, failures
from cases import Case, build, generator, variants
from shapes import MAKERS

from edgeq.ir.op import Sample, registry
from edgeq.kernels import rows
from edgeq.numerics.fixedpoint import Numerics
from edgeq.target import load_target
from edgeq.toolchain import find_toolchain, run

SANITIZE = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RANDOM = 30
"""Cases of each maker."""


def _sampled() -> Iterator[Case]:
    """Every sample of the library's operators, in every variant."""
    for kind, op in registry().items():
        if any(kernel.library == "esp-nn" for kernel in rows(op)):
            for sample in op.samples():
                yield from (build(kind, sample, variant, Numerics.TFLM) for variant in variants(sample))


def _drawn() -> Iterator[Case]:
    """Random sites."""
    for maker in MAKERS:
        for number in range(RANDOM):
            op, shapes = maker(generator(f"esp_nn/{maker.__name__}/{number}"))
            sample = Sample(f"{maker.__name__}{number}", op, shapes, const=tuple(range(1, len(shapes))))
            choice = variants(sample)
            yield build(op.kind, sample, choice[number % len(choice)], Numerics.TFLM)


@cache
def taken() -> tuple[Call, ...]:
    """What the library computes of the samples."""
    return calls(_sampled(), frozenset(), "esp-nn")


def test_every_row_is_exercised() -> None:
    all_kernels = [kernel for op in registry().values() for kernel in rows(op)]
    assert {k.function for k in all_kernels if k.library == "esp-nn"} == {call.function for call in taken()}


@pytest.mark.slow
@pytest.mark.parametrize("functions", [(), ("-DCONFIG_NN_OPTIMIZED",), ("-DCONFIG_NN_OPTIMIZED", "-DSKIP_NUDGE")])
def test_portable_functions(functions: tuple[str, ...], tmp_path: Path, esp_nn_root: Path) -> None:
    """The reference, and what chips without functions of their own get; also requantized in the faster way, which is
    the same for the accumulators that rows take."""
    target = load_target("host")
    compiler = find_toolchain(target, "gcc")
    wanted = (*taken(), *calls(_drawn(), frozenset(), "esp-nn"))
    program = compile_program(tmp_path, wanted, target, compiler, (*SANITIZE, *functions), esp_nn_root)
    assert failures(run([program], check=False)) == []
