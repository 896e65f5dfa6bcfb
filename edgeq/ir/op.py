"""The base of all operators, and the registry that finds them.

An operator is a frozen dataclass whose fields are its attributes. Its file in `edgeq/ops/` holds everything edgeq knows
about it; nothing else in the code lists operators.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import ClassVar

from edgeq.ir.kernel import Kernel
from edgeq.ir.tensor import Array, QParams, Shape, TensorType
from edgeq.numerics.fixedpoint import Numerics, Rounding

Rows = tuple[int, int]
"""The first row of an image, dimension 1, and the one after the last."""
Shapes = Sequence[Shape | None]
Arrays = Sequence[Array | None]


class Scale(Enum):
    """How the quantization of an operator's output is decided."""

    FREE = "free"  # its own range
    SAME = "same"  # one scale for all activations, inputs and outputs
    FIXED = "fixed"  # given by the operator


@dataclass(frozen=True)
class Activation:
    """An operand with one scale and one zero-point, computed or constant."""


@dataclass(frozen=True)
class Weight:
    """An operand that, where it is constant, is quantized symmetrically.

    Attributes:
        axis: its dimension that holds the output channels, each of which may have a scale of its own; None: there is
            none, one scale holds for all.
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
    """An activation that is what the operator gave one step before.

    Attributes:
        output: index of the output that becomes it; both have the same parameters.
    """

    output: int


@dataclass(frozen=True)
class Index:
    """Whole numbers that say where or how much; they are never quantized."""


Role = Activation | Weight | Bias | State | Index
ACTIVATION = Activation()


@dataclass(frozen=True)
class Product:
    """A weight of an operator with what belongs to it, as indices of operands.

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
        fixed: the output's parameters when FIXED.
        roles: what each operand is; those beyond the last are activations.
    """

    output: Scale = Scale.FREE
    fixed: QParams | None = None
    roles: tuple[Role, ...] = ()

    def role(self, index: int) -> Role:
        """What an operand is."""
        return self.roles[index] if index < len(self.roles) else ACTIVATION

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
        """Indices of the states, each with that of the output that becomes it."""
        return tuple((k, role.output) for k, role in enumerate(self.roles) if isinstance(role, State))


def weighted(axis: int) -> QuantRule:
    """The rule of a layer whose operands are an activation, a weight with its output channels along `axis`, a bias."""
    return QuantRule(roles=(ACTIVATION, Weight(axis), Bias(of=1)))


@dataclass(frozen=True, eq=False)
class Site:
    """A node together with the types and constants around it: all that its operator needs to act."""

    name: str
    op: Op
    inputs: tuple[TensorType | None, ...]
    outputs: tuple[TensorType, ...]
    consts: tuple[Array | None, ...]
    numerics: Numerics = Numerics.FAST

    @property
    def rounding(self) -> Rounding:
        """The rounding of this site's requantizations."""
        return self.op.rounding(self.numerics)

    def input(self, index: int) -> TensorType:
        """The type of an input that must be there.

        Raises:
            ValueError: it is absent.
        """
        found = self.inputs[index] if index < len(self.inputs) else None
        if found is None:
            raise ValueError(f"{self.name}: input {index} is absent")
        return found

    def const(self, index: int) -> Array:
        """The data of an input that must be constant.

        Raises:
            ValueError: it is absent or not constant.
        """
        found = self.consts[index] if index < len(self.consts) else None
        if found is None:
            raise ValueError(f"{self.name}: input {index} is not a constant")
        return found

    def const_or_none(self, index: int) -> Array | None:
        """The data of an optional constant input."""
        return self.consts[index] if index < len(self.consts) else None


@dataclass(frozen=True)
class Sample:
    """A test case of an operator: an instance, the shapes of its inputs, and which of them are constant.

    Attributes:
        name: unique among the operator's samples.
        op: the instance.
        shapes: one per input; None for an absent optional input.
        const: indices of constant inputs.
        low, high: range of the random real values of the inputs.
    """

    name: str
    op: Op
    shapes: tuple[Shape | None, ...]
    const: tuple[int, ...] = ()
    low: float = -4.0
    high: float = 4.0


@dataclass(frozen=True)
class Stripe:
    """How some rows of an operator's output are computed from some rows of its inputs.

    Attributes:
        op: the operator that does it.
        rows: for every input, the rows that it is given; None: the whole operand, as it is.
    """

    op: Op
    rows: tuple[Rows | None, ...]


def row_by_row(op: Op, shapes: Shapes, rows: Rows) -> Stripe | None:
    """The stripe of an operator each of whose rows is computed from the same rows of its inputs.

    An input that has one row for all is taken as it is. None: an input with rows is no image.
    """
    whole = [s is None or len(s) < 3 or s[-3] == 1 for s in shapes]
    if any(s is not None and len(s) != 4 for s, w in zip(shapes, whole, strict=True) if not w):
        return None
    return Stripe(op, tuple(None if w else rows for w in whole))


@dataclass(frozen=True)
class Op:
    """Base of all operators. Activations are NHWC; the batch is dimension 0."""

    kernels: ClassVar[tuple[Kernel, ...]] = ()
    """Fastest first; the first whose ISA and shape conditions hold is used."""
    is_view: ClassVar[bool] = False
    """The output is the input's bytes under another shape: no code is generated."""

    @property
    def kind(self) -> str:
        """The operator's name, for messages and files."""
        return type(self).__name__

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        """Shapes of the outputs.

        Raises:
            ValueError: the inputs do not fit; the text is shown to the user beside the node's name.
        """
        raise NotImplementedError

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        """The float32 reference."""
        raise NotImplementedError

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """The integer reference, normative. Inputs hold every operand, constants included."""
        raise NotImplementedError

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        """The operator that does the same with `count` samples laid behind each other along dimension 0.

        None: dimension 0 of an operand or output is more than a number of independent things, or nobody has said so;
        samples are then taken one by one. That shapes fit is looked after by who asks.

        Args:
            shapes: of the inputs, for one sample.
            count: samples.
        """
        return None

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        """The float sums that each bias is added to, bias included and before anything else happens to them.

        Affine in the computed operands together, so that the mean over samples is that of the operands' means. Empty
        where an operator has no bias.

        Returns:
            By the operand's index of the bias, also where it is left out: (…, channels).
        """
        return {}

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        """How the operator is quantized."""
        return QuantRule()

    def macs(self, site: Site) -> int:
        """Multiply-accumulates of one inference."""
        return 0

    def stripe(self, shapes: Shapes, rows: Rows) -> Stripe | None:
        """How some rows of the one output, an image, are computed; None: only all rows can be, or they cannot alone.

        Args:
            shapes: of the inputs.
            rows: of the output; at least one.
        """
        return None

    def rounding(self, numerics: Numerics) -> Rounding:
        """The rounding of the operator's requantizations under `numerics`."""
        return Rounding.FAST if numerics is Numerics.FAST else Rounding.DOUBLE

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        """Test cases: every attribute in its interesting values, odd sizes and channel counts."""
        return ()


@cache
def registry() -> dict[str, type[Op]]:
    """All operators by kind, from the files of `edgeq/ops/` whose names do not start with an underscore."""
    package = importlib.import_module("edgeq.ops")
    found: dict[str, type[Op]] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"edgeq.ops.{info.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Op) and item.__module__ == module.__name__:
                found[item.__name__] = item
    return dict(sorted(found.items()))
