"""Element types, quantization parameters and tensor types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Shape = tuple[int, ...]
Array = npt.NDArray[Any]


class DType(Enum):
    """Element type of a tensor; the value is numpy's name of it."""

    FLOAT32 = "float32"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype."""
        return np.dtype(self.value)

    @property
    def range(self) -> tuple[int, int]:
        """Least and greatest value of an integer type."""
        info = np.iinfo(self.numpy)
        return int(info.min), int(info.max)


@dataclass(frozen=True)
class QParams:
    """real = scale · (q − zero_point); one entry, or one per index along `axis`.

    Scales are float32 values (held as Python floats), so that every file format carries them unchanged.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.zero_point) or (self.axis is None and len(self.scale) != 1):
            raise ValueError("scale and zero_point need one entry each, or one per channel with an axis")

    @staticmethod
    def per_tensor(scale: float, zero_point: int) -> QParams:
        """Parameters for a whole tensor; scale is rounded to float32."""
        return QParams((float(np.float32(scale)),), (int(zero_point),))

    @staticmethod
    def per_channel(scale: npt.ArrayLike, zero_point: npt.ArrayLike, axis: int) -> QParams:
        """Parameters along `axis`; scales are rounded to float32."""
        scales = np.asarray(scale, np.float32).ravel()
        zeros = np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape)
        return QParams(tuple(float(s) for s in scales), tuple(int(z) for z in zeros), axis)

    @property
    def s(self) -> float:
        """The scale of a per-tensor quantization."""
        if len(self.scale) != 1:
            raise ValueError("not a per-tensor quantization")
        return self.scale[0]

    @property
    def zp(self) -> int:
        """The zero-point of a per-tensor quantization."""
        if len(self.zero_point) != 1:
            raise ValueError("not a per-tensor quantization")
        return self.zero_point[0]

    def _along(self, values: npt.ArrayLike, rank: int) -> Array:
        array = np.asarray(values, np.float64)
        if self.axis is None or rank == 0:
            return array.reshape((1,) * rank)
        shape = [1] * rank
        shape[self.axis] = array.size
        return array.reshape(shape)

    def quantize(self, real: npt.ArrayLike, dtype: DType) -> Array:
        """real (any shape) → integers of `dtype`, halves to even, saturating."""
        x = np.asarray(real, np.float64)
        q = np.rint(x / self._along(self.scale, x.ndim)) + self._along(self.zero_point, x.ndim)
        return np.asarray(np.clip(q, *dtype.range), dtype.numpy)

    def dequantize(self, q: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Integers (any shape) → float32 real values."""
        x = np.asarray(q, np.float64)
        return np.asarray((x - self._along(self.zero_point, x.ndim)) * self._along(self.scale, x.ndim), np.float32)


@dataclass(frozen=True)
class TensorType:
    """Shape, element type and, for quantized tensors, quantization parameters."""

    shape: Shape
    dtype: DType = DType.FLOAT32
    q: QParams | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor."""
        return self.size * self.dtype.numpy.itemsize

    @property
    def qp(self) -> QParams:
        """The quantization parameters of a tensor that must have them.

        Raises:
            ValueError: the tensor is not quantized.
        """
        if self.q is None:
            raise ValueError("tensor is not quantized")
        return self.q

    def reshaped(self, shape: Shape) -> TensorType:
        """The same type with another shape."""
        return replace(self, shape=shape)

    def quantized(self, dtype: DType, q: QParams) -> TensorType:
        """The same shape, quantized."""
        return replace(self, dtype=dtype, q=q)
