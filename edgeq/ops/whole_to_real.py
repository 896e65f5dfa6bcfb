"""Whole numbers as real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics.fixedpoint import INT32_MAX, INT32_MIN, Multiplier, Rounding, multiply, quantize_multiplier
from edgeq.ops._int16 import as_int16
from edgeq.ops._overlap import Overlaps, indices, of_elements


def rounding(site: Site) -> Rounding:
    """The site's; of int16 elements that of FAST, as TensorFlow Lite has no such operator."""
    return Rounding.WIDE if site.outputs[0].dtype is DType.INT16 else site.rounding


def finer(site: Site) -> int:
    """By what whole numbers are multiplied before: a factor to int16 may be as large as 2¹⁵, a multiplier less."""
    return 4 if site.outputs[0].dtype is DType.INT16 else 1


def factor(site: Site) -> Multiplier:
    """What whole numbers, made finer, are multiplied with to be steps of the output."""
    assert isinstance(site.op, WholeToReal)
    return quantize_multiplier(site.op.scale / finer(site) / site.outputs[0].qp.s, rounding(site))


def walk(site: Site) -> dict[str, Param]:
    """The members that all kernels share."""
    op, y = site.op, site.outputs[0]
    assert isinstance(op, WholeToReal)
    chosen = op.columns
    return {
        "rows": prod(y.shape[:-1]) if chosen else 1,
        "count": y.shape[-1] if chosen else y.size,
        "step": site.input(0).shape[-1] if chosen else 0,
        "columns": np.array(op.columns, np.int32) if chosen else 0,
        "directions": np.array(op.directions, np.int32) if chosen else 0,
        "addends": np.array(op.addends, np.int32) if chosen else 0,
    }


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_whole_to_real_ref`."""
    scaled, (qmin, qmax) = factor(site), site.outputs[0].dtype.range
    return {
        **walk(site),
        "mantissa": int(scaled.mantissa[0]),
        "shift": int(scaled.shift[0]),
        "zero_point": site.outputs[0].qp.zp,
        "qmin": qmin,
        "qmax": qmax,
    }


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_whole_to_real_float32_ref`."""
    assert isinstance(site.op, WholeToReal)
    return {**walk(site), "scale": site.op.scale}


def overlap(site: Site) -> Overlaps:
    """One element after another."""
    assert isinstance(site.op, WholeToReal)
    places = indices(site.input(0).shape)
    return of_elements(site, [places[..., site.op.columns] if site.op.columns else places])


INTEGER = Kernel(
    "eq_whole_to_real_ref",
    ("ref/whole_to_real.c",),
    "eq/whole_to_real.h",
    "eq_whole_to_real_params",
    lower,
    overlap=overlap,
    rounded=True,
)


@dataclass(frozen=True)
class WholeToReal(Op):
    """Input: whole numbers x. Output: scale · x, of the same shape, or columns of it: scale · (direction · x + addend).

    Attributes:
        scale: the real number that 1 stands for.
        columns: which index of the last dimension each of the output's is; none: all as they are.
        directions: 1 or −1 for each column.
        addends: a whole number for each column.
        real: whether the output is a real number in a quantized graph, too.
    """

    scale: float = 1.0
    columns: tuple[int, ...] = ()
    directions: tuple[int, ...] = ()
    addends: tuple[int, ...] = ()
    real: bool = False

    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = (
        INTEGER,
        replace(
            INTEGER,
            function="eq_whole_to_real_float32_ref",
            sources=("ref/whole_to_real_float32.c",),
            struct="eq_whole_to_real_float32_params",
            lower=lower_real,
            elements=frozenset({DType.FLOAT32}),
            rounded=False,
        ),
        replace(INTEGER, function="eq_whole_to_real_int16_ref", elements=INT16, rounded=False),
    )

    @property
    def gives_real(self) -> bool | None:  # type: ignore[override]
        return True if self.real else None

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = shapes[0]
        if x is None:
            raise ValueError("there is no input")
        if not self.columns:
            return (x,)
        if (
            not x
            or len({len(self.columns), len(self.directions), len(self.addends)}) != 1
            or max(self.columns) >= x[-1]
        ):
            raise ValueError(f"columns {self.columns} do not fit {x}")
        return ((*x[:-1], len(self.columns)),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return None if self.columns and (shapes[0] is None or len(shapes[0]) < 2) else self

    def chosen(self, x: Array) -> npt.NDArray[np.int64]:
        """Columns with their directions and addends."""
        whole = x.astype(np.int64)
        if not self.columns:
            return whole
        return np.clip(
            whole[..., self.columns] * np.array(self.directions) + np.array(self.addends), INT32_MIN, INT32_MAX
        )

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return ((self.chosen(inputs[0]) * self.scale).astype(np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """The whole number as the nearest float32, times the scale."""
        assert inputs[0] is not None
        return (self.chosen(inputs[0]).astype(np.float32) * np.float32(self.scale),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        y = site.outputs[0]
        steps = np.clip(
            multiply(self.chosen(inputs[0]) * finer(site), factor(site), rounding(site)), -(1 << 30), 1 << 30
        )
        return (np.clip(steps + y.qp.zp, *y.dtype.range).astype(y.dtype.numpy),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(Index(limit=1000),))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        chosen = cls(0.02, (2, 0, 0), (1, -1, 1), (0, 500, -70))
        return (
            Sample("image", cls(0.25), ((1, 5, 3, 7),)),
            Sample("columns", chosen, ((6, 3),)),
            as_int16(Sample("columns", chosen, ((6, 3),))),
            as_int16(Sample("mask", cls(1e-3), ((1, 5, 7),))),
            Sample("real", cls(0.25), ((1, 5, 3, 7),), elements=(DType.FLOAT32, DType.FLOAT32)),
            Sample("real_columns", chosen, ((6, 3),), elements=(DType.FLOAT32, DType.FLOAT32)),
        )
