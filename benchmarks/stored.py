"""What layers in float32 cost with weights that are stored in fewer bits, on Cortex-M cores and Raspberry Pis in QEMU.

    python -m benchmarks.stored [--layers dense,gru40x64] [--cores cortex-m4,cortex-m55] [--weights 32,16,8,8-dynamic]

Instructions per product. The layers, those of `benchmarks.recurrent` and `benchmarks.bits`, have random weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import edgeq
from benchmarks import bits, pi, recurrent
from benchmarks.cores import listed
from benchmarks.instructions import count
from benchmarks.recurrent import CORES, instructions
from edgeq.api import QuantizedModel, quantize
from edgeq.api.check import Built
from edgeq.ir.graph import GraphEditor
from edgeq.quantize.config import QuantConfig
from edgeq.warnings import EdgeqWarning

LAYERS: Mapping[str, bits.Layer | recurrent.Layer] = {
    **{name: bits.LAYERS[name] for name in ("dense", "mat_mul", "conv1x1")},
    **recurrent.LAYERS,
}
WEIGHTS = ("32", "16", "8", "4", "2", "8-dynamic", "4-dynamic")


def made(layers: Sequence[str], weights: str) -> QuantizedModel:
    """A model in float32 of some layers, which have nothing to do with each other."""
    editor = GraphEditor("layers")
    for name in layers:
        LAYERS[name].add(editor, name)
    width, _, dynamic = weights.partition("-")
    config = QuantConfig.from_dict({"float_weight_bits": int(width), "dynamic": bool(dynamic)})
    return quantize(editor.finish(), numerics="float", config=config)


def on_computer(model: QuantizedModel, target: str) -> int:
    """Instructions of one inference on a Raspberry Pi."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as place:
        options = edgeq.BuildOptions("layers.onnx", target, output=Path(place) / "out")
        edgeq.build(options, model=model)
        built = Built.read(options.folder)
        run = f"{built.manifest['name']}_run"
        return count(built.program.path, run, built.program.target, built.integers(built.random(1))).total


def per_product(layers: Sequence[str], weights: str, core: str) -> dict[str, float]:
    """Instructions per product of each layer."""
    model = made(layers, weights)
    products = {node.name: node.op.macs(model.graph.site(node)) for node in model.graph.nodes}
    if core in CORES:
        counts = instructions(model, core)
    else:
        counts = {name: on_computer(made([name], weights), core) for name in layers}
    return {name: counts[name] / products[name] for name in layers}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored", description="cost of layers in float32")
    parser.add_argument("--layers", type=listed(tuple(LAYERS)), default=tuple(LAYERS), help=", ".join(LAYERS))
    known = (*CORES, *pi.TARGETS)
    parser.add_argument("--cores", type=listed(known), default=CORES, help=", ".join(known))
    parser.add_argument("--weights", type=listed(WEIGHTS), default=WEIGHTS, help=", ".join(WEIGHTS))
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore", EdgeqWarning)  # of layers that cannot be computed so
    columns = [(core, weights) for core in given.cores for weights in given.weights]
    found = {column: per_product(given.layers, column[1], column[0]) for column in columns}
    print(f"| | {' | '.join(f'{core} {weights}' for core, weights in columns)} |\n|---|{'---|' * len(columns)}")
    for name in given.layers:
        print(f"| {name} | {' | '.join(f'{found[column][name]:.2f}' for column in columns)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
