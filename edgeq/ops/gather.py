"""Choice of elements along an axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import BYTES, INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Activation, Index, QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Tie, Trait
from edgeq.ops._broadcast import require_same_scale
from edgeq.ops._int16 import INTS16
from edgeq.ops._movement import WORDS, MovementOp
from edgeq.ops._overlap import Overlaps, indices, least_distance, of_elements
from edgeq.ops._real import REAL, REALS
from edgeq.ops._stored import STORED, stored_params, within


def placed(site: Site) -> bool:
    """The places are constant."""
    return site.const_or_none(1) is not None


def looked_up(site: Site) -> bool:
    """The places are computed, and so is what is chosen from."""
    return not placed(site) and site.const_or_none(0) is None


def of_table(site: Site) -> bool:
    """The places are computed, what is chosen from is constant: an embedding."""
    return not placed(site) and site.const_or_none(0) is not None


def of_stored_table(site: Site) -> bool:
    """The places are computed, and choose rows of a constant that is stored in fewer bits than its real numbers."""
    assert isinstance(site.op, Gather)
    return of_table(site) and site.op.axis == 0 and site.input(0).is_stored


def walk(site: Site) -> dict[str, Param]:
    """The members that all kernels share: what lies behind the axis is copied as bytes."""
    assert isinstance(site.op, Gather)
    shape, axis = site.input(0).shape, site.op.axis
    run = prod(shape[axis + 1 :]) * site.outputs[0].itemsize
    return {"outer": prod(shape[:axis]), "step": shape[axis] * run, "count": site.input(1).size, "run": run}


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gather_ref`."""
    return {**walk(site), "places": site.const(1).astype(np.int32)}


def lower_at(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gather_at_ref`."""
    assert isinstance(site.op, Gather)
    return {**walk(site), "size": site.input(0).shape[site.op.axis]}


def lower_table(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_embed_ref`."""
    return {**lower_at(site), "table": site.const(0)}


def lower_stored(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_embed_stored_ref`."""
    rows = site.input(0).shape[0]
    return {"count": site.input(1).size, "size": rows, **within("table", stored_params(site, 0))}


def of_ints(lower: Callable[[Site], Mapping[str, Param]]) -> Callable[[Site], Mapping[str, Param]]:
    """The same parameters for quantized elements, after a check that input and output have one scale."""

    def checked(site: Site) -> Mapping[str, Param]:
        require_same_scale(site, site.input(0).qp)
        return lower(site)

    return checked


def overlap(site: Site) -> Overlaps:
    """One element after another, in order."""
    assert isinstance(site.op, Gather)
    return of_elements(site, [np.take(indices(site.input(0).shape), site.const(1), site.op.axis), None])


def overlap_at(site: Site) -> Overlaps:
    """Run after run, each after its place was read, which may be anywhere in a block. Every block reads all places."""
    assert isinstance(site.op, Gather)
    x, y, places = site.input(0), site.outputs[0], site.input(1)
    blocks = np.arange(prod(x.shape[: site.op.axis]), dtype=np.int64)[:, None]
    index, run = np.arange(places.size, dtype=np.int64), y.size // max(1, len(blocks) * places.size)
    written = (blocks * places.size + index) * run
    read = np.broadcast_to(blocks * (x.size // len(blocks)), written.shape)
    of_x = None if site.const_or_none(0) is not None else least_distance(x, y, (written, read))
    return of_x, least_distance(places, y, (written, np.broadcast_to(index, written.shape)))


def rows(
    name: str,
    lower: Callable[[Site], Mapping[str, Param]],
    fits: Callable[[Site], bool],
    overlap: Callable[[Site], Overlaps],
) -> tuple[Kernel, ...]:
    """The rows of one kernel for bytes, for 16 bits and for real elements."""
    source, header, struct = ("ref/gather.c",), "eq/gather.h", f"eq_{name}_params"
    bytes = Kernel(f"eq_{name}_ref", source, header, struct, of_ints(lower), fits=fits, elements=BYTES, overlap=overlap)
    return (
        bytes,
        replace(bytes, function=f"eq_{name}_int16_ref", elements=INT16),
        replace(bytes, function=f"eq_{name}_float32_ref", lower=lower, elements=WORDS, weights=REAL),
    )


@dataclass(frozen=True)
class Gather(MovementOp):
    """Inputs: x, places (whole numbers of any shape). Output: numpy's `take(x, places, axis)`.

    Places below 0 count from the end; those beyond either end are taken for the first or the last one, so that no
    input makes a program read what is not x.

    Attributes:
        axis: of x, not negative.
    """

    axis: int

    declines: ClassVar[frozenset[Trait]] = MovementOp.declines | {"commute", "is_copy", "parts"}

    kernels: ClassVar = (
        *rows("gather", lower, placed, overlap),
        *rows("gather_at", lower_at, looked_up, overlap_at),
        *rows("embed", lower_table, of_table, overlap_at),
        Kernel(
            "eq_embed_stored_ref",
            ("ref/embed_stored.c", "ref/stored.c"),
            "eq/embed_stored.h",
            "eq_embed_stored_params",
            lower_stored,
            elements=REAL,
            weights=STORED,
            fits=of_stored_table,
            overlap=overlap_at,
        ),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, places = shapes[0], shapes[1]
        if x is None or places is None:
            raise ValueError("a choice of elements needs an input and places")
        if not 0 <= self.axis < len(x):
            raise ValueError(f"axis {self.axis} does not exist in shape {x}")
        return ((*x[: self.axis], *places, *x[self.axis + 1 :]),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        x, places = shapes
        if self.axis or x is None or places is None:
            return self if self.axis else None
        return None if (len(x), x[:1]) == (len(places), places[:1]) else self  # only one of them is of several samples

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, places = inputs[0], inputs[1]
        assert x is not None and places is not None
        size = x.shape[self.axis]
        counted = np.clip(np.where(places < 0, places.astype(np.int64) + size, places), 0, size - 1)
        return (np.take(x, counted, self.axis),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        require_same_scale(site, site.input(0).qp)
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        size = 0 if shapes[0] is None else shapes[0][self.axis]
        return QuantRule(Scale.SAME, roles=(Activation(None if self.axis else 0), Index(limit=size)))

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        rank = len(site.input(0).shape)
        if self.axis == rank - 1 or site.const_or_none(0) is not None:
            return None
        return (Tie.shifted(0, 0, site.outputs[0].shape[-1]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("rows", cls(1), ((1, 6, 7, 5), (9,)), const=(1,)),
            Sample("channels", cls(3), ((1, 3, 4, 11), (5,)), const=(1,)),
            Sample("vector", cls(0), ((33,), (40,)), const=(1,)),
            Sample("pairs", cls(1), ((3, 40, 2), (17,)), const=(1,)),
            Sample("table", cls(0), ((300, 3), (7,)), const=(1,)),
            Sample("int16", cls(1), ((2, 6, 3), (8,)), const=(1,), elements=INTS16),
            Sample("int16_computed", cls(1), ((2, 90, 3), (23,)), elements=INTS16),
            Sample("int16_embedding", cls(0), ((60, 5), (1, 12)), const=(0,), elements=INTS16),
            Sample("real", cls(1), ((2, 6, 3), (8,)), const=(1,), elements=REALS),
            Sample("computed", cls(1), ((2, 90, 3), (23,))),
            Sample("computed_vector", cls(0), ((33,), (2, 20))),
            Sample("embedding", cls(0), ((300, 5), (1, 12)), const=(0,)),
            Sample("embedding_columns", cls(1), ((3, 40), (11,)), const=(0,)),
            Sample("real_computed", cls(1), ((2, 90, 3), (23,)), elements=REALS),
            *(
                Sample(
                    f"embedding_{dtype.value}", cls(0), ((60, 5), (1, 12)), const=(0,), elements=REALS, weights=dtype
                )
                for dtype in (DType.FLOAT32, DType.FLOAT16, DType.INT8, DType.INT3)
            ),
            Sample("embedding_of_groups", cls(0), ((60, 35), (12,)), const=(0,), elements=REALS, weights=DType.INT4),
        )
