"""What layers cost with weights and activations of other bits than 8 on Cortex-M cores, in QEMU.

    python -m benchmarks.bits [--layers conv1x1,conv3x3] [--cores cortex-m4,cortex-m55] [--bits W8A8,W4A8]

Instructions per product, of elementwise layers per output. The layers have random weights.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.cores import listed
from benchmarks.recurrent import CORES, SAMPLES, instructions
from edgeq.api import QuantizedModel
from edgeq.ir.graph import GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, TensorType
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.softmax import Softmax
from edgeq.quantize import quantize
from edgeq.quantize.config import QuantConfig
from edgeq.warnings import EdgeqWarning


@dataclass(frozen=True)
class Layer:
    """A layer with random weights.

    Attributes:
        op: the operator.
        shape: of each computed input.
        weights: their shape, or none.
        taps: products of an output.
    """

    op: Op
    shape: tuple[int, ...]
    weights: tuple[int, ...] = ()
    taps: int = 1
    inputs: int = 1

    def add(self, editor: GraphEditor, name: str) -> tuple[dict[str, Array], int]:
        """Add the layer, whose result is an output. Returns its inputs' samples, and what it computes: products."""
        rng = np.random.default_rng(math.prod(self.shape))
        names = [editor.input(f"{name}_x{k}", TensorType(self.shape)) for k in range(self.inputs)]
        samples = {name: rng.normal(size=(SAMPLES, *self.shape)).astype(np.float32) for name in names}
        if self.weights:
            weights = rng.normal(0, 1 / np.sqrt(self.taps), self.weights).astype(np.float32)
            names.append(editor.constant(f"{name}_w", weights))
        result = editor.add(self.op, names, name)[0]
        editor.outputs = [*editor.outputs, result]
        return samples, math.prod(editor.values[result].type.shape) * self.taps


SAME = (1, 1, 1, 1)
PIXELS, PLANE = (1, 25, 5, 64), (1, 16, 16, 32)
LAYERS: Mapping[str, Layer] = {
    "conv1x1": Layer(Conv2D(), PIXELS, (64, 1, 1, 64), 64),
    "conv3x3": Layer(Conv2D(padding=SAME), (1, 8, 8, 64), (64, 3, 3, 64), 576),
    "conv3x3_first": Layer(Conv2D(padding=SAME), (1, 32, 32, 3), (16, 3, 3, 3), 27),
    "depthwise": Layer(DepthwiseConv2D(padding=SAME), PIXELS, (3, 3, 64), 9),
    "depthwise_large": Layer(DepthwiseConv2D(padding=SAME), (1, 48, 48, 8), (3, 3, 8), 9),
    "dense": Layer(FullyConnected(), (1, 640), (128, 640), 640),
    "add": Layer(Add(), PLANE, inputs=2),
    "mul": Layer(Mul(), PLANE, inputs=2),
    "mat_mul": Layer(MatMul(), (1, 4, 32, 32), taps=32, inputs=2),
    "max_pool": Layer(MaxPool2D(kernel=(2, 2), stride=(2, 2)), PLANE, taps=4),
    "average_pool": Layer(AveragePool2D(kernel=(2, 2), stride=(2, 2)), PLANE, taps=4),
    "mean": Layer(Mean(axes=(1, 2)), PLANE, taps=256),
    "sigmoid": Layer(Sigmoid(), PLANE),
    "softmax": Layer(Softmax(axis=1), (1, 64)),
}
"""1×1 with 64 channels, 3×3 with 64 channels, 3×3 of an RGB image, depthwise 3×3 …"""
WEIGHTED = tuple(name for name, layer in LAYERS.items() if layer.weights)
BITS = (
    "W8A8",
    "W4A8",
    "W8G32A8",
    "W8G128A8",
    "W4G32A8",
    "W4G128A8",
    "W2G32A8",
    "W2G128A8",
    "WternaryG32A8",
    "WbinaryG32A8",
    "WbinaryG128A8",
    "W3A8",
    "W2A8",
    "WternaryA8",
    "WbinaryA8",
    "Wcodebook-16A8",
    "Wcodebook-4A8",
    "Wtrellis-2A8",
    "W8A16",
)


def per_product(layers: Sequence[str], bits: str, core: str) -> dict[str, float]:
    """Instructions per product of each layer."""
    found = re.fullmatch(r"W(\d+|[a-z][a-z0-9-]*)(?:G(\d+))?A(\d+)", bits)
    assert found is not None
    editor, samples, products = GraphEditor("layers"), {}, {}
    for name in layers:
        own, products[name] = LAYERS[name].add(editor, name)
        samples.update(own)
    weights = int(found[1]) if found[1].isdigit() else found[1]
    config = QuantConfig.from_dict({"weight_bits": weights, "activation_bits": int(found[3]), "rounding": "nearest"})
    config = replace(config, weight_group=int(found[2] or 0))
    graph, every = editor.finish(), [{name: x[k] for name, x in samples.items()} for k in range(SAMPLES)]
    counts = instructions(QuantizedModel(graph, quantize(graph, every, config)), core)
    return {name: counts[name] / count for name, count in products.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bits", description="cost of layers of other bits")
    parser.add_argument("--layers", type=listed(tuple(LAYERS)), default=tuple(LAYERS), help=", ".join(LAYERS))
    parser.add_argument("--cores", type=listed(CORES), default=CORES, help=", ".join(CORES))
    parser.add_argument("--bits", type=listed(BITS), default=BITS, help=", ".join(BITS))
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore", EdgeqWarning)  # of random weights
    columns = [(core, bits) for core in given.cores for bits in given.bits]
    # Without weights fewer bits of them are nothing else.
    found = {
        (core, bits): per_product([n for n in given.layers if bits in ("W8A8", "W8A16") or n in WEIGHTED], bits, core)
        for core, bits in columns
    }
    print(f"| | {' | '.join(f'{core} {bits}' for core, bits in columns)} |\n|---|{'---|' * len(columns)}")
    for name in given.layers:
        cells = (f"{found[column][name]:.2f}" if name in found[column] else "" for column in columns)
        print(f"| {name} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
