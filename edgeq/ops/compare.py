"""Comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams
from edgeq.ir.traits import NO_CLAMP, Trait
from edgeq.numerics.fixedpoint import Ints, Multiplier, Numerics, Rounding, multiply, quantize_multiplier
from edgeq.ops._broadcast import binary_kernels, broadcast_params, broadcast_samples, operands
from edgeq.ops._elementwise import BinaryOp
from edgeq.ops._int16 import INTS16, pair_samples16
from edgeq.ops._real import REALS, of_pairs, pair_rows, pair_samples

Relation = Literal["less", "less_equal", "equal", "not_equal", "greater", "greater_equal"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
HOLDS: Mapping[Relation, Callable[[Any, Any], Any]] = {
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}
ONNX: Mapping[Relation, str] = {
    "less": "Less",
    "less_equal": "LessOrEqual",
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
}
"""ONNX's operators; it has none for "not equal"."""
USUAL = QParams.per_tensor(1.0, 0)
"""As a byte holds a truth value."""
SHIFTS = {Rounding.FAST: 20, Rounding.SINGLE: 8, Rounding.DOUBLE: 8, Rounding.WIDE: 14}
"""Bits by which operands are made finer before they are brought to one scale."""


def factor(site: Site, index: int) -> Multiplier:
    """What an operand's steps, made finer, are multiplied by: the scale in LiteRT, else its ratio to the greater."""
    s = site.input(index).qp.s
    shared = site.rounding in (Rounding.FAST, Rounding.WIDE)
    common = max(site.input(0).qp.s, site.input(1).qp.s) if shared else 1.0
    return quantize_multiplier(s / common, site.rounding)


def truths(site: Site) -> tuple[int, int]:
    """How the output holds false and true."""
    low, high = site.outputs[0].qp.quantize(np.array([0.0, 1.0]), site.outputs[0].dtype).tolist()
    return int(low), int(high)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_compare_ref` and `eq_compare_const_ref`."""
    assert isinstance(site.op, Compare)
    pair, params = operands(site), dict(broadcast_params(site))
    for letter, index in (("a", pair.a), ("b", pair.b)):
        scaled = factor(site, index)
        params[f"{letter}_zero_point"] = site.input(index).qp.zp
        params[f"{letter}_mantissa"] = int(scaled.mantissa[0])
        params[f"{letter}_shift"] = int(scaled.shift[0])
    values = truths(site)
    signs = (-1, 0, 1) if pair.a == 0 else (1, 0, -1)
    results = [values[int(bool(HOLDS[site.op.relation](sign, 0)))] for sign in signs]
    return {
        **params,
        "finer": 1 << SHIFTS[site.rounding],
        **dict(zip(("less", "equal", "greater"), results, strict=True)),
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_compare_int16_ref` and `eq_compare_int16_const_ref`."""
    foreign = {"a_zero_point", "b_zero_point", "finer"}
    return {key: value for key, value in lower_ref(site).items() if key not in foreign}


def _real_rows(relation: Relation) -> tuple[Kernel, ...]:
    """The rows of real numbers for one relation."""

    def holds(site: Site) -> bool:
        assert isinstance(site.op, Compare)
        return site.op.relation == relation

    named = Condition(f"The relation is {relation}", holds)
    return tuple(replace(row, fits=all_of(row.fits, named)) for row in pair_rows(relation))


@dataclass(frozen=True)
class Compare(BinaryOp):
    """Inputs: a, b of shapes that broadcast as in NumPy, at most one of them constant. Output: 1 where it holds, or 0.

    In integers both operands, made finer, are brought to one scale, each rounded as a requantization, and compared.
    LiteRT multiplies by the scale itself (8 bits finer), FAST by its ratio to the greater of the two (20 bits finer).
    It is FAST's way, 14 bits finer, with 16 bits, which LiteRT does not compare.

    Attributes:
        relation: of a to b.
    """

    relation: Relation

    kernels: ClassVar = (
        *binary_kernels("eq_compare", "compare", "eq_compare_params", lower_ref, rounded=True),
        *binary_kernels("eq_compare_int16", "pair_int16", "eq_compare_int16_params", lower_int16, elements=INT16),
        *(row for relation in RELATIONS for row in _real_rows(relation)),
    )
    declines: ClassVar[frozenset[Trait]] = BinaryOp.declines | {"monotone", "signs", "homogeneous", "fused_clamp"}

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        return (np.asarray(HOLDS[self.relation](inputs[0], inputs[1]), np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_pairs(lambda a, b: np.asarray(HOLDS[self.relation](a, b), np.float32), inputs, NO_CLAMP)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        scaled: list[Ints] = []
        for index, x in enumerate(inputs[:2]):
            assert x is not None
            fine = (x.astype(np.int64) - site.input(index).qp.zp) << SHIFTS[site.rounding]
            scaled.append(multiply(fine, factor(site, index), site.rounding))
        false, true = truths(site)
        kind = site.outputs[0].dtype.numpy.type
        return (np.where(HOLDS[self.relation](*scaled), kind(true), kind(false)),)

    def rounding16(self, numerics: Numerics) -> Rounding:
        return Rounding.WIDE

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(usual=USUAL)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 4, 3, 5)
        return (
            *broadcast_samples(cls("less")),
            *(Sample(relation, cls(relation), (image, image), low=-1.0, high=1.0) for relation in RELATIONS),
            *(Sample(f"{r}_constant", cls(r), ((5,), image), const=(0,), low=-1.0, high=1.0) for r in RELATIONS),
            *pair_samples16(cls("less")),
            *(Sample(f"int16_{r}", cls(r), (image, (5,)), low=-1.0, high=1.0, elements=INTS16) for r in RELATIONS),
            *pair_samples(cls("less")),
            *(Sample(f"real_{r}", cls(r), (image, (5,)), elements=REALS) for r in RELATIONS),
            *(Sample(f"real_{r}_constant", cls(r), (image, (5,)), const=(1,), elements=REALS) for r in RELATIONS),
        )
