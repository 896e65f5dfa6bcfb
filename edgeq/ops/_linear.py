"""What products with weights share: convolutions and fully connected layers."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Op, Site
from edgeq.ir.traits import Trait


class LinearOp(Op):
    """Base of operators whose accumulators are sums of products with weights, which are operand 1."""

    declines: ClassVar[frozenset[Trait]] = frozenset(
        {"pattern", "monotone", "signs", "homogeneous", "is_copy", "commute", "tied_channels", "affine", "parts"}
    )

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
