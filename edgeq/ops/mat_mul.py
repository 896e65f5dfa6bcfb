"""Matrix product of two tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import INT16, Kernel, Param, disjoint
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Activation, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Trait
from edgeq.numerics import float32
from edgeq.numerics.exact import activations, rounded_product, weights
from edgeq.numerics.fixedpoint import Multiplier, Numerics, Rounding, quantize_multiplier
from edgeq.ops._int16 import WIDE, as_int16
from edgeq.ops._mat_mul_dynamic import IS_DYNAMIC, products, scratch_dynamic, stored_vectors
from edgeq.ops._matmul import int_matmul
from edgeq.ops._overlap import Overlaps, indices, of_elements
from edgeq.ops._real import REAL, REALS
from edgeq.ops._requant import NO_CLAMP, finish, scalar_requant_params
from edgeq.ops._stored import STORED, is_plain, stored_params, widened_bytes, within

DIMS = 4
"""Batch dimensions that the kernel walks (EQ_MAT_MUL_DIMS)."""
MAX_DEPTH = 2**15
"""The most products of two 9-bit factors for which the sum is certain to fit 32 bits."""


def multiplier(site: Site) -> Multiplier:
    """s_a · s_b / s_out; TensorFlow Lite multiplies the two scales in single precision."""
    kind = np.float64 if site.numerics is Numerics.FAST else np.float32
    product = float(kind(site.input(0).qp.s) * kind(site.input(1).qp.s))
    return quantize_multiplier(product / site.outputs[0].qp.s, site.rounding)


def batch_strides(shape: Shape, batch: Shape) -> tuple[int, ...]:
    """How far apart the matrices of an operand lie along each dimension of `batch`; 0 where a single one serves all."""
    own = (1,) * (len(batch) - len(shape) + 2) + shape[:-2]
    steps = [prod(own[i + 1 :]) * shape[-2] * shape[-1] for i in range(len(own))]
    return tuple(0 if size == 1 else step for size, step in zip(own, steps, strict=True))


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mat_mul_ref` and its variants with a constant operand."""
    a, b, y = site.input(0), site.input(1), site.outputs[0]
    batch = (1,) * (DIMS - len(y.shape) + 2) + y.shape[:-2]
    const_a, const_b = site.const_or_none(0), site.const_or_none(1)
    return {
        "batch": batch,
        "a_stride": batch_strides(a.shape, batch),
        "b_stride": batch_strides(b.shape, batch),
        "rows": y.shape[-2],
        "depth": a.shape[-1],
        "cols": y.shape[-1],
        "a_zero_point": a.qp.zp,
        "b_zero_point": b.qp.zp,
        "constant": const_a if const_a is not None else const_b if const_b is not None else 0,
        **scalar_requant_params(site, multiplier(site), NO_CLAMP),
    }


def lower_plain(site: Site) -> Mapping[str, Param]:
    """Parameters of the products of plain numbers, real and whole, and of their variants with a constant operand."""
    a, b, y = site.input(0), site.input(1), site.outputs[0]
    batch = (1,) * (DIMS - len(y.shape) + 2) + y.shape[:-2]
    constant = site.const_or_none(0) if site.const_or_none(1) is None else site.const(1)
    return {
        "batch": batch,
        "a_stride": batch_strides(a.shape, batch),
        "b_stride": batch_strides(b.shape, batch),
        "rows": y.shape[-2],
        "depth": a.shape[-1],
        "cols": y.shape[-1],
        "constant": 0 if constant is None else np.ravel(constant),
    }


def overlap(site: Site) -> Overlaps:
    """One element after another, each of which needs a row of a and a column of b."""
    rows = indices(site.input(0).shape)[..., :1]
    columns = indices(site.input(1).shape)[..., :1, :]
    sources = [None if site.const_or_none(i) is not None else first for i, first in enumerate((rows, columns))]
    return of_elements(site, sources)


def _operands(words: str, const_a: bool, const_b: bool) -> Condition:
    return Condition(words, lambda site: [site.const_or_none(i) is not None for i in range(2)] == [const_a, const_b])


OPERANDS = {
    "": _operands("Both operands are computed at run time", False, False),
    "const_a_": _operands("The first operand is constant", True, False),
    "const_b_": _operands("The second operand is constant", False, True),
}
"""What stands in the C name of a kernel, and for which operands it is."""


def _row(constant: str) -> Kernel:
    return Kernel(
        f"eq_mat_mul_{constant}ref",
        ("ref/mat_mul.c",),
        "eq/mat_mul.h",
        "eq_mat_mul_params",
        lower_ref,
        fits=OPERANDS[constant],
        overlap=overlap,
        rounded=True,
    )


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mat_mul_int16_ref` and its variants with a constant operand."""
    foreign = ("a_zero_point", "b_zero_point", "zero_point")
    return {key: value for key, value in lower_ref(site).items() if key not in foreign}


def _int16_row(row: Kernel) -> Kernel:
    """The row of the same operands in int16."""
    return replace(
        row,
        function=row.function.replace("mat_mul", "mat_mul_int16"),
        sources=("ref/mat_mul_int16.c",),
        header="eq/mat_mul_int16.h",
        struct="eq_mat_mul_int16_params",
        lower=lower_int16,
        elements=INT16,
        fits=all_of(row.fits, WIDE),
        rounded=False,
    )


def _real_row(row: Kernel) -> Kernel:
    """The row of the same operands that are real numbers."""
    return replace(
        row,
        function=row.function.replace("mat_mul", "mat_mul_float32"),
        sources=("ref/mat_mul_float32.c",),
        header="eq/mat_mul_float32.h",
        struct="eq_mat_mul_float32_params",
        lower=lower_plain,
        elements=REAL,
        weights=REAL,
        fits=all_of(row.fits, is_plain),
        rounded=False,
    )


def lower_stored(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mat_mul_stored_const_a_ref` and `eq_mat_mul_stored_const_b_ref`."""
    index = 0 if site.const_or_none(0) is not None else 1
    members = {name: value for name, value in lower_plain(site).items() if name != "constant"}
    constant = stored_params(site, index, len(site.input(index).shape) - 2 + index)
    return {**within("layer", members), **within("constant", constant)}


def _is_stored(site: Site) -> bool:
    return any(t is not None and t.is_stored for t in site.inputs)


STORED_CONSTANT = Condition("The constant is stored in fewer bits than its real numbers have", _is_stored)


def _stored_row(row: Kernel) -> Kernel:
    """The row of the same operands that are real numbers, the constant one stored in fewer bits."""
    return replace(
        row,
        function=row.function.replace("mat_mul", "mat_mul_stored"),
        sources=("ref/mat_mul_stored.c", "ref/stored.c"),
        header="eq/mat_mul_float32.h",
        struct="eq_mat_mul_stored_params",
        lower=lower_stored,
        elements=REAL,
        weights=STORED,
        fits=all_of(row.fits, is_plain, STORED_CONSTANT),
        scratch=lambda site: widened_bytes(site.input(0).shape[-1]),
        overlap=disjoint,
        rounded=False,
    )


def lower_dynamic(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mat_mul_dynamic_ref` and its variants with a constant operand."""
    members = {name: value for name, value in lower_plain(site).items() if name != "constant"}
    constants = (stored_vectors(site, index) for index in range(2) if site.const_or_none(index) is not None)
    return {**within("layer", members), **within("constant", next(constants, {"bits": 8}))}


def _dynamic_row(row: Kernel) -> Kernel:
    """The row of the same operands that are real numbers and multiplied as integers."""
    return replace(
        row,
        function=row.function.replace("mat_mul", "mat_mul_dynamic"),
        sources=("ref/mat_mul_dynamic.c",),
        header="eq/mat_mul_float32.h",
        struct="eq_mat_mul_stored_params",
        lower=lower_dynamic,
        elements=REAL,
        weights=STORED - {DType.FLOAT16},
        fits=all_of(row.fits, IS_DYNAMIC),
        scratch=scratch_dynamic,
        overlap=disjoint,
        rounded=False,
    )


_ROWS = tuple(map(_row, OPERANDS))
DYNAMIC_ROWS = tuple(map(_dynamic_row, _ROWS))
"""The portable rows of products as integers, by what is constant."""


@dataclass(frozen=True)
class MatMul(Op):
    """Inputs: a (…, M, K), b (…, K, N); batch dimensions broadcast. Output: (…, M, N).

    At most one of the two is constant; a constant has one scale and a zero-point like an activation.

    Attributes:
        dynamic: real rows of a and columns of b are multiplied as integers, each with a scale of its own; those of a
            constant are integers already.
    """

    dynamic: bool = False

    kernels: ClassVar = (
        *_ROWS,
        *map(_int16_row, _ROWS),
        *map(_real_row, _ROWS),
        *map(_stored_row, _ROWS[1:]),
        *DYNAMIC_ROWS,
    )

    declines: ClassVar[frozenset[Trait]] = frozenset(
        {
            *("pattern", "monotone", "linear", "signs", "homogeneous", "fused_clamp", "is_copy", "commute"),
            *("tied_channels", "affine", "with_padding", "parts"),
        }
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        a, b = shapes[0], shapes[1]
        if a is None or b is None or len(a) < 2 or len(b) < 2:
            raise ValueError(f"a matrix product needs two inputs of at least 2 dimensions, not {a} and {b}")
        if a[-1] != b[-2]:
            raise ValueError(f"the columns of {a} do not match the rows of {b}")
        if a[-1] > MAX_DEPTH:
            raise ValueError(f"sums of {a[-1]} products can exceed 32 bits; at most {MAX_DEPTH} are possible")
        if max(len(a), len(b)) > DIMS + 2:
            raise ValueError(f"{a} and {b} have more than {DIMS} batch dimensions")
        try:
            batch = np.broadcast_shapes(a[:-2], b[:-2])
        except ValueError:
            raise ValueError(f"the batch dimensions of {a} and {b} do not fit each other") from None
        return ((*(int(s) for s in batch), a[-2], b[-1]),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def rounding16(self, numerics: Numerics) -> Rounding:
        return Rounding.WIDE if numerics is Numerics.FAST else Rounding.REDUCED

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[0], inputs[1]
        assert a is not None and b is not None
        depth = a.shape[-1]
        return (rounded_product(activations(a, depth, (-1,)), weights(b, depth, (-2,))),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Products are added in the order of the columns of a."""
        a, b = inputs[0], inputs[1]
        assert a is not None and b is not None
        return (float32.number(products(site, a, b) if self.dynamic else float32.products(a, b)),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[0], inputs[1]
        assert a is not None and b is not None
        acc = int_matmul(a.astype(np.int64) - site.input(0).qp.zp, b.astype(np.int64) - site.input(1).qp.zp)
        return (finish(site, acc, multiplier(site), NO_CLAMP),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        a, b = (0 if shape is None else len(shape) for shape in shapes[:2])
        return QuantRule(roles=(Activation(a - 2), Activation(b - 1)))

    def macs(self, site: Site) -> int:
        return site.outputs[0].size * site.input(0).shape[-1]

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("plain", cls(), ((5, 7), (7, 9))),
            Sample("batch", cls(), ((2, 3, 11), (2, 11, 4))),
            Sample("attention", cls(), ((1, 3, 6, 8), (1, 3, 8, 6))),
            Sample("broadcast_b", cls(), ((2, 3, 2, 5), (5, 3))),
            Sample("broadcast_both", cls(), ((2, 1, 3, 5), (4, 5, 1))),
            Sample("constant_a", cls(), ((3, 6), (2, 6, 5)), const=(0,)),
            Sample("constant_b", cls(), ((2, 4, 13), (13, 17)), const=(1,)),
            Sample("one", cls(), ((1, 1), (1, 1))),
            *(
                as_int16(sample)
                for sample in (
                    Sample("both", cls(), ((2, 1, 3, 5), (4, 5, 6))),
                    Sample("a", cls(), ((3, 6), (2, 6, 5)), const=(0,)),
                    Sample("b", cls(), ((2, 4, 13), (13, 17)), const=(1,)),
                    Sample("vectors", cls(), ((2, 6, 19), (2, 19, 10))),
                )
            ),
            Sample("real", cls(), ((2, 1, 3, 5), (4, 5, 6)), elements=REALS),
            Sample("real_a", cls(), ((3, 6), (2, 6, 5)), const=(0,), elements=REALS, weights=DType.FLOAT32),
            Sample("real_b", cls(), ((2, 4, 13), (13, 17)), const=(1,), elements=REALS, weights=DType.FLOAT32),
            *(
                Sample(f"{name}_{kind.value}", cls(), shapes, const=(index,), elements=REALS, weights=kind)
                for kind in (DType.FLOAT16, DType.INT8, DType.INT4)
                for name, index, shapes in (
                    ("stored_a", 0, ((2, 1, 6, 7), (1, 3, 7, 5))),
                    ("stored_b", 1, ((2, 3, 4, 7), (3, 7, 6))),
                )
            ),
            Sample("dynamic", cls(True), ((2, 1, 3, 5), (4, 5, 6)), elements=REALS),
            Sample("dynamic_broadcast", cls(True), ((3, 2, 21), (21, 9)), elements=REALS),
            *(
                Sample(f"dynamic_{name}_{kind.value}", cls(True), shapes, (index,), elements=REALS, weights=kind)
                for kind in (DType.INT8, DType.INT4)
                for name, index, shapes in (
                    ("a", 0, ((2, 1, 6, 7), (1, 3, 7, 5))),
                    ("b", 1, ((2, 3, 4, 7), (3, 7, 6))),
                )
            ),
            Sample("deep", cls(), ((2, 300), (300, 2))),
            Sample("wide", cls(), ((7, 24), (24, 37))),
        )
