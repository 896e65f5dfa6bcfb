"""What operators compute over the reals, as functions that PyTorch differentiates.

Tensors have the layout of edgeq's graphs: NHWC, samples along dimension 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from edgeq.errors import ModelError
from edgeq.executor import mixes_samples
from edgeq.ir.graph import Graph
from edgeq.ir.op import Op
from edgeq.ir.traits import NO_CLAMP
from edgeq.ops._movement import MovementOp
from edgeq.ops._table import TableOp

Tensor = Any
"""torch.Tensor, of which edgeq has no types where torch is not installed."""
Operands = Sequence[Tensor]
RealFunction = Callable[[Any, Operands], Tensor]
SLOPE = 2.0**-9
"""The difference of arguments, in proportion to the greatest of them, from which slopes of functions are taken."""


def _first(x: Tensor) -> Tensor:
    """NHWC → NCHW."""
    return x.permute(0, 3, 1, 2)


def _last(x: Tensor) -> Tensor:
    """NCHW → NHWC."""
    return x.permute(0, 2, 3, 1)


def _padded(x: Tensor, padding: tuple[int, int, int, int], value: float = 0.0) -> Tensor:
    """x (N, C, H, W) with a value around it; padding: top, left, bottom, right."""
    top, left, bottom, right = padding
    return functional.pad(x, (left, right, top, bottom), value=value) if any(padding) else x


def _convolution(op: Any, operands: Operands) -> Tensor:
    x, w, bias = operands
    image = _padded(_first(x), op.padding)
    return _last(functional.conv2d(image, w.permute(0, 3, 1, 2), bias, op.stride, 0, op.dilation, op.groups))


def _depthwise(op: Any, operands: Operands) -> Tensor:
    x, w, bias = operands
    image = _padded(_first(x), op.padding)
    return _last(functional.conv2d(image, w.permute(2, 0, 1)[:, None], bias, op.stride, 0, op.dilation, x.shape[3]))


def _fully_connected(op: Any, operands: Operands) -> Tensor:
    x, w, bias = operands
    return functional.linear(x, w, bias)


def _sum(op: Any, operands: Operands) -> Tensor:
    a, b = operands
    return a + b if op.signs[1] > 0 else a - b


def _max_pool(op: Any, operands: Operands) -> Tensor:
    image = _padded(_first(operands[0]), op.padding, -float("inf"))
    return _last(functional.max_pool2d(image, op.kernel, op.stride, 0, op.dilation))


def _average_pool(op: Any, operands: Operands) -> Tensor:
    image = _first(operands[0])
    means = functional.avg_pool2d(_padded(image, op.padding), op.kernel, op.stride)
    if any(op.padding) and not op.count_include_pad:
        inside = _padded(torch.ones_like(image[:1, :1]), op.padding)
        means = means / functional.avg_pool2d(inside, op.kernel, op.stride)
    return _last(means)


def _softmax(op: Any, operands: Operands) -> Tensor:
    return torch.softmax(op.beta * operands[0], op.axis)


def _pad(op: Any, operands: Operands) -> Tensor:
    (x,) = operands
    if op.mode != "constant":
        return _moved(op, operands)[0]
    ends = [end for pair in zip(reversed(op.before), reversed(op.after), strict=True) for end in pair]
    return functional.pad(x, ends, value=op.value)


def _moved(op: Op, operands: Operands) -> tuple[Tensor, ...]:
    """Outputs of an operator of one tensor whose every result is one of its elements."""
    (x,) = operands
    places = op.run_float([np.arange(x.numel()).reshape(x.shape)])
    return tuple(x.reshape(-1)[torch.from_numpy(np.ascontiguousarray(p))] for p in places)


class _Table(torch.autograd.Function):  # type: ignore[misc]
    """A function of single elements; its slope is that of a short piece of it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, op: Op) -> Tensor:
        real = x.detach().numpy()
        step = max(float(np.abs(real).max(initial=0.0)), 2.0**-20) * SLOPE
        with np.errstate(all="ignore"):
            y, above, below = (op.run_float([np.asarray(real + d, np.float32)])[0] for d in (0.0, step, -step))
        slope = np.nan_to_num((above - below) / np.float32(2.0 * step), nan=0.0, posinf=0.0, neginf=0.0)
        ctx.save_for_backward(torch.from_numpy(np.asarray(slope)).to(x.dtype))
        return torch.from_numpy(np.asarray(y)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return gradient * slope, None


FUNCTIONS: Mapping[str, RealFunction] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "FullyConnected": _fully_connected,
    "Add": _sum,
    "Sub": _sum,
    "Mul": lambda op, x: x[0] * x[1],
    "Maximum": lambda op, x: torch.maximum(x[0], x[1]),
    "Minimum": lambda op, x: torch.minimum(x[0], x[1]),
    "MaxPool2D": _max_pool,
    "AveragePool2D": _average_pool,
    "Mean": lambda op, x: x[0].mean(op.axes, keepdim=op.keepdims),
    "Sum": lambda op, x: x[0].sum(op.axes, keepdim=op.keepdims),
    "Softmax": _softmax,
    "LogSoftmax": lambda op, x: torch.log_softmax(x[0], op.axis),
    "Concat": lambda op, x: torch.cat(tuple(x), op.axis),
    "Pad": _pad,
    "Requantize": lambda op, x: x[0],
}
"""By the operator's name, before a fused activation. Others: functions of single elements, movements of one tensor."""
LAYERS = ("Conv2D", "DepthwiseConv2D", "FullyConnected")
"""Those whose weights are learned."""


def is_known(op: Op) -> bool:
    """Whether an operator can be differentiated."""
    return op.kind in FUNCTIONS or isinstance(op, TableOp | MovementOp)


def real(op: Op, operands: Operands) -> tuple[Tensor, ...]:
    """The real outputs of an operator that `is_known`, its fused activation included."""
    if op.kind not in FUNCTIONS:
        return (_Table.apply(operands[0], op),) if isinstance(op, TableOp) else _moved(op, operands)
    y, clamp = FUNCTIONS[op.kind](op, operands), op.fused_clamp or NO_CLAMP
    return (y if clamp == NO_CLAMP else y.clamp(*clamp),)


def check_known(graph: Graph) -> None:
    """Refuse what cannot be trained.

    Raises:
        ModelError: operators that cannot be differentiated, all of them by name; states; one that mixes samples.
    """
    wrong = [f"{node.name} ({node.op.kind})" for node in graph.nodes if not _fits(graph, *node.inputs, op=node.op)]
    if wrong:
        raise ModelError(
            f"training has no derivative of {', '.join(wrong)}",
            hint=f"operators that it has: {', '.join(sorted(FUNCTIONS))}, functions of single elements, movements",
            where=graph.name,
        )
    mixing = mixes_samples(graph)
    if graph.states or mixing is not None:
        what = "states" if mixing is None else f"{mixing.name} ({mixing.op.kind}), which mixes samples or counts them"
        raise ModelError(f"a model with {what} cannot be trained in batches", where=graph.name)


def _fits(graph: Graph, *inputs: str | None, op: Op) -> bool:
    """Whether a node can be differentiated: its operator, and which of its operands are computed."""
    computed = [name is not None and graph.data(name) is None for name in inputs]
    if not is_known(op) or not any(computed):
        return False
    if op.kind in LAYERS:
        return computed[0] and not any(computed[1:])
    return op.kind in FUNCTIONS or len(inputs) == 1
