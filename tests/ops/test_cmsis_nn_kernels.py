"""Arm's CMSIS-NN against the integer simulator: all sites that its rows take, every core, and its scratch memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from c_program import Call, calls, compile_program, failures
from cases import Case, build, generator, variants
from shapes import MAKERS, Rng, pair, whole

from edgeq.ir.op import Op, Sample, registry
from edgeq.kernels import rows
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.runners import Job, way_to_run
from edgeq.target import load_target
from edgeq.toolchain import find_toolchain, run

Shapes = tuple[tuple[int, ...], ...]
Maker = Callable[[Rng], tuple[Op, Shapes]]
SANITIZE = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m55")
"""One for each way in which the library can be compiled."""
RANDOM = 30
"""Cases of each maker."""


def row_of_pixels(rng: Rng) -> tuple[Op, Shapes]:
    """One row, which Helium convolves without gathering windows."""
    kernel, stride, made = whole(rng, 1, 5), whole(rng, 1, 3), whole(rng, 1, 9)
    channels = 4 * whole(rng, 1, 3) if rng.random() < 0.8 else whole(rng, 1, 9)
    left = whole(rng, 0, kernel - 1)
    right = min(kernel - 1, left + whole(rng, 0, 1)) if rng.random() < 0.6 else whole(rng, 0, kernel - 1)
    size = whole(rng, max(1, kernel - left - right), 12)
    op = Conv2D((whole(rng, 1, 2), stride), (1, 1), (0, left, 0, right))
    return op, ((whole(rng, 1, 2), 1, size, channels), (made, 1, kernel, channels), (made,))


def padded_window(rng: Rng) -> tuple[DepthwiseConv2D, tuple[int, int], tuple[int, int]]:
    """A window with up to all of it in the padding; also its size and that of an image into which it fits."""
    kernel = (3, 3) if rng.random() < 0.5 else pair(rng, 1, 5)
    top, left, bottom, right = (whole(rng, 0, kernel[i % 2]) for i in range(4))
    height, width = (whole(rng, max(1, kernel[i] - (top + bottom, left + right)[i]), 8) for i in range(2))
    return DepthwiseConv2D(pair(rng, 1, 3), (1, 1), (top, left, bottom, right)), kernel, (height, width)


def one_channel(rng: Rng) -> tuple[Op, Shapes]:
    """Many filters of one channel, of which Helium makes an ordinary convolution."""
    made = whole(rng, 2, 13)
    op, kernel, image = padded_window(rng)
    return op, ((whole(rng, 1, 2), *image, 1), (*kernel, made), (made,))


def many_channels(rng: Rng) -> tuple[Op, Shapes]:
    """More channels than are gathered at once, sometimes."""
    made = whole(rng, 120, 130) if rng.random() < 0.2 else whole(rng, 1, 13)
    op, kernel, image = padded_window(rng)
    return op, ((1, *image, made), (*kernel, made), (made,))


def pointwise(rng: Rng) -> tuple[Op, Shapes]:
    """Windows of one pixel, with padding and groups."""
    groups, (height, width) = whole(rng, 1, 2), pair(rng, 1, 7)
    padding = tuple(whole(rng, 0, 1) if rng.random() < 0.2 else 0 for _ in range(4))
    taken, made = whole(rng, 1, 9), whole(rng, 1, 9) * groups
    op = Conv2D(pair(rng, 1, 3), (1, 1), (padding[0], padding[1], padding[2], padding[3]), groups)
    return op, ((whole(rng, 1, 2), height, width, taken * groups), (made, 1, 1, taken), (made,))


def sampled() -> Iterator[Case]:
    """Every sample of the library's operators, in every variant."""
    for kind, op in registry().items():
        if any(kernel.library == "cmsis-nn" for kernel in rows(op)):
            for sample in op.samples():
                yield from (build(kind, sample, variant, Numerics.TFLM) for variant in variants(sample))


def drawn() -> Iterator[Case]:
    """Random sites."""
    for maker in (*MAKERS, row_of_pixels, one_channel, many_channels, pointwise):
        for number in range(RANDOM):
            op, shapes = maker(generator(f"cmsis_nn/{maker.__name__}/{number}"))
            sample = Sample(f"{maker.__name__}{number}", op, shapes, const=tuple(range(1, len(shapes))))
            choice = variants(sample)
            yield build(op.kind, sample, choice[number % len(choice)], Numerics.TFLM)


@cache
def taken(isa: frozenset[str]) -> tuple[Call, ...]:
    """What the library computes on a core with these features."""
    return calls((*sampled(), *drawn()), isa, "cmsis-nn")


@pytest.mark.parametrize("core", CORES)
def test_every_row_is_exercised(core: str) -> None:
    isa = load_target(core).isa
    all_kernels = [kernel for op in registry().values() for kernel in rows(op)]
    functions = {k.function for k in all_kernels if k.library == "cmsis-nn" and k.runs_on(isa)}
    assert functions == {call.function for call in taken(isa)}


@pytest.mark.slow
def test_host_with_sanitizers(tmp_path: Path, cmsis_nn_root: Path) -> None:
    target = load_target("host")
    compiler = find_toolchain(target, "gcc")
    program = compile_program(tmp_path, taken(target.isa), target, compiler, SANITIZE, cmsis_nn_root)
    assert failures(run([program], check=False)) == []


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", CORES)
def test_emulated_core(core: str, tmp_path: Path, cmsis_nn_root: Path) -> None:
    target = load_target(core)
    compiler = find_toolchain(target, "gcc")
    program = compile_program(tmp_path, taken(target.isa), target, compiler, (), cmsis_nn_root)
    assert failures(way_to_run(target).run(Job(program))) == []
