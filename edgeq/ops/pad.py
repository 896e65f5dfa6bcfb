"""Padding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, cast

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Commuted, Perm, Tie, Trait, channels, inverse, permuted
from edgeq.ops._broadcast import MAX_RANK, require_same_scale
from edgeq.ops._int16 import INTS16
from edgeq.ops._movement import MovementOp
from edgeq.ops._overlap import NOTHING, Overlaps, indices, of_elements
from edgeq.ops._real import REAL, REALS
from edgeq.ops._strided import only_input

Mode = Literal["constant", "reflect", "edge"]
MODES: tuple[Mode, ...] = ("constant", "reflect", "edge")
"""In the order of the C enumeration."""
Extent = tuple[int, int, int]
"""Size, padding before, padding after."""


def simplify(extents: list[Extent], constant: bool) -> tuple[list[Extent], int]:
    """The same padding in as few dimensions as possible, filled up to MAX_RANK, and how many elements stay together."""
    block = 1
    while extents and extents[-1][1:] == (0, 0):
        block *= extents.pop()[0]
    kept: list[Extent] = []
    for size, before, after in extents:
        if kept and (before, after) == (0, 0) and (constant or kept[-1][1:] == (0, 0)):
            kept[-1] = (kept[-1][0] * size, kept[-1][1] * size, kept[-1][2] * size)
        else:
            kept.append((size, before, after))
    return [(1, 0, 0)] * (MAX_RANK - len(kept)) + kept, block


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_pad_ref`.

    Raises:
        InternalError: input and output differ in scale.
    """
    op = site.op
    assert isinstance(op, Pad)
    require_same_scale(site, site.input(0).qp)
    extents, block = simplify(list(zip(site.input(0).shape, op.before, op.after, strict=True)), op.mode == "constant")
    return {
        "in_shape": tuple(e[0] for e in extents),
        "out_shape": tuple(sum(e) for e in extents),
        "before": tuple(e[1] for e in extents),
        "block": block,
        "mode": MODES.index(op.mode),
        "value": op.quantized_value(site),
    }


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_pad_float32_ref`: the block in bytes, the value as the bits of a float32 number."""
    op = site.op
    assert isinstance(op, Pad)
    extents, block = simplify(list(zip(site.input(0).shape, op.before, op.after, strict=True)), op.mode == "constant")
    return {
        "in_shape": tuple(e[0] for e in extents),
        "out_shape": tuple(sum(e) for e in extents),
        "before": tuple(e[1] for e in extents),
        "block": block * site.outputs[0].itemsize,
        "mode": MODES.index(op.mode),
        "value": int(np.float32(op.value).view(np.int32)),
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_pad_int16_ref`: the block in bytes, the value as an int16."""
    members = lower_ref(site)
    return {**members, "block": site.outputs[0].itemsize * int(cast(int, members["block"]))}


def overlap(site: Site) -> Overlaps:
    """One element after another."""
    assert isinstance(site.op, Pad)
    return of_elements(site, [site.op.padded(indices(site.input(0).shape), NOTHING)])


@dataclass(frozen=True)
class Pad(MovementOp):
    """Input: x of any shape. Output: x with elements added at both ends of its dimensions.

    Attributes:
        before, after: elements added at the ends of each dimension, not negative.
        mode: "constant": a value; "reflect": the input mirrored at its first and last element; "edge": these repeated.
        value: the real value of the mode "constant".
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    mode: Mode = "constant"
    value: float = 0.0

    kernels: ClassVar = (
        Kernel("eq_pad_ref", ("ref/pad.c",), "eq/pad.h", "eq_pad_params", lower_ref, overlap=overlap),
        Kernel(
            "eq_pad_int16_ref",
            ("ref/pad.c",),
            "eq/pad.h",
            "eq_pad_params",
            lower_int16,
            elements=INT16,
            overlap=overlap,
        ),
        Kernel(
            "eq_pad_float32_ref",
            ("ref/pad.c",),
            "eq/pad.h",
            "eq_pad_params",
            lower_real,
            elements=REAL,
            overlap=overlap,
        ),
    )

    declines: ClassVar[frozenset[Trait]] = MovementOp.declines | {"parts"}

    def quantized_value(self, site: Site) -> int:
        """The integer that the mode "constant" pads with."""
        return int(site.outputs[0].qp.quantize(self.value, site.outputs[0].dtype))

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = only_input(self.kind, shapes)
        if not len(self.before) == len(self.after) == len(x):
            raise ValueError(f"the padding must have one entry for each of the {len(x)} dimensions of {x}")
        if min(*self.before, *self.after, 0) < 0:
            raise ValueError("a negative padding cuts elements off; use a Slice for that")
        if self.mode not in MODES:
            raise ValueError(f"unknown padding mode {self.mode!r}; known are {', '.join(MODES)}")
        if self.mode == "reflect" and any(max(b, a) >= n for n, b, a in zip(x, self.before, self.after, strict=True)):
            raise ValueError(f"reflected padding {self.before} and {self.after} is as large as the input {x}")
        return (tuple(n + b + a for n, b, a in zip(x, self.before, self.after, strict=True)),)

    def padded(self, x: Array, value: float) -> Array:
        """x with `value`, or the elements that the mode prescribes, around it."""
        widths = tuple(zip(self.before, self.after, strict=True))
        if self.mode == "constant":
            return np.pad(x, widths, constant_values=value)
        return np.pad(x, widths, mode=self.mode)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (self.padded(inputs[0], self.value),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        require_same_scale(site, site.input(0).qp)
        return (self.padded(inputs[0], self.quantized_value(site)),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    @property
    def homogeneous(self) -> bool:
        return self.mode != "constant" or self.value in (0.0, -np.inf, np.inf)

    def is_copy(self, site: Site) -> bool:
        return not any(self.before) and not any(self.after)

    def commute(self, perm: Perm) -> Commuted | None:
        before, after = (permuted(widths, inverse(perm)) for widths in (self.before, self.after))
        return Commuted(replace(self, before=before, after=after), perm)

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        if any(self.before[-1:]) or any(self.after[-1:]):
            return None
        return (Tie.shifted(0, 0, channels(site.outputs[0].shape)),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image, rows = (1, 5, 4, 3), ((0, 1, 2, 0), (0, 2, 1, 0))
        everywhere = ((1, 0, 2, 1), (0, 1, 1, 2))
        return (
            Sample("image", cls(*rows), (image,)),
            Sample("image_value", cls(*rows, value=1.5), (image,)),
            Sample("image_reflect", cls(*rows, mode="reflect"), (image,)),
            Sample("int16", cls(*rows, value=1.5), (image,), elements=INTS16),
            Sample("int16_channels", cls((0, 0, 0, 2), (0, 0, 3, 1), mode="reflect"), (image,), elements=INTS16),
            Sample("real", cls(*rows, value=1.5), (image,), elements=REALS),
            Sample("real_channels", cls((0, 0, 0, 2), (0, 0, 3, 1), mode="reflect"), (image,), elements=REALS),
            Sample("image_edge", cls(*rows, mode="edge"), (image,)),
            Sample("everywhere", cls(*everywhere, value=-2.0), (image,)),
            Sample("everywhere_edge", cls(*everywhere, mode="edge"), (image,)),
            Sample("reflect_channels", cls((0, 0, 0, 2), (0, 0, 3, 1), mode="reflect"), (image,)),
            Sample("minus_infinity", cls((0, 1), (0, 0), value=-float("inf")), ((3, 4),)),
            Sample("vector", cls((2,), (3,)), ((9,),)),
            Sample("vector_edge", cls((2,), (3,), mode="edge"), ((9,),)),
            Sample("nothing", cls((0, 0), (0, 0)), ((3, 4),)),
            Sample("five", cls((0, 1, 0, 0, 0), (1, 0, 0, 2, 0), mode="edge"), ((2, 2, 3, 2, 2),)),
            Sample("six", cls((1,) * 6, (0,) * 6, mode="reflect"), ((2,) * 6,)),
        )
