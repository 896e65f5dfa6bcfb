"""What Quantize, Dequantize and Requantize share: other element types or parameters of the same real values."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from edgeq.errors import ModelError
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Shapes, Stripe, row_by_row
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Monotone, Trait
from edgeq.ops._elementwise import Elementwise


def check_types(site: Site, right: Callable[[Site], bool]) -> None:
    """Refuse a conversion between element types that the operator does not support.

    Args:
        site: the site.
        right: whether the operator supports a site's element types.

    Raises:
        ModelError: it does not.
    """
    if not right(site):
        between = f"{site.input(0).dtype.value} and {site.outputs[0].dtype.value}"
        raise ModelError(f"{site.op.kind} does not convert between {between}", where=site.name)


def _own_shape(op: Op, shapes: Shapes) -> tuple[Shape, ...]:
    if len(shapes) != 1 or shapes[0] is None:
        raise ValueError(f"{op.kind} needs exactly one input")
    return (shapes[0],)


class Conversion(Elementwise):
    """Base of operators that are the identity over the reals. Input and output have the same shape, of any rank."""

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = Elementwise.declines | {"signs", "fused_clamp", "is_copy"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return _own_shape(self, shapes)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (inputs[0],)

    @property
    def homogeneous(self) -> bool:
        return True


class Border(Op):
    """Base of those between real and quantized values, which nothing moves across: what is real stays real."""

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset(
        {
            *("pattern", "linear", "signs", "fused_clamp", "is_copy", "commute"),
            *("tied_channels", "affine", "with_padding", "parts"),
        }
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        return _own_shape(self, shapes)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (inputs[0],)

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        return row_by_row(self, shapes, rows, axis)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    @property
    def homogeneous(self) -> bool:
        return True
