"""A .tflite file as plain Python values, checked: what the reader returns and everything else works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeq.ir.tensor import Array, Shape

DTYPES: dict[str, np.dtype[Any]] = {
    "FLOAT32": np.dtype("<f4"),
    "FLOAT16": np.dtype("<f2"),
    "FLOAT64": np.dtype("<f8"),
    "INT8": np.dtype("i1"),
    "UINT8": np.dtype("u1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT32": np.dtype("<u4"),
    "BOOL": np.dtype("?"),
    "INT4": np.dtype("i1"),
    "INT2": np.dtype("i1"),
}
"""Element types whose buffers are read; a constant of any other type is kept as bytes."""

PACKED = {"INT4": 4, "INT2": 2}
"""Bits of the types of which a byte of the file holds several elements, the first one in its lowest bits."""

VARIABLE = "a variable"
MAX_RANK = 8
AGAIN = "the file lacks a part of it: export the model again"
"""What to do about an operator that lacks a part."""


def short_name(name: str) -> str:
    """The first of the names the converter joined with “;” when it merged operators."""
    return name.split(";", 1)[0] or name


def shortened(name: str) -> str:
    """A short name of at most 80 characters."""
    head = short_name(name)
    return head if len(head) <= 80 else f"{head[:79]}…"


class Problem(Exception):
    """Why one operator cannot be imported; the builder adds which one and reports all together."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, eq=False)
class RawQuant:
    """real = scale · (q − zero_point); one entry, or one per index along `axis`."""

    scale: Array
    zero_point: Array
    axis: int


@dataclass(frozen=True, eq=False)
class RawTensor:
    """A tensor of the file.

    Attributes:
        shape: as stored; dimensions the file leaves open are 1 here and −1 in `signature`.
        dtype: the schema's name of the element type.
        data: the elements of a constant (of the type in DTYPES, else bytes), None for an activation.
        trait: what makes the tensor unusable although its type is known (“a variable”), or empty.
    """

    index: int
    name: str
    shape: Shape
    dtype: str
    signature: Shape | None = None
    data: Array | None = None
    quant: RawQuant | None = None
    trait: str = ""

    @property
    def variable(self) -> bool:
        """Whether it keeps its elements from one invocation to the next."""
        return self.trait == VARIABLE

    @property
    def label(self) -> str:
        """The name in quotes, for messages: the first of those the converter joined, shortened."""
        return repr(shortened(self.name))

    @property
    def dynamic(self) -> bool:
        """Whether the file leaves a dimension open."""
        return self.signature is not None and -1 in self.signature


@dataclass(frozen=True)
class RawOp:
    """An operator of the file: the schema's name of it, tensor indices (−1: absent) and its options by their names.

    Intermediates are tensors without elements, whose parameters are those of what the operator computes on the way.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    intermediates: tuple[int, ...] = ()

    def option(self, name: str) -> int:
        """An integer or boolean option."""
        return int(self.options[name])

    def real(self, name: str) -> float:
        """A real option, finite.

        Raises:
            Problem: it is not a finite number.
        """
        value = float(self.options[name])
        if not np.isfinite(value):
            raise Problem(f"its option {name} is {value}")
        return value


@dataclass(frozen=True)
class RawModel:
    """The main graph of a file.

    Attributes:
        signature: tensors by the names that the file's first signature gives to its inputs and outputs.
        once: the graphs that it calls at its first run, by their numbers, as far as they are there: they give its
            variables their first values.
        loops: the graphs that its loops run, by their numbers.
    """

    tensors: tuple[RawTensor, ...]
    ops: tuple[RawOp, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signature: Mapping[str, int] = field(default_factory=dict)
    once: Mapping[int, RawModel] = field(default_factory=dict)
    loops: Mapping[int, RawModel] = field(default_factory=dict)
