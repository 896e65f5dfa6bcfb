"""What is common to all runners: records in and out through files, and messages of programs that fail.

The files are those that firmware/platform/programs/files/main.c describes.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import ToolError, UsageError
from edgeq.ir.tensor import Array, Shape
from edgeq.runners.runner import Capability, Job
from edgeq.runners.table import Way, way_to_run, ways
from edgeq.target import Target
from edgeq.target.machine import this_machine
from edgeq.toolchain.process import Finished, last_lines
from edgeq.warnings import warn

LOG = logging.getLogger("edgeq")


@dataclass(frozen=True)
class Port:
    """An input or output of a program: name, shape of one inference's tensor, element type (a numpy name)."""

    name: str
    shape: Shape
    dtype: str

    @property
    def nbytes(self) -> int:
        """Bytes of one inference's tensor."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Loaded:
    """A file that has to be in memory before a program starts, and its address there."""

    path: Path
    address: int


@dataclass(frozen=True)
class Program:
    """A compiled model.

    Attributes:
        path: the linked program.
        target: what it was built for.
        inputs, outputs: in the model's order.
        macs: multiply-accumulates of one inference, by which the time that it may take is estimated.
        weights: the file that holds its weights, if they are not in the program itself.
        identity: the manifest's entry, by which a device is asked whether it has this model.
    """

    path: Path
    target: Target
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    macs: int = 0
    weights: Loaded | None = None
    identity: str = ""

    @staticmethod
    def of_manifest(path: Path, target: Target, manifest: Mapping[str, Any]) -> Program:
        """The program of a build folder that has this manifest; `path` is below its subfolder `build`."""
        inputs, outputs = (
            tuple(Port(port["name"], tuple(port["shape"]), port["dtype"]) for port in manifest[side])
            for side in ("inputs", "outputs")
        )
        file, emulated = manifest.get("weights_file"), manifest.get("weights_emulated_address")
        address = manifest.get("weights_address") if emulated is None else emulated
        weights = Loaded(path.parent.parent / file, int(address)) if file and address is not None else None
        return Program(path, target, inputs, outputs, manifest["macs"], weights, manifest.get("identity") or "")


@dataclass(frozen=True)
class Spread:
    """How long a layer took in several inferences, in nanoseconds; `p95` is what 95 % of them did not exceed."""

    least: int
    median: int
    p95: int


@dataclass(frozen=True)
class Profile:
    """What one inference costs.

    Attributes:
        unit: "ns", "cycles" or "instructions".
        total: the whole inference, including what comes before the first layer and after the last.
        layers: the cost of each layer.
        spread: of each layer, where the inference was repeated.
        steps: what each step of a sequence cost, where such were timed: (steps, layers), in `unit`; then `total` and
            `layers` are their means.
        cycles: of the processor in each layer, where the system counts them.
    """

    unit: str
    total: int
    layers: tuple[int, ...]
    spread: tuple[Spread, ...] = ()
    cycles: tuple[int, ...] | None = None
    steps: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Watched:
    """The results of inferences, and how deep the stack got.

    Attributes:
        outputs: for every output an array, samples first.
        stack: the most bytes of stack that any of them used; None where the platform cannot tell.
        arena: how many bytes of the arena were used, up to the last; None where that was not measured.
    """

    outputs: list[Array]
    stack: int | None
    arena: int | None = None


Advance = Callable[[int, int], None]


def run(
    program: Program, inputs: Sequence[Array], steps: int | None = None, progress: Advance | None = None
) -> list[Array]:
    """Run inferences, all in one start of the program.

    Args:
        program: what to run.
        inputs: for every input an array of its element type, samples first: (N · batch, …).
        steps: how many inferences make one sequence, for a model with states; None: all of them.
        progress: called with how many inferences are done and how many there are, where that can be told.

    Returns:
        For every output an array (N · batch, …).

    Raises:
        UsageError: the inputs do not fit the program.
        ToolError: what runs it is missing; or the program crashed, failed or took too long.
    """
    records = _records(program, inputs)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        return _run(program, records, Path(folder), steps, [], progress)


def watches_stack(target: Target) -> bool:
    """Whether `watch` can tell how deep the stack gets."""
    return any(Capability.WATCHES_STACK in way.runner.capabilities for way in ways(target)[:1])


def loads_program(target: Target) -> bool:
    """Whether a target's programs are taken from their files to be run; else they are where they run already."""
    return all(way.runner.loads for way in ways(target)[:1])


def watch(
    program: Program, inputs: Sequence[Array], steps: int | None = None, progress: Advance | None = None
) -> Watched:
    """Run inferences as `run` does, and measure how deep the stack gets: it is painted before each of them.

    Raises:
        UsageError, ToolError: as `run`.
    """
    records = _records(program, inputs)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        outputs = _run(program, records, Path(folder), steps, ["stack"], progress)
        used = np.fromfile(Path(folder) / "stack", "<u8")
    if used.size not in (1, 2):
        raise ToolError("the program did not tell how deep its stack got", where=program.path.name)
    return Watched(outputs, *(int(bytes) or None for bytes in used))


def _run(
    program: Program,
    records: Array,
    folder: Path,
    steps: int | None,
    extra_words: list[str],
    progress: Advance | None,
) -> list[Array]:
    """Run inferences in `folder`, with arguments after the usual ones."""
    records.tofile(folder / "input")
    words = ["run", "input", "output"] if steps is None else ["sequences", "input", "output", str(steps)]
    _execute(program, [*words, *extra_words], folder, len(records), progress=progress)
    raw = np.fromfile(folder / "output", np.uint8)
    size = sum(port.nbytes for port in program.outputs)
    if raw.size != len(records) * size:
        raise ToolError(
            f"the program wrote {raw.size:,} bytes where {len(records):,} inferences make {len(records) * size:,}",
            where=program.path.name,
        )
    return _split(raw.reshape(len(records), size), program.outputs)


def profile(program: Program, inputs: Sequence[Array], sequence: bool = False) -> Profile:
    """Time every layer of one inference. On a computer it is repeated and the median is taken.

    Args:
        program: a program built for profiling.
        inputs: as for `run`; the first sample is used.
        sequence: time all samples, once each, as the steps of one sequence.

    Raises:
        UsageError: the inputs do not fit the program.
        ToolError: what runs it is missing; or the program crashed, failed or took too long.
    """
    unit = program.target.counter
    repeats = 1 if unit == "instructions" else max(5, min(101, 10**9 // max(program.macs, 1)))
    records = _records(program, inputs)
    if not sequence:
        records = records[:1]
    if unit == "ns" and way_to_run(program.target).runner.emulates:
        warn(f"the times are the emulator's, not those of {program.target.name}", hint="profile on the machine itself")
    if unit == "instructions" and not loads_program(program.target):
        warn(
            f"the figures are instructions only if the emulator of {program.target.name} counts these",
            hint="start QEMU with -icount shift=0",
        )
    if sequence:
        table = _table(program, records, len(records))
        means = [round(float(value)) for value in table.mean(axis=0)]
        steps = tuple(tuple(map(int, row[1:-1])) for row in table)
        return Profile(unit, sum(means), tuple(means[1:-1]), steps=steps)
    table = _table(program, records, repeats)
    cost = [round(float(value)) for value in np.median(table, axis=0)]
    if repeats == 1:
        return Profile(unit, sum(cost), tuple(cost[1:-1]))
    least, p95 = table.min(axis=0), np.percentile(table, 95, axis=0, method="higher")
    spread = [Spread(int(low), mid, int(high)) for low, mid, high in zip(least, cost, p95, strict=True)]
    return Profile(unit, sum(cost), tuple(cost[1:-1]), tuple(spread[1:-1]), _cycles(program, records, repeats))


def _table(program: Program, records: Array, repeats: int, *more: str) -> Array:
    """What the clock says, without what it costs itself: (repeats, before the first layer, layers, after the last)."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        records.tofile(Path(folder) / "input")
        _execute(program, ["profile", "input", "table", str(repeats), *more], Path(folder), repeats, counting=True)
        table = np.fromfile(Path(folder) / "table", "<u8").astype(np.int64)
    if table.size < 1 + 2 * repeats or (table.size - 1) % repeats:
        raise ToolError("the program wrote an incomplete table of times", where=program.path.name)
    return np.maximum(table[1:].reshape(repeats, -1) - table[0], 0)


def _cycles(program: Program, records: Array, repeats: int) -> tuple[int, ...] | None:
    """The processor's cycles in each layer, where the system counts them and lets programs see that."""
    if program.target.system == "none" or way_to_run(program.target).runner.emulates:
        return None
    try:
        table = _table(program, records, repeats, "cycles")
    except ToolError as error:
        LOG.debug("cycles are not counted: %s", error.message)
        return None
    return tuple(round(float(value)) for value in np.median(table, axis=0)[1:-1])


def _records(program: Program, inputs: Sequence[Array]) -> Array:
    """The inputs as the program reads them: (N, bytes of all inputs)."""
    if len(inputs) != len(program.inputs):
        raise UsageError(f"{len(inputs)} inputs are given where the model has {len(program.inputs)}")
    columns = []
    for port, array in zip(program.inputs, inputs, strict=True):
        if array.dtype != np.dtype(port.dtype):
            raise UsageError(f"is {array.dtype} where the program takes {port.dtype}", where=f"input {port.name!r}")
        expected = (array.shape[0] if array.ndim else 0, *port.shape[1:])
        if array.ndim == 0 or array.shape != expected or array.nbytes % port.nbytes:
            raise UsageError(
                f"has shape {array.shape} where the program takes (N, {', '.join(map(str, port.shape[1:]))})",
                where=f"input {port.name!r}",
            )
        columns.append(np.ascontiguousarray(array).view(np.uint8).reshape(-1, port.nbytes))
    if len({len(column) for column in columns}) != 1:
        raise UsageError(f"the inputs have different numbers of samples: {', '.join(str(len(c)) for c in columns)}")
    return np.concatenate(columns, axis=1)


def _split(records: Array, ports: Sequence[Port]) -> list[Array]:
    """Records (N, bytes of all ports) as one array per port."""
    ends = np.cumsum([port.nbytes for port in ports])
    parts = []
    for port, end in zip(ports, ends, strict=True):
        flat = np.ascontiguousarray(records[:, end - port.nbytes : end]).view(port.dtype)
        parts.append(flat.reshape(-1, *port.shape[1:]))
    return parts


def _execute(
    program: Program,
    words: Sequence[str],
    folder: Path,
    inferences: int,
    counting: bool = False,
    progress: Advance | None = None,
) -> None:
    """Run the program with these arguments in `folder`."""
    if loads_program(program.target):
        _check_files(program)
    memory = {w.address: w.path.resolve() for w in (program.weights,) if w is not None}
    needed = {Capability.PRELOADS_MEMORY} if memory else set()
    if counting and program.target.counter == "instructions":
        needed.add(Capability.COUNTS_INSTRUCTIONS)
    way = way_to_run(program.target, needed)
    # Several times what the slowest kernels need in an emulator on a busy machine.
    inference = 0.05 + program.macs * 2e-6
    job = Job(
        program.path.resolve(),
        tuple(words),
        folder,
        timeout=60 + inferences * inference,
        counting=counting,
        memory=memory,
        console=program.target.console,
        identity=program.identity,
        patience=30 + inference,
        progress=progress,
        clock_hz=program.target.clock_hz,
        machines=(this_machine(),) if program.target.native else program.target.machines,
    )
    finished = way.run(job)
    if finished.code:
        raise _failure(program.target, way, job, finished)


def _check_files(program: Program) -> None:
    """Make sure that what is to be run is there.

    Raises:
        ToolError: it is not.
    """
    if not program.path.is_file():
        raise ToolError("the program has not been compiled", hint="build without --no-compile", where=str(program.path))
    if program.weights is not None and not program.weights.path.is_file():
        raise ToolError("the file of weights is missing", hint="build it again", where=str(program.weights.path))


def _failure(target: Target, way: Way, job: Job, finished: Finished) -> ToolError:
    """The error for a program that ended with an exit code other than 0."""
    where = f"{job.program.name} on {target.name}"
    fault = way.fault(job, finished)
    if fault is not None:
        place = f" in {fault.function}" if fault.function else ""
        return ToolError(f"fault: {fault.cause}{place}", hint=fault.registers, where=where)
    messages = [line.removeprefix("edgeq: ") for line in finished.errors.splitlines() if line.startswith("edgeq: ")]
    if messages:
        return ToolError(messages[-1], where=where)
    ending = f"was ended by signal {-finished.code}" if finished.code < 0 else f"ended with exit code {finished.code}"
    return ToolError(f"the program {ending}", hint=last_lines(finished.errors), where=where)
