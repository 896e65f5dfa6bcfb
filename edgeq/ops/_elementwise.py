"""What operators that work element by element share."""

from __future__ import annotations

from typing import ClassVar

from edgeq.ir.op import IMAGE_ROWS, Op, Rows, Shapes, Stripe, row_by_row
from edgeq.ir.site import Site
from edgeq.ir.tensor import Shape
from edgeq.ir.traits import Commuted, Pattern, Perm, Tie, Trait, channels
from edgeq.ops._broadcast import broadcast_shapes


class Elementwise(Op):
    """Base of operators that compute each result from the operands' elements at the same place."""

    pattern: ClassVar[Pattern] = Pattern.ELEMENTWISE
    declines: ClassVar[frozenset[Trait]] = frozenset({"linear", "affine", "with_padding", "parts"})

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        return row_by_row(self, shapes, rows, axis)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def commute(self, perm: Perm) -> Commuted | None:
        return Commuted(self, perm)

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        width = channels(site.outputs[0].shape)
        computed = [k for k in range(len(site.inputs)) if site.const_or_none(k) is None]
        if any(channels(site.input(k).shape) != width for k in computed):
            return None  # one channel serves all
        return tuple(Tie.shifted(k, 0, width) for k in computed)


class BinaryOp(Elementwise):
    """Base of elementwise operators with two operands, which are broadcast against each other."""

    declines: ClassVar[frozenset[Trait]] = Elementwise.declines | {"is_copy"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return (broadcast_shapes(shapes),)
