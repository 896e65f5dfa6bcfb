"""What each way of quantizing achieves on some models: a table in Markdown, as in docs/quantization.md.

    python benchmarks/observers.py kws=kws.onnx,kws_calib.npz,kws_eval.npz vww=…

Every argument is NAME=MODEL,CALIBRATION,EVALUATION. The figures are output SQNR against the float model in dB, the
difference of top-1 to float in points (where the evaluation file has labels), and agreement with float in percent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize import QuantConfig, quantize
from edgeq.report.accuracy import accuracy, quantize_inputs, real_output
from edgeq.simulator import FloatExecutor, IntExecutor

OBSERVERS: tuple[dict[str, Any], ...] = (
    {"observer": "min-max"},
    {"observer": "moving-average"},
    {"observer": "percentile", "percentile": 99.99},
    {"observer": "percentile", "percentile": 99.999},
    {"observer": "mse"},
    {"observer": "entropy"},
    {"observer": "auto"},
)
OPTIONS: tuple[dict[str, Any], ...] = (
    {"bias_correction": False, "equalize": False},
    {"bias_correction": True, "equalize": False},
    {"bias_correction": True, "equalize": True},
)
OTHERS: tuple[dict[str, Any], ...] = (
    {"weight_scale": "mse"},
    {"weights": "per-tensor"},
    {"activations": "symmetric"},
)
"""Further settings, each with the default observer."""


def samples(graph: Graph, x: npt.NDArray[Any]) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Samples of a model with one input."""
    (name,) = graph.inputs
    for sample in x:
        yield {name: sample.reshape(graph.type(name).shape).astype(np.float32)}


def float_outputs(graph: Graph, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Outputs (samples, …) of the float graph."""
    executor = FloatExecutor(graph)
    return np.stack([executor.run(s)[graph.outputs[0]].ravel() for s in samples(graph, x)])


def int_outputs(graph: Graph, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Outputs (samples, …) of the integer graph, as real numbers."""
    executor, name = IntExecutor(graph), graph.outputs[0]
    results = (executor.run(quantize_inputs(graph, s))[name] for s in samples(graph, x))
    return np.stack([real_output(graph, name, r).ravel() for r in results])


class Case:
    """One model with its data."""

    def __init__(self, text: str, limit: int | None) -> None:
        self.name, _, rest = text.partition("=")
        model, calibration, evaluation = rest.split(",")
        self.graph = optimize_float(load(Path(model), {}))
        self.calibration = np.load(calibration)["x"]
        data = np.load(evaluation)
        self.x, self.y = data["x"][:limit], data["y"][:limit] if "y" in data else None
        self.reference = float_outputs(self.graph, self.x)

    def row(self, settings: dict[str, Any]) -> str:
        """The cell of a table: SQNR, difference of top-1, agreement."""
        config = QuantConfig.from_dict(settings)
        integer = quantize(self.graph, samples(self.graph, self.calibration), config)
        figures = accuracy(self.reference, int_outputs(integer, self.x), self.y)
        cell = f"{figures['sqnr_db']:.1f}"
        if figures["top1_float"] is not None and figures["top1_int8"] is not None:
            cell += f" / {figures['top1_int8'] - figures['top1_float']:+.2f} / {figures['agreement']:.1f}"
        return cell


def title(settings: dict[str, Any]) -> str:
    """A row's first cell."""
    words = [str(v) for k, v in settings.items() if not isinstance(v, bool)]
    words += [f"+ {k.replace('_', ' ')}" for k, v in settings.items() if v is True]
    return " ".join(words)


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """A parser of the arguments that say what is measured."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="NAME=MODEL,CALIBRATION,EVALUATION")
    parser.add_argument("--limit", type=int, help="evaluation samples to use")
    return parser


def begun(arguments: argparse.Namespace) -> list[Case]:
    """What is measured; the head of its table is printed."""
    cases = [Case(text, arguments.limit) for text in arguments.cases]
    print("| | " + " | ".join(c.name for c in cases) + " |")
    print("|---" * (len(cases) + 1) + "|")
    return cases


def main() -> None:
    """Print the table."""
    cases = begun(parser_of(__doc__).parse_args())
    rows = [{**observer, **option} for option in OPTIONS for observer in OBSERVERS]
    for settings in [*rows, *OTHERS]:
        print(f"| {title(settings)} | " + " | ".join(c.row(settings) for c in cases) + " |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
