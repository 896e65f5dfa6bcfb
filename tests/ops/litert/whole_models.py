"""Models whose outputs are whole numbers: where along an axis the greatest or the least element is."""

from __future__ import annotations

from models import Model, case
from tflite_file import Tensor

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
