"""What recurrent layers share: products with the rows of a sequence, and what kernels need to know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Op, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams, Shape, TensorType
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics.exact import activations, rounded_product
from edgeq.numerics.exact import weights as rounded_weights
from edgeq.numerics.fixedpoint import INT32_MAX, Ints, Multiplier, Numerics, Rounding, quantize_multiplier
from edgeq.numerics.gates import FRACTION_BITS

MOST_SHIFT = 8
"""Bits to the left of factors of one shift."""

T = TypeVar("T")


def complete(operands: Sequence[T | None], count: int) -> tuple[T | None, ...]:
    """All operands: those that are left out at the end are absent."""
    return (*operands, *[None] * (count - len(operands)))


def product(x: Array, weights: Array, bias: Array | None = None) -> npt.NDArray[np.float32]:
    """x (…, K) times weights (N, K), plus a bias (N): (…, N) in float32, the same on every CPU."""
    depth = weights.shape[1]
    rows = activations(x.reshape(-1, depth), depth, (1,))
    found = rounded_product(rows, rounded_weights(weights, depth, (1,)).T, bias)
    return found.reshape(*x.shape[:-1], len(weights))


def order(steps: int, reverse: bool) -> Iterator[int]:
    """The steps of a sequence as they are taken."""
    return iter(range(steps - 1, -1, -1) if reverse else range(steps))


def check_rows(what: str, shape: Shape | None, rows: int, columns: int) -> None:
    """Make sure that a matrix has a shape.

    Raises:
        ValueError: it has another one.
    """
    if shape != (rows, columns):
        raise ValueError(f"{what} of shape {shape} where ({rows}, {columns}) fits the other operands")


def check_state(what: str, shape: Shape | None, batch: int, size: int) -> None:
    """Make sure that a state has a row for every sample, or one for all.

    Raises:
        ValueError: it has another shape.
    """
    if shape not in ((batch, size), (1, size)):
        raise ValueError(f"{what} of shape {shape} does not fit {batch} sample(s) and {size} unit(s)")


def check_vector(what: str, shape: Shape | None, size: int) -> None:
    """Make sure that an optional vector is absent or has a size.

    Raises:
        ValueError: it has another one.
    """
    if shape not in (None, (size,)):
        raise ValueError(f"{what} of shape {shape} does not fit {size} rows")


def centred(site: Site, index: int) -> Ints:
    """Constant weights (N, K) less their zero-points."""
    zeros = np.asarray(site.input(index).qp.zero_point, np.int64)
    return site.const(index).astype(np.int64) - zeros.reshape(-1, 1)


def folded(site: Site, weights: Ints, zero_point: int, bias: Array | None) -> npt.NDArray[np.int32]:
    """bias[n] − zero_point · Σ weights[n]: (N,), where products have that zero-point folded in.

    Raises:
        QuantizationError: an accumulator could leave 32 bits.
    """
    base = np.zeros(len(weights), np.int64) if bias is None else bias.astype(np.int64)
    total = base - zero_point * weights.sum(axis=1)
    if np.any(reach(weights, total) > INT32_MAX):
        raise QuantizationError(
            "an accumulator can exceed 32 bits: the bias is too large for the scales of input and weights",
            hint="quantize the model again with larger scales of this layer's weights",
            where=site.name,
        )
    return total.astype(np.int32)


def reach(weights: Ints, bias: Ints | npt.NDArray[np.int32]) -> Ints:
    """What an accumulator (N,) cannot exceed in absolute value, whatever the int8 input."""
    return np.abs(bias.astype(np.int64)) + 128 * np.abs(weights).sum(axis=1)


def factors(site: Site, x: QParams, weights: QParams, rows: int, step: float = 2.0**-FRACTION_BITS) -> Multiplier:
    """s_x · s_w[n] / step, one for each of `rows`: from accumulators to int16 pre-activations.

    With FAST all have one shift. TensorFlow Lite multiplies and divides in float32.
    """
    kind = np.float64 if site.numerics is Numerics.FAST else np.float32
    scales: list[npt.NDArray[Any]] = [np.asarray(s, kind) for s in (weights.scale, x.s, step)]
    own, given, result = scales
    with np.errstate(over="ignore", under="ignore"):
        real = (own * given / result).astype(np.float64)
    whole = np.broadcast_to(real, (rows,))
    return quantize_multiplier(whole, site.rounding) if site.rounding is not Rounding.FAST else of_one_shift(whole)


def of_one_shift(real: npt.NDArray[np.float64]) -> Multiplier:
    """Factors for FAST with mantissas below 2³⁰ and one shift for all, which vectors and kernels apply at no cost."""
    shift = max(0, int(np.frexp(real.max(initial=0.0))[1]) + 1)
    if shift > MOST_SHIFT:  # nearly everything is beyond 16 bits
        return quantize_multiplier(real, Rounding.FAST)
    shift += int(np.rint(np.ldexp(real.max(initial=0.0), 31 - shift)) >= 2**30)
    mantissa = np.floor(np.ldexp(real, 31 - shift) + 0.5)
    return Multiplier(mantissa.astype(np.int32), np.full(len(real), shift, np.int32))


def fraction_bits(site: Site, q: QParams) -> int:
    """Bits after the point of an int16 tensor whose scale must be a power of two.

    Raises:
        QuantizationError: it is none, or out of range.
    """
    mantissa, exponent = np.frexp(q.s)
    bits = 1 - int(exponent)
    most_integer = 15 if site.rounding is Rounding.FAST else 6
    if mantissa != 0.5 or not 15 - most_integer <= bits <= 15:
        raise QuantizationError(
            f"the scale of its cells is {q.s:.6g}, not a power of two from 2^-15 to 2^{most_integer - 15}",
            hint="quantize the model again",
            where=site.name,
        )
    return bits


def clip_steps(clip: float, step: float = 2.0**-FRACTION_BITS) -> int:
    """The greatest absolute value of an int16 pre-activation whose real value is clipped to ± `clip`; 0: it is not."""
    return min(int(np.rint(clip / step)), 32767) if clip else 32767


def stepped_bias(site: Site, index: int, x: QParams, weights: int) -> Ints | None:
    """A real bias (N,) or none, in steps of the scale of x times that of the constant weights at operand `weights`."""
    bias = site.const_or_none(index)
    if bias is None:
        return None
    unit = np.asarray(site.input(weights).qp.scale, np.float64) * x.s
    return np.clip(np.rint(bias.astype(np.float64) / unit), -(2.0**31) + 1, 2.0**31 - 1).astype(np.int64)


def initial_state(site: Site, index: int, like: int) -> Param:
    """A constant state for every sample, as output `like` has one; 0: it is computed."""
    data = site.const_or_none(index)
    return 0 if data is None else np.ascontiguousarray(np.broadcast_to(data, site.outputs[like].shape))


@dataclass(frozen=True)
class Integers:
    """What the integer arithmetic of a site needs, from its scales; weights are operands 1 and 2, the bias is 3."""

    site: Site

    @property
    def step(self) -> float:
        """Real value of a step of a pre-activation."""
        return 2.0**-FRACTION_BITS

    @cached_property
    def bias(self) -> npt.NDArray[np.int32]:
        return folded(self.site, centred(self.site, 1), self.site.input(0).qp.zp, self.site.const_or_none(3))

    @cached_property
    def recurrent_bias(self) -> npt.NDArray[np.int32]:
        return folded(self.site, centred(self.site, 2), self.site.outputs[1].qp.zp, None)

    @cached_property
    def factors(self) -> Multiplier:
        rows = self.site.input(1)
        return factors(self.site, self.site.input(0).qp, rows.qp, rows.shape[0], self.step)

    @cached_property
    def recurrent_factors(self) -> Multiplier:
        rows = self.site.input(2)
        return factors(self.site, self.site.outputs[1].qp, rows.qp, rows.shape[0], self.step)

    @property
    def products(self) -> list[tuple[Ints, npt.NDArray[np.int32]]]:
        """Centred weights of every matrix, with the bias that is folded into its products."""
        return [(centred(self.site, 1), self.bias), (centred(self.site, 2), self.recurrent_bias)]


class RecurrentOp(Op):
    """Base of layers over a sequence (batch, steps, inputs) whose operand 3 is the bias of the inputs' products."""

    matrices: ClassVar[tuple[int, ...]] = (1, 2)
    """Operands that are weights."""
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)

    def integers(self, site: Site) -> Integers:
        """What the integer arithmetic of a site needs."""
        raise NotImplementedError

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        return {3: product(x, w, inputs[3] if len(inputs) > 3 else None)}

    def accumulator_bound(self, site: Site) -> int | None:
        if site.is_float:
            return None
        return max(int(reach(weights, bias).max()) for weights, bias in self.integers(site).products)

    def macs(self, site: Site) -> int:
        batch, steps, _ = site.input(0).shape
        return batch * steps * sum(weights.size for weights in weights_of(site))


def weights_of(site: Site) -> list[TensorType]:
    """Types of the weights that are there."""
    assert isinstance(site.op, RecurrentOp)
    return [t for k in site.op.matrices if k < len(site.inputs) and (t := site.inputs[k]) is not None]


def symmetric(site: Site) -> bool:
    """Its weights have no zero-points."""
    return not any(any(weights.qp.zero_point) for weights in weights_of(site))
