"""Models whose inputs or outputs are wider than 8 bits: indices of extremes, int16 samples, a softmax in int32."""

from __future__ import annotations

from models import Model, case
from tflite_file import Operator, Tensor

FORMS = [((2, 40), 1), ((1, 12, 5, 3), 1), ((2, 3, 4, 9), -1)]
INT32 = 2
"""The schema's code of the type."""


def index_of(m: Model, kind: str, shape: tuple[int, ...], axis: int) -> Model:
    x = m.input(*shape)
    where = axis % len(shape)
    m.tensors.append(Tensor("y0", shape[:where] + shape[where + 1 :], "INT32"))
    m.outputs.append(len(m.tensors) - 1)
    return m.op(kind, [x, m.ints([axis])], f"Arg{kind[4:].capitalize()}Options", OutputType=INT32)


for kind in ("ARG_MAX", "ARG_MIN"):
    for number, (shape, axis) in enumerate(FORMS):
        case(kind, f"{number}", lambda m, k=kind, s=shape, a=axis: index_of(m, k, s, a))


def wide(m: Model, shape: tuple[int, ...]) -> Model:
    """int16 is quantized once more, a softmax has 16 bits, and the caller takes these as int32."""
    tensors = [
        Tensor("x0", shape, "INT16", scale=0.0006, zero=0),
        Tensor("narrow", shape, "INT8", scale=m.scale(0.08), zero=int(m.rng.integers(-60, 60))),
        Tensor("soft", shape, "INT16", scale=2.0**-16, zero=-(2**15)),
        Tensor("y0", shape, "INT32", scale=2.0**-15, zero=0),
    ]
    first = len(m.tensors)
    m.tensors += tensors
    m.inputs.append(first)
    m.outputs.append(first + 3)
    m.ops.append(Operator("QUANTIZE", [first], [first + 1], "QuantizeOptions", {}))
    m.ops.append(Operator("SOFTMAX", [first + 1], [first + 2], "SoftmaxOptions", {"Beta": 1.0}))
    return m.op("QUANTIZE", [first + 2], "QuantizeOptions")


for number, shape in enumerate([(2, 6), (1, 40)]):
    case("SOFTMAX", f"wide_{number}", lambda m, s=shape: wide(m, s))
