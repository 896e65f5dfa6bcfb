"""What operators that normalize sets of elements share.

They see the input as (outer, middle, groups, inner): a set is everything with one outer index and one group. Scale and
bias, constants of real numbers, differ along groups and inner at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.kernel import INT16, Kernel, Param, disjoint
from edgeq.ir.op import Arrays, Op, Shapes
from edgeq.ir.quant_rule import ACTIVATION, QuantRule, Real
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Clamp, Trait
from edgeq.numerics import float32
from edgeq.numerics.exact import total as exact_total
from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.normalization import MAX_COUNT, MAX_COUNT16, Normalization, normalization, normalization16
from edgeq.ops._overlap import Overlaps, of_first_input
from edgeq.ops._real import REAL, bounds
from edgeq.ops._requant import NO_CLAMP, clamp_float, output_range

Normalized = TypeVar("Normalized", bound="Normalize")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sets:
    """The input as (outer, middle, groups, inner)."""

    outer: int
    middle: int
    groups: int
    inner: int

    @property
    def count(self) -> int:
        """Elements of a set."""
        return self.middle * self.inner

    @property
    def shape(self) -> Shape:
        """The four sizes."""
        return self.outer, self.middle, self.groups, self.inner


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of all kernels of the family."""
    op = site.op
    assert isinstance(op, Normalize)
    sets, constants = op.sets(site, site.input(0).shape), op.constants(site)
    qmin, qmax = output_range(site.outputs[0].qp, op.clamp)
    return {
        "outer": sets.outer,
        "middle": sets.middle,
        "groups": sets.groups,
        "inner": sets.inner,
        "step": int(constants.scale.size > 1),
        "scale": constants.scale,
        "offset": constants.offset,
        "centred": int(op.centred),
        "zero_point": site.input(0).qp.zp,
        "epsilon": constants.epsilon,
        "epsilon_shift": constants.epsilon_shift,
        "shift": constants.shift,
        "greater": int(constants.greater),
        "exponent": constants.exponent,
        "fraction": constants.fraction,
        "qmin": qmin,
        "qmax": qmax,
    }


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_normalize_int16_ref`."""
    op = site.op
    assert isinstance(op, Normalize)
    qmin, qmax = output_range(site.outputs[0].qp, op.clamp, DType.INT16)
    members = {key: value for key, value in lower_ref(site).items() if key != "zero_point"}
    return {**members, "product_shift": op.constants(site).product_shift, "qmin": qmin, "qmax": qmax}


def few_enough(site: Site) -> bool:
    """Sets have at most 16384 elements."""
    assert isinstance(site.op, Normalize)
    return site.op.arrange(site.input(0).shape).count <= MAX_COUNT16


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_normalize_float32_ref`."""
    op = site.op
    assert isinstance(op, Normalize)
    sets, (scale, bias) = op.sets(site, site.input(0).shape), op.varying_parameters(site)
    low, high = bounds(op.clamp)
    return {
        "outer": sets.outer,
        "middle": sets.middle,
        "groups": sets.groups,
        "inner": sets.inner,
        "step": int(scale.size > 1),
        "centred": int(op.centred),
        "epsilon": float(op.epsilon),
        "scale": scale.astype(np.float32),
        "bias": bias.astype(np.float32),
        "low": low,
        "high": high,
    }


def overlap(site: Site) -> Overlaps:
    """Sets in order, each of which is read before any of it is written, element by element; groups lie between one
    another."""
    op = site.op
    assert isinstance(op, Normalize)
    sets = op.sets(site, site.input(0).shape)
    pixel = sets.groups * sets.inner
    outer, group = (a.ravel() for a in np.indices((sets.outer, sets.groups)))
    start, pixels = outer * (sets.middle * pixel), (sets.middle - 1) * pixel
    last = start + pixels + (group + 1) * sets.inner - 1
    before = np.where(group > 0, start + pixels + group * sets.inner, start)
    return of_first_input(site, (before, start + group * sets.inner), (last, last))


def exactly(site: Site) -> Overlaps:
    """In place: what is written is of the set that was read."""
    return tuple(0 if k == 0 else d for k, d in enumerate(disjoint(site)))


@dataclass(frozen=True)
class Normalize(Op):
    """Base of operators that divide the elements of sets by a measure of their size: the standard deviation, after the
    mean was subtracted, or the root of the mean square.

    Inputs: x; a scale and a bias, constants or absent. Output: x normalized, times the scale, plus the bias, clamped.
    Integers: see `edgeq.numerics.normalization`.

    Attributes:
        epsilon: what is added to the mean square.
        clamp: bounds of a fused activation.
        centred: whether the mean is subtracted.
    """

    epsilon: float
    clamp: Clamp = NO_CLAMP
    centred: ClassVar[bool] = True

    kernels: ClassVar[tuple[Kernel, ...]] = (
        Kernel(
            "eq_normalize_ref",
            ("ref/normalize.c",),
            "eq/normalize.h",
            "eq_normalize_params",
            lower_ref,
            overlap=overlap,
            exactly=exactly,
        ),
        Kernel(
            "eq_normalize_int16_ref",
            ("ref/normalize_int16.c",),
            "eq/normalize_int16.h",
            "eq_normalize_int16_params",
            lower_int16,
            elements=INT16,
            fits=few_enough,
            overlap=overlap,
            exactly=exactly,
        ),
        Kernel(
            "eq_normalize_float32_ref",
            ("ref/normalize_float32.c",),
            "eq/normalize_float32.h",
            "eq_normalize_float32_params",
            lower_real,
            elements=REAL,
            overlap=overlap,
            exactly=exactly,
        ),
    )
    # Not homogeneous: what scales a whole set cancels, but for epsilon; what scales a channel does so only where it is
    # a set, where equalization would gain nothing either.
    declines: ClassVar[frozenset[Trait]] = frozenset(
        {
            *("pattern", "monotone", "linear", "signs", "homogeneous", "is_copy"),
            *("tied_channels", "affine", "with_padding", "parts"),
        }
    )

    @property
    def ignores_offset(self) -> bool:
        return self.centred

    def arrange(self, shape: Shape) -> Sets:
        """An input's sets, where scale and bias may differ along groups and inner.

        Raises:
            ValueError: the input does not fit the attributes.
        """
        raise NotImplementedError

    def checked(self, shapes: Shapes) -> Sets:
        """The sets of inputs that fit.

        Raises:
            ValueError: they do not.
        """
        if not shapes or shapes[0] is None:
            raise ValueError(f"{self.kind} needs an input")
        sets = self.arrange(shapes[0])
        if not 1 <= sets.count <= MAX_COUNT:
            raise ValueError(f"{self.kind} of {shapes[0]} is over {sets.count} elements; 1 to {MAX_COUNT} can be")
        if self.epsilon < 0:
            raise ValueError(f"the epsilon {self.epsilon} of {self.kind} is negative")
        for name, shape in zip(("scale", "bias"), shapes[1:], strict=False):
            if shape is not None and not self.takes(shapes[0], shape):
                raise ValueError(f"a {name} of shape {shape} does not fit what {self.kind} normalizes in {shapes[0]}")
        return sets

    def takes(self, x: Shape, constant: Shape) -> bool:
        """Whether a scale or bias of a shape fits an input."""
        own = x[len(x) - self.constant_rank(x) :]
        inner = without_ones(constant)
        return len(inner) <= len(own) and all(a in (1, b) for a, b in zip(reversed(inner), reversed(own), strict=False))

    def constant_rank(self, x: Shape) -> int:
        """How many of the last dimensions scale and bias have."""
        raise NotImplementedError

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        self.checked(shapes)
        assert shapes[0] is not None
        return (shapes[0],)

    def _parameters(self, x: Shape, inputs: Arrays) -> tuple[Floats, Floats]:
        """Scale and bias in the shape of the input's last dimensions."""
        own = x[len(x) - self.constant_rank(x) :]

        def one(index: int, default: float) -> Floats:
            data = inputs[index] if index < len(inputs) else None
            values = np.full((), default) if data is None else data.reshape(without_ones(data.shape))
            return np.broadcast_to(values.astype(np.float64), own)

        return one(1, 1.0), one(2, 0.0)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        sets = self.arrange(x.shape)
        wide = x.reshape(sets.shape).astype(np.float64)
        if self.centred:
            wide = wide - exact_total(wide, (1, 3), keepdims=True) / sets.count
        y = self.divided(wide, exact_total(wide * wide, (1, 3), keepdims=True), sets.count).reshape(x.shape)
        scale, bias = self._parameters(x.shape, inputs)
        return (clamp_float((y * scale + bias).astype(np.float32), self.clamp),)

    def divided(self, x: Floats, squares: Floats, count: int) -> Floats:
        """Elements divided by the measure of their set, whose squares have that sum; 0 / 0 is 0."""
        measure = np.sqrt(squares / count + self.epsilon)
        return np.divide(x, measure, out=np.zeros_like(x), where=measure > 0.0)

    def integer_form(self, count: int) -> tuple[float, float, bool]:
        """How `divided` follows from (n·q − T) / √V: what that is multiplied by, what is added to V in steps² of the
        input, and whether it is a lower bound instead of an addend."""
        return 1.0, self.epsilon * count * count, False

    def sets(self, site: Site, x: Shape) -> Sets:
        """The sets of an input, perhaps of several samples, with as few elements in groups and inner as a site's scale
        and bias need."""
        sets = self.arrange(x)
        if sets.groups > 1:
            return sets
        varying = self._varying(site)
        inner = prod(x[len(x) - varying :]) if varying else sets.count
        return Sets(sets.outer, sets.count // inner, 1, inner)

    def _varying(self, site: Site) -> int:
        """Along how many of the last dimensions scale and bias differ."""
        scale, bias = self._parameters(site.input(0).shape, self._constants(site))
        own = scale.shape
        for first in range(len(own)):
            if any((c != c.take([0], first)).any() for c in (scale, bias)):
                return len(own) - first
        return 0

    def varying_parameters(self, site: Site) -> tuple[Floats, Floats]:
        """Scale and bias of a site, flat: of the last dimensions along which they differ.

        Raises:
            QuantizationError: one of them is computed at run time.
        """
        scale, bias = self._parameters(site.input(0).shape, self._constants(site))
        corner = (0,) * (scale.ndim - self._varying(site))
        return scale[corner].ravel(), bias[corner].ravel()

    def _constants(self, site: Site) -> list[Array | None]:
        """The site's operands without the computed one.

        Raises:
            QuantizationError: scale or bias is computed at run time.
        """
        for index in (1, 2):
            type = site.inputs[index] if index < len(site.inputs) else None
            if type is not None and site.const_or_none(index) is None:
                raise QuantizationError(
                    f"{('scale', 'bias')[index - 1]} of {self.kind} is computed at run time",
                    hint="multiply and add it with operators of their own",
                    where=site.name,
                )
        return [None, site.const_or_none(1), site.const_or_none(2)]

    def constants(self, site: Site) -> Normalization:
        """The integer constants of a site.

        Raises:
            QuantizationError: they would be out of all proportion.
        """
        x, y = site.input(0), site.outputs[0].qp
        count, (scale, bias) = self.arrange(x.shape).count, self.varying_parameters(site)
        factor, epsilon, greater = self.integer_form(count)
        wide = x.dtype is DType.INT16
        # V of integers that are not all alike, or not all zero, and of those as far apart as int8 can be.
        most = (2**16 - 1 if wide else 255) * (1 if self.centred else 2)
        least, greatest = (max(1, count - 1) if self.centred else count, count * count * most * most // 4 + 1)
        reals = scale * factor / y.s, bias / y.s + y.zp
        try:
            if wide:
                return normalization16(count, epsilon / x.qp.s**2, greatest, *reals, greater)
            return normalization(count, epsilon / x.qp.s**2, (least, greatest), *reals, greater)
        except QuantizationError as error:
            raise QuantizationError(error.message, hint=error.hint, where=f"{site.name} ({self.kind})") from error

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        sets, constants, zero = self.sets(site, x.shape), self.constants(site), site.input(0).qp.zp
        q = x.reshape(sets.shape).astype(np.int64)
        one = (sets.groups, sets.inner) if constants.scale.size > 1 else (1, 1)
        shaped = replace(constants, scale=constants.scale.reshape(one), offset=constants.offset.reshape(one))
        total, spread = self.statistics(q, zero)
        limits = output_range(site.outputs[0].qp, self.clamp, site.outputs[0].dtype)
        if site.outputs[0].dtype is DType.INT16:
            y: Array = shaped.apply16(q, total, spread, *limits)
        else:
            y = shaped.apply(q, constants.factors(total, spread), *limits)
        return (np.ascontiguousarray(y.reshape(x.shape)),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Sums in order; the mean is subtracted before squares are added up."""
        x = inputs[0]
        assert x is not None
        sets = self.arrange(x.shape)
        wide, count = x.reshape(sets.shape), np.float32(sets.count)
        scale, bias = (v.astype(np.float32) for v in self._parameters(x.shape, inputs))
        with np.errstate(all="ignore"):
            if self.centred:
                wide = wide - float32.quotient(float32.in_order(wide, (1, 3), True), count)
            mean = float32.quotient(float32.in_order(wide * wide, (1, 3), True), count)
            size = float32.sqrt(mean + np.float32(self.epsilon))
            y = np.where(size == 0, np.float32(0.0), float32.quotient(wide, size)).reshape(x.shape)
            return (float32.within(y * scale + bias, *self.clamp),)

    def statistics(self, q: Ints, zero: int) -> tuple[Ints, Ints]:
        """T and V of sets (outer, middle, groups, inner), as (outer, 1, groups, 1)."""
        count = q.shape[1] * q.shape[3]
        sums, squares = (v.sum(axis=(1, 3), keepdims=True) for v in (q, q * q))
        if self.centred:
            return sums, count * squares - sums * sums
        return np.full_like(sums, count * zero), count * (squares - 2 * zero * sums + count * zero * zero)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(ACTIVATION, Real(), Real()))

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self: Normalized, clamp: Clamp) -> Normalized:
        return replace(self, clamp=clamp)


def without_ones(shape: Shape) -> Shape:
    """A shape without leading ones."""
    lead = next((k for k, d in enumerate(shape) if d != 1), len(shape))
    return shape[lead:]
