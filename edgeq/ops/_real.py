"""The rows of real numbers that operators share: float32, each operation rounded by itself (numerics/float32.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from edgeq.ir.kernel import Kernel, Param, always, in_place
from edgeq.ir.op import Arrays, Op, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.numerics import float32
from edgeq.numerics.float32 import Floats
from edgeq.ops._broadcast import both_computed, broadcast_params, one_constant, operands
from edgeq.ops._overlap import Overlaps, elementwise
from edgeq.ops._requant import Clamp

REAL = frozenset({DType.FLOAT32})
REALS = (DType.FLOAT32, DType.FLOAT32)
"""Element types of a sample with real numbers."""
Lower = Callable[[Site], Mapping[str, Param]]


def bounds(clamp: Clamp) -> Clamp:
    """Bounds of an activation in float32, finite as TensorFlow Lite has them."""
    low, high = (float(np.clip(bound, -float32.GREATEST, float32.GREATEST)) for bound in clamp)
    return low, high


LANES = 4
"""Output channels whose sums the kernels of products compute side by side (EQ_LANES)."""


def in_fours(weights: Array) -> Array:
    """Weights (groups, channels, K) as (groups, fours of channels, K, 4), zeros where there are no four."""
    groups, channels, depth = weights.shape
    wide = np.zeros((groups, -(-channels // LANES) * LANES, depth), np.float32)
    wide[:, :channels] = weights
    return np.ascontiguousarray(wide.reshape(groups, -1, LANES, depth).swapaxes(2, 3))


def finish_params(site: Site) -> Mapping[str, Param]:
    """The members `bias, low, high` of kernels of products: what is done to the sums."""
    clamp, bias = site.op.fused_clamp, site.const_or_none(2)
    low, high = bounds((-np.inf, np.inf) if clamp is None else clamp)
    return {"bias": 0 if bias is None else np.ravel(bias), "low": low, "high": high}


def finished(sums: Floats, bias: Array | None, clamp: Clamp) -> Array:
    """Sums (…, channels), plus a bias if there is one, within the bounds of a fused activation."""
    with np.errstate(all="ignore"):
        return float32.within(sums + (np.float32(0.0) if bias is None else bias), *clamp)


def third(inputs: Arrays) -> Array | None:
    """The bias among the operands of a product."""
    return inputs[2] if len(inputs) > 2 else None


def lower_pair(site: Site) -> Mapping[str, Param]:
    """Parameters of the kernels with two operands."""
    clamp = site.op.fused_clamp
    low, high = bounds((-np.inf, np.inf) if clamp is None else clamp)
    return {**broadcast_params(site), "swapped": int(operands(site).a == 1), "low": low, "high": high}


def pair_rows(name: str, suffix: str = "_float32") -> tuple[Kernel, Kernel]:
    """The two rows of an operator with two real operands: both computed, or one in the parameters.

    Args:
        name: prefix of the C functions, behind `eq_`.
        suffix: their end; "" where the integer ones are of three roundings, whose names begin alike.
    """

    def row(function: str, fits: Callable[[Site], bool]) -> Kernel:
        return Kernel(
            function,
            ("ref/pair_float32.c",),
            "eq/pair_float32.h",
            "eq_pair_float32_params",
            lower_pair,
            elements=REAL,
            fits=fits,
            overlap=elementwise,
        )

    return row(f"eq_{name}_ref{suffix}", both_computed), row(f"eq_{name}_const_ref{suffix}", one_constant)


def pair_samples(op: Op) -> tuple[Sample, ...]:
    """Test cases with two real operands."""
    image = (1, 5, 3, 7)
    return (
        Sample("real", op, (image, image), elements=REALS),
        Sample("real_channels", op, (image, (7,)), const=(1,), elements=REALS),
        Sample("real_first", op, ((1, 1, 3, 1), image), const=(0,), elements=REALS),
        Sample("real_both_ways", op, ((2, 1, 4, 1), (1, 5, 1, 3)), elements=REALS),
    )


def of_pairs(choose: Callable[[Floats, Floats], Array], inputs: Arrays, clamp: Clamp) -> tuple[Array, ...]:
    """What an operator makes of two real operands."""
    a, b = inputs[:2]
    assert a is not None and b is not None
    with np.errstate(all="ignore"):
        return (float32.within(choose(a, b), *clamp),)


def of_single(function: Callable[[Floats], Array], inputs: Arrays) -> tuple[Array, ...]:
    """What an operator makes of single real elements."""
    x = inputs[0]
    assert x is not None
    with np.errstate(all="ignore"):
        return (float32.number(function(x)),)


class Numbers(Protocol):
    """The numbers `a` and `b` of an operator on single elements."""

    def __call__(self, op: Op) -> tuple[float, float]: ...


def no_numbers(op: Op) -> tuple[float, float]:
    """It has none."""
    return 0.0, 0.0


def function_row(name: str, numbers: Numbers = no_numbers) -> Kernel:
    """The row of an operator on single real elements."""

    def lower(site: Site) -> Mapping[str, Param]:
        a, b = numbers(site.op)
        return {"size": site.outputs[0].size, "a": float(a), "b": float(b)}

    return Kernel(
        f"eq_{name}_ref_float32",
        ("ref/function_float32.c",),
        "eq/function_float32.h",
        "eq_function_float32_params",
        lower,
        elements=REAL,
        overlap=in_place,
    )


def function_sample(op: Op, low: float = -4.0, high: float = 4.0) -> Sample:
    """A test case with real elements."""
    return Sample("real", op, ((1, 3, 5, 7),), low=low, high=high, elements=REALS)


def reduction_row(name: str, lower: Lower, overlap: Callable[[Site], Overlaps]) -> Kernel:
    """The row of a reduction of real elements."""
    return Kernel(
        f"eq_{name}_float32_ref",
        ("ref/reduce_float32.c",),
        "eq/reduce_float32.h",
        "eq_reduce_float32_params",
        lower,
        elements=REAL,
        overlap=overlap,
    )


def rows_row(name: str, lower: Lower, fits: Callable[[Site], bool] = always) -> Kernel:
    """The row of an operator on rows of real elements."""
    return Kernel(
        f"eq_{name}_ref_float32",
        ("ref/rows_float32.c",),
        "eq/rows_float32.h",
        "eq_rows_float32_params",
        lower,
        elements=REAL,
        fits=fits,
        overlap=in_place,
    )
