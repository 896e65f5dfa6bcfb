"""The weights and the bias of a layer, as they are learned and as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.quantize.ranges import levels_of
from edgeq.quantize.weights import MOST_BIAS, SMALLEST_FACTOR
from edgeq.torch.functions import Tensor
from edgeq.torch.rounding import as_float32, to_even, to_levels

NEAR = 0.45
"""By how many steps a weight that is learned is at first off the integer that quantization found for it."""


@dataclass(frozen=True)
class Start:
    """From where a layer learns.

    Attributes:
        integers: of its weights, as quantization found them.
        dtype, q: their type and parameters.
        weights: the real weights that these stand for.
        bias: real (channels,).
        channels: the dimension of the weights' output channels.
        step: of the layer's output, the unit in which biases are learned.
    """

    integers: Array
    dtype: DType
    q: QParams
    weights: Array
    bias: Array
    channels: int
    step: float


class LayerWeights(torch.nn.Module):  # type: ignore[misc]
    """Weights in steps of their first scale, the logarithms of how their scales change, and a bias.

    Args:
        start: from where it learns.
        rank: of the adapters that are learned in place of the weights; 0: the weights themselves are.
        generator: of the adapters' first numbers.
    """

    def __init__(self, start: Start, rank: int, generator: Tensor) -> None:
        super().__init__()
        self.levels, self.dtype, self.q = levels_of(start.dtype), start.dtype, start.q
        self._along = [-1 if k == start.channels else 1 for k in range(start.integers.ndim)]
        steps = start.q.in_steps(start.weights)
        if start.dtype is DType.BINARY:
            near = np.where(np.sign(steps) == start.integers, steps, start.integers * 0.1)
        else:
            near = np.clip(steps, start.integers - NEAR, start.integers + NEAR)
        signs = TensorType(start.integers.shape, start.dtype, start.q).signs(start.integers).astype(np.float32)
        near = signs * np.clip(signs * near, self.levels.least, self.levels.greatest)
        self.weights = torch.nn.Parameter(_tensor(near), requires_grad=not rank)
        self.scales = torch.nn.Parameter(torch.zeros(len(start.q.scale)))
        self.bias = torch.nn.Parameter(torch.zeros(len(start.bias)))
        self.down = self.up = None
        if rank:
            count = start.integers.shape[start.channels]
            taps = start.integers.size // count
            self.up = torch.nn.Parameter(torch.zeros(count, rank))
            self.down = torch.nn.Parameter(torch.randn(rank, taps, generator=generator) / rank**0.5)
        self._channels, self._moved = start.channels, np.moveaxis(start.integers, start.channels, 0).shape
        self._step = start.step
        self.register_buffer("_signs", _tensor(signs))
        self.register_buffer("_first_scales", torch.tensor(start.q.scale, dtype=torch.float32))
        self.register_buffer("_first_bias", _tensor(start.bias))

    def scale(self, s_in: Tensor, s_out: Tensor) -> Tensor:
        """The weights' scales, (channels,) or (1,); not below what quantization allows."""
        return as_float32(torch.maximum(self._first_scales * self.scales.exp(), SMALLEST_FACTOR * s_out / s_in))

    def merged(self) -> Tensor:
        """The weights in steps of their first scales, with what adapters add."""
        if self.up is None or self.down is None:
            return self.weights
        added = (self.up @ self.down).reshape(self._moved)
        return self.weights + added.movedim(0, self._channels)

    def integers(self, scale: Tensor) -> Tensor:
        """The weights as integers, for scales that `scale` gave."""
        steps = self.merged() * (self._first_scales / scale).reshape(self._along)
        return self._signs * to_levels(self._signs * steps, self.levels)

    def confine(self) -> None:
        """Take weights that are learned back to the outermost integers, beyond which they have no gradient."""
        with torch.no_grad():
            self.weights.mul_(self._signs).clamp_(self.levels.least, self.levels.greatest).mul_(self._signs)

    def addend(self, unit: Tensor) -> Tensor:
        """The bias as integers of a unit, that of the layer's products (channels,)."""
        return to_even(self.real_bias() / unit).clamp(-MOST_BIAS, MOST_BIAS)

    def real_bias(self) -> Tensor:
        """The bias (channels,)."""
        return self._first_bias + self._step * self.bias


def _tensor(data: Array) -> Tensor:
    return torch.from_numpy(np.array(data, np.float32))
