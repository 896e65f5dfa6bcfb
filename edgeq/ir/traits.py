"""What passes and the memory planner ask of operators, and the vocabulary in which operators answer.

A trait is a promise about one operator, stated beside its meaning and checked on its samples. Passes know traits and no
list of operators, so a new operator takes part in all of them as soon as it exists. The members of `Op` named in
`TRAITS` say what is promised and what relies on it.

Every operator takes a stand on every trait: it (or its family) overrides the member of `Op`, or names it in `declines`,
which keeps the answer of `Op`: nothing is promised. Declining a trait costs speed or memory, never correctness.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array, Shape

if TYPE_CHECKING:
    from edgeq.ir.op import Op

Trait = Literal[
    "pattern",
    "monotone",
    "linear",
    "signs",
    "homogeneous",
    "fused_clamp",
    "is_copy",
    "commute",
    "tied_channels",
    "affine",
    "with_padding",
    "parts",
]
TRAITS: tuple[Trait, ...] = get_args(Trait)
"""The members of `Op` that every operator overrides or declines."""

Clamp = tuple[float, float]
"""Bounds of a fused activation in real values; infinite where there is none."""
NO_CLAMP: Clamp = (-float("inf"), float("inf"))
Padding = tuple[int, int, int, int]
"""Rows above, columns left, rows below, columns right."""
Perm = tuple[int, ...]
"""A permutation p of dimensions: Transpose(x).shape[i] = x.shape[p[i]]."""


class Pattern(Enum):
    """How the elements of an operator's outputs come from elements of its inputs, over the reals."""

    ELEMENTWISE = "elementwise"  # each from the elements at its own place; operands are broadcast as in NumPy
    MOVEMENT = "movement"  # each is one element of an input, or a constant
    REARRANGEMENT = "rearrangement"  # the elements of the one input, each once, whatever their type
    GENERAL = "general"  # anything else


class Affine(Enum):
    """For which a and t, one of each for every channel, op(a · x + t, …) = a · op(x, …) + t over the reals."""

    ANY = "any"
    POSITIVE = "positive"  # a > 0
    NONE = "none"


class Monotone(Enum):
    """What an operator's integer results do when elements of its operands grow."""

    RISING = "rising"  # none ever decreases
    PER_OPERAND = "per operand"  # each rises or falls with each of two operands, while the other stays
    NO = "no"  # they may do anything


def channels(shape: Shape) -> int:
    """Channels of a tensor: indices of its last dimension; one if it has no dimension."""
    return shape[-1] if shape else 1


def inverse(perm: Perm) -> Perm:
    """The permutation that undoes another."""
    return tuple(perm.index(i) for i in range(len(perm)))


def permuted(shape: Shape, perm: Perm) -> Shape:
    """The shape after a Transpose."""
    return tuple(shape[p] for p in perm)


def is_homogeneous(clamp: Clamp) -> bool:
    """Whether a clamp commutes with multiplication by any positive number."""
    low, high = clamp
    return low in (0.0, -np.inf) and high in (0.0, np.inf)


@dataclass(frozen=True)
class Linear:
    """Sums of products: operand 0 is the activation, 1 the weights, 2 the bias (one per output channel) or absent.

    Channels are indices of the last dimension of input and output. Those of the output are split into as many groups of
    neighbours as those of the input; each sees its own group of input channels.

    Attributes:
        out_axis: the axis of the weights along which the output channels lie.
        in_axis: the axis along which the input channels of a group lie; None: a group is one channel.
        groups: number of groups of input channels; None: one per channel.
        complete: whether every result sums over all weights of its channel. At padding some do not.
    """

    out_axis: int
    in_axis: int | None
    groups: int | None
    complete: bool

    @property
    def is_dense(self) -> bool:
        """Whether every output channel sees every input channel."""
        return self.in_axis is not None and self.groups == 1

    @property
    def columns(self) -> int:
        """`in_axis`, for an operator that has one.

        Raises:
            ValueError: a group is one channel.
        """
        if self.in_axis is None:
            raise ValueError("the weights have no axis of input channels")
        return self.in_axis

    def along(self, values: Array, rank: int) -> Array:
        """Values (output channels) in a shape that broadcasts to weights of `rank` dimensions."""
        return values.reshape([-1 if axis == self.out_axis else 1 for axis in range(rank)])

    def per_input(self, values: Array, weights: Shape) -> Array:
        """Values (input channels) in a shape that broadcasts to the weights: each where its channel is multiplied."""
        groups = len(values) if self.groups is None else self.groups
        rows = np.repeat(values.reshape(groups, -1), weights[self.out_axis] // groups, axis=0)
        shape = [1] * len(weights)
        shape[self.out_axis] = rows.shape[0]
        if self.in_axis is None:
            return rows.reshape(shape)
        shape[self.in_axis] = rows.shape[1]
        return (rows if self.out_axis < self.in_axis else rows.T).reshape(shape)


@dataclass(frozen=True)
class Commuted:
    """What an operator is on the other side of a Transpose: op(T(x), …) = T'(op'(x, …)).

    Attributes:
        op: op'.
        perm: the permutation of T', the same for all outputs.
    """

    op: Op
    perm: Perm


@dataclass(frozen=True, eq=False)
class Tie:
    """Channels of an input and of an output that stay or go together.

    Attributes:
        input, output: their positions.
        pairs: (n, 2) a channel of the input and one of the output.
    """

    input: int
    output: int
    pairs: npt.NDArray[np.int64]

    @staticmethod
    def shifted(input: int, output: int, count: int, input_start: int = 0, output_start: int = 0) -> Tie:
        """`count` channels in the same order on both sides."""
        return Tie(input, output, np.arange(count)[:, None] + np.array([input_start, output_start]))


@dataclass(frozen=True)
class Parts:
    """Tensors whose bytes lie one after the other within a larger one, none of them changed.

    Attributes:
        of: "output": the inputs make up the output; "input": the outputs lie within the first input.
        starts: for every such input or output, the byte of the larger tensor at which it begins.
    """

    of: Literal["input", "output"]
    starts: tuple[int, ...]
