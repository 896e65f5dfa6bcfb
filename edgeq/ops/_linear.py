"""What products with weights share: convolutions and fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Clamp, Trait
from edgeq.numerics.fixedpoint import Multiplier, Numerics, Requantization, Rounding
from edgeq.numerics.runs import room, rows_together
from edgeq.ops._requant import folded_bias, requantization, weight_zero_points

BLOCK = 1 << 16
"""Factors, or sums, of a product that stay in the nearer caches until they are requantized."""
LEAST_ROWS = 256
"""Rows that a product has at least, where there are so many: for each, BLAS lays out all of the weights anew."""
KEPT = 1 << 23
"""Bytes up to which the weights of a site are kept in the form in which BLAS reads them fastest."""


@dataclass(frozen=True, eq=False)
class Sums:
    """How a site's integer sums are computed and requantized.

    Attributes:
        weights: without their zero-point, in their own shape and as few bits as they need.
        kind: the element type in which no sum of their products with activations is rounded, in any order.
        finish: from sums without the bias to outputs.
    """

    weights: Array
    kind: type[np.float32] | type[np.float64]
    finish: Requantization

    @staticmethod
    def of(site: Site, axis: int, multiplier: Multiplier, clamp: Clamp) -> Sums:
        """Of a site whose weights, operand 1, have their output channels along `axis`.

        Raises:
            QuantizationError: an accumulator could leave 32 bits.
        """
        channels = site.const(1).shape[axis]
        centred = factors_of(site, axis)
        rows = np.moveaxis(centred, axis, 0).reshape(channels, -1)
        bias = folded_bias(site, rows, channels)
        most = max(map(abs, site.input(0).dtype.range)) * int(np.abs(rows).sum(axis=1).max(initial=0))
        return Sums(
            fewest_bits(centred),
            np.float32 if most < 2**24 else np.float64,
            requantization(site, multiplier, clamp, bias),
        )

    def of_rows(self, rows: Array, weights: Array) -> Array:
        """Outputs (groups, M, N) for activations (groups, M, K) times weights (groups, N, K), N channels after N."""
        groups, count, depth = rows.shape
        channels = weights.shape[1]
        factors = self._factors(weights)
        result = np.empty((groups, count, channels), self.finish.kind)
        together = rows_together(channels)
        at_once = min(count, max(LEAST_ROWS, BLOCK // max(1, depth, channels)) // together * together or LEAST_ROWS)
        inputs, sums = (room(use, (at_once, n), self.kind) for use, n in (("inputs", depth), ("sums", channels)))
        for g, finish in enumerate(self.finish.split(groups)):
            for start in range(0, count, at_once):
                some = slice(0, min(at_once, count - start))
                inputs[some] = rows[g, start : start + at_once]
                np.matmul(inputs[some], factors[g], out=sums[some])
                finish(sums[some], result[g, start : start + at_once])
        return result

    def _factors(self, weights: Array) -> Array:
        """Weights (groups, N, K) of the site in the element type of sums: (groups, K, N), row by row if kept."""
        if self._kept:
            return self._kept[0]
        if weights.size * np.dtype(self.kind).itemsize > KEPT:
            factors = room("factors", weights.shape, self.kind)
            factors[...] = weights
            return factors.swapaxes(1, 2)
        self._kept.append(np.ascontiguousarray(weights.swapaxes(1, 2), self.kind))
        return self._kept[0]

    @cached_property
    def _kept(self) -> list[Array]:
        return []


def factors_of(site: Site, axis: int) -> Array:
    """What integer inputs are multiplied with, int64: weights, operand 1 with channels along `axis`, less their
    zero-point, which may be their group's, times the factor of their group."""
    w, groups = site.const(1).astype(np.int64), site.input(1).qp.groups
    if groups is not None:
        return groups.multiples(w)
    zeros = weight_zero_points(site, w.shape[axis])
    return np.asarray(w - np.expand_dims(zeros, [k for k in range(w.ndim) if k != axis % w.ndim]))


def fewest_bits(integers: Array) -> Array:
    """The same integers in the narrowest of NumPy's types that holds all."""
    most = int(np.abs(integers).max(initial=0))
    return integers.astype(np.int8 if most < 128 else np.int16 if most < 2**15 else np.int32)


class LinearOp(Op):
    """Base of operators whose accumulators are sums of products with weights, which are operand 1."""

    declines: ClassVar[frozenset[Trait]] = frozenset(
        {"pattern", "monotone", "signs", "homogeneous", "is_copy", "commute", "tied_channels", "affine", "parts"}
    )

    def rounding16(self, numerics: Numerics) -> Rounding:
        return Rounding.WIDE if numerics is Numerics.FAST else Rounding.REDUCED

    def accumulator_bound(self, site: Site) -> int | None:
        """Of |bias with the zero-point folded in| + |q| · Σ |w|, the greatest of all output channels; |q| is 128 at
        most, or 32768."""
        product = self.quant_rule([None if t is None else t.shape for t in site.inputs]).products[0]
        weights = site.const_or_none(product.weight)
        if weights is None or site.is_float or product.axis is None:
            return None
        rows = np.moveaxis(factors_of(site, product.axis), product.axis, 0).reshape(weights.shape[product.axis], -1)
        bias = np.abs(folded_bias(site, rows, len(rows)).astype(np.int64))
        most = -site.input(product.input).dtype.range[0]
        return int((bias + most * np.abs(rows).sum(axis=1)).max())

    def signs_apart(self, site: Site) -> Site:
        linear, x, q = self.linear, site.input(0), site.input(1).qp
        if linear is None or linear.in_axis is None:
            raise NotImplementedError
        w = site.const(1) if q.groups is None else fewest_bits(factors_of(site, 0))
        zero = linear.along(np.asarray(site.input(1).qp.zero_point, np.int8), w.ndim)
        both = np.concatenate([np.maximum(w, zero), np.minimum(w, zero)], axis=linear.in_axis)
        return replace(
            site,
            inputs=(
                x.reshaped((*x.shape[:-1], 2 * x.shape[-1])),
                replace(site.input(1), shape=both.shape, q=replace(q, groups=None)),
                *site.inputs[2:],
            ),
            consts=(None, both, *site.consts[2:]),
        )
