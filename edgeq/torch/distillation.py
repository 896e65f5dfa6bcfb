"""Distillation: a quantized model learns to give what its float model gives, from inputs alone."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from edgeq.api.data import Dataset
from edgeq.api.flow import QuantizedModel
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.torch.fake_quantized import FakeQuantized, prepare
from edgeq.torch.float_network import FloatNetwork
from edgeq.torch.functions import LAYERS, Tensor

LOG = logging.getLogger("edgeq")
Inputs = Mapping[str, Tensor]
Augment = Callable[[dict[str, Tensor]], Mapping[str, Tensor]]
TOGETHER = 32
"""Samples whose loss is computed at once where nothing is learned."""


@dataclass(frozen=True)
class Rates:
    """Step widths of Adam, at the beginning; they fall to zero along a cosine.

    Attributes:
        weights: in steps of a weight.
        adapters: of low-rank adapters.
        scales: of the logarithms of scales of weights and activations.
        biases: in steps of the layer's output.
    """

    weights: float = 0.004
    adapters: float = 0.004
    scales: float = 0.002
    biases: float = 0.03


def distil(
    model: Graph | str | Path,
    inputs: Dataset | str | Path | Array | Mapping[str, Array],
    epochs: int = 5,
    weight_bits: int | str | None = None,
    activation_bits: int | None = None,
    layers: Mapping[str, int | str] | None = None,
    config: QuantConfig | None = None,
    rank: int = 0,
    batch: int = 1,
    rates: Rates | None = None,
    hints: float = 1.0,
    mixtures: int = 5,
    augment: Augment | None = None,
    seed: int = 0,
) -> QuantizedModel:
    """Quantize a model, and train what results to give the outputs of the float model.

    Args:
        model: what `edgeq.load` returned, or the path of a model.
        inputs: calibration inputs, as `edgeq.quantize` takes them; no labels.
        epochs: how often each of them is seen.
        weight_bits: 8, 4, 3, 2, "ternary" or "binary"; by default those of `config`.
        activation_bits: 8 or 16; by default those of `config`.
        layers: bits of the weights of single layers, by name or glob, where they differ.
        config: all else that `edgeq.quantize` takes.
        rank: of low-rank adapters that are learned in place of the weights; 0: the weights are.
        batch: samples of a step.
        rates: step widths.
        hints: how much the outputs of all layers count, beside the model's.
        mixtures: for each input so many weighted means of two inputs, from which is learned, too: the float model says
            what they give (Zhang et al., "mixup", 2018, without labels).
        augment: called with the inputs (samples, …) of every batch; what it returns is learned from.
        seed: of the order of samples, and of adapters. The same seed gives the same model on the same machine.

    Returns:
        The quantized model, with the integers that were learned.

    Raises:
        UsageError, ModelError, QuantizationError: as `edgeq.torch.prepare`.
    """
    if epochs < 0 or batch < 1:
        raise UsageError(f"epochs = {epochs}, batch = {batch} mean nothing", hint="give at least 1", where="distil")
    student = prepare(model, inputs, configured(config, weight_bits, activation_bits, layers), rank, seed)
    assert student.model.samples is not None
    samples = stacked(student.graph, student.model.samples)
    train(student, samples, epochs, batch, rates, hints, mixtures, augment, seed)
    return student.export()


def configured(
    config: QuantConfig | None,
    weight_bits: int | str | None,
    activation_bits: int | None = None,
    layers: Mapping[str, int | str] | None = None,
) -> QuantConfig:
    """A configuration with such bits, where they are given."""
    base = config or QuantConfig()
    own = tuple(LayerConfig(pattern, weight_bits=bits) for pattern, bits in (layers or {}).items())
    return replace(
        base,
        weight_bits=weight_bits or base.weight_bits,
        activation_bits=activation_bits or base.activation_bits,
        layers=(*own, *base.layers),
    )


def stacked(graph: Graph, samples: Dataset) -> dict[str, Tensor]:
    """Samples of every input of a graph, (samples, *shape)."""
    rows = list(samples)
    return {
        name: torch.from_numpy(np.stack([np.asarray(row[name], np.float32) for row in rows])) for name in graph.inputs
    }


def train(
    student: FakeQuantized,
    inputs: Inputs,
    epochs: int,
    batch: int = 1,
    rates: Rates | None = None,
    hints: float = 1.0,
    mixtures: int = 5,
    augment: Augment | None = None,
    seed: int = 0,
) -> None:
    """Let a module learn to give its float model's outputs: arguments as `distil` takes them, inputs as `stacked` does
    give them.

    It ends with what it knew at the end of the epoch that was best for the inputs, or before all of them.
    """
    teacher = FloatNetwork(student.model.float_graph)
    count = len(next(iter(inputs.values())))
    steps = max(1, epochs * -(-count // batch))
    optimizer = torch.optim.Adam(_parameters(student, rates or Rates()))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    aim = Aim.of(student, hints)
    least, best = aim.mean(student, inputs, teacher), copy.deepcopy(student.state_dict())
    LOG.info("before training: loss %.4g", least)
    for epoch in range(epochs):
        for chosen in _batches(count, batch, generator):
            some: Inputs = _mixed(inputs, chosen, mixtures * len(chosen), generator)
            some = some if augment is None else augment(dict(some))
            with torch.no_grad():
                wanted = teacher.values(some)
            loss = aim.loss(student, some, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for layer in student.layers.values():
                layer.confine()
            schedule.step()
        now = aim.mean(student, inputs, teacher)
        if now < least:
            least, best = now, copy.deepcopy(student.state_dict())
        LOG.info("epoch %d of %d: loss %.4g", epoch + 1, epochs, now)
    student.load_state_dict(best)


def _parameters(student: FakeQuantized, rates: Rates) -> list[dict[str, Any]]:
    """Parameters with their rates."""
    layers = list(student.layers.values())
    scales = [student.scales.logarithms, *(layer.scales for layer in layers)]
    adapters = [p for layer in layers for p in (layer.up, layer.down) if p is not None]
    weights = [layer.weights for layer in layers if layer.weights.requires_grad]
    found = (
        (weights, rates.weights),
        (adapters, rates.adapters),
        (scales, rates.scales),
        ([layer.bias for layer in layers], rates.biases),
    )
    return [{"params": list(params), "lr": rate} for params, rate in found if params]


def _batches(count: int, size: int, generator: Any) -> Iterator[Tensor]:
    """Indices of all samples in another order, `size` at a time."""
    order = torch.randperm(count, generator=generator)
    yield from order.split(size)


def _mixed(inputs: Inputs, chosen: Tensor, count: int, generator: Any) -> dict[str, Tensor]:
    """The chosen inputs, and `count` weighted means of any two."""
    total = len(next(iter(inputs.values())))
    first, second = torch.randint(total, (2, count), generator=generator)
    share = torch.rand(count, generator=generator)

    def rows(x: Tensor) -> Tensor:
        part = share.reshape(-1, *[1] * (x.ndim - 1))
        return torch.cat([x[chosen], part * x[first] + (1.0 - part) * x[second]])

    return {name: rows(x) for name, x in inputs.items()}


@dataclass(frozen=True)
class Aim:
    """What is learned.

    Attributes:
        scores: values that a softmax makes probabilities of, which are outputs: their distributions are compared.
        outputs: all other outputs, compared by their squared error.
        layers: outputs of layers, compared likewise.
        hints: how much the latter count.
    """

    scores: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[str, ...]
    hints: float

    @staticmethod
    def of(student: FakeQuantized, hints: float) -> Aim:
        """What a module learns."""
        graph, known = student.graph, student.model.float_graph.values
        scores: list[str] = []
        others: list[str] = []
        for name in graph.public_outputs:
            maker = graph.producers.get(name)
            is_softmax = maker is not None and maker.op.kind in ("Softmax", "LogSoftmax")
            source = str(maker.inputs[0]) if maker is not None and is_softmax else name
            (scores if is_softmax and source in known else others).append(source)
        layers = [n.outputs[0] for n in graph.nodes if n.op.kind in LAYERS and n.outputs[0] in known]
        return Aim(tuple(scores), tuple(others), tuple(layers), hints)

    def mean(self, student: FakeQuantized, inputs: Inputs, teacher: FloatNetwork) -> float:
        """The loss over all inputs."""
        total, count = 0.0, len(next(iter(inputs.values())))
        with torch.no_grad():
            for chosen in torch.arange(count).split(TOGETHER):
                some = {name: x[chosen] for name, x in inputs.items()}
                total += float(self.loss(student, some, teacher.values(some))) * len(chosen)
        return total / count

    def loss(self, student: FakeQuantized, inputs: Inputs, wanted: Mapping[str, Tensor]) -> Tensor:
        """How far a module's values are from those that are wanted."""
        held = student.held(inputs)
        total = sum(
            functional.kl_div(
                held[name].real.log_softmax(-1), wanted[name].log_softmax(-1), reduction="batchmean", log_target=True
            )
            for name in self.scores
        )
        total = total + sum(_error(held[name].real, wanted[name]) for name in (*self.outputs, *self.scores))
        if self.layers and self.hints:
            errors = [_error(held[name].real, wanted[name]) for name in self.layers]
            total = total + self.hints * sum(errors) / len(errors)
        return total


def _error(found: Tensor, wanted: Tensor) -> Tensor:
    """The squared error in proportion to what is wanted."""
    return functional.mse_loss(found, wanted) / (wanted.square().mean() + 1e-12)
