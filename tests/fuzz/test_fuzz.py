"""Thousands of damaged model files: each is either compiled, or refused with an error that is made for people."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fuzz_seeds import Random, Seed, pick, seeds

from edgeq.codegen.lower import lower
from edgeq.errors import EdgeqError, InternalError
from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import quantize
from edgeq.simulator import run_int
from edgeq.target import load_target

MUTANTS, PARTS = 280, 4
LARGE = 200_000
"""Elements from which on a mutant is imported only: to compute it would only take time."""


def damaged(rng: Random, data: bytes) -> bytes:
    """A file's bytes with some of them gone, changed, exchanged or added."""
    made = bytearray(data)
    for _ in range(pick(rng, (1, 1, 1, 2, 3))):
        if len(made) < 8:
            break
        what = int(rng.integers(7))
        # Headers and structure are at the ends of these files, weights in between.
        span = min(len(made), 1500)
        base = 0 if rng.random() < 0.5 else len(made) - span
        at = base + int(rng.integers(span))
        length = int(rng.integers(1, 33))
        if what == 0:
            del made[at:]
        elif what <= 2:
            for _ in range(int(rng.integers(1, 9))):
                made[min(base + int(rng.integers(span)), len(made) - 1)] ^= 1 << int(rng.integers(8))
        elif what == 3:
            made[at : at + length] = pick(rng, (b"\x00", b"\xff", b"\x7f", b"\x80")) * len(made[at : at + length])
        elif what == 4:
            other = int(rng.integers(len(made)))
            made[at : at + length], made[other : other + length] = made[other : other + length], made[at : at + length]
        elif what == 5:
            del made[at : at + length]
        else:
            made[at:at] = rng.bytes(length)
    return bytes(made)


def _elements(graph: Graph) -> int:
    return sum(value.type.size for value in graph.values.values())


def compiled(path: Path, rng: Random) -> str:
    """All that edgeq does with a model before it writes files; returns how far it went."""
    graph = load(path)
    if _elements(graph) > LARGE:
        return "large"
    graph = optimize_float(graph)
    if _elements(graph) > LARGE or sum(n.op.macs(graph.site(n)) for n in graph.nodes) > 20 * LARGE:
        return "large"
    samples = [
        {name: rng.uniform(-1, 1, graph.type(name).shape).astype(np.float32) for name in graph.inputs} for _ in range(2)
    ]
    integer = optimize_integer(quantize(graph, samples, numerics=graph.preferred))
    lower(integer, load_target("host"), "mutant")
    low = {name: integer.type(name).dtype.range[0] for name in integer.inputs}
    run_int(integer, {n: np.full(integer.type(n).shape, v, integer.type(n).dtype.numpy) for n, v in low.items()})
    return "compiled"


def test_seeds_are_sound(tmp_path: Path) -> None:
    for seed in seeds():
        path = tmp_path / f"seed{seed.suffix}"
        path.write_bytes(seed.data)
        assert compiled(path, np.random.default_rng(1)) == "compiled"


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))])
@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
def test_mutants(seed: Seed, part: int, tmp_path: Path) -> None:
    path = tmp_path / f"mutant{seed.suffix}"
    ends: Counter[str] = Counter()
    defects: list[str] = []
    for index in range(part * MUTANTS // PARTS, (part + 1) * MUTANTS // PARTS):
        rng = np.random.default_rng([index, len(seed.data)])
        path.write_bytes(seed.change(rng) if index % 2 else damaged(rng, seed.data))
        begun = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                end = compiled(path, rng)
        except Exception as error:
            end = "refused"
            if isinstance(error, InternalError) or not isinstance(error, EdgeqError):
                defects.append(f"mutant {index}: {type(error).__name__}: {error}")
            elif not error.message or error.exit_code not in (2, 3, 4, 5):
                defects.append(f"mutant {index}: exit code {error.exit_code}: {error}")
        ends[end] += 1
        if time.process_time() - begun > 20:
            defects.append(f"mutant {index}: takes too long")
    assert not defects, "\n".join(defects)
    assert ends["refused"] and ends["compiled"], ends
