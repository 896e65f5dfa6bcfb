"""What a ViT-tiny and a Conformer of small size lose in integers and cost on targets, with random weights: a table.

    python -m benchmarks.transformers [--only vit,conformer] [--targets host,rpi4] [--bits 8,16] [--samples 4]

ViT-tiny: Dosovitskiy et al. 2021 with the sizes of Touvron et al. 2021 (192 channels, 3 heads, 12 layers, patches of
16, 224×224). Conformer: Gulati et al. 2020, the small one's width of 144 with 4 heads, 4 of its 16 layers, a second of
80 mel bands, absolute places in the stead of relative ones. Random weights cost as much as trained ones; what they lose
is no figure of accuracy. Every program's bits are compared with the simulator's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import edgeq
from benchmarks.cores import listed
from benchmarks.quantize_time import Maker
from benchmarks.tables import Cell, show


@dataclass(frozen=True)
class Sizes:
    """Of a network of both kinds.

    Attributes:
        tokens: of an input: patches along a side of an image, or frames of sound divided by 4.
        width: channels of a token.
        heads: of attention.
        layers: of the encoder.
    """

    tokens: int
    width: int
    heads: int
    layers: int


class Transformer(Maker):
    """The parts that both networks have. Values are (1, tokens, width)."""

    def whole(self, name: str, *numbers: int) -> str:
        """A constant of whole numbers."""
        self.weights.append(onnx.numpy_helper.from_array(np.array(numbers, np.int64), name))
        return name

    def dense(self, x: str, name: str, inputs: int, outputs: int) -> str:
        """A matrix product with weights of Glorot's scale, and a bias."""
        weights = self.rng.normal(size=(inputs, outputs)) * np.sqrt(2.0 / (inputs + outputs))
        y = self.add("MatMul", [x, self.constant(f"{name}_weights", weights)], f"{name}_product")
        return self.add("Add", [y, self.constant(f"{name}_bias", self.rng.normal(size=outputs) * 0.1)], name)

    def norm(self, x: str, name: str, width: int) -> str:
        """Layer normalization over channels."""
        scale, bias = 1 + 0.1 * self.rng.normal(size=width), 0.1 * self.rng.normal(size=width)
        operands = [x, self.constant(f"{name}_scale", scale), self.constant(f"{name}_bias", bias)]
        return self.add("LayerNormalization", operands, name, axis=-1)

    def shape(self, x: str, name: str, *sizes: int) -> str:
        """A reshape."""
        return self.add("Reshape", [x, self.whole(f"{name}_shape", *sizes)], name)

    def attention(self, x: str, name: str, s: Sizes, tokens: int) -> str:
        """Multi-head attention of all tokens to all (Vaswani et al. 2017), with its output product."""
        each = s.width // s.heads
        parts = []
        for part, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
            y = self.dense(x, f"{name}_{part}", s.width, s.width)
            y = self.shape(y, f"{name}_{part}_heads", 1, tokens, s.heads, each)
            parts.append(self.add("Transpose", [y], f"{name}_{part}_turned", perm=order))
        scores = self.add("MatMul", parts[:2], f"{name}_products")
        scores = self.add("Mul", [scores, self.constant(f"{name}_scale", each**-0.5)], f"{name}_scores")
        y = self.add("MatMul", [self.add("Softmax", [scores], f"{name}_softmax", axis=-1), parts[2]], f"{name}_seen")
        y = self.shape(
            self.add("Transpose", [y], f"{name}_back", perm=[0, 2, 1, 3]), f"{name}_joined", 1, tokens, s.width
        )
        return self.dense(y, f"{name}_out", s.width, s.width)

    def swish(self, x: str, name: str) -> str:
        """x · sigmoid(x)."""
        return self.add("Mul", [x, self.add("Sigmoid", [x], f"{name}_gate")], name)

    def save(self, path: Path, name: str, input_shape: Sequence[int], outputs: int) -> None:
        """Write the model with input `x` and output `y` (1, outputs)."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(input_shape))],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        onnx.save(model, str(path))


def vit(path: Path, s: Sizes, patch: int = 16, classes: int = 1000) -> tuple[int, ...]:
    """Write a vision transformer with pre-normalization and a class token; returns its input's shape."""
    make, side, tokens = Transformer(), s.tokens * patch, s.tokens**2 + 1
    kernel = make.rng.normal(size=(s.width, 3, patch, patch)) * np.sqrt(1.0 / (3 * patch**2))
    operands = ["x", make.constant("patch_weights", kernel), make.constant("patch_bias", np.zeros(s.width))]
    x = make.add("Conv", operands, "patch", kernel_shape=[patch] * 2, strides=[patch] * 2)
    x = make.add("Transpose", [make.shape(x, "patches", 1, s.width, tokens - 1)], "patch_tokens", perm=[0, 2, 1])
    x = make.add("Concat", [make.constant("class", make.rng.normal(size=(1, 1, s.width))), x], "tokens", axis=1)
    x = make.add("Add", [x, make.constant("places", 0.5 * make.rng.normal(size=(1, tokens, s.width)))], "placed")
    for k in range(s.layers):
        y = make.attention(make.norm(x, f"norm{k}_1", s.width), f"attention{k}", s, tokens)
        x = make.add("Add", [x, y], f"sum{k}_1")
        y = make.dense(make.norm(x, f"norm{k}_2", s.width), f"up{k}", s.width, 4 * s.width)
        x = make.add(
            "Add", [x, make.dense(make.add("Gelu", [y], f"gelu{k}"), f"down{k}", 4 * s.width, s.width)], f"sum{k}_2"
        )
    x = make.add(
        "Slice", [make.norm(x, "norm", s.width), *(make.whole(f"slice{k}", k) for k in (0, 1)), "slice1"], "class_slice"
    )
    make.dense(make.shape(x, "class_token", 1, s.width), "y", s.width, classes)
    make.save(path, "vit", (1, 3, side, side), classes)
    return (1, 3, side, side)


def conformer(path: Path, s: Sizes, kernel: int = 15, bands: int = 80, classes: int = 32) -> tuple[int, ...]:
    """Write a Conformer's encoder with a mean over time and a classifier; returns its input's shape."""
    make, frames = Transformer(), 4 * s.tokens
    x = "x"
    for k, inputs in enumerate((1, s.width)):  # a quarter of the frames and of the bands
        weights = make.rng.normal(size=(s.width, inputs, 3, 3)) * np.sqrt(2.0 / (9 * inputs))
        operands = [x, make.constant(f"stem{k}_weights", weights), make.constant(f"stem{k}_bias", np.zeros(s.width))]
        attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4}
        x = make.add("Relu", [make.add("Conv", operands, f"stem{k}", **attributes)], f"stem{k}_relu")
    x = make.add("Transpose", [x], "stem_turned", perm=[0, 2, 1, 3])
    x = make.dense(
        make.shape(x, "stem_tokens", 1, s.tokens, s.width * bands // 4), "entry", s.width * bands // 4, s.width
    )
    x = make.add("Add", [x, make.constant("places", 0.5 * make.rng.normal(size=(1, s.tokens, s.width)))], "placed")

    def feed_forward(x: str, name: str) -> str:
        y = make.dense(make.norm(x, f"{name}_norm", s.width), f"{name}_up", s.width, 4 * s.width)
        y = make.dense(make.swish(y, f"{name}_swish"), f"{name}_down", 4 * s.width, s.width)
        half = make.add("Mul", [y, make.constant(f"{name}_half", 0.5)], f"{name}_halved")
        return make.add("Add", [x, half], f"{name}_sum")

    def convolution(x: str, name: str) -> str:
        y = make.dense(make.norm(x, f"{name}_norm", s.width), f"{name}_in", s.width, 2 * s.width)
        y = make.add("Transpose", [y], f"{name}_turned", perm=[0, 2, 1])
        make.nodes.append(
            helper.make_node("Split", [y], [f"{name}_a", f"{name}_b"], name=f"{name}_split", axis=1, num_outputs=2)
        )
        y = make.add("Mul", [f"{name}_a", make.add("Sigmoid", [f"{name}_b"], f"{name}_gate")], f"{name}_glu")
        weights = make.rng.normal(size=(s.width, 1, kernel)) * np.sqrt(1.0 / kernel)
        operands = [y, make.constant(f"{name}_weights", weights), make.constant(f"{name}_bias", np.zeros(s.width))]
        y = make.add(
            "Conv", operands, f"{name}_depthwise", group=s.width, kernel_shape=[kernel], pads=[kernel // 2] * 2
        )
        y = make.swish(y, f"{name}_swish")  # the batch normalization before is in the weights
        y = make.dense(make.add("Transpose", [y], f"{name}_back", perm=[0, 2, 1]), f"{name}_out", s.width, s.width)
        return make.add("Add", [x, y], f"{name}_sum")

    for k in range(s.layers):
        x = feed_forward(x, f"first{k}")
        y = make.attention(make.norm(x, f"attend{k}_norm", s.width), f"attend{k}", s, s.tokens)
        x = convolution(make.add("Add", [x, y], f"attend{k}_sum"), f"convolve{k}")
        x = make.norm(feed_forward(x, f"second{k}"), f"norm{k}", s.width)
    x = make.add("ReduceMean", [x, make.whole("time", 1)], "mean", keepdims=0)
    make.dense(x, "y", s.width, classes)
    make.save(path, "conformer", (1, 1, frames, bands), classes)
    return (1, 1, frames, bands)


NETWORKS: Mapping[str, tuple[Callable[[Path, Sizes], tuple[int, ...]], Sizes]] = {
    "vit": (vit, Sizes(14, 192, 3, 12)),
    "conformer": (conformer, Sizes(25, 144, 4, 4)),
}


def samples(shape: Sequence[int], count: int, seed: int) -> np.ndarray:
    """Inputs that change slowly, as pictures and spectra do."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, *shape[1:]))
    for axis in (2, 3):
        x = np.cumsum(x, axis=axis)
        x -= x.mean(axis=axis, keepdims=True)
    return (x / x.std(axis=(1, 2, 3), keepdims=True)).astype(np.float32)


def measure(folder: Path, name: str, targets: Sequence[str], bits: int, count: int) -> list[list[Cell]]:
    """Rows of the table: one network on some targets."""
    write, sizes = NETWORKS[name]
    model = folder / f"{name}.onnx"
    shape = write(model, sizes)
    x, calibration = samples(shape, count, 2), samples(shape, 16, 1)
    config = edgeq.QuantConfig.from_dict({"activation_bits": bits})
    quantized = edgeq.quantize(edgeq.load(model), calibration, config=config)
    rows: list[list[Cell]] = []
    for target in targets:
        out = folder / f"{name}-{target}-{bits}"
        options = edgeq.BuildOptions(model=str(model), target=target, output=str(out))
        built = edgeq.build(options, model=quantized)
        checked = edgeq.verify(out, x)
        sizes_of = [int(built[key]) for key in ("macs", "weights_bytes", "arena_bytes")]
        rows.append([name, target, bits, *sizes_of, f"{checked['sqnr_db']:.1f}", int(checked["mismatches"])])
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code: 1 if a bit was another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=listed(tuple(NETWORKS)), default=tuple(NETWORKS), help="a list (all)")
    parser.add_argument("--targets", type=lambda text: text.split(","), default=["host"], help="a list (host)")
    parser.add_argument(
        "--bits", type=lambda text: [int(b) for b in text.split(",")], default=[8, 16], help="of activations (8,16)"
    )
    parser.add_argument("--samples", type=int, default=4, help="to compare (4)")
    options = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name in options.only:
            for bits in options.bits:
                rows += measure(Path(place), name, options.targets, bits, options.samples)
    show(["network", "target", "bits", "MACs", "weights B", "arena B", "SQNR dB", "mismatches"], rows)
    return int(any(row[-1] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
