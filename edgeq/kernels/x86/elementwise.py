"""Rows of sums of two operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from edgeq.ir.condition import Predicate, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.contiguous import rows_are_contiguous
from edgeq.kernels.x86.isa import AVX2, goals_of
from edgeq.kernels.x86.nearest_sum import nearest_sum
from edgeq.ops._addsub import has_small_factors, lower_double, lower_fast, range_of
from edgeq.ops._broadcast import both_computed, broadcast_params, one_constant
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._overlap import elementwise


def sum_rows() -> tuple[Kernel, ...]:
    """The rows of Add and Sub."""
    kinds = (
        ("nearest", _is_proved, _lower_nearest),
        ("fast", is_fast, lower_fast),
        ("double", all_of(is_double, has_small_factors), lower_double),
    )
    return tuple(_row(name, *kind) for kind in kinds for name in ("eq_add_avx2", "eq_add_const_avx2"))


def _is_proved(site: Site) -> bool:
    """Float32 multiplications are proved to give every sum."""
    return nearest_sum(site) is not None


def _lower_nearest(site: Site) -> Mapping[str, Param]:
    found = nearest_sum(site)
    qmin, qmax = range_of(site)
    return {**broadcast_params(site), **(asdict(found) if found else {}), "qmin": qmin, "qmax": qmax}


def _row(name: str, kind: str, takes: Predicate, lower: Callable[[Site], Mapping[str, Param]]) -> Kernel:
    return Kernel(
        f"{name}_{kind}",
        ("x86/add_avx2.c",),
        "eq/add_x86.h",
        f"eq_add_{kind}_params",
        lower,
        AVX2,
        all_of(one_constant if "const" in name else both_computed, rows_are_contiguous, takes),
        overlap=elementwise,
        goals=goals_of("nearest" if kind == "nearest" else None),
    )
