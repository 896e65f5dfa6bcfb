"""Operators that read their input in another order: each element of the output is one of the input, at strides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from edgeq.ir.kernel import BYTES, INT16, Kernel, Param
from edgeq.ir.op import Arrays, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._broadcast import MAX_RANK, Strides, collapse, require_same_scale
from edgeq.ops._movement import WORDS, MovementOp
from edgeq.ops._overlap import Overlaps, indices, of_elements


def lower_strided(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_strided_ref`.

    Raises:
        InternalError: input and output differ in scale.
    """
    assert isinstance(site.op, StridedOp)
    require_same_scale(site, site.input(0).qp)
    offset, strides = site.op.walk(site.input(0).shape)
    shape, (stride,) = collapse(site.outputs[0].shape, [strides])
    return {"shape": shape, "stride": stride, "offset": offset}


def in_bytes(site: Site) -> tuple[Shape, Strides, int]:
    """The walk over elements of several bytes, whose bytes are one more dimension: shape, strides, offset.

    Raises:
        ValueError: it takes too many dimensions.
    """
    assert isinstance(site.op, StridedOp)
    size = site.outputs[0].itemsize
    offset, strides = site.op.walk(site.input(0).shape)
    wide = (*(stride * size for stride in strides), 1)
    shape, (stride,) = collapse((*site.outputs[0].shape, size), [wide])
    return shape, stride, offset * size


def lower_wide(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_strided_int16_ref` and `eq_strided_float32_ref`."""
    shape, stride, offset = in_bytes(site)
    return {"shape": shape, "stride": stride, "offset": offset}


def fits_bytes(site: Site) -> bool:
    """Its walk, with the bytes of an element, has not too many dimensions."""
    try:
        in_bytes(site)
    except ValueError:
        return False
    return True


def overlap(site: Site) -> Overlaps:
    """One element after another."""
    assert isinstance(site.op, StridedOp)
    return of_elements(site, [site.op.view(indices(site.input(0).shape))])


class StridedOp(MovementOp):
    """Base of Slice and Transpose, which define `view` and `walk`."""

    kernels: ClassVar = (
        Kernel(
            "eq_strided_ref",
            ("ref/strided.c",),
            "eq/strided.h",
            "eq_strided_params",
            lower_strided,
            elements=BYTES,
            overlap=overlap,
        ),
        Kernel(
            "eq_strided_int16_ref",
            ("ref/strided.c",),
            "eq/strided.h",
            "eq_strided_params",
            lower_wide,
            elements=INT16,
            fits=fits_bytes,
            overlap=overlap,
        ),
        Kernel(
            "eq_strided_float32_ref",
            ("ref/strided.c",),
            "eq/strided.h",
            "eq_strided_params",
            lower_wide,
            elements=WORDS,
            fits=fits_bytes,
            overlap=overlap,
        ),
    )

    def view(self, x: Array) -> Array:
        """The output as a view of the input."""
        raise NotImplementedError

    def walk(self, shape: Shape) -> tuple[int, Strides]:
        """The first element of the input that is read, and the stride in elements along each output dimension."""
        raise NotImplementedError

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (self.view(inputs[0]).copy(),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        require_same_scale(site, site.input(0).qp)
        return (self.view(inputs[0]).copy(),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)


def only_input(kind: str, shapes: Shapes) -> Shape:
    """The shape of an operator's one input.

    Raises:
        ValueError: there is not exactly one, or it has more dimensions than the kernels walk.
    """
    if len(shapes) != 1 or shapes[0] is None:
        raise ValueError(f"{kind} needs exactly one input")
    if len(shapes[0]) > MAX_RANK:
        raise ValueError(f"{len(shapes[0])} dimensions are too many; at most {MAX_RANK} are supported")
    return shapes[0]
