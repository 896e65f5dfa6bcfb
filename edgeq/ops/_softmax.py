"""What Softmax and LogSoftmax share: exponentials of differences from the greatest value of a row.

The inputs of a row differ by 0 … 255 steps, so the exponentials are a table that Python computes.

FAST has them with 15 fraction bits, or fewer for a Softmax whose outputs are all tiny. TFLITE and TFLM have the results
of gemmlowp's fixed-point exponential for the difference scaled to 5 integer bits, with 31 fraction bits, and 0 where
the difference exceeds what these bits hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param, in_place
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe, apart_from
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import Commuted, Perm, Trait
from edgeq.numerics.fixedpoint import Ints, Multiplier, Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.float32 import Floats
from edgeq.numerics.gemmlowp import exp_on_negative_values
from edgeq.ops._real import REALS, of_single, rows_row

EXP_BITS = 15
MAX_COLUMNS_FAST = 2**16 - 1
INTEGER_BITS = 5
SUM_BITS = 12
"""Integer bits of the sum of exponentials of TFLITE and TFLM."""


@dataclass(frozen=True)
class RowOp(Op):
    """Base of operators along the axis `axis` of one tensor of any rank.

    Attributes:
        axis: not negative; kernels need the last one.
        output: the quantization that TensorFlow Lite prescribes for the output.
        headroom: of `QuantRule`.
    """

    axis: int
    output: ClassVar[QParams]
    headroom: ClassVar[float] = 1.0

    declines: ClassVar[frozenset[Trait]] = frozenset(
        {
            *("pattern", "monotone", "linear", "signs", "homogeneous", "fused_clamp", "is_copy"),
            *("tied_channels", "affine", "with_padding", "parts"),
        }
    )

    @property
    def ignores_offset(self) -> bool:
        return True

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        return apart_from(self, self.axis, shapes, rows, axis)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError(f"{self.kind} needs exactly one input")
        if not 0 <= self.axis < len(shapes[0]):
            raise ValueError(f"axis {self.axis} does not exist in shape {shapes[0]}")
        return (shapes[0],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: np.moveaxis(self.real_rows(np.moveaxis(x, self.axis, -1)), -1, self.axis), inputs)

    def real_rows(self, rows: Floats) -> Array:
        """The outputs (…, columns) for real inputs."""
        raise NotImplementedError

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        rows = np.moveaxis(x, self.axis, -1).astype(np.int64)
        differences = rows.max(axis=-1, keepdims=True) - rows
        wide = site.input(0).dtype is DType.INT16
        q = self.rows16(site, differences) if wide else self.quantized_rows(site, differences)
        q = q.astype(site.outputs[0].dtype.numpy)
        return (np.ascontiguousarray(np.moveaxis(q, -1, self.axis)),)

    def quantized_rows(self, site: Site, differences: Ints) -> Ints:
        """The outputs (…, columns) for the differences between each row's greatest input and its inputs, 0 … 255."""
        raise NotImplementedError

    def rows16(self, site: Site, differences: Ints) -> Ints:
        """The same of int16 elements: the differences are 0 … 65535."""
        raise NotImplementedError

    @property
    def gain(self) -> float:
        """What inputs are multiplied with before anything else."""
        return 1.0

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=self.output, headroom=self.headroom)

    def commute(self, perm: Perm) -> Commuted | None:
        axis = perm[self.axis]
        return Commuted(replace(self, axis=axis), perm) if axis == len(perm) - 1 else None  # where the kernels need it

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("classes", cls(1), ((1, 12),)),
            Sample("two", cls(1), ((3, 2),), low=-9.0, high=9.0),
            Sample("one", cls(1), ((3, 1),)),
            Sample("vector", cls(0), ((37,),)),
            Sample("image", cls(3), ((1, 5, 3, 7),), low=-0.5, high=0.5),
            Sample("long", cls(1), ((1, 1000),), low=-20.0, high=20.0),
            Sample("flat", cls(2), ((2, 3, 300),), low=-0.01, high=0.01),
            Sample("real", cls(2), ((2, 3, 25),), elements=REALS),
        )


def rows_are_last(site: Site) -> bool:
    """Softmax is along the last dimension."""
    assert isinstance(site.op, RowOp)
    return site.op.axis == len(site.outputs[0].shape) - 1


def uses_fast(site: Site) -> bool:
    """The site uses edgeq's own arithmetic, also for an output scale that TensorFlow Lite does not support."""
    assert isinstance(site.op, RowOp)
    return site.numerics is Numerics.FAST or site.outputs[0].q != site.op.output


def uses_double(site: Site) -> bool:
    """The site uses TensorFlow Lite's arithmetic."""
    return not uses_fast(site)


fits_fast = all_of(rows_are_last, uses_fast)
fits_double = all_of(rows_are_last, uses_double)


Lower = Callable[[Site], Mapping[str, Param]]


def portable_rows(name: str, fast: Lower, double: Lower) -> tuple[Kernel, ...]:
    """The portable kernels of an operator, of both arithmetics.

    Args:
        name: of its C files.
        fast, double: functions that give their parameters.
    """
    return tuple(
        Kernel(
            f"eq_{name}_ref_{kind}",
            (f"ref/{name}.c",),
            f"eq/{name}.h",
            f"eq_{name}_{kind}_params",
            lower,
            fits=fits,
            overlap=in_place,
        )
        for kind, lower, fits in (("fast", fast, fits_fast), ("double", double, fits_double))
    )


def real_row(name: str) -> Kernel:
    """The portable kernel for real numbers."""

    def lower(site: Site) -> Mapping[str, Param]:
        assert isinstance(site.op, RowOp)
        return {"rows": site.outputs[0].size // columns(site), "columns": columns(site), "a": float(site.op.gain)}

    return rows_row(name, lower, rows_are_last)


def row_params(site: Site, exponentials: Array) -> Mapping[str, Param]:
    """The parameters that all these kernels have."""
    return {
        "rows": site.outputs[0].size // columns(site),
        "columns": columns(site),
        "exponentials": exponentials,
    }


def input_step(site: Site) -> float:
    """What one step of the input is in the exponent."""
    assert isinstance(site.op, RowOp)
    return site.op.gain * site.input(0).qp.s


def columns(site: Site) -> int:
    """Elements of a row."""
    assert isinstance(site.op, RowOp)
    return site.outputs[0].shape[site.op.axis]


def fast_exponentials(site: Site, bits: int = EXP_BITS) -> npt.NDArray[np.uint16]:
    """exp(−s_in · d) for d = 0 … 255 with `bits` fraction bits.

    Raises:
        QuantizationError: the sum of a row could exceed 31 bits.
    """
    if columns(site) > MAX_COLUMNS_FAST:
        raise QuantizationError(
            f"{site.op.kind} over {columns(site)} values is too long",
            hint=f"at most {MAX_COLUMNS_FAST} are supported",
            where=site.name,
        )
    exact = np.exp(-input_step(site) * np.arange(256)) * 2.0**bits
    return np.rint(exact).astype(np.uint16)


@dataclass(frozen=True, eq=False)
class Differences:
    """Differences of inputs in fixed point, as TensorFlow Lite has them.

    Attributes:
        factor: of −d, to 5 integer bits.
        least: the least −d that is taken into account.
        exponentials: of −s_in · d for d = 0 … 255, no integer bit.
    """

    factor: Multiplier
    least: int
    exponentials: npt.NDArray[np.int32] = field(repr=False)


def fixed_differences(site: Site) -> Differences:
    """Differences and their exponentials of TFLITE and TFLM.

    Raises:
        QuantizationError: the sum of a row could exceed its 12 integer bits.
    """
    if columns(site) >= 1 << SUM_BITS:
        raise QuantizationError(
            f"{site.op.kind} over {columns(site)} values is too long for this arithmetic",
            hint=f"use --numerics fast; the others support at most {(1 << SUM_BITS) - 1}",
            where=site.name,
        )
    real = min(input_step(site) * 2.0 ** (31 - INTEGER_BITS), 2.0**31 - 1)
    factor = quantize_multiplier(real, Rounding.DOUBLE)
    shift = max(int(factor.shift[0]), 0)
    radius = int(((1 << INTEGER_BITS) - 1) * 2.0 ** (31 - INTEGER_BITS) / 2.0**shift)
    d = np.arange(256, dtype=np.int64)
    counted = np.minimum(d, radius)
    exponentials = exp_on_negative_values(multiply(-counted, factor, Rounding.DOUBLE), INTEGER_BITS)
    return Differences(factor, -radius, np.where(d <= radius, exponentials, 0).astype(np.int32))
