"""Models with truth values: a choice between two tensors shows what a comparison of two others gives."""

from __future__ import annotations

from models import Model, case
from tflite_file import Operator, Tensor

RELATIONS = ("LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL")
FORMS = [((2, 5, 7), (2, 5, 7)), ((2, 5, 7), (7,)), ((1, 5, 1), (2, 1, 7))]


def truth(m: Model, kind: str, inputs: list[int], table: str = "") -> int:
    """Add an operator whose result is truth values of shape (2, 5, 7); returns it."""
    m.tensors.append(Tensor(f"t{len(m.tensors)}", (2, 5, 7), "BOOL"))
    m.ops.append(Operator(kind, inputs, [len(m.tensors) - 1], table, {}))
    return len(m.tensors) - 1


def choice(m: Model, condition: int) -> Model:
    """The model's output: what the condition chooses."""
    a = m.input(2, 5, 7)
    b = m.input(2, 5, 7, q=m.q(a))
    m.output(2, 5, 7, like=a)
    return m.op("SELECT_V2", [condition, a, b], "SelectV2Options")


def compared(m: Model, kind: str, form: tuple[tuple[int, ...], tuple[int, ...]], constant: bool, same: bool) -> Model:
    x = m.input(*form[0])
    q = m.q(x) if same else (m.q(x)[0] * 0.43, m.q(x)[1])
    y = m.constant(*form[1], q=q) if constant else m.input(*form[1], q=q)
    return choice(m, truth(m, kind, [x, y]))


for kind in RELATIONS:
    for number, form in enumerate(FORMS):
        case(kind, f"{number}", lambda m, k=kind, f=form, n=number: compared(m, k, f, False, n == 1))
        case(kind, f"constant_{number}", lambda m, k=kind, f=form: compared(m, k, f, True, False))


def joined(m: Model, kind: str) -> Model:
    x, y = m.input(2, 5, 7), m.input(2, 5, 7)
    first, second = truth(m, "LESS", [x, y]), truth(m, "GREATER", [x, m.constant(7, q=m.q(x))])
    inputs = [first] if kind == "LOGICAL_NOT" else [first, second]
    return choice(m, truth(m, kind, inputs))


for kind in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT"):
    case(kind, "0", lambda m, k=kind: joined(m, k))
