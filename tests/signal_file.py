"""Makes .tflite files with TensorFlow Lite Micro's Signal operators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flatbuffers import flexbuffers
from tflite_file import Operator, Tensor, build


def options(values: Mapping[str, int | bool]) -> bytes:
    """A map of FlexBuffers."""
    return bytes(flexbuffers.Dumps(dict(values)))


class File:
    """Collects tensors and operators; each operator's tensors are the next ones."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def tensor(self, dtype: str, shape: tuple[int, ...], data: object = None) -> int:
        self.tensors.append(Tensor(f"t{len(self.tensors)}", shape, dtype, data=data))
        return len(self.tensors) - 1

    def table(self, data: object, dtype: str = "INT16") -> int:
        array = np.asarray(data)
        return self.tensor(dtype, array.shape, array)

    def add(self, kind: str, inputs: list[int], outputs: list[tuple[str, tuple[int, ...]]], **of: int | bool) -> int:
        """The first output of an operator with these options."""
        made = [self.tensor(dtype, shape) for dtype, shape in outputs]
        custom = options(of) if kind.startswith("CUSTOM") else b""
        self.operators.append(Operator(kind, inputs, made, custom=custom))
        return made[0]

    def file(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file."""
        return build(self.tensors, self.operators, inputs, outputs)
