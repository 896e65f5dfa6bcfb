"""Every operator of the schema, in small files of many forms: taken, or refused by name with advice."""

from __future__ import annotations

import pytest
import tflite
from tflite_file import Operator, Tensor, build

from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes

KINDS = sorted(kind for kind, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int))
SAID_OF_FAULTS = ("damaged", "IndexError", "KeyError", "TypeError", "AttributeError")
SCALED = ("INT8", "UINT8", "INT16")


def tensor(name: str, dtype: str) -> Tensor:
    return Tensor(name, (1, 4, 4, 4), dtype, scale=0.1 if dtype in SCALED else None)


def form(kind: str, inputs: int, constants: int, outputs: int, types: tuple[str, str]) -> bytes:
    """A file with one operator: computed operands, then constant ones, then outputs."""
    tensors = [tensor(f"x{k}", types[0]) for k in range(inputs)]
    tensors += [Tensor(f"c{k}", (2,), "INT32", [1, 1]) for k in range(constants)]
    tensors += [tensor(f"y{k}", types[1]) for k in range(outputs)]
    first = inputs + constants
    op = Operator(kind, list(range(first)), list(range(first, first + outputs)))
    return build(tensors, [op], list(range(inputs)), list(range(first, first + outputs)))


@pytest.mark.parametrize(
    ("inputs", "constants", "outputs", "types"),
    [
        (1, 0, 1, ("FLOAT32", "FLOAT32")),
        (2, 1, 1, ("INT8", "INT8")),
        (1, 2, 1, ("FLOAT32", "INT64")),
        (1, 1, 2, ("FLOAT32", "BOOL")),
        (2, 0, 1, ("RESOURCE", "FLOAT32")),
        (1, 0, 1, ("STRING", "INT32")),
        (3, 0, 1, ("INT16", "INT16")),
        (0, 2, 1, ("FLOAT32", "FLOAT32")),
        (0, 0, 1, ("FLOAT32", "RESOURCE")),
        (2, 0, 0, ("FLOAT32", "FLOAT32")),
    ],
)
def test_taken_or_refused_by_name(inputs: int, constants: int, outputs: int, types: tuple[str, str]) -> None:
    taken, refused = set(), set()
    for kind in KINDS:
        try:
            import_bytes(form(kind, inputs, constants, outputs, types), "net.tflite")
            taken.add(kind)
        except ModelError as error:
            refused.add(kind)
            text = str(error)
            assert error.hint and not any(word in text for word in SAID_OF_FAULTS), text
            named = kind in text if kind != "CUSTOM" else "CUSTOM without a name" in text
            assert named or "the model has no input or no output" in text, f"{kind}: {text}"
    assert len(taken) + len(refused) == len(KINDS) > 200 and len(refused) > 50


def test_a_newer_operator_is_told() -> None:
    content = bytearray(form("TANH", 1, 0, 1, ("FLOAT32", "FLOAT32")))
    known = tflite.BuiltinOperator.TANH
    places = [k for k in range(len(content)) if content[k] == known]
    texts = set()
    for place in places:
        changed = content.copy()
        changed[place] = 250
        try:
            import_bytes(bytes(changed), "net.tflite")
        except ModelError as error:
            texts.add(str(error))
    assert any("newer than edgeq's schema" in text or "250" in text for text in texts), texts
