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
