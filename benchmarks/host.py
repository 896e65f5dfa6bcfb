"""Time of an inference on this computer: edgeq beside LiteRT and onnxruntime, one thread, all in one run.

    python -m benchmarks.host --models FOLDER [--only kws,ad] [--isa avx2 --hide] [--rounds 30] [--markdown]

For each NAME the folder has NAME_int8.tflite or NAME_qdq_int8.onnx, which edgeq builds, and any of NAME_float.tflite
and NAME_float.onnx; what is missing is not measured. `python -m benchmarks.networks` writes larger ones.

Engines take turns, round after round, and each turn is long enough for the clock, which counts this thread's own
processor time. Numbers are medians and quartiles of the rounds; ratios are those of edgeq's median to a peer's.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import edgeq
from benchmarks import peers
from benchmarks.cases import MLPERF_TINY
from benchmarks.peers import Inference
from benchmarks.tables import Cell, markdown, show
from edgeq.errors import EdgeqError, UsageError

OURS = "edgeq"
TURN = 0.004
"""Seconds of a turn at least."""


@dataclass(frozen=True)
class Times:
    """Microseconds of one inference over the rounds: least, quartiles."""

    least: float
    low: float
    median: float
    high: float


def engines(models: Path, name: str) -> Mapping[str, tuple[Path, str]]:
    """By engine: the file of a model that it runs, and how; engines without a file are left out."""
    found = {
        "LiteRT int8": (models / f"{name}_int8.tflite", "xnnpack"),
        "LiteRT int8 builtin": (models / f"{name}_int8.tflite", "builtin"),
        "LiteRT float": (models / f"{name}_float.tflite", "xnnpack"),
        "LiteRT float builtin": (models / f"{name}_float.tflite", "builtin"),
        "onnxruntime int8": (models / f"{name}_qdq_int8.onnx", "onnxruntime"),
        "onnxruntime float": (models / f"{name}_float.onnx", "onnxruntime"),
    }
    return {engine: entry for engine, entry in found.items() if entry[0].is_file()}


def ours(models: Path, name: str) -> Path:
    """The quantized model that edgeq builds.

    Raises:
        UsageError: there is none.
    """
    for path in (models / f"{name}_int8.tflite", models / f"{name}_qdq_int8.onnx"):
        if path.is_file():
            return path
    raise UsageError("no such model", hint="it is called NAME_int8.tflite or NAME_qdq_int8.onnx", where=name)


def turn(infer: Inference, count: int) -> float:
    """Seconds of processor time of one inference, over `count` of them."""
    begin = time.thread_time_ns()
    for _ in range(count):
        infer()
    return (time.thread_time_ns() - begin) / count / 1e9


def calls_of(infer: Inference) -> int:
    """How many inferences a turn needs."""
    infer()
    return max(1, round(TURN / max(turn(infer, 2), 1e-7)))


def interleaved(inferences: Mapping[str, Inference], rounds: int) -> dict[str, Times]:
    """The times of inferences that take turns."""
    counts = {name: calls_of(infer) for name, infer in inferences.items()}
    taken: dict[str, list[float]] = {name: [] for name in inferences}
    for _ in range(rounds):
        for name, infer in inferences.items():
            taken[name].append(turn(infer, counts[name]) * 1e6)
    return {name: summary(values) for name, values in taken.items()}


def summary(values: Sequence[float]) -> Times:
    """Least and quartiles."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else list(values) * 3
    return Times(min(values), low, median, high)


def table(name: str, times: Mapping[str, Times]) -> list[list[Cell]]:
    """A row per engine: times, and edgeq's ratio to it, by medians and by the least."""
    mine = times[OURS]
    return [
        [
            name,
            engine,
            f"{t.median:.1f}",
            f"{t.low:.1f} to {t.high:.1f}",
            f"{t.least:.1f}",
            "" if engine == OURS else f"{mine.median / t.median:.2f}",
            "" if engine == OURS else f"{mine.least / t.least:.2f}",
        ]
        for engine, t in times.items()
    ]


HEADS = ("model", "engine", "µs, median", "quartiles", "least", "ratio of medians", "of the least")


def measure(models: Path, name: str, isa: str | None, rounds: int) -> dict[str, Times]:
    """The times of a model on all engines that have a file of it.

    Raises:
        EdgeqError: edgeq cannot build it.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        options = edgeq.BuildOptions(ours(models, name), "host", output=Path(folder) / "out", isa=isa)
        edgeq.build(options)
        inferences: dict[str, Inference] = {OURS: peers.compiled(options.folder)}
        for engine, (path, kind) in engines(models, name).items():
            if kind == "onnxruntime":
                inferences[engine] = peers.onnxruntime(path)
            else:
                inferences[engine] = peers.litert(path, kind == "xnnpack")
        return interleaved(inferences, rounds)


def machine() -> str:
    """The processor as Linux calls it, and the versions of the engines."""
    from importlib.metadata import version

    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        load = Path("/proc/loadavg").read_text("ascii").split()[0]
    except OSError:
        lines, load = [], "unknown"
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in told.items()}
    model = fields.get("model name", platform.processor())
    kind = f"family {fields['cpu family']} model {fields['model']}" if "cpu family" in fields else ""
    versions = ", ".join(f"{package} {version(package)}" for package in ("edgeq", "ai-edge-litert", "onnxruntime"))
    return f"{model} {kind}, load {load}; {versions}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", default=",".join(MLPERF_TINY), help="names of models; a list (kws,vww,ic,ad)")
    parser.add_argument("--isa", help="of edgeq's kernels (this machine's)")
    parser.add_argument("--hide", action="store_true", help="let peers see AVX2 and nothing newer")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    options = _parser().parse_args(arguments)
    rows: list[list[Cell]] = []
    try:
        if options.hide:
            peers.hide_newer_instructions()
        for name in options.only.split(","):
            rows += table(name, measure(options.models, name, options.isa, options.rounds))
    except EdgeqError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    title = f"{machine()}; kernels: {options.isa or 'native'}" + ("; peers: AVX2" if options.hide else "")
    if options.markdown:
        print(f"{title}\n\n{markdown(HEADS, rows)}")
    else:
        show(HEADS, rows, title=title)
    return 0


if __name__ == "__main__":
    sys.exit(main())
