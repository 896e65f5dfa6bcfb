"""A choice between two tensors, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Trait
from edgeq.numerics.fixedpoint import Multiplier, Numerics, Rounding, quantize_multiplier
from edgeq.ops._broadcast import MAX_RANK, broadcast_strides, collapse
from edgeq.ops._elementwise import Elementwise
from edgeq.ops._int16 import as_int16
from edgeq.ops._overlap import elementwise
from edgeq.ops._real import REAL, REALS
from edgeq.ops._requant import NO_CLAMP, finish

OPERANDS = ("condition", "a", "b")


def factor(site: Site, index: int) -> Multiplier:
    """From an operand's steps to those of the output."""
    return quantize_multiplier(site.input(index).qp.s / site.outputs[0].qp.s, site.rounding)


def lower_walk(site: Site) -> Mapping[str, Param]:
    """Dimensions of the output, strides of the operands and the elements of those that are constant."""
    y = site.outputs[0].shape
    shape, strides = collapse(y, [broadcast_strides(site.input(k).shape, y) for k in range(3)])
    params: dict[str, Param] = {"shape": shape}
    for k, (name, stride) in enumerate(zip(OPERANDS, strides, strict=True)):
        constant = site.const_or_none(k)
        params[f"{name}_stride"] = stride
        params[name] = 0 if constant is None else np.ravel(constant)
    return params


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_select_ref`."""
    params: dict[str, Param] = {**lower_walk(site), "no": site.input(0).qp.zp, "zero_point": site.outputs[0].qp.zp}
    for k, name in enumerate(OPERANDS[1:], 1):
        scaled = factor(site, k)
        params[f"{name}_zero_point"] = site.input(k).qp.zp
        params[f"{name}_mantissa"], params[f"{name}_shift"] = int(scaled.mantissa[0]), int(scaled.shift[0])
    return params


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_select_int16_ref`."""
    return {key: value for key, value in lower_ref(site).items() if key != "no" and not key.endswith("zero_point")}


@dataclass(frozen=True)
class Select(Elementwise):
    """Inputs: condition, a, b, which broadcast as in NumPy. Output: a where the condition is not zero, else b.

    In integers what is chosen is brought to the output's scale, rounded as a requantization. The condition has the
    element type of the rest.
    """

    kernels: ClassVar = (
        Kernel(
            "eq_select_ref",
            ("ref/select.c",),
            "eq/select.h",
            "eq_select_params",
            lower_ref,
            overlap=elementwise,
            rounded=True,
            variadic="inputs",
        ),
        Kernel(
            "eq_select_int16_ref",
            ("ref/select.c",),
            "eq/select.h",
            "eq_select_int16_params",
            lower_int16,
            elements=INT16,
            overlap=elementwise,
            variadic="inputs",
        ),
        Kernel(
            "eq_select_float32_ref",
            ("ref/select.c",),
            "eq/select.h",
            "eq_select_float32_params",
            lower_walk,
            elements=REAL,
            overlap=elementwise,
            variadic="inputs",
        ),
    )
    declines: ClassVar[frozenset[Trait]] = Elementwise.declines | {
        *("monotone", "signs", "homogeneous", "fused_clamp", "is_copy"),
    }

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 3 or any(s is None for s in shapes):
            raise ValueError("needs exactly three inputs")
        try:
            shape = np.broadcast_shapes(*(s for s in shapes if s is not None))
        except ValueError:
            raise ValueError(f"shapes {', '.join(map(str, shapes))} do not broadcast against each other") from None
        if len(shape) > MAX_RANK:
            raise ValueError(f"{len(shape)} dimensions are too many; at most {MAX_RANK} are supported")
        return (tuple(int(s) for s in shape),)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        condition, a, b = inputs[:3]
        assert condition is not None and a is not None and b is not None
        return (np.asarray(np.where(condition != 0, a, b), np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def rounding16(self, numerics: Numerics) -> Rounding:
        return Rounding.WIDE

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        condition, a, b = inputs[:3]
        assert condition is not None and a is not None and b is not None
        sides = [
            finish(site, x.astype(np.int64) - site.input(k).qp.zp, factor(site, k), NO_CLAMP)
            for k, x in ((1, a), (2, b))
        ]
        return (np.where(condition != site.input(0).qp.zp, *sides),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 4, 3, 5)
        return (
            Sample("same", cls(), (image, image, image)),
            Sample("rows", cls(), ((4, 1, 1), image, (5,))),
            Sample("constants", cls(), (image, (5,), ()), const=(1, 2)),
            Sample("constant_a", cls(), (image, image, image), const=(1,)),
            Sample("constant_b", cls(), ((2, 3), (2, 3), (1,)), const=(2,)),
            Sample("constant_condition", cls(), ((4, 3, 5), image, image), const=(0,)),
            Sample("grows", cls(), ((3, 1), (1, 4), (2, 1, 1))),
            as_int16(Sample("rows", cls(), ((4, 1, 1), image, (5,)))),
            as_int16(Sample("constants", cls(), (image, (5,), ()), const=(1, 2))),
            as_int16(Sample("constant_condition", cls(), ((4, 3, 5), image, image), const=(0,))),
            Sample("real", cls(), (image, image, (5,)), elements=REALS),
            Sample("real_constant", cls(), (image, image, (5,)), const=(2,), elements=REALS),
        )
