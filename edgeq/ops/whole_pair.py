"""Arithmetic of whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics.fixedpoint import Ints
from edgeq.ops._broadcast import binary_kernels, broadcast_params, broadcast_shapes, operands
from edgeq.ops._labels import WHOLES

Pair = Literal[
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "fmod",
    "minimum",
    "maximum",
    "and",
    "or",
    "xor",
    "shift_left",
    "shift_right",
    "power",
    "less",
    "equal",
]
PAIRS: tuple[Pair, ...] = get_args(Pair)
"""In the order of their numbers in C (EQ_WHOLE_…)."""
WIDTH = 32
"""Bits of a whole number."""


def wrapped(x: Ints, bits: int, signed: bool) -> Ints:
    """The lowest bits of whole numbers, as a number of that type."""
    low = x & ((1 << bits) - 1)
    return np.where(low >> (bits - 1) & (1 if signed or bits == WIDTH else 0), low - (1 << bits), low)


def _quotient(x: Ints, y: Ints) -> Ints:
    """C's: towards 0; 0 where the divisor is 0."""
    divisor = np.where(y == 0, 1, y)
    return np.where(y == 0, 0, np.sign(x) * np.sign(divisor) * (np.abs(x) // np.abs(divisor)))


def _remainder(x: Ints, y: Ints) -> Ints:
    """C's, of the sign of x; 0 where the divisor is 0."""
    return np.where(y == 0, 0, x - _quotient(x, y) * y)


def _modulus(x: Ints, y: Ints) -> Ints:
    """Python's, of the sign of y."""
    left = _remainder(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), left + y, left)


def _left(x: Ints, y: Ints) -> Ints:
    return np.where((y < 0) | (y >= WIDTH), 0, x << np.clip(y, 0, WIDTH - 1))


def _right(x: Ints, y: Ints) -> Ints:
    return x >> np.where((y < 0) | (y >= WIDTH), WIDTH - 1, y)


def _power(x: Ints, y: Ints) -> Ints:
    """Products modulo 2³²; to a negative power it is 1 / x towards 0."""
    result, base, left = np.ones_like(x), x, np.maximum(y, 0)
    while left.any():
        result = np.where(left & 1, wrapped(result * base, WIDTH, True), result)
        base, left = wrapped(base * base, WIDTH, True), left >> 1
    odd = np.where(y & 1, x, np.abs(x))
    return np.where(y >= 0, result, np.where(np.abs(x) == 1, odd, 0))


FUNCTIONS: Mapping[Pair, Callable[[Ints, Ints], Ints]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _quotient,
    "mod": _modulus,
    "fmod": _remainder,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "shift_left": _left,
    "shift_right": _right,
    "power": _power,
    "less": np.less,
    "equal": np.equal,
}


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_whole_pair_ref` and `eq_whole_pair_const_ref`."""
    op = site.op
    assert isinstance(op, WholePair)
    constant = operands(site).constant
    return {
        **broadcast_params(site),
        "constant": 0 if constant is None else np.ravel(constant).astype(np.int32),
        "swapped": int(operands(site).a == 1),
        "function": PAIRS.index(op.function),
        "unused": WIDTH - op.bits,
        "is_signed": int(op.signed),
    }


@dataclass(frozen=True)
class WholePair(Op):
    """Inputs: whole numbers a, b of shapes that broadcast as in NumPy. Output: a whole number for each pair of them.

    Numbers of 32 bits are computed with; of the result the lowest bits count, which stand for a number of the type that
    the attributes say. A quotient is rounded towards 0; one by 0, and its remainder, is 0. `mod` has the sign of b,
    `fmod` that of a. A shift by a negative number, or by all bits, leaves 0, or to the right the sign. `less` and
    `equal` are 1 where they hold, else 0.

    Attributes:
        function: of a and b.
        bits: of the result, up to 32.
        signed: whether the greatest of fewer than 32 bits is its sign.
    """

    function: Pair
    bits: int = WIDTH
    signed: bool = True

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = binary_kernels(
        "eq_whole_pair", "whole_pair", "eq_whole_pair_params", lower, elements=frozenset({DType.INT32})
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if self.function not in PAIRS or not 1 <= self.bits <= WIDTH:
            raise ValueError(f"{self.function} of {self.bits} bits is unknown")
        return (broadcast_shapes(shapes),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[0], inputs[1]
        assert a is not None and b is not None
        x, y = np.broadcast_arrays(a.astype(np.int64), b.astype(np.int64))
        found = np.asarray(FUNCTIONS[self.function](x, y), np.int64)
        return (np.asarray(wrapped(wrapped(found, WIDTH, True), self.bits, self.signed), np.int32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(Index(limit=1000), Index(limit=50)))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 5, 3, 7)
        return (
            *(Sample(function, cls(function), (image, image), elements=WHOLES) for function in PAIRS),
            *(
                Sample(f"{function}_first", cls(function, 8), ((7,), image), const=(0,), elements=WHOLES)
                for function in ("sub", "div", "mod", "less", "shift_left", "shift_right", "power")
            ),
            Sample("negative", cls("sub", 8, False), ((3, 1), (3, 40)), elements=WHOLES),
            Sample("columns", cls("mul", 16), ((4, 1, 3, 1), (1, 5, 1, 2)), elements=WHOLES),
            Sample("constant", cls("add", 16, False), ((40,), (1,)), const=(1,), elements=WHOLES),
        )
