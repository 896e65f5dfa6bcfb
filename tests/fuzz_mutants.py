"""Mutants of small models, each given by a number, and what edgeq makes of them before it writes files."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fuzz_seeds import Random, Seed, pick, seeds

from edgeq.codegen.lower import lower
from edgeq.codegen.program import Program
from edgeq.errors import EdgeqError, InternalError
from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import quantize
from edgeq.simulator import run_int
from edgeq.target import load_target
from edgeq.warnings import EdgeqWarning

LARGE = 200_000
"""Elements from which on a mutant is imported only: to compute it would only take time."""
CODES = (2, 3, 4, 5)
"""Exit codes of errors that are the model's."""
OUT_OF_MEMORY = "MemoryError"


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


def spliced(rng: Random, data: bytes, other: bytes) -> bytes:
    """A file with a part of another one: in place of its own, or between its own, or from there to the end."""
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 2049))
    begin = int(rng.integers(len(other)))
    part = other[begin : begin + length]
    what = int(rng.integers(4))
    if what == 0:
        return data[:at] + part + data[at + len(part) :]
    if what == 1:
        return data[:at] + part + data[at:]
    if what == 2:
        return data[:at] + other[begin:]
    return data[:at] + other[min(at, len(other) - 1) :]


@dataclass(frozen=True)
class Mutant:
    """A mutant: which model it was, how it was changed, and its bytes."""

    seed: Seed
    how: str
    data: bytes


def mutant(number: int, seed: int = 0) -> Mutant:
    """The mutant of a number; always the same one for the same seed."""
    rng = np.random.default_rng([seed, number])
    source = pick(rng, seeds())
    others = [s for s in seeds() if s.suffix == source.suffix and s is not source]
    ways: tuple[tuple[str, Callable[[], bytes]], ...] = (
        ("fields", lambda: source.change(rng)),
        ("fields", lambda: source.change(rng)),
        ("bytes", lambda: damaged(rng, source.data)),
        ("bytes", lambda: damaged(rng, source.data)),
        ("both", lambda: damaged(rng, source.change(rng))),
        ("splice", lambda: spliced(rng, source.data, pick(rng, others).data)),
        ("splice", lambda: spliced(rng, source.change(rng), pick(rng, others).change(rng))),
    )
    how, make = pick(rng, ways)
    return Mutant(source, how, make())


def _elements(graph: Graph) -> int:
    return sum(value.type.size for value in graph.values.values())


def integer_graph(path: Path, rng: Random) -> Graph | None:
    """The integer graph of a model, calibrated with random samples; None if it would take long to compute."""
    graph = load(path)
    if _elements(graph) > LARGE:
        return None
    graph = optimize_float(graph)
    if _elements(graph) > LARGE or sum(n.op.macs(graph.site(n)) for n in graph.nodes) > 20 * LARGE:
        return None
    samples = [
        {name: rng.uniform(-1, 1, graph.type(name).shape).astype(np.float32) for name in graph.inputs} for _ in range(2)
    ]
    return optimize_integer(quantize(graph, samples, numerics=graph.preferred))


def samples(graph: Graph, rng: Random) -> list[dict[str, Array]]:
    """Inputs of a graph: the least number everywhere, the greatest everywhere, random ones."""
    made = []
    for kind in ("low", "high", "random", "random"):
        values: dict[str, Array] = {}
        for name in graph.inputs:
            type = graph.type(name)
            low, high = type.dtype.range if not type.dtype.is_float else (-3, 3)
            if type.dtype.is_float:
                drawn = rng.uniform(low, high, type.shape)
            else:
                drawn = rng.integers(low, high, type.shape, endpoint=True)
            picked = {"low": np.full(type.shape, low), "high": np.full(type.shape, high), "random": drawn}[kind]
            values[name] = picked.astype(type.dtype.numpy)
        made.append(values)
    return made


def compiled(path: Path, rng: Random) -> tuple[str, Graph | None, Program | None]:
    """All that edgeq does with a model before it writes files; how far it went, and what resulted."""
    graph = integer_graph(path, rng)
    if graph is None:
        return "large", None, None
    program = lower(graph, load_target("host"), "mutant")
    for inputs in samples(graph, rng)[:1]:
        run_int(graph, inputs)
    return "compiled", graph, program


def outcome(path: Path, rng: Random) -> tuple[str, str]:
    """How a mutant ends: "compiled", "large", "refused", "memory" or "defect", and in the last two cases why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", EdgeqWarning)  # doubts are no defects
            return compiled(path, rng)[0], ""
    except MemoryError as error:
        return "memory", str(error)
    except EdgeqError as error:
        text = f"{type(error).__name__}: {error}"
        if OUT_OF_MEMORY in text:
            return "memory", text
        if isinstance(error, InternalError) or error.exit_code not in CODES or not error.message:
            return "defect", text
        return "refused", ""
    except Exception as error:
        return "defect", f"{type(error).__name__}: {error}"
