"""The models of the vectors: functions of one element in real numbers, between DEQUANTIZE and QUANTIZE."""

from __future__ import annotations

from typing import Any

import numpy as np
from models import NONE, RELU, RELU6, Model, case
from tflite_file import Operator, Tensor

# kind → (table, options, number that is the second operand)
FUNCTIONS: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "NEG": ("NegOptions", {}, None),
    "ABS": ("AbsOptions", {}, None),
    "RELU": ("", {}, None),
    "RELU6": ("", {}, None),
    "LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.3}, None),
    "EXP": ("ExpOptions", {}, None),
    "SQRT": ("", {}, None),
    "SQUARE": ("SquareOptions", {}, None),
    "LOGISTIC": ("", {}, None),
    "TANH": ("", {}, None),
    "HARD_SWISH": ("HardSwishOptions", {}, None),
    "GELU": ("GeluOptions", {"Approximate": True}, None),
    "FLOOR": ("", {}, None),
    "SIN": ("", {}, None),
    "COS": ("CosOptions", {}, None),
    "POW": ("PowOptions", {}, 3.0),
    "ADD": ("AddOptions", {"FusedActivationFunction": RELU}, 0.7),
    "SUB": ("SubOptions", {"FusedActivationFunction": NONE}, 1.3),
    "MUL": ("MulOptions", {"FusedActivationFunction": NONE}, -0.9),
    "DIV": ("DivOptions", {"FusedActivationFunction": RELU6}, 0.37),
    "MINIMUM": ("MaximumMinimumOptions", {}, 0.8),
    "MAXIMUM": ("MaximumMinimumOptions", {}, -0.2),
}


def island(m: Model, kinds: tuple[str, ...]) -> Model:
    """8 bits → real numbers → functions → 8 bits; the square root is not asked for negative numbers."""
    low = -128 if m.dtype == "INT8" else 0
    x = m.input(256, q=(m.scale(0.03), low) if kinds[0] == "SQRT" else None)
    m.tensors.append(Tensor("real", (256,)))
    m.ops.append(Operator("DEQUANTIZE", [x], [x + 1], "DequantizeOptions"))
    for number, kind in enumerate(kinds):
        table, options, second = FUNCTIONS[kind]
        before = len(m.tensors) - 1
        inputs = [before]
        if second is not None:
            m.tensors.append(Tensor(f"number{number}", (), data=np.float32(second)))
            inputs.append(before + 1)
        m.tensors.append(Tensor(f"f{number}", (256,)))
        m.ops.append(Operator(kind, inputs, [len(m.tensors) - 1], table, options))
    last = len(m.tensors) - 1
    m.ops.append(Operator("QUANTIZE", [last], [m.output(256, scale=0.03)], "QuantizeOptions"))
    return m


for kind in FUNCTIONS:
    for dtype in ("INT8", "UINT8"):
        case(kind, f"island_{dtype.lower()}", lambda m, k=kind: island(m, (k,)), dtype)
for kinds in [("NEG", "RELU"), ("MUL", "SUB"), ("LOGISTIC", "MUL", "ADD"), ("ABS", "SQRT"), ("TANH", "SQUARE", "NEG")]:
    case(kinds[0], f"island_of_{'_'.join(kinds).lower()}", lambda m, k=kinds: island(m, k))


def real(m: Model, kind: str, inputs: list[int], shape: tuple[int, ...], table: str = "", **options: Any) -> int:
    """A float32 operator; returns its output."""
    m.tensors.append(Tensor(f"real{len(m.tensors)}", shape))
    m.ops.append(Operator(kind, inputs, [len(m.tensors) - 1], table, options))
    return len(m.tensors) - 1


def dequantized(m: Model, *shape: int) -> int:
    """A new 8-bit input in real numbers."""
    return real(m, "DEQUANTIZE", [m.input(*shape)], shape, "DequantizeOptions")


def quantized(m: Model, x: int, scale: float = 0.07, q: tuple[float, int] | None = None) -> Model:
    """A real tensor as an 8-bit output."""
    m.ops.append(Operator("QUANTIZE", [x], [m.output(*m.tensors[x].shape, scale=scale, q=q)], "QuantizeOptions"))
    return m


SHAPE = (2, 5, 33)
PAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "ADD": ("AddOptions", {"FusedActivationFunction": RELU6}),
    "SUB": ("SubOptions", {"FusedActivationFunction": NONE}),
    "MUL": ("MulOptions", {"FusedActivationFunction": RELU}),
    "DIV": ("DivOptions", {"FusedActivationFunction": NONE}),
    "MAXIMUM": ("MaximumMinimumOptions", {}),
    "MINIMUM": ("MaximumMinimumOptions", {}),
    "SQUARED_DIFFERENCE": ("SquaredDifferenceOptions", {}),
}
AFTER = {"ADD": "LEAKY_RELU", "SUB": "ABS", "MUL": "HARD_SWISH", "MAXIMUM": "NEG", "MINIMUM": "LOGISTIC"}


def pair(m: Model, kind: str, other: tuple[int, ...], tail: bool) -> Model:
    """Two 8-bit tensors in real numbers, an operator on both, and perhaps a function of what it gives."""
    table, options = PAIRS[kind]
    x, y = dequantized(m, *SHAPE), dequantized(m, *other)
    if kind == "DIV":  # LiteRT's result for infinity is undefined
        y = real(m, "EXP", [y], other, "ExpOptions")
    z = real(m, kind, [x, y], SHAPE, table, **options)
    if tail and kind in AFTER:
        tables: dict[str, tuple[str, dict[str, Any]]] = {"LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.25})}
        table, options = tables.get(AFTER[kind], ("", {}))
        z = real(m, AFTER[kind], [z], SHAPE, table, **options)
    return quantized(m, z)


def by_column(m: Model, kind: str) -> Model:
    """An operator whose other operand differs from column to column."""
    table, options = PAIRS[kind]
    x = dequantized(m, *SHAPE)
    row = m.rng.uniform(0.5, 2.0, SHAPE[-1]).astype(np.float32)
    m.tensors.append(Tensor("row", row.shape, data=row))
    return quantized(m, real(m, kind, [x, len(m.tensors) - 1], SHAPE, table, **options))


def reduced(m: Model, kind: str, axes: tuple[int, ...]) -> Model:
    """A reduction, taken away from what is reduced."""
    x, a = dequantized(m, *SHAPE), m.ints(list(axes))
    shape = tuple(1 if k in axes else d for k, d in enumerate(SHAPE))
    y = real(m, kind, [x, a], shape, "ReducerOptions", KeepDims=True)
    return quantized(m, real(m, "SUB", [x, y], SHAPE, "SubOptions", FusedActivationFunction=NONE), scale=0.2)


ROWS: dict[str, tuple[str, dict[str, Any], tuple[float, int]]] = {
    "SOFTMAX": ("SoftmaxOptions", {"Beta": 0.7}, (1 / 128, -100)),
    "LOG_SOFTMAX": ("LogSoftmaxOptions", {}, (0.09, 120)),
    "L2_NORMALIZATION": ("L2NormOptions", {"FusedActivationFunction": NONE}, (1 / 200, 3)),
}


def rows(m: Model, kind: str) -> Model:
    """An operator on rows."""
    table, options, (scale, zero) = ROWS[kind]
    x = dequantized(m, *SHAPE)
    return quantized(
        m, real(m, kind, [x], SHAPE, table, **options), q=(scale, zero if m.dtype == "INT8" else 128 + zero)
    )


def connected(m: Model) -> Model:
    """A layer with real weights, as where a converter was told to leave it in float."""
    x = dequantized(m, 6, 17)
    for name, real_shape in (("w", (9, 17)), ("b", (9,))):
        m.tensors.append(Tensor(name, real_shape, data=m.rng.normal(0, 0.4, real_shape).astype(np.float32)))
    y = real(m, "FULLY_CONNECTED", [x, x + 1, x + 2], (6, 9), "FullyConnectedOptions", FusedActivationFunction=RELU6)
    return quantized(m, real(m, "TANH", [y], (6, 9)), scale=0.01)


def transposed(m: Model) -> Model:
    """Elements that are moved between real operators."""
    x, y = dequantized(m, 3, 5, 4), dequantized(m, 4, 3, 5)
    total = real(m, "MUL", [x, x], (3, 5, 4), "MulOptions", FusedActivationFunction=NONE)
    moved = real(m, "TRANSPOSE", [total, m.ints([2, 0, 1])], (4, 3, 5), "TransposeOptions")
    sum_ = real(m, "ADD", [moved, y], (4, 3, 5), "AddOptions", FusedActivationFunction=NONE)
    corner = (2, 2, 3)
    taken = real(m, "SLICE", [sum_, m.ints([1, 1, 2]), m.ints(list(corner))], corner, "SliceOptions")
    return quantized(m, real(m, "MUL", [taken, taken], corner, "MulOptions", FusedActivationFunction=NONE), scale=0.4)


def pooled(m: Model) -> Model:
    """A pool chooses elements: before DEQUANTIZE or behind QUANTIZE they are the same."""
    x = dequantized(m, 1, 6, 6, 5)
    options = {"Padding": 0, "StrideH": 2, "StrideW": 2, "FilterHeight": 3, "FilterWidth": 3}
    once = real(m, "MAX_POOL_2D", [x], (1, 3, 3, 5), "Pool2DOptions", **options)
    product = real(m, "MUL", [once, once], (1, 3, 3, 5), "MulOptions", FusedActivationFunction=NONE)
    m.tensors.append(Tensor("row", (5,), data=m.rng.uniform(-1, 2, 5).astype(np.float32)))
    sum_ = real(m, "ADD", [product, len(m.tensors) - 1], (1, 3, 3, 5), "AddOptions", FusedActivationFunction=NONE)
    options |= {"StrideH": 1, "StrideW": 1, "FilterHeight": 2, "FilterWidth": 2}
    return quantized(m, real(m, "MAX_POOL_2D", [sum_], (1, 3, 3, 5), "Pool2DOptions", **options), scale=0.1)


def sloped(m: Model) -> Model:
    """A slope for each column, behind a sum."""
    x, y = dequantized(m, *SHAPE), dequantized(m, *SHAPE)
    sum_ = real(m, "ADD", [x, y], SHAPE, "AddOptions", FusedActivationFunction=NONE)
    m.tensors.append(Tensor("slopes", SHAPE[1:], data=m.rng.uniform(-1, 1, SHAPE[1:]).astype(np.float32)))
    return quantized(m, real(m, "PRELU", [sum_, len(m.tensors) - 1], SHAPE))


case("MAX_POOL_2D", "island", pooled)
case("PRELU", "island", sloped)
case("FULLY_CONNECTED", "island", connected)
case("TRANSPOSE", "island", transposed)


def stored_l2(m: Model, *shape: int) -> Model:
    """Rows of 8-bit values; the scale of the output is prescribed."""
    x, zero = m.input(*shape), 0 if m.dtype == "INT8" else 128
    m.output(*shape, q=(1 / 128, zero))
    return m.op("L2_NORMALIZATION", [x], "L2NormOptions", FusedActivationFunction=NONE)


for shape in ((4, 64), (2, 3, 5, 7), (32, 8), (64, 2), (1, 1, 1, 2000)):
    for dtype in ("INT8", "UINT8"):
        name = f"{dtype.lower()}_{'_'.join(map(str, shape))}"
        case("L2_NORMALIZATION", name, lambda m, s=shape: stored_l2(m, *s), dtype)
for kind in PAIRS:
    for dtype in ("INT8", "UINT8"):
        case(kind, f"island_pair_{dtype.lower()}", lambda m, k=kind: pair(m, k, SHAPE, False), dtype)
    case(kind, "island_pair_broadcast", lambda m, k=kind: pair(m, k, SHAPE[-1:], True))
    case(kind, "island_by_column", lambda m, k=kind: by_column(m, k))
for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
    for number, axes in enumerate(((2,), (0, 1))):
        case(kind, f"island_{number}", lambda m, k=kind, a=axes: reduced(m, k, a))
for kind in ROWS:
    for dtype in ("INT8", "UINT8"):
        case(kind, f"island_{dtype.lower()}", lambda m, k=kind: rows(m, k), dtype)


def divided(m: Model, shape: Any, act: int) -> Model:
    """By constants, none of which is zero."""
    x, y = m.input(*shape), m.constant(*shape[-1:], scale=0.02)
    c = m.tensors[y]
    data = np.where(np.asarray(c.data) == c.zero, np.asarray(c.data) + (1 if int(c.zero) < 100 else -1), c.data)
    m.tensors[y] = Tensor("c", c.shape, c.dtype, data, c.scale, c.zero)
    m.output(*shape, scale=0.07)
    return m.op("DIV", [x, y], "DivOptions", FusedActivationFunction=act)


for number, act in enumerate((NONE, RELU, RELU6)):
    for dtype in ("INT8", "UINT8"):
        case("DIV", f"{dtype.lower()}_{number}", lambda m, a=act: divided(m, (2, 5, 33), a), dtype)
