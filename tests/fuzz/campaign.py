"""Many mutants of small models at once, each with limits of time and memory.

    python tests/fuzz/campaign.py --mutants 20000 --compile 300

Counts tracebacks, hangs (seconds of computing) and mutants that take too much memory; compiles some of those that
edgeq accepts with AddressSanitizer and UndefinedBehaviorSanitizer, and compares them with the simulator, bit for bit.
The same seed gives the same mutants on every machine; `--only NUMBER --keep FOLDER` is for a look at one of them.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

import numpy as np
from fuzz_mutants import compiled, mutant, samples

from edgeq.codegen.emit import render
from edgeq.codegen.manifest import make_manifest
from edgeq.runners.program import Program as Runnable
from edgeq.runners.program import run as run_program
from edgeq.simulator import run_int
from edgeq.target import load_target

SECONDS, MEMORY = 20.0, 2 << 30
PATIENCE = 15
"""How many times longer than its limit of computing time a mutant may take on the clock of a busy machine."""
FLAGS = (
    *("-O1", "-g", "-std=gnu11", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
)


class Hang(BaseException):
    """A mutant's time is over."""


@dataclass
class Report:
    """What came of mutants.

    Attributes:
        ends: how many ended how.
        accepted: numbers of those that were compiled.
        defects: number, model and way of change, and what happened, of those that did what none may.
        worst: the most seconds and bytes that any took.
    """

    ends: Counter[str] = field(default_factory=Counter)
    accepted: list[int] = field(default_factory=list)
    defects: list[tuple[int, str, str]] = field(default_factory=list)
    worst: tuple[float, int] = (0.0, 0)

    def add(self, number: int, label: str, end: str, why: str, seconds: float, nbytes: int) -> None:
        """Count one."""
        self.ends[end] += 1
        self.worst = max(self.worst[0], seconds), max(self.worst[1], nbytes)
        if end == "compiled":
            self.accepted.append(number)
        if end in ("defect", "memory", "hang", "crash"):
            self.defects.append((number, label, f"{end}: {why}" if why else end))


def _peak() -> int:
    """The most bytes of memory that this process has taken since `_forget_peak`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def _over(number: int, frame: FrameType | None) -> None:
    raise Hang


def _work(pipe: Connection, seed: int, folder: Path, seconds: float, memory: int, work: str) -> None:
    """A worker: numbers of mutants come in, what became of them goes out."""
    outcome = importlib.import_module(work).outcome
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _over)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    # Well above the limit: what takes more than that is seen in its peak, or as a MemoryError.
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * memory, resource.RLIM_INFINITY))
    while (number := pipe.recv()) is not None:
        made = mutant(number, seed)
        path = folder / f"{number}{made.seed.suffix}"
        path.write_bytes(made.data)
        Path("/proc/self/clear_refs").write_text("5")
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            end, why = outcome(path, np.random.default_rng([seed, number]))
        except Hang:
            end, why = "hang", ""
        except Exception as error:
            end, why = "defect", f"{type(error).__name__}: {error}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        took, peak = time.process_time() - begun, _peak()
        if peak > memory and end not in ("hang", "defect"):
            end, why = "memory", f"{peak >> 20} MiB, {why or end}"
        path.unlink()
        pipe.send((number, f"{made.seed.name}, {made.how}", end, why[:2000], took, peak))


class _Worker:
    """A worker's process, and what it is at."""

    def __init__(self, *settings: object) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=_work, args=(theirs, *settings), daemon=True)
        self.process.start()
        theirs.close()
        self.number: int | None = None
        self.until = 0.0

    def give(self, number: int, patience: float) -> None:
        """The next mutant."""
        self.number, self.until = number, time.monotonic() + patience
        self.pipe.send(number)

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run(
    numbers: Iterable[int],
    seed: int,
    jobs: int,
    folder: Path,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    work: str = "fuzz_mutants",
    every: int = 0,
) -> Report:
    """Try mutants.

    Args:
        numbers: which.
        seed: of all of them.
        jobs: how many at once.
        folder: for their files.
        seconds, memory: of computing, and bytes, that one may take.
        work: the module whose `outcome` is asked.
        every: after how many mutants to tell how far it is; 0: never.
    """
    report, waiting = Report(), iter(numbers)
    settings = (seed, folder, seconds, memory, work)
    workers = [_Worker(*settings) for _ in range(jobs)]
    _hand_out(workers, waiting, seconds)
    while any(w.number is not None for w in workers):
        ready = wait([w.pipe for w in workers if w.number is not None], timeout=1.0)
        for index, worker in enumerate(workers):
            if worker.number is None:
                continue
            if worker.pipe in ready:
                try:
                    report.add(*worker.pipe.recv())
                    worker.number = None
                except (EOFError, ConnectionError):
                    worker.process.join()
                    report.add(worker.number, "", "crash", f"exit code {worker.process.exitcode}", 0.0, 0)
                    workers[index] = _Worker(*settings)
            elif time.monotonic() > worker.until:
                worker.end()
                report.add(worker.number, "", "hang", "and cannot be interrupted", seconds, 0)
                workers[index] = _Worker(*settings)
            done = sum(report.ends.values())
            if every and done and done % every == 0 and workers[index].number is None:
                print(f"{done}: {dict(report.ends)}, {len(report.defects)} defects", flush=True)
        _hand_out(workers, waiting, seconds)
    for worker in workers:
        worker.end()
    report.accepted.sort()
    report.defects.sort()
    return report


def _hand_out(workers: Sequence[_Worker], waiting: Iterator[int], seconds: float) -> None:
    for worker in workers:
        if worker.number is None:
            number = next(waiting, None)
            if number is not None:
                worker.give(number, seconds * PATIENCE)


# Compiling what was accepted


def _object(source: Path, folder: Path, flags: Sequence[str], cache: Path) -> Path:
    """The object of a C file. Most kernels are the same for all mutants, and so compiled once."""
    key = sha256("\0".join(flags).encode() + source.read_bytes())
    for header in sorted(folder.rglob("*.h")):
        if "kernels" in header.parts or "kernels" not in source.parts:
            key.update(header.read_bytes())
    target = cache / f"{key.hexdigest()}.o"
    if not target.exists():
        includes = [
            f"-I{folder / below}"
            for below in ("include", "src", "kernels/include", "platform", "platform/models/mutant")
        ]
        part = cache / f"{key.hexdigest()}.{os.getpid()}.part"
        _gcc([*flags, *includes, "-c", source, "-o", part])
        part.replace(target)
    return target


def _gcc(words: Sequence[str | Path]) -> None:
    done = subprocess.run(["gcc", *words], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"gcc {words[-1]}: {done.stderr[:1000]}")


def compare(number: int, seed: int, folder: Path) -> str:
    """Compile a mutant with sanitizers, run it, compare it with the simulator; what is wrong, or an empty text."""
    made = mutant(number, seed)
    place = folder / f"compile{number}"
    place.mkdir()
    path = place / f"{number}{made.seed.suffix}"
    path.write_bytes(made.data)
    rng = np.random.default_rng([seed, number])
    _, graph, program = compiled(path, rng)
    if graph is None or program is None:
        return "is not accepted a second time"
    target = load_target("host")
    for name, text in render(program, target).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    cache = folder / "objects"
    cache.mkdir(exist_ok=True)
    flags = [*FLAGS, *(f"-D{define}" for define in target.platform_defines)]
    sources = sorted(p for part in ("src", "kernels", "platform") for p in (place / part).rglob("*.c"))
    try:
        objects = [_object(source, place, flags, cache) for source in sources]
        _gcc([*FLAGS, *objects, "-lm", "-o", place / "build"])
    except RuntimeError as error:
        return str(error)
    runnable = Runnable.of_manifest(place / "build", target, make_manifest(program, target))
    given = samples(graph, rng)
    expected = [run_int(graph, inputs) for inputs in given]
    arrays = [np.concatenate([np.atleast_1d(inputs[name]) for inputs in given]) for name in graph.public_inputs]
    try:
        results = run_program(runnable, arrays)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    for name, found in zip(graph.public_outputs, results, strict=True):
        wanted = np.concatenate([np.atleast_1d(values[name]) for values in expected])
        if found.tobytes() != wanted.astype(found.dtype).tobytes():
            return f"output {name!r} differs from the simulator's"
    return ""


def _compare(job: tuple[int, int, Path]) -> tuple[int, str]:
    number, seed, folder = job
    try:
        return number, compare(number, seed, folder)
    except Exception as error:
        return number, f"{type(error).__name__}: {error}"


def check_compiled(numbers: Sequence[int], seed: int, jobs: int, folder: Path) -> list[tuple[int, str]]:
    """Compile mutants, and compare them with the simulator; those with which something is wrong."""
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        found = pool.map(_compare, [(number, seed, folder) for number in numbers], chunksize=1)
    return [(number, why) for number, why in found if why]


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mutants", type=int, default=20_000, help="how many")
    parser.add_argument("--compile", type=int, default=300, help="how many of those that are accepted are compiled")
    parser.add_argument("--seed", type=int, default=0, help="other mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--only", type=int, help="the mutant of this number alone")
    parser.add_argument("--keep", type=Path, help="write the mutant of --only there")
    options = parser.parse_args()
    numbers = range(options.mutants) if options.only is None else [options.only]
    if options.only is not None and options.keep is not None:
        made = mutant(options.only, options.seed)
        (options.keep / f"{options.only}{made.seed.suffix}").write_bytes(made.data)
    with tempfile.TemporaryDirectory(prefix="edgeq-fuzz-") as name:
        begun = time.monotonic()
        report = run(numbers, options.seed, options.jobs, Path(name), every=1000)
        print(f"{sum(report.ends.values())} mutants in {time.monotonic() - begun:.0f} s: {dict(report.ends)}")
        print(f"the slowest took {report.worst[0]:.1f} s of computing, the largest {report.worst[1] >> 20} MiB")
        for number, label, what in report.defects:
            print(f"mutant {number} ({label}): {what}")
        step = max(1, len(report.accepted) // max(1, options.compile))
        chosen = report.accepted[::step][: options.compile]
        problems = check_compiled(chosen, options.seed, options.jobs, Path(name))
    print(f"{len(chosen)} compiled with sanitizers, {len(problems)} of them differ from the simulator or fail")
    for number, why in problems:
        print(f"mutant {number}: {why}")
    return 1 if report.defects or problems else 0


if __name__ == "__main__":
    sys.exit(main())
