"""Rows of additions, pools and means, which take the parameters of the portable kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param, always, in_place
from edgeq.ir.site import Site
from edgeq.kernels.thumb.isa import THUMB
from edgeq.ops import average_pool2d, max_pool2d
from edgeq.ops._addsub import lower_fast
from edgeq.ops._broadcast import both_computed
from edgeq.ops._fits import is_fast
from edgeq.ops._overlap import Overlaps
from edgeq.ops._reduce import axes_of, overlap, runs, sum_params


def _row(
    name: str,
    struct: str,
    lower: Callable[[Site], Mapping[str, Param]],
    overlap: Callable[[Site], Overlaps],
    *,
    suffix: str = "",
    fits: Callable[[Site], bool] = always,
    rounded: bool = False,
) -> Kernel:
    """The row `eq_<name>_thumb<suffix>`, in a file of that name; struct, lower, overlap, fits, rounded: see Kernel."""
    return Kernel(
        f"eq_{name}_thumb{suffix}",
        (f"thumb/{name}.c",),
        "eq/elementwise_thumb.h",
        struct,
        lower,
        isa=THUMB,
        fits=fits,
        overlap=overlap,
        rounded=rounded,
    )


def _has_one_shape(site: Site) -> bool:
    """Both operands have the same shape."""
    return site.input(0).shape == site.input(1).shape


def sum_row() -> Kernel:
    """The row of Add and Sub."""
    return _row(
        "add",
        "eq_add_fast_params",
        lower_fast,
        in_place,
        suffix="_fast",
        fits=all_of(is_fast, both_computed, _has_one_shape),
    )


def average_pool2d_row() -> Kernel:
    """The row of AveragePool2D."""
    return _row(
        "average_pool2d",
        "eq_average_pool2d_params",
        average_pool2d.lower_ref,
        average_pool2d.overlap,
        fits=average_pool2d.halves_away,
    )


def max_pool2d_row() -> Kernel:
    """The row of MaxPool2D."""
    return _row("max_pool2d", "eq_max_pool2d_params", max_pool2d.lower_ref, max_pool2d.overlap)


def _is_nested(site: Site) -> bool:
    """At most one group of dimensions is kept, and one is reduced."""
    return max(len(group) for group in runs(site.input(0).shape, axes_of(site))) <= 1


def mean_row() -> Kernel:
    """The row of Mean."""
    return _row("mean", "eq_reduce_params", sum_params, overlap, fits=_is_nested, rounded=True)
