"""Rounding with the straight-through estimator: values are exact, gradients those of the unrounded number."""

from __future__ import annotations

from typing import Any

import torch

from edgeq.quantize.ranges import Levels
from edgeq.torch.functions import Tensor


class _StraightThrough(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, smooth: Tensor, exact: Tensor) -> Tensor:
        return exact.to(smooth.dtype).clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def straight_through(smooth: Tensor, exact: Tensor) -> Tensor:
    """The numbers `exact`, with the gradient of `smooth`; both of one shape."""
    return _StraightThrough.apply(smooth, exact)


def to_even(x: Tensor) -> Tensor:
    """To the nearest integer, halves to the even one."""
    return straight_through(x, torch.round(x.detach()))


def halves_up(x: Tensor) -> Tensor:
    """To the nearest integer, halves to the greater one."""
    return straight_through(x, torch.floor(x.detach() + 0.5))


def as_float32(x: Tensor) -> Tensor:
    """To the nearest float32 number, as which scales are stored."""
    return straight_through(x, x.detach().float())


def to_levels(x: Tensor, levels: Levels) -> Tensor:
    """To the nearest of the integers that a weight may be; no gradient beyond the outermost ones."""
    inside = x.clamp(levels.least, levels.greatest)
    if levels.step == 1:
        return to_even(inside)
    return straight_through(inside, torch.where(inside.detach() < 0.0, levels.least, levels.greatest))
