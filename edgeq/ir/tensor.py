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
    """Element type of a tensor.

    The types of less than 8 bits are for weights: NumPy holds each element in a byte of its own, kernels pack them.
    So is float16, in which nothing is computed. Unsigned types of 16 and more bits, and int64, are those of files.
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"
    INT4 = "int4"
    INT3 = "int3"
    INT2 = "int2"
    TERNARY = "ternary"
    BINARY = "binary"
    CODE4 = "code4"
    CODE2 = "code2"
    TRELLIS = "trellis"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype that holds an element."""
        return np.dtype(np.int8 if self in _NARROW else self.value)

    @property
    def bits(self) -> int:
        """Bits of an element in a packed tensor."""
        return _NARROW[self][0] if self in _NARROW else 8 * self.numpy.itemsize

    @property
    def range(self) -> tuple[int, int]:
        """Least and greatest value of an integer type.

        Raises:
            ValueError: the type is no integer.
        """
        if self in _NARROW:
            return _NARROW[self][1]
        if self is DType.BOOL:
            return 0, 1
        info = np.iinfo(self.numpy)
        return int(info.min), int(info.max)

    @property
    def step(self) -> int:
        """From one integer of the type to the next."""
        return 2 if self is DType.BINARY else 1

    @property
    def is_code(self) -> bool:
        """Whether what is stored of an element is its place in a table."""
        return self in (DType.CODE4, DType.CODE2, DType.TRELLIS)

    @property
    def is_float(self) -> bool:
        """Whether elements are real numbers, not integers that stand for them."""
        return self in (DType.FLOAT32, DType.FLOAT16)


_NARROW = {
    DType.INT4: (4, (-8, 7)),
    DType.INT3: (3, (-4, 3)),
    DType.INT2: (2, (-2, 1)),
    DType.TERNARY: (2, (-1, 1)),
    DType.BINARY: (1, (-1, 1)),
    DType.CODE4: (4, (-127, 127)),
    DType.CODE2: (2, (-127, 127)),
    DType.TRELLIS: (2, (-127, 127)),
}
"""Bits and range of the types of less than 8 bits. A binary element is −1 or 1. Those of a tensor of codes are any
integers of its range, but only as many different ones as codes of so many bits can tell apart; those of a trellis are
paths through it (edgeq.numerics.trellis)."""

SIGNED = frozenset({DType.INT3, DType.INT2})
"""Types of which each channel's integers may instead be the opposites of those of the range (docs/adr/0036)."""

TRITS = 5
"""Ternary elements in a byte of a packed tensor."""


LEAST_SCALE = 2.0**-149
"""The least positive float32 number: scales of biases that are smaller count as this."""
MOST_FACTOR = 255
"""By how much the scale of a group of weights is at most greater than its channel's."""
MOST_WITH_ZEROS = 1 << 16
"""Elements of a group with a zero-point: times bytes, less the zero-point times theirs, they surely fit 32 bits."""


@dataclass(frozen=True)
class Groups:
    """Scales of groups of weights (C, K) as whole multiples of their channel's, and their zero-points:
    real = scale[c]·factor[c, k / size]·(q − zero[c, k / size]).

    Products of a group are added, less its zero-point times the sum of its inputs, multiplied by its factor, and added
    to the channel's accumulator, so that sums of groups with unlike scales are exact (docs/adr/0032).

    Attributes:
        size: neighbours along K that share a factor; the last group may have fewer.
        factors: 1 … 255, (C, groups) in this order.
        zeros: integers of the weights' type in the same order; none: all are 0.
    """

    size: int
    factors: tuple[int, ...]
    zeros: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 1 or not self.factors or not all(1 <= f <= MOST_FACTOR for f in self.factors):
            raise ValueError("groups need at least one element, and factors of 1 … 255")
        if self.zeros and (len(self.zeros) != len(self.factors) or self.size > MOST_WITH_ZEROS):
            raise ValueError("groups with zero-points need one each, and have at most 65536 elements")

    def table(self, channels: int) -> Array:
        """The factors as int64 (channels, groups)."""
        return np.asarray(self.factors, np.int64).reshape(channels, -1)

    def zeros_table(self, channels: int) -> Array:
        """The zero-points as int64 (channels, groups)."""
        return np.asarray(self.zeros or (0,) * len(self.factors), np.int64).reshape(channels, -1)

    def spread(self, shape: Shape) -> Array:
        """The factor of each weight of a tensor (C, K), int64."""
        return np.repeat(self.table(shape[0]), self.size, axis=1)[:, : shape[1]]

    def spread_zeros(self, shape: Shape) -> Array:
        """The zero-point of each weight of a tensor (C, K), int64."""
        return np.repeat(self.zeros_table(shape[0]), self.size, axis=1)[:, : shape[1]]

    def multiples(self, integers: Array) -> Array:
        """What integers (C, K) are as multiples of their channels' scales, int64."""
        return np.asarray((integers.astype(np.int64) - self.spread_zeros(integers.shape)) * self.spread(integers.shape))

    def of_channels(self, channels: int, begin: int, end: int) -> Groups:
        """Those of some of the channels."""
        tables = self.table(channels), self.zeros_table(channels)
        factors, zeros = (tuple(table[begin:end].ravel().tolist()) for table in tables)
        return Groups(self.size, factors, zeros if self.zeros else ())


@dataclass(frozen=True)
class QParams:
    """real = scale · (q − zero_point); one entry, or one per index along `axis`, or one per block of elements.

    Scales are float32 values (held as Python floats), so that every file format carries them unchanged.

    Attributes:
        scale, zero_point: the entries, in the order of the elements.
        axis: the axis that they run along; None: one entry for the whole tensor.
        block: neighbours along `axis` that share an entry, while each index of the other axes has entries of its own
            (ONNX DequantizeLinear's `block_size`); None: indices of the other axes share theirs.
        stored: the type of the integers, where a model prescribes for a float tensor that they are not int8. A tensor
            that is quantized says it by its own type.
        groups: factors and zero-points of groups of weights (C, K), whose scales are those of channels, axis 0; None:
            there are none.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None
    block: int | None = None
    stored: DType | None = None
    groups: Groups | None = None

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.zero_point) or (self.axis is None and len(self.scale) != 1):
            raise ValueError("scale and zero_point need one entry each, or one per channel with an axis")
        if self.block is not None and (self.axis is None or self.block < 1):
            raise ValueError("blocks need an axis and at least one element each")
        if self.groups is not None and (self.axis != 0 or self.block is not None or any(self.zero_point)):
            raise ValueError("groups are of channels along axis 0, which have no zero-point")

    @staticmethod
    def per_tensor(scale: float, zero_point: int, stored: DType | None = None) -> QParams:
        """Parameters for a whole tensor; scale is rounded to float32."""
        return QParams((float(np.float32(scale)),), (int(zero_point),), stored=stored)

    @staticmethod
    def per_channel(scale: npt.ArrayLike, zero_point: npt.ArrayLike, axis: int) -> QParams:
        """Parameters along `axis`; scales are rounded to float32."""
        scales = np.asarray(scale, np.float32).ravel()
        zeros = np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape)
        return QParams(tuple(float(s) for s in scales), tuple(int(z) for z in zeros), axis)

    @staticmethod
    def per_block(scale: npt.ArrayLike, zero_point: npt.ArrayLike, axis: int, block: int) -> QParams:
        """Parameters of blocks along `axis`; arrays of the tensor's shape with that axis cut into blocks."""
        scales = np.asarray(scale, np.float32)
        zeros = np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape)
        return QParams(
            tuple(float(s) for s in scales.ravel()), tuple(int(z) for z in zeros.ravel()), axis % scales.ndim, block
        )

    @property
    def integers(self) -> DType:
        """The type of the integers of a float tensor to which these parameters are prescribed."""
        return self.stored or DType.INT8

    @property
    def is_symmetric(self) -> bool:
        """Whether no element has a zero-point."""
        return not any(self.zero_point) and (self.groups is None or not any(self.groups.zeros))

    @property
    def bare(self) -> QParams:
        """The same for a tensor whose own type says what its integers are."""
        return self if self.stored is None else replace(self, stored=None)

    def entries(self, shape: Shape) -> Shape:
        """The shape of the entries for a tensor of `shape`: with ones where they are shared.

        Raises:
            ValueError: the tensor has no such axis.
        """
        if self.axis is None:
            return (1,) * len(shape)
        if not 0 <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} does not exist in shape {shape}")
        if self.block is None:
            return tuple(n if k == self.axis else 1 for k, n in enumerate(shape))
        return tuple(-(-n // self.block) if k == self.axis else n for k, n in enumerate(shape))

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

    def _along(self, values: npt.ArrayLike, shape: Shape) -> Array:
        """Entries in a shape that broadcasts to a tensor's."""
        array = np.asarray(values, np.float64)
        if not shape:
            return array.reshape(())
        spread = array.reshape(self.entries(shape))
        if self.block is None or self.axis is None:
            return spread
        return np.repeat(spread, self.block, self.axis).take(range(shape[self.axis]), self.axis)

    def _steps(self, shape: Shape) -> Array:
        """The scale of each element, in a shape that broadcasts to a tensor's."""
        scales = self._along(self.scale, shape)
        return scales if self.groups is None else scales * self.groups.spread(shape)

    def _zeros(self, shape: Shape) -> Array:
        """The zero-point of each element, in a shape that broadcasts to a tensor's."""
        return self._along(self.zero_point, shape) if self.groups is None else self.groups.spread_zeros(shape)

    def of_channels(self, begin: int, end: int) -> QParams:
        """Parameters of some of the channels that scales run along."""
        groups = None if self.groups is None else self.groups.of_channels(len(self.scale), begin, end)
        return replace(self, scale=self.scale[begin:end], zero_point=self.zero_point[begin:end], groups=groups)

    def in_steps(self, real: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """real (any shape) in units of its scales."""
        x = np.asarray(real, np.float64)
        return x / self._steps(x.shape)

    def quantize(self, real: npt.ArrayLike, dtype: DType) -> Array:
        """real (any shape) → integers of `dtype`, halves to even, saturating."""
        x = np.asarray(real, np.float64)
        q = np.rint(x / self._steps(x.shape)) + self._zeros(x.shape)
        if dtype is DType.BINARY:
            q = np.where(x < 0.0, -1.0, 1.0)
        return np.asarray(np.clip(q, *dtype.range), dtype.numpy)

    def dequantize(self, q: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Integers (any shape) → float32 real values."""
        x = np.asarray(q, np.float64)
        return np.asarray((x - self._zeros(x.shape)) * self._steps(x.shape), np.float32)


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
    def is_whole(self) -> bool:
        """Whether a computed tensor holds whole numbers that stand for nothing but themselves: classes, indices, and
        in int16 samples of a signal."""
        return self.dtype in (DType.INT16, DType.INT32) and self.q is None

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor, its elements packed."""
        return -(-self.size // TRITS) if self.dtype is DType.TERNARY else -(-self.size * self.dtype.bits // 8)

    @property
    def itemsize(self) -> int:
        """Bytes of an element.

        Raises:
            ValueError: it is less than one.
        """
        if self.dtype.bits % 8:
            raise ValueError(f"an element of type {self.dtype.value} has {self.dtype.bits} bits")
        return self.dtype.bits // 8

    @property
    def qp(self) -> QParams:
        """The quantization parameters of a tensor that must have them.

        Raises:
            ValueError: the tensor is not quantized.
        """
        if self.q is None:
            raise ValueError("tensor is not quantized")
        return self.q

    @property
    def is_stored(self) -> bool:
        """Whether a constant holds real numbers in fewer bits."""
        return self.q is not None or self.dtype is DType.FLOAT16

    def negated(self, data: Array) -> npt.NDArray[np.bool_]:
        """Which channels of weights are stored with a negative scale, as the opposite integers (docs/adr/0036).

        Their integers, as `data` has them, are beyond the range of the type, and their opposites are not.

        Returns:
            One for each entry of the parameters; none for types or tensors that have no such channels.
        """
        if self.dtype not in SIGNED or self.q is None or self.q.axis is None or self.q.block is not None:
            return np.zeros(0, np.bool_)
        if any(self.q.zero_point) or data.shape[self.q.axis : self.q.axis + 1] != (len(self.q.scale),):
            return np.zeros(0, np.bool_)
        rows = np.moveaxis(data, self.q.axis, 0).reshape(len(self.q.scale), -1)
        return rows.max(axis=1, initial=0) > self.dtype.range[1]

    def signs(self, data: Array) -> Array:
        """The sign of each weight's scale as it is stored, int8, in a shape that broadcasts to the tensor's."""
        negated = self.negated(data)
        if self.q is None or not negated.any():
            return np.ones((1,) * len(self.shape), np.int8)
        return np.where(negated, np.int8(-1), np.int8(1)).reshape(self.q.entries(self.shape))

    def numbers(self, data: Array) -> npt.NDArray[np.float32]:
        """The real numbers that elements stand for (any shape)."""
        return data.astype(np.float32) if self.q is None else self.q.dequantize(data)

    def holding(self, real: Array) -> Array:
        """The elements that hold numbers (any shape): quantized, or as they are where the tensor is not quantized."""
        return real.astype(self.dtype.numpy) if self.q is None else self.q.quantize(real, self.dtype)

    def reshaped(self, shape: Shape) -> TensorType:
        """The same type with another shape."""
        return replace(self, shape=shape)

    def quantized(self, dtype: DType, q: QParams) -> TensorType:
        """The same shape, quantized."""
        return replace(self, dtype=dtype, q=q.bare)
