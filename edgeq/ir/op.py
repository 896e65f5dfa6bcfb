"""The base of all operators, and the registry that finds them.

An operator is a frozen dataclass whose fields are its attributes. Its file in `edgeq/ops/` defines its meaning and its
portable kernels; `edgeq/kernels/` has those for instruction sets.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from edgeq.errors import ModelError
from edgeq.ir.kernel import INT8, Kernel
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Affine, Clamp, Commuted, Linear, Monotone, Padding, Parts, Pattern, Perm, Tie, Trait
from edgeq.numerics.fixedpoint import Numerics, Rounding

Rows = tuple[int, int]
"""The first row and the one after the last: of an image along dimension 1, unless another dimension is named."""
IMAGE_ROWS = 1
"""The dimension of an image's rows."""
Shapes = Sequence[Shape | None]
Arrays = Sequence[Array | None]


@dataclass(frozen=True)
class Sample:
    """A test case of an operator: an instance, the shapes of its inputs, and which of them are constant.

    Attributes:
        name: unique among the operator's samples.
        op: the instance.
        shapes: one per input; None for an absent optional input.
        const: indices of constant inputs.
        low, high: range of the random real values of the inputs.
        elements: element type of the activations that go in, and of those that come out, in a quantized graph.
        weights: element type of the weights there.
        group: how many inputs of weights (C, K) share a factor there (QParams.groups); 0: all of a channel.
        zeros: whether groups have zero-points there.
    """

    name: str
    op: Op
    shapes: tuple[Shape | None, ...]
    const: tuple[int, ...] = ()
    low: float = -4.0
    high: float = 4.0
    elements: tuple[DType, DType] = (DType.INT8, DType.INT8)
    weights: DType = DType.INT8
    group: int = 0
    zeros: bool = False


@dataclass(frozen=True)
class Stripe:
    """How some rows of an operator's output are computed from some rows of its inputs.

    Attributes:
        op: the operator that does it.
        rows: for every input, the rows that it is given; None: the whole operand, as it is.
    """

    op: Op
    rows: tuple[Rows | None, ...]


def row_by_row(op: Op, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
    """The stripe of an operator each of whose rows is computed from the same rows of its inputs.

    An input with a single row, shared by all, is taken whole. None: an input with rows has fewer dimensions than others
    or, where rows are those of an image, is none.
    """
    rank = 4 if axis == IMAGE_ROWS and any(s is not None and len(s) > 2 for s in shapes) else 0
    rank = max([rank, *(len(s) for s in shapes if s is not None)])
    back = rank - axis
    whole = [s is None or len(s) < back or s[-back] == 1 for s in shapes]
    if any(s is not None and len(s) != rank for s, w in zip(shapes, whole, strict=True) if not w):
        return None
    return Stripe(op, tuple(None if w else rows for w in whole))


def apart_from(op: Op, own: int, shapes: Shapes, rows: Rows, axis: int) -> Stripe | None:
    """The stripe of an operator that computes along the dimension `own` of its first input, each line by itself.

    None: `axis` is that dimension. Rows of images are not among what such operators offer: they have no more to do with
    images than with any other tensor.
    """
    x = shapes[0]
    if x is None or axis == own or (axis == IMAGE_ROWS and len(x) == 4):
        return None
    return Stripe(op, (rows, *(None,) * (len(shapes) - 1)))


@dataclass(frozen=True)
class Op:
    """Base of all operators. Activations are NHWC; the batch is dimension 0.

    Members from `declines` on are traits (`ir.traits`); by default they promise nothing.
    """

    kernels: ClassVar[tuple[Kernel, ...]] = ()
    """The portable kernels, fastest first; those for instruction sets are in edgeq.kernels."""
    is_view: ClassVar[bool] = False
    """The output is the input's bytes under another shape: no code is generated."""
    gives_real: ClassVar[bool | None] = None
    """Whether outputs are real numbers in a quantized graph; None: they are if a computed operand is."""
    gives_whole: ClassVar[bool] = False
    """Whether outputs are whole numbers (`TensorType.is_whole`), before and after quantization."""
    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT32,)
    """The types of such outputs, one each, or one for all."""
    converts: ClassVar[bool] = False
    """Computed operands may have other parameters than the output: they are converted with FAST's rounding."""

    @classmethod
    def whole_type(cls, output: int) -> DType:
        """The type of an output that holds whole numbers."""
        return cls.whole_types[min(output, len(cls.whole_types) - 1)]

    @property
    def ignores_offset(self) -> bool:
        """Whether op(x + c, …) = op(x, …) over the reals for every number c."""
        return False

    @property
    def reads_stored(self) -> bool:
        """Whether `run_float32` computes with weights as they are stored, not with the numbers that they stand for."""
        return bool(getattr(self, "dynamic", False))

    @property
    def kind(self) -> str:
        """The operator's name, for messages and files."""
        return type(self).__name__

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the whole numbers 0, 1, … of its output are called; empty where they have no names."""
        return ()

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

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """The reference for real numbers in a quantized graph, normative: float32 with a stated order of operations."""
        raise NotImplementedError

    def run(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """What the generated code computes at a site of a quantized graph, bit for bit.

        Raises:
            ModelError: the operator has no arithmetic for the site's element types.
        """
        if not self.is_view and not self._has_arithmetic(site):
            known = {dtype.value for kernel in self.kernels for dtype in kernel.elements}
            raise ModelError(
                f"there is no arithmetic for {self.kind} with {site.describe_types()}",
                hint=f"it has one for {', '.join(sorted(known)) or 'int8'}",
                where=site.name,
            )
        if not site.is_float or self.is_view:
            return self.run_int(site, inputs)
        if self.reads_stored:
            return self.run_float32(site, inputs)
        stored = [type is not None and type.is_stored for type in site.inputs]
        operands = [
            real if is_stored else x for x, real, is_stored in zip(inputs, site.real.consts, stored, strict=True)
        ]
        return self.run_float32(site.real, operands)

    def _has_arithmetic(self, site: Site) -> bool:
        """Whether the portable kernels, or int8 where there are none, have the element types of a site."""
        if self.kernels:
            return any(kernel.takes_types(site) for kernel in self.kernels)
        return all(types <= INT8 for types in site.element_types)

    def accumulator_bound(self, site: Site) -> int | None:
        """What no accumulator of a site can exceed in absolute value, at no time and in no order of its terms.

        None: the operator has no accumulators, or does not say.
        """
        return None

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        """The operator that does the same with `count` samples concatenated along dimension 0.

        None: the indices of dimension 0 of an operand or output are not independent, or the operator does not say that
        they are; samples are then taken one by one. The caller makes sure that the shapes fit.

        Args:
            shapes: of the inputs, for one sample.
            count: samples.
        """
        return None

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        """The float sums to which biases are added, biases included, before anything else is done to them.

        Affine in all computed operands together, so the mean over samples equals the value for the operands' means.
        Empty for an operator without a bias.

        Returns:
            By the index of the bias operand, even where it is absent: (…, channels).
        """
        return {}

    def passing(self, inputs: Arrays) -> Mapping[int, Array]:
        """What an output held before it got its last value, such as the cells of an LSTM at every step, in float32.

        Parameters of the output are to hold these, too.

        Returns:
            By the index of the output: of any shape whose last dimension is the output's.
        """
        return {}

    def factors(self, x: Array, weights: Shape) -> Array | None:
        """What each weight of operand 1 is multiplied with, for inputs (N, …) of the one product the operator is.

        Returns:
            (groups, sums, taps) in the dtype of x, with zeros where the operator pads; None: the operator is no sum of
            such products, or does not say.
        """
        return None

    def by_group(self, weights: Array) -> Array:
        """Weights in the order of `factors`: (groups, outputs, taps)."""
        raise NotImplementedError

    def from_groups(self, rows: Array, shape: Shape) -> Array:
        """Weights of a shape, from what `by_group` makes of them."""
        raise NotImplementedError

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        """How the operator is quantized."""
        return QuantRule()

    def doubt(self, site: Site) -> tuple[str, str] | None:
        """What is lost at a site of a quantized graph although samples may not show it, and what to do about it."""
        return None

    @property
    def wants_real(self) -> bool:
        """Whether real numbers cost no more than integers of 8 bits, which would not tell apart what it compares."""
        return False

    def macs(self, site: Site) -> int:
        """Multiply-accumulates of one inference."""
        return 0

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        """How some rows of the one output, an image, are computed; None: they cannot be computed apart from the others.

        Args:
            shapes: of the inputs.
            rows: of the output; at least one.
            axis: the output's dimension along which they are rows; any but that of an image's makes sense for other
                tensors, too. Rows of an input that has as many dimensions lie along the same one.
        """
        return None

    def rounding(self, numerics: Numerics) -> Rounding:
        """The rounding of the operator's requantizations under `numerics`."""
        return Rounding.FAST if numerics is Numerics.FAST else Rounding.DOUBLE

    def rounding16(self, numerics: Numerics) -> Rounding:
        """The same where the output has 16 bits."""
        return Rounding.WIDE if numerics is Numerics.FAST else self.rounding(numerics)

    declines: ClassVar[frozenset[Trait]] = frozenset()
    """The traits about which nothing is promised; all others are stated."""
    onnx: ClassVar[str] = ""
    """The equivalent ONNX operator, for families whose members differ in nothing else; "" if there is none."""

    pattern: ClassVar[Pattern] = Pattern.GENERAL
    """How elements of the outputs come from those of the inputs. Transposes and Reshapes move past elementwise
    operators, which are also merged as tables and recognized as functions; parameters follow rearrangements."""
    monotone: ClassVar[Monotone] = Monotone.NO
    """What integer results do when operands grow. Interval analysis evaluates a monotone operator at the ends only."""
    signs: ClassVar[tuple[int, ...] | None] = None
    """The real result is the sum of the operands with these signs, then clamped. Scales of sums are aligned."""

    @property
    def linear(self) -> Linear | None:
        """How the operator is a product with weights. Factors, addends and dead channels are folded into these."""
        return None

    def signs_apart(self, site: Site) -> Site:
        """The same product of a linear operator with constant weights, with every input channel duplicated.

        Each group has all its channels first with their positive weights (those above the zero-point), then with their
        negative ones, so that interval analysis can bound the two separately. The result has `Linear.in_axis`.
        """
        raise NotImplementedError

    @property
    def homogeneous(self) -> bool:
        """Whether op(a·x, …) = a · op(x, …) over the reals for every a > 0. Equalization scales channels across it."""
        return False

    @property
    def fused_clamp(self) -> Clamp | None:
        """Real bounds to which the operator clamps its result; None: it has no clamp. Activations are fused into it."""
        return None

    def with_clamp(self, clamp: Clamp) -> Op:
        """The same operator with another fused clamp."""
        raise NotImplementedError

    def is_copy(self, site: Site) -> bool:
        """Whether the one output has the elements of input 0 in their order, real values unchanged.

        A copy is dropped, or becomes a Reshape. It is for the caller to check whether the quantization changes.
        """
        return False

    def commute(self, perm: Perm) -> Commuted | None:
        """The equivalent operator in front of a Transpose that precedes this one; None: they cannot change places.

        Every operand, constants too, counts as transposed, with leading ones up to the output's rank if there are
        several operands; for a linear operator only the first one does. Transposes move past the operator.
        """
        return None

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        """Which channels of computed inputs and of outputs belong together; None: all are needed.

        If a channel is removed together with those that it is tied to, the others keep their values. Constant operands
        have as many channels as the output, of which the same ones are removed, or one for all. Dead channels are
        removed.
        """
        return None

    def with_channels(self, site: Site, counts: Sequence[int]) -> Op:
        """The operator with only so many of the tied channels left in each of a site's outputs."""
        return self

    def affine(self, site: Site) -> Affine:
        """Which factors and addends of channels commute with the operator, whose output has its input's channels.

        What scales and shifts channels moves past it, to a layer that takes it over.
        """
        return Affine.NONE

    def with_padding(self, padding: Padding, value: float, least: float) -> Op | None:
        """The operator that itself pads images by so much more; None: the result would not be the same.

        Pads with a constant are fused into it.

        Args:
            padding: rows above, columns left, rows below, columns right.
            value: what the padding holds.
            least: a lower bound of all other elements.
        """
        return None

    def parts(self, site: Site) -> Parts | None:
        """Tensors that the operator merely declares to be parts of another one. The planner leaves them in place."""
        return None

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        """Test cases: every attribute with its interesting values, odd sizes and channel counts."""
        return ()


@cache
def registry() -> dict[str, type[Op]]:
    """All operators by kind, from the files of `edgeq/ops/` whose names do not start with an underscore."""
    package = importlib.import_module("edgeq.ops")
    operators: dict[str, type[Op]] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"edgeq.ops.{info.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Op) and item.__module__ == module.__name__:
                operators[item.__name__] = item
    return dict(sorted(operators.items()))
