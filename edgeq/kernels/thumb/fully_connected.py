"""Rows of fully connected layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import flat_weights
from edgeq.kernels.thumb.isa import DSP
from edgeq.kernels.thumb.pack import pack_fours, pack_int4_fours
from edgeq.kernels.thumb.sums import fits_sums
from edgeq.ops._overlap import Overlaps, in_rows
from edgeq.ops.fully_connected import lower_ref

Lower = Callable[[Site], Mapping[str, Param]]


def fours_overlap(site: Site) -> Overlaps:
    """Every four channels read the whole row."""
    return in_rows(site, (site.outputs[0].shape[-1] - 1) // 4 * 4)


def ones_overlap(site: Site) -> Overlaps:
    """Every four channels read the whole row, then the remaining ones do, one by one."""
    channels = site.outputs[0].shape[-1]
    return in_rows(site, channels - 1 if channels % 4 else channels - 4)


def lower_fours(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_thumb2`."""
    return {**lower_ref(site), "weights": pack_fours(flat_weights(site))}


def lower_int4(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_int4_thumb` and `eq_fully_connected_int4_thumb2`."""
    members = {key: value for key, value in lower_ref(site).items() if key != "weight_zero_point"}
    return {**members, "weights": pack_int4_fours(flat_weights(site))}


def _int4_row(isa: str, *sources: str) -> Kernel:
    return Kernel(
        f"eq_fully_connected_int4_{isa}",
        (f"{isa}/fully_connected_int4.c", f"{isa}/rows_int4.c", *sources),
        "eq/fully_connected_int4_thumb.h",
        "eq_fully_connected_int4_thumb_params",
        lower_int4,
        isa=frozenset({isa}),
        fits=fits_sums,
        overlap=fours_overlap,
        rounded=True,
        weights=frozenset({DType.INT4}),
        lacks=DSP,
    )


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows; the Armv6-M kernel takes the parameters of the portable one."""

    def row(isa: str, lower: Lower, overlap: Callable[[Site], Overlaps], *sources: str) -> Kernel:
        return Kernel(
            f"eq_fully_connected_{isa}",
            (f"{isa}/fully_connected.c", *sources),
            "eq/fully_connected_thumb.h",
            "eq_fully_connected_params",
            lower,
            isa=frozenset({isa}),
            fits=fits_sums,
            overlap=overlap,
            rounded=True,
        )

    return (
        row("thumb2", lower_fours, fours_overlap),
        row("thumb", lower_ref, ones_overlap, "thumb/rows.c", "thumb/store.c"),
        _int4_row("thumb2"),
        _int4_row("thumb", "thumb/store.c"),
    )
