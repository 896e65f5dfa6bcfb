"""What rows ask of a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from edgeq.errors import InternalError
from edgeq.ir.kernel import Param
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ops._requant import Clamp, output_range
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

AnyOp = TypeVar("AnyOp", bound=Op)


def op_of(site: Site, kind: type[AnyOp]) -> AnyOp:
    """The operator of a site, as the class that a row is for.

    Raises:
        InternalError: it is of another class.
    """
    if not isinstance(site.op, kind):
        raise InternalError(
            f"a kernel of {kind.__name__} was asked about {site.op.kind}",
            hint="please report this: a row stands under the wrong operator",
            where=site.name,
        )
    return site.op


def padded(size: int, step: int) -> int:
    """`size`, rounded up to a multiple of `step`."""
    return -(-size // step) * step


def is_symmetric(site: Site) -> bool:
    """The weights are symmetric: they have no zero-point."""
    return site.input(1).qp.is_symmetric


def flat_weights(site: Site) -> Array:
    """The weights as one row per output channel; the channels are the last axis of a depthwise convolution's."""
    w, channels = site.const(1), site.outputs[0].shape[-1]
    rows = w.reshape(-1, channels).T if isinstance(site.op, DepthwiseConv2D) else w.reshape(channels, -1)
    return np.ascontiguousarray(rows)


def output_params(site: Site, clamp: Clamp) -> Mapping[str, Param]:
    """The members `zero_point, qmin, qmax`."""
    q = site.outputs[0].qp
    low, high = output_range(q, clamp)
    return {"zero_point": q.zp, "qmin": low, "qmax": high}
