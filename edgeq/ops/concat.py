"""Joining tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe, row_by_row
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Commuted, Parts, Perm, Tie
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops._int16 import INTS16
from edgeq.ops._movement import WORDS, MovementOp
from edgeq.ops._overlap import Overlaps, least_distance
from edgeq.ops._real import REALS
from edgeq.ops.requantize import byte_table, convert


def joined_scale(site: Site, index: int, data: Array) -> Array:
    """An operand in the output's quantization, rounded as FAST does if it has another."""
    x, y = site.input(index), site.outputs[0]
    return data if x.q == y.q else convert(x, y, data, site.rounding if y.dtype is DType.INT16 else Rounding.FAST)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_concat_ref`."""
    assert isinstance(site.op, Concat)
    y, axis = site.outputs[0], site.op.axis
    sizes: list[int] = []
    sources: list[int] = []
    tables: list[Array] = []
    chosen: list[int] = []
    constants: list[Array] = []
    runtime = offset = 0
    for index in range(len(site.inputs)):
        x, data = site.input(index), site.const_or_none(index)
        sizes.append(prod(x.shape[axis:]))
        chosen.append(-1)
        if data is None:
            sources.append(runtime)
            runtime += 1
            if x.q != y.q:
                chosen[-1] = len(tables)
                tables.append(byte_table(x, y, Rounding.FAST))
        else:
            sources.append(-1 - offset)
            offset += x.size
            constants.append(joined_scale(site, index, data).ravel().view(np.int8))
    return {
        "count": len(sizes),
        "rows": prod(y.shape[:axis]),
        "sizes": np.array(sizes, np.int32),
        "sources": np.array(sources, np.int32),
        "constants": np.concatenate(constants) if constants else 0,
        "table_of": np.array(chosen, np.int32) if tables else 0,
        "tables": np.concatenate(tables) if tables else 0,
    }


def shares_scale(site: Site) -> bool:
    """All that is computed has the output's scale."""
    return all(
        x is None or x.q == site.outputs[0].q for x, c in zip(site.inputs, site.consts, strict=True) if c is None
    )


def overlap(site: Site) -> Overlaps:
    """One row of the output after another, each from a row of every input: the last one is the worst."""
    assert isinstance(site.op, Concat)
    axis = site.op.axis
    rows, sizes = (
        prod(site.outputs[0].shape[:axis]),
        [prod(site.input(i).shape[axis:]) for i in range(len(site.inputs))],
    )
    start = np.cumsum([0, *sizes])
    distances: list[int | None] = []
    for index, size in enumerate(sizes):
        if site.const_or_none(index) is not None:
            distances.append(None)
            continue
        row = np.arange(rows, dtype=np.int64)[:, None]
        ends = np.array([0, size - 1])  # of a row: elements between them are as far away
        steps = (row * start[-1] + start[index] + ends, row * size + ends)
        distances.append(least_distance(site.input(index), site.outputs[0], steps))
    return tuple(distances)


@dataclass(frozen=True)
class Concat(MovementOp):
    """Inputs: one or more tensors that differ in size along one axis only. Output: their concatenation.

    An input that does not share the output's parameters is converted to them by a table, with FAST's rounding in all
    numerics; LiteRT refuses such int8 models.

    Attributes:
        axis: not negative.
    """

    axis: int

    converts: ClassVar[bool] = True

    kernels: ClassVar = (
        Kernel(
            "eq_concat_ref",
            ("ref/concat.c",),
            "eq/concat.h",
            "eq_concat_params",
            lower_ref,
            overlap=overlap,
            variadic="inputs",
        ),
        Kernel(
            "eq_concat_int16_ref",
            ("ref/concat.c",),
            "eq/concat.h",
            "eq_concat_params",
            lower_ref,
            elements=INT16,
            fits=shares_scale,
            overlap=overlap,
            variadic="inputs",
        ),
        Kernel(
            "eq_concat_float32_ref",
            ("ref/concat.c",),
            "eq/concat.h",
            "eq_concat_params",
            lower_ref,
            elements=WORDS,
            overlap=overlap,
            variadic="inputs",
        ),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        present = [s for s in shapes if s is not None]
        if not present or len(present) != len(shapes):
            raise ValueError("Concat needs at least one input, and all of them")
        first, axis = present[0], self.axis
        if not 0 <= axis < len(first):
            raise ValueError(f"axis {axis} does not exist in shape {first}")
        for other in present[1:]:
            if len(other) != len(first) or any(a != b for d, (a, b) in enumerate(zip(first, other)) if d != axis):  # noqa: B905
                raise ValueError(f"shapes {first} and {other} differ in more than axis {axis}")
        return ((*first[:axis], sum(s[axis] for s in present), *first[axis + 1 :]),)

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        if self.axis == axis or (axis == IMAGE_ROWS and self.axis == 0):
            return None
        return row_by_row(self, shapes, rows, axis)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        return (np.concatenate([x for x in inputs if x is not None], axis=self.axis),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        parts = [joined_scale(site, i, x) for i, x in enumerate(inputs) if x is not None]
        return (np.concatenate(parts, axis=self.axis),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    def is_copy(self, site: Site) -> bool:
        return len(site.inputs) == 1

    def commute(self, perm: Perm) -> Commuted | None:
        return Commuted(replace(self, axis=perm[self.axis]), perm)

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        if any(data is not None for data in site.consts):
            return None
        widths = [site.input(k).shape[-1] for k in range(len(site.inputs))]
        joined = self.axis == len(site.outputs[0].shape) - 1
        starts = np.cumsum([0, *widths]) if joined else [0] * len(widths)
        return tuple(Tie.shifted(k, 0, width, 0, int(starts[k])) for k, width in enumerate(widths))

    def parts(self, site: Site) -> Parts | None:
        y, inputs = site.outputs[0], [site.input(k) for k in range(len(site.inputs))]
        if prod(y.shape[: self.axis]) != 1 or any((x.q, x.dtype) != (y.q, y.dtype) for x in inputs):
            return None
        return Parts("output", tuple(sum(x.nbytes for x in inputs[:k]) for k in range(len(inputs))))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("channels", cls(3), ((1, 5, 3, 7), (1, 5, 3, 2))),
            Sample("rows", cls(1), ((1, 5, 3, 7), (1, 2, 3, 7), (1, 1, 3, 7))),
            Sample("one", cls(1), ((3, 5),)),
            Sample("constants", cls(1), ((2, 5), (2, 3), (2, 1), (2, 4)), const=(1, 3)),
            Sample("constant_first", cls(2), ((1, 2, 3), (1, 2, 7)), const=(0,)),
            Sample("blocks", cls(2), ((1, 3, 37), (1, 3, 16), (1, 3, 5))),
            Sample("vectors", cls(0), ((12,), (7,))),
            Sample("int16", cls(2), ((2, 3, 5), (2, 3, 2), (2, 3, 1)), const=(1,), elements=INTS16),
            Sample("real", cls(2), ((2, 3, 5), (2, 3, 2), (2, 3, 1)), const=(1,), elements=REALS),
            Sample("real_rows", cls(0), ((1, 5), (3, 5)), elements=REALS),
            Sample("five", cls(2), ((2, 3, 2, 4, 3), (2, 3, 1, 4, 3))),
        )
