"""What an operator's operands are to quantization, and what its outputs get."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgeq.ir.tensor import DType, QParams


class Scale(Enum):
    """How the quantization of an operator's output is decided."""

    FREE = "free"  # its own range
    SAME = "same"  # one scale for all activations, inputs and outputs
    MOVED = "moved"  # the input's, with the zero-point moved by a constant


@dataclass(frozen=True)
class Activation:
    """An operand with one scale and one zero-point, computed or constant.

    Attributes:
        axis: the dimension along which a constant has scales of its own where real numbers are stored in fewer bits;
            None: they are not.
    """

    axis: int | None = None


@dataclass(frozen=True)
class Weight:
    """An operand that is quantized symmetrically if it is constant.

    Attributes:
        axis: the dimension of the output channels, each of which may have a scale of its own; None: there is no such
            dimension, one scale holds for all.
        input: index of the activation that it is multiplied with.
    """

    axis: int | None
    input: int = 0


@dataclass(frozen=True)
class Bias:
    """A constant that is added to accumulators: int32, with the scale of a weight times that of the weight's input.

    Attributes:
        of: index of the weight whose products it is added to.
    """

    of: int


@dataclass(frozen=True)
class State:
    """An activation that the operator itself computed one step before.

    Attributes:
        output: index of the output that becomes it; both have the same parameters.
    """

    output: int


@dataclass(frozen=True)
class Index:
    """Whole numbers that say where or how much; they are never quantized.

    Attributes:
        limit: they are from `least` to below it.
        least: see limit.
        dtype: their type, int32 or that of samples of a signal, int16.
    """

    limit: int = 2
    least: int = 0
    dtype: DType = DType.INT32


@dataclass(frozen=True)
class Real:
    """A constant of real numbers that stays as it is: kernels get integers made of it and of the scales around it."""


Role = Activation | Weight | Bias | State | Index | Real
ACTIVATION = Activation()


@dataclass(frozen=True)
class Product:
    """A weight of an operator with its activation and bias, as indices of operands.

    Attributes:
        weight: the weight.
        axis: its dimension that holds the output channels, or None.
        input: the activation that it is multiplied with.
        bias: what is added to the sums of products, or None.
    """

    weight: int
    axis: int | None
    input: int
    bias: int | None


@dataclass(frozen=True)
class QuantRule:
    """How an operator is quantized.

    Attributes:
        output: how the output's scale is decided.
        usual: the output's parameters in TensorFlow Lite, which has no others. Its arithmetics take them; FAST does
            where they suit the samples nearly as well as the range that these show.
        usual16: the same of int16, which LiteRT alone has.
        headroom: for how much more than samples show FAST leaves room, as a factor of the range.
        roles: what each operand is; those beyond the last are activations.
        reach: how far below the greatest element of its row, along the last dimension, an element of operand 0 makes a
            difference to an 8-bit output; None: however far.
        alike: pairs of outputs that have the same parameters.
        fine: outputs of 16 bits, whose scale is a power of two.
        wide: activations among the operands that have 16 bits wherever what computes them can give these.
        fitting: parameters of 8 bits of operand 0 with which the operator decides as it does with real numbers. They
            are those of a model's input that nothing else reads.
    """

    output: Scale = Scale.FREE
    usual: QParams | None = None
    usual16: QParams | None = None
    headroom: float = 1.0
    roles: tuple[Role, ...] = ()
    reach: float | None = None
    alike: tuple[tuple[int, int], ...] = ()
    fine: frozenset[int] = frozenset()
    fitting: QParams | None = None
    wide: frozenset[int] = frozenset()

    def role(self, index: int) -> Role:
        """What an operand is."""
        return self.roles[index] if index < len(self.roles) else ACTIVATION

    def scales_along(self, index: int) -> int | None:
        """The dimension along which a constant operand has scales of its own, where a layer of real numbers stores it
        in fewer bits; None: it does not."""
        role = self.role(index)
        return role.axis if isinstance(role, Weight | Activation) else None

    @property
    def products(self) -> tuple[Product, ...]:
        """Every weight with its input and its bias, in the order of the weights."""
        biases = {role.of: k for k, role in enumerate(self.roles) if isinstance(role, Bias)}
        return tuple(
            Product(k, role.axis, role.input, biases.get(k))
            for k, role in enumerate(self.roles)
            if isinstance(role, Weight)
        )

    @property
    def states(self) -> tuple[tuple[int, int], ...]:
        """Indices of the states, each with the index of the output that becomes it."""
        return tuple((k, role.output) for k, role in enumerate(self.roles) if isinstance(role, State))


def weighted(axis: int) -> QuantRule:
    """The rule of a layer whose operands are an activation, a weight with its output channels along `axis`, a bias."""
    return QuantRule(roles=(ACTIVATION, Weight(axis), Bias(of=1)))
