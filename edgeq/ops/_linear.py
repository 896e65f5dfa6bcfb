"""What products with weights share: convolutions and fully connected layers."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Op, Site
from edgeq.ir.traits import Trait
from edgeq.ops._requant import folded_bias


class LinearOp(Op):
    """Base of operators whose accumulators are sums of products with weights, which are operand 1."""

    declines: ClassVar[frozenset[Trait]] = frozenset(
        {"pattern", "monotone", "signs", "homogeneous", "is_copy", "commute", "tied_channels", "affine", "parts"}
    )

    def accumulator_bound(self, site: Site) -> int | None:
        """Of |bias with the zero-point folded in| + 128 · Σ |w|, the greatest of all output channels."""
        product = self.quant_rule([None if t is None else t.shape for t in site.inputs]).products[0]
        weights = site.const_or_none(product.weight)
        if weights is None or site.is_float or product.axis is None:
            return None
        q = site.input(product.weight).qp
        zero = np.reshape(q.zero_point, [-1 if k == product.axis else 1 for k in range(weights.ndim)])
        rows = np.moveaxis(weights.astype(np.int64) - zero, product.axis, 0).reshape(weights.shape[product.axis], -1)
        bias = np.abs(folded_bias(site, rows, len(rows)).astype(np.int64))
        return int((bias + 128 * np.abs(rows).sum(axis=1)).max())

    def signs_apart(self, site: Site) -> Site:
        linear, w, x = self.linear, site.const(1), site.input(0)
        if linear is None or linear.in_axis is None:
            raise NotImplementedError
        zero = linear.along(np.asarray(site.input(1).qp.zero_point, np.int8), w.ndim)
        both = np.concatenate([np.maximum(w, zero), np.minimum(w, zero)], axis=linear.in_axis)
        return replace(
            site,
            inputs=(
                x.reshaped((*x.shape[:-1], 2 * x.shape[-1])),
                site.input(1).reshaped(both.shape),
                *site.inputs[2:],
            ),
            consts=(None, both, *site.consts[2:]),
        )
