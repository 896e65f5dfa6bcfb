"""The models of the vectors: operators of int16 activations, as the converter's mode 16x8 makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import island_models  # noqa: F401 (registers its cases, of which some are tried here, too)
import movement_models  # noqa: F401 (registers its cases, too)
import numpy as np
from models import CASES, CONVOLUTIONS, NONE, Model, case, conv, depthwise, fully_connected
from tflite_file import Tensor

ALSO_IN_16_BITS = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL"), 4),
    **dict.fromkeys(("ADD", "SUB", "MUL", "MINIMUM", "MAXIMUM"), 8),
    **dict.fromkeys(("ABS", "NEG", "EXP", "GELU", "RELU", "RELU6", "QUANTIZE"), 2),
    "LEAKY_RELU": 4,
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), 4),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN"), 4),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SLICE", "PAD", "PADV2", "MIRROR_PAD"), 1),
    **dict.fromkeys(("REVERSE_V2", "TILE", "BROADCAST_TO", "GATHER", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), 1),
    **dict.fromkeys(("CONCATENATION", "PACK", "UNPACK", "SPLIT", "SPLIT_V", "SELECT", "SELECT_V2"), 1),
    **dict.fromkeys(("STRIDED_SLICE", "TRANSPOSE"), 2),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), 3),
}
"""Operators that LiteRT has for 16 bits, and how many of the models for 8 bits they are tried with."""

for kind, count in ALSO_IN_16_BITS.items():
    for name, maker, _ in [entry for entry in CASES[kind] if entry[2] == "INT8"][:count]:
        case(kind, f"int16_{name}", maker, "INT16")


def function(m: Model, kind: str, scale: float, out: float, **options: Any) -> Model:
    """A function of one element, whose table is in the interpreter."""
    x = m.input(2000, q=(m.scale(scale / 32768), 0))
    m.output(2000, q=(float(np.float32(out / 32768)), 0))
    return m.op(kind, [x], **options)


for kind in ("LOGISTIC", "TANH"):
    for number, scale in enumerate((0.4, 4.0, 16.0, 100.0)):
        case(kind, f"int16_{number}", lambda m, k=kind, s=scale: function(m, k, s, 1.0), "INT16")
    for number, exact in enumerate((8.0, 16.0)):
        case(kind, f"int16_power_{number}", lambda m, k=kind, s=exact: power_of_two(m, k, s), "INT16")
for number, alpha in enumerate(((1, 1, 7), (7,), (2, 5, 7))):
    case("PRELU", f"int16_{number}", lambda m, a=alpha: sloped(m, a), "INT16")
case("GELU", "int16_tanh", lambda m: gelu_by_tanh(m), "INT16")
case("LOG", "int16", lambda m: function(m, "LOG", 5.0, 4.0), "INT16")


def sloped(m: Model, alpha: tuple[int, ...]) -> Model:
    """Slopes of 8 bits, as LiteRT reads them."""
    x = m.input(2, 5, 7)
    slopes = m._add(Tensor("a", alpha, "INT8", m.rng.integers(-127, 128, alpha), m.scale(0.01), 0))
    m.output(2, 5, 7)
    return m.op("PRELU", [x, slopes])


def gelu_by_tanh(m: Model) -> Model:
    """The approximation, whose table is filled in float32, step by step."""
    x = m.input(2000, q=(m.scale(4 / 32768), 0))
    m.output(2000, like=x)
    return m.op("GELU", [x], "GeluOptions", Approximate=True)


def power_of_two(m: Model, kind: str, scale: float) -> Model:
    """A function of an input whose scale is a power of two."""
    x = m.input(2000, q=(scale / 32768, 0))
    m.output(2000, q=(1 / 32768, 0))
    return m.op(kind, [x])


def positive(m: Model, kind: str, out: float) -> Model:
    """A function of numbers that are not negative: |x|, so that an interpreter takes every input."""
    x = m.input(1500, q=(m.scale(4 / 32768), 0))
    m.output(1500, q=(float(np.float32(out / 32768)), 0))
    hidden = replace(m.tensors[x], name="positive")
    m.tensors.append(hidden)
    middle, target = len(m.tensors) - 1, m.outputs
    m.outputs = [middle]
    m.op("ABS", [x], "AbsOptions")
    m.outputs = target
    return m.op(kind, [middle])


case("SQRT", "int16", lambda m: positive(m, "SQRT", 3.0), "INT16")
case("LOG", "int16_positive", lambda m: positive(m, "LOG", 9.0), "INT16")


def softmax(m: Model, shape: Any, scale: float, beta: float) -> Model:
    x = m.input(*shape, q=(m.scale(scale / 32768), 0))
    m.output(*shape, q=(1 / 32768, 0))
    return m.op("SOFTMAX", [x], "SoftmaxOptions", Beta=beta)


for number, (shape, scale, beta) in enumerate([((9, 10), 20.0, 1.0), ((3, 70), 5.0, 1.0), ((40, 2), 8.0, 0.3)]):
    case("SOFTMAX", f"int16_{number}", lambda m, s=shape, c=scale, b=beta: softmax(m, s, c, b), "INT16")


def with_large_biases(m: Model) -> Model:
    """Every other bias beyond 32 bits."""
    index = next(k for k, t in enumerate(m.tensors) if t.name == "b")
    data = np.asarray(m.tensors[index].data) * np.where(np.arange(len(m.tensors[index].data)) % 2, 1, 9000)
    m.tensors[index] = replace(m.tensors[index], data=data)
    y = m.tensors[m.outputs[0]]
    m.tensors[m.outputs[0]] = replace(y, scale=float(np.float32(1500 * y.scale)))  # type: ignore[operator]
    return m


def small(number: int, per_in: int) -> tuple[Any, ...]:
    """A convolution without an activation."""
    return (*CONVOLUTIONS[number][:3], per_in, *CONVOLUTIONS[number][4:8], NONE, True)


case("CONV_2D", "int16_large_biases", lambda m: with_large_biases(conv(m, *small(0, 5))), "INT16")
case("DEPTHWISE_CONV_2D", "int16_large_biases", lambda m: with_large_biases(depthwise(m, *small(1, 1))), "INT16")
case(
    "FULLY_CONNECTED",
    "int16_large_biases",
    lambda m: with_large_biases(fully_connected(m, 3, 40, 9, NONE, True, True, 2)),
    "INT16",
)


def between(m: Model, source: str, target: str) -> Model:
    """A change of the element type."""
    m.dtype = source
    x = m.input(1000)
    m.dtype = target
    m.output(1000)
    return m.op("QUANTIZE", [x], "QuantizeOptions")


case("QUANTIZE", "int16_from_int8", lambda m: between(m, "INT8", "INT16"))
case("QUANTIZE", "int16_to_int8", lambda m: between(m, "INT16", "INT8"))
