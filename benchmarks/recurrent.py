"""What recurrent layers cost on Cortex-M cores: instructions of one inference in QEMU.

    python -m benchmarks.recurrent [--layers lstm28x20,gru40x64] [--cores cortex-m4,cortex-m55]

The layers have random weights, scaled to their sizes, and begin with zeros.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import edgeq
from benchmarks.cores import listed
from edgeq.api import QuantizedModel
from edgeq.ir.graph import GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, TensorType
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.svdf import Svdf
from edgeq.quantize import quantize
from edgeq.warnings import EdgeqWarning

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
SAMPLES = 16


@dataclass(frozen=True)
class Layer:
    """A layer without its weights.

    Attributes:
        op: the operator.
        shape: of its input.
        operands: shapes of the others, each with what it is: weights, a bias, or a state, which is zero.
    """

    op: Op
    shape: tuple[int, ...]
    operands: tuple[tuple[str, tuple[int, ...]], ...]

    def add(self, editor: GraphEditor, name: str) -> tuple[str, Array]:
        """Add the layer, its input and its random weights; the first result is an output. Returns input and samples."""
        rng = np.random.default_rng(self.shape[-1])
        x = editor.input(f"{name}_x", TensorType(self.shape))
        names = [
            editor.constant(f"{name}_{k}", _random(rng, kind, shape).astype(np.float32))
            for k, (kind, shape) in enumerate(self.operands)
        ]
        editor.outputs = [*editor.outputs, editor.add(self.op, [x, *names], name)[0]]
        return x, rng.normal(size=(SAMPLES, *self.shape)).astype(np.float32)


def _random(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Array:
    if kind == "state":
        return np.zeros(shape)
    return rng.normal(0, 0.5 if kind == "bias" else 1 / np.sqrt(shape[1]), shape)


def gated(op: Op, gates: int, biases: int, states: int, steps: int, inputs: int, units: int) -> Layer:
    """A layer over a sequence, with as many rows of weights as gates and units."""
    rows = gates * units
    weights = ("weights", (rows, inputs)), ("weights", (rows, units))
    return Layer(op, (1, steps, inputs), (*weights, *[("bias", (rows,))] * biases, *[("state", (1, units))] * states))


def svdf(inputs: int, filters: int, memory: int, rank: int) -> Layer:
    """An SVDF."""
    weights = ("weights", (filters, inputs)), ("weights", (filters, memory))
    others = ("bias", (filters // rank,)), ("state", (1, filters * memory))
    return Layer(Svdf(rank=rank), (1, inputs), (*weights, *others))


LAYERS: Mapping[str, Layer] = {
    "lstm28x20": gated(Lstm(), 4, 1, 2, 28, 28, 20),
    "lstm40x64": gated(Lstm(), 4, 1, 2, 49, 40, 64),
    "gru40x64": gated(Gru(), 3, 2, 1, 49, 40, 64),
    "gru40x64_after": gated(Gru(reset_after=True), 3, 2, 1, 49, 40, 64),
    "rnn40x64": gated(SimpleRnn(), 1, 1, 1, 49, 40, 64),
    "svdf96x64": svdf(96, 64, 8, 1),
    "svdf40x256": svdf(40, 256, 8, 2),
}
"""Layers by inputs and units, those over sequences with 28 or 49 steps; SVDF by filters, which remember 8 steps."""


def quantized(layers: Sequence[str]) -> QuantizedModel:
    """One model of some layers, which have nothing to do with each other."""
    editor = GraphEditor("layers")
    inputs = dict(LAYERS[name].add(editor, name) for name in layers)
    graph = editor.finish()
    samples = [{name: x[k] for name, x in inputs.items()} for k in range(SAMPLES)]
    return QuantizedModel(graph, quantize(graph, samples))


def instructions(model: QuantizedModel, core: str) -> dict[str, int]:
    """Of one inference of each layer."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as place:
        options = edgeq.BuildOptions(model="layers.onnx", target=core, output=str(Path(place) / "out"))
        edgeq.build(options, model=model)
        return {layer["name"]: int(layer["value"]) for layer in edgeq.profile(options.folder)["layers"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recurrent", description="cost of recurrent layers")
    parser.add_argument("--layers", type=listed(tuple(LAYERS)), default=tuple(LAYERS), help=", ".join(LAYERS))
    parser.add_argument("--cores", type=listed(CORES), default=CORES, help=", ".join(CORES))
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore", EdgeqWarning)  # of random weights
    model = quantized(given.layers)
    found = {core: instructions(model, core) for core in given.cores}
    print(f"| | {' | '.join(given.cores)} |\n|---|{'---|' * len(given.cores)}")
    for name in given.layers:
        print(f"| {name} | {' | '.join(f'{found[core][name]:,}' for core in given.cores)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
