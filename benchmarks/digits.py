"""Trains small networks with shortcuts, gates and attention on scikit-learn's digits, for `benchmarks.quantizers`.

    python -m benchmarks.digits FOLDER [--only residual,vit]

Needs torch, onnx and scikit-learn. Each network is written as NAME.onnx, with NAME_calib.npz and NAME_eval.npz; the
transformer once more as great.onnx, with two great channels behind each normalization, and as inner.onnx, with such
channels behind each GELU.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

TRAINED, CALIBRATION = 1297, 256
"""Samples to learn from, of which the first are for calibration; the other 500 are for evaluation."""
EPOCHS, ATTENTION_EPOCHS = 5, 14


def convolution(inputs: int, outputs: int, size: int, groups: int = 1) -> Any:
    """A convolution with a batch normalization, which is folded."""
    layer = nn.Conv2d(inputs, outputs, size, 1, size // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Shortcut(nn.Module):  # type: ignore[misc]
    """x + inside(x), and a function of that."""

    def __init__(self, inside: Any, after: Any = None) -> None:
        super().__init__()
        self.inside, self.after = inside, after or nn.Identity()

    def forward(self, x: Any) -> Any:
        """The sum."""
        return self.after(x + self.inside(x))


class Squeeze(nn.Module):  # type: ignore[misc]
    """Channels times gates that see the mean of all of them (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        down, up = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)
        self.gates = nn.Sequential(nn.AdaptiveAvgPool2d(1), down, nn.ReLU(), up, nn.Sigmoid())

    def forward(self, x: Any) -> Any:
        """The product."""
        return x * self.gates(x)


class Attention(nn.Module):  # type: ignore[misc]
    """Multi-head self-attention of 4 heads over 16 tokens."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.query, self.key, self.value, self.result = (nn.Linear(size, size) for _ in range(4))

    def forward(self, x: Any) -> Any:
        """The tokens' new values."""
        q, k, v = (
            layer(x).reshape(-1, 16, 4, self.size // 4).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mixed = torch.softmax(q @ k.transpose(-1, -2) / (self.size // 4) ** 0.5, -1) @ v
        return self.result(mixed.transpose(1, 2).reshape(-1, 16, self.size))


def residual() -> Any:
    """Four blocks of two convolutions each (He et al. 2016)."""
    blocks = [
        Shortcut(nn.Sequential(convolution(16, 16, 3), nn.ReLU(), convolution(16, 16, 3)), nn.ReLU()) for _ in range(4)
    ]
    return with_head(nn.Sequential(convolution(1, 16, 3), nn.ReLU(), *blocks), 16)


def inverted(function: Callable[[], Any], squeeze: bool) -> Any:
    """Four inverted residuals (Sandler et al. 2018)."""

    def inside() -> Any:
        gate = [Squeeze(48)] if squeeze else []
        wide = [convolution(16, 48, 1), function(), convolution(48, 48, 3, 48), function()]
        return nn.Sequential(*wide, *gate, convolution(48, 16, 1))

    blocks = [Shortcut(inside()) for _ in range(4)]
    return with_head(nn.Sequential(convolution(1, 16, 3), function(), *blocks, nn.Conv2d(16, 64, 1), function()), 64)


def with_head(body: Any, channels: int) -> Any:
    """A body, means of its channels, and ten scores."""
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def transformer(size: int = 48) -> Any:
    """Three layers of attention, with normalizations before (Xiong et al. 2020), on 16 patches of 16 pixels."""
    layers: list[Any] = [nn.Unflatten(1, (16, 16)), nn.Linear(16, size)]
    for _ in range(3):
        layers.append(Shortcut(nn.Sequential(nn.LayerNorm(size), Attention(size))))
        feed = [nn.LayerNorm(size), nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size)]
        layers.append(Shortcut(nn.Sequential(*feed)))
    return nn.Sequential(*layers, nn.LayerNorm(size), nn.Flatten(), nn.Linear(16 * size, 10))


NETWORKS: Mapping[str, Callable[[], Any]] = {
    "residual": residual,
    "hardswish": lambda: inverted(nn.Hardswish, False),
    "squeeze": lambda: inverted(nn.SiLU, True),
    "vit": transformer,
}


GREAT = {5: 20.0, 23: 30.0}
"""How much greater some channels are made."""


def multiply(constant: Any, factors: Any) -> None:
    """Multiply a constant of a model."""
    constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant) * factors, constant.name))


def with_great_channels(model: Any) -> Any:
    """The same function, with some channels behind each layer normalization greater and the weights that read them
    smaller, as large language models have them."""
    held = {i.name: i for i in model.graph.initializer}
    readers = {i: [n for n in model.graph.node if i in n.input] for node in model.graph.node for i in node.input}
    for norm in [n for n in model.graph.node if n.op_type == "LayerNormalization"]:
        factors = np.ones(held[norm.input[1]].dims[0], np.float32)
        factors[list(GREAT)] = list(GREAT.values())
        for name in norm.input[1:]:
            multiply(held[name], factors)
        for node in readers[norm.output[0]]:
            if node.op_type == "MatMul":
                multiply(held[node.input[1]], 1 / factors[:, None])
            else:  # a Flatten before the scores
                (scores,) = readers[node.output[0]]
                multiply(held[scores.input[1]], 1 / np.tile(factors, held[scores.input[1]].dims[1] // len(factors)))
    return model


def with_great_functions(model: Any) -> Any:
    """With some channels before each GELU greater and the weights that read them behind it smaller: nearly the same
    function where it is a rectifier."""
    held = {i.name: i for i in model.graph.initializer}
    makers = {o: node for node in model.graph.node for o in node.output}
    readers = {i: [n for n in model.graph.node if i in n.input] for node in model.graph.node for i in node.input}
    for gelu in [n for n in model.graph.node if n.op_type == "Gelu"]:
        total = makers[gelu.input[0]]
        bias = next(i for i in total.input if i in held)
        product = makers[next(i for i in total.input if i not in held)]
        (reader,) = readers[gelu.output[0]]
        factors = np.ones(held[bias].dims[0], np.float32)
        factors[list(GREAT)] = list(GREAT.values())
        for name, by in ((bias, factors), (product.input[1], factors), (reader.input[1], 1 / factors[:, None])):
            multiply(held[name], by)
    return model


def train(name: str, folder: Path) -> None:
    """Train a network, and write it with its samples."""
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    images = torch.tensor((x[order] / 16.0).astype(np.float32).reshape(-1, 1, 8, 8))
    images = functional.interpolate(images, scale_factor=2, mode="bilinear")
    if name == "vit":
        images = images.reshape(-1, 4, 4, 4, 4).transpose(2, 3).reshape(-1, 256)
    labels, model = torch.tensor(y[order]), NETWORKS[name]()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(ATTENTION_EPOCHS if name == "vit" else EPOCHS):
        for chosen in torch.randperm(TRAINED).split(64):
            optimizer.zero_grad()
            functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
    model.eval()
    torch.onnx.export(model, images[:1], str(folder / f"{name}.onnx"), opset_version=20, dynamo=False)
    names = [name]
    if name == "vit":
        for other, change in (("great", with_great_channels), ("inner", with_great_functions)):
            onnx.save(change(onnx.load(folder / "vit.onnx")), folder / f"{other}.onnx")
            names.append(other)
    for part, rows in (("calib", slice(CALIBRATION)), ("eval", slice(TRAINED, None))):
        for each in names:
            np.savez(folder / f"{each}_{part}.npz", x=images[rows].numpy(), y=labels[rows].numpy())


def main() -> None:
    """Write the networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(NETWORKS), help="names, with commas")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.only.split(","):
        train(name, arguments.folder)


if __name__ == "__main__":
    main()
